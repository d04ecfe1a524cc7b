"""The whole way on a cluster whose workers are Spark as it comes, with the lake and the delivered files in a bucket."""

from __future__ import annotations

import os
from pathlib import Path

import boto3
import pytest

from lake.contracts import layer
from lake.generator import generate
from lake.sql import open_sql
from tests.cluster import answer, cluster, spark_as_it_comes
from tests.lakes import submit

LAKE, LANDING = "s3a://lake/cluster", "s3a://lake/delivered"
# For a tiny marketplace; a cluster's own number of partitions is for large ones.
FEW = "-Dspark.sql.shuffle.partitions=2 -Dspark.cores.max=2"
# Trained in other places on other blocks of rows: the last digits may differ.
TRAINED = {"gold.recommendations", "gold.model_runs"}


@pytest.fixture(scope="module")
def landing(servers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A marketplace in a folder, and in the bucket. Its names have what addresses and patterns make something else of."""
    landing = tmp_path_factory.mktemp("cluster") / "landing"
    generate(landing, scale=0.01, seed=5, days=1)
    (landing / "initial").rename(landing / "initial (1), 100%25 & [a-z] {é} +*?")
    s3 = boto3.client("s3", endpoint_url=os.environ["MINIO_ENDPOINT"], region_name="us-east-1")
    for file in landing.rglob("*.csv"):
        s3.upload_file(str(file), "lake", f"{LANDING.removeprefix('s3a://lake/')}/{file.relative_to(landing)}")
    return landing


@pytest.fixture(scope="module")
def local(landing: Path) -> Path:
    """The lake that this machine makes of it."""
    lake = landing.parent / "lake"
    done = submit("pipeline", "--lake", lake, "--landing", landing)
    assert done.returncode == 0, done.stdout
    return lake


def test_workers_that_know_nothing_of_us_make_the_same_gold(local: Path, tmp_path: Path) -> None:
    with cluster(tmp_path / "work", spark_as_it_comes(tmp_path)) as (master, web):
        given = {"LAKE": "cluster", "SPARK_MASTER": master, "SPARK_SUBMIT_OPTS": FEW}
        done = submit("pipeline", "--run-id", "far", "--lake", LAKE, "--landing", LANDING, **given)
        assert done.returncode == 0, done.stdout
        assert [app["name"] for app in answer(web)["completedapps"]] == ["lakehouse pipeline far"]
    here, there = open_sql(str(local)), open_sql(LAKE)
    for gold in (c.name for c in layer("gold")):
        what = "count(*)" if gold in TRAINED else "*"
        made = [db.execute(f"select {what} from {gold} order by all").fetchall() for db in (here, there)]
        assert made[0] == made[1] and made[0] not in ([], [(0,)]), gold


def test_what_a_worker_lacks_is_said(local: Path, tmp_path: Path) -> None:
    with cluster(tmp_path / "work", spark_as_it_comes(tmp_path, lacking=("numpy",))) as (master, _):
        done = submit("recommend", "--retrain", "--lake", local, master=master, SPARK_SUBMIT_OPTS=FEW)
    assert done.returncode == 6, done.stdout
    assert "error: the workers can't rank products: No module named 'numpy'\n  -> docs/cluster.md" in done.stdout


def test_a_master_that_does_not_answer_is_said_at_once(tmp_path: Path) -> None:
    done = submit("ingest", "--lake", tmp_path / "lake", "--landing", tmp_path, LAKE="cluster", SPARK_MASTER="spark://127.0.0.1:1")
    assert done.returncode == 6 and "error: no master of Spark answers at 127.0.0.1:1" in done.stdout, done.stdout
