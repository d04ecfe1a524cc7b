"""The bucket is not there, or goes away while a run writes into it: an error that says what to do, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.generator import generate
from lake.sql import open_sql
from tests.lakes import python, started, submit

LAKE = "s3a://lake/away"
STEPS = ("--profile", "minio", "--lake", LAKE, "--steps", "ingest", "conform")


@pytest.fixture(scope="module")
def landing(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("away") / "landing"
    generate(folder, scale=0.01, seed=7)
    return folder


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (("--lake", LAKE), {"MINIO_ENDPOINT": "http://127.0.0.1:1"}, "s3a://lake/away can't be reached: Could not connect"),
        (("--lake", LAKE), {"AWS_SECRET_ACCESS_KEY": "wrong"}, "s3a://lake/away can't be reached: An error occurred (403)"),
        (("--lake", LAKE, "--landing", "s3a://nobodys/files"), {}, "s3a://nobodys/files can't be reached: An error occurred (403)"),
    ],
    ids=["no server", "wrong key", "no bucket of files"],
)
def test_a_bucket_that_is_not_there_is_said_at_once(servers, arguments, environment, said):
    done = submit("ingest", "--profile", "minio", *arguments, **environment)
    assert done.returncode == 6 and said in done.stdout and "Traceback" not in done.stdout, done.stdout


def test_a_bucket_that_goes_away_ends_the_run_and_the_next_one_makes_it_good(servers, landing):
    away = False
    try:
        with started("pipeline", *STEPS, "--landing", landing) as job:
            told = []
            for line in job.stdout:
                told.append(line)
                if " ingest " in line and " done" in line and not away:
                    away = python("infra.local", "down", "minio").returncode == 0
        assert job.returncode == 6 and "Traceback" not in "".join(told), told
        assert told[-2].startswith("error: the bucket went away: Connect to") and "run again" in told[-1], told
    finally:
        up = python("infra.local", "up", "minio")
    assert up.returncode == 0, up.stdout
    done = submit("pipeline", *STEPS, "--landing", landing)
    assert done.returncode == 0 and "which died" in done.stdout, done.stdout
    assert "register" not in done.stdout, "Trino shows the profile's lake, not this one"
    sql = "select (select count(*) from bronze.orders), (select count(*) from silver.orders), count(*) from ops.runs where status = 'died'"
    orders = sum(1 for _ in (landing / "olist_orders_dataset.csv").open()) - 1
    assert open_sql(LAKE).execute(sql).fetchone() == (orders, orders, 1)
