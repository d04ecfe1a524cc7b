"""Trino on the lake in the bucket: what it reads is what Spark wrote, its reader only reads, and its list of tables follows the lake."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import requests
from trino.exceptions import TrinoUserError

from lake import catalog
from lake.contracts import LAYERS, contract, contracts
from lake.errors import BadEnvironment
from lake.publish.fingerprint import Fingerprint, summed
from lake.sql import existing
from tests.lakes import python, submit
from tests.unit import tiny_lake

LAKE = "s3a://lake/tables"


@pytest.fixture(scope="module")
def lived_in(published, tmp_path_factory) -> Iterator[Path]:
    """The lake after maintenance, and beside it a worn table; gives the fingerprints by Spark."""
    done = submit("maintain", "--profile", "minio")
    assert done.returncode == 0, done.stdout
    out = tmp_path_factory.mktemp("fingerprints") / "fingerprints.json"
    done = submit("../tests/e2e/fingerprints", out)
    assert done.returncode == 0, done.stdout
    with catalog.connected(publisher=True) as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS lake.worn").fetchall()
        cursor.execute("CALL lake.system.register_table('worn', 'table', 's3://lake/worn/table')").fetchall()
    yield out
    with catalog.connected(publisher=True) as cursor:
        cursor.execute("CALL lake.system.unregister_table('worn', 'table')").fetchall()
        cursor.execute("DROP SCHEMA lake.worn").fetchall()


def ask(sql: str, publisher: bool = False) -> list:
    with catalog.connected(publisher=publisher) as cursor:
        return cursor.execute(sql).fetchall()


def canonical(name: str, type_: str) -> str:
    """A value as the text that lake.publish.fingerprint makes of it in Spark."""
    text = {
        "timestamp": f'cast(cast(round(to_unixtime("{name}") * 1e6) as bigint) as varchar)',
        "double": f'cast(cast(floor("{name}" * 1e6 + 0.5) as bigint) as varchar)',
    }.get(type_, f'cast("{name}" as varchar)')
    return f"coalesce({text}, chr(0))"


def fingerprint(table: str, types: dict[str, str]) -> dict:
    schema, _, name = table.partition(".")
    sums = summed(types)
    # Trino's concat_ws wants two values at least.
    text = f"concat_ws(chr(31), {', '.join(canonical(*column) for column in types.items())}, '')"
    text = f"substr({text}, 1, length({text}) - 1)"
    what = ", ".join(["count(*)", f"sum(crc32(to_utf8({text})))", *(f'sum("{column}")' for column in sums)])
    ((rows, checksum, *added),) = ask(f'SELECT {what} FROM lake."{schema}"."{name}"')
    return Fingerprint.of(rows, checksum, dict(zip(sums, added, strict=True))).to_json()


def test_every_table_reads_the_same_as_in_spark(lived_in):
    by_spark = json.loads(lived_in.read_text())
    assert len(by_spark) == len([c for c in contracts().values() if c.layer in ("silver", "gold")]) + 1
    types = {name: found.pop("types") for name, found in by_spark.items()}
    by_trino = {name: fingerprint(name, types[name]) for name in by_spark}
    assert by_trino == by_spark
    assert by_spark["worn.table"]["rows"] == 2000 - 200 + 10 + 1 + 10 - 1


def test_the_list_of_tables_is_the_lakes(lived_in):
    there = set(existing(LAKE, contracts()))
    layers = ", ".join(f"'{layer}'" for layer in LAYERS)
    listed = ask(f"SELECT table_schema || '.' || table_name FROM lake.information_schema.tables WHERE table_schema IN ({layers})")
    assert {name for (name,) in listed} == there


def test_tables_and_columns_say_what_they_are(lived_in):
    for name in ("gold.fact_orders", "silver.orders", "gold.sales_by_state"):
        meant = contract(name)
        schema, table = name.split(".")
        shown = ask(f"SHOW COLUMNS FROM lake.{name}")
        assert {column: about for column, _, _, about in shown} == {f.name: f.metadata["comment"] for f in meant.schema.fields}
        ((comment,),) = ask(
            "SELECT comment FROM system.metadata.table_comments "
            f"WHERE catalog_name = 'lake' AND schema_name = '{schema}' AND table_name = '{table}'"
        )
        assert comment == meant.about


def test_a_table_that_is_gone_goes_and_what_is_listed_is_of_this_lake(lived_in):
    """Another lake is a copy of a small table, put where a contract's table would be, and gone before this lake is listed again."""
    s3 = boto3.client("s3", endpoint_url=os.environ["MINIO_ENDPOINT"], region_name="us-east-1")
    copied = s3.list_objects_v2(Bucket="lake", Prefix="tables/gold/model_runs/")["Contents"]
    for entry in copied:
        target = entry["Key"].replace("tables/", "other/")
        s3.copy_object(Bucket="lake", CopySource={"Bucket": "lake", "Key": entry["Key"]}, Key=target)
    before = ask("SELECT count(*) FROM lake.gold.model_runs")
    gone = catalog.register("s3a://lake/other")
    assert gone.new == ["gold.model_runs"] and {"gold.model_runs", "gold.fact_orders"} <= set(gone.gone) and not gone.kept
    ((path,),) = ask('SELECT min("$path") FROM lake.gold.model_runs')
    assert "//lake/other/gold/model_runs/" in path
    with pytest.raises(TrinoUserError, match="does not exist"):
        ask("SELECT 1 FROM lake.gold.fact_orders")
    for entry in copied:
        s3.delete_object(Bucket="lake", Key=entry["Key"].replace("tables/", "other/"))
    done = python("lake.catalog", "--profile", "minio")
    assert done.returncode == 0 and f"{len(gone.gone)} new, 1 gone, 0 kept" in done.stdout, done.stdout
    assert ask("SELECT count(*) FROM lake.gold.model_runs") == before


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO lake.gold.model_runs SELECT * FROM lake.gold.model_runs",
        "DELETE FROM lake.gold.model_runs",
        "UPDATE lake.gold.model_runs SET model_run = 'x'",
        "MERGE INTO lake.gold.model_runs t USING lake.gold.model_runs s ON t.model_run = s.model_run WHEN MATCHED THEN DELETE",
        "TRUNCATE TABLE lake.gold.model_runs",
        "DROP TABLE lake.gold.model_runs",
        "ALTER TABLE lake.gold.model_runs ADD COLUMN x int",
        "COMMENT ON TABLE lake.gold.model_runs IS 'x'",
        "CREATE TABLE lake.gold.mine (a int)",
        "CREATE TABLE lake.gold.mine AS SELECT 1 AS a",
        "CREATE TABLE local.gold.mine (a int)",
        "CREATE VIEW lake.gold.mine AS SELECT 1 AS a",
        "CREATE SCHEMA lake.mine",
        "DROP SCHEMA lake.gold CASCADE",
        "ANALYZE lake.gold.model_runs",
        "CALL lake.system.unregister_table('gold', 'model_runs')",
        "CALL lake.system.register_table('gold', 'mine', 's3://lake/tables/gold/model_runs')",
        "CALL lake.system.vacuum('gold', 'model_runs', '7d')",
        "CALL system.runtime.kill_query('x', 'y')",
    ],
)
def test_the_reader_only_reads(lived_in, statement):
    with pytest.raises(TrinoUserError, match="Access Denied"):
        ask(statement)


def test_the_publisher_changes_no_data_either_since_trinos_key_of_the_bucket_only_reads(lived_in):
    rows = ask("SELECT count(*) FROM lake.gold.model_runs")
    for statement in ("INSERT INTO lake.gold.model_runs SELECT * FROM lake.gold.model_runs", "DELETE FROM lake.gold.model_runs"):
        with pytest.raises(TrinoUserError, match="Access Denied"):
            ask(statement, publisher=True)
    ask("DROP TABLE lake.gold.model_runs", publisher=True)
    assert catalog.register(LAKE).new == ["gold.model_runs"]
    assert ask("SELECT count(*) FROM lake.gold.model_runs") == rows


@pytest.mark.parametrize(("user", "password"), [("reader", "reader"), ("admin", ""), ("publisher", "publisher"), ("", "")])
def test_others_do_not_get_in(servers, user, password):
    address = f"https://127.0.0.1:{os.environ['TRINO_PORT']}/v1/statement"
    session = requests.Session()
    session.trust_env, session.verify = False, os.environ["TRINO_CERTIFICATE"]
    answer = session.post(address, data="SELECT 1", auth=(user, password) if user else None, headers={"X-Trino-User": "reader"})
    assert answer.status_code == 401
    with pytest.raises(requests.RequestException):
        session.post(address.replace("https", "http"), data="SELECT 1", headers={"X-Trino-User": "reader"})


def test_what_a_table_was_before_can_be_read(lived_in):
    versions = [version for (version,) in ask('SELECT version FROM lake.worn."table$history" ORDER BY version')]
    assert versions[0] == 0 and len(versions) > 5
    assert ask('SELECT count(*) FROM lake.worn."table" FOR VERSION AS OF 0') == [[2000]]
    assert ask('SELECT count(*) FROM lake.worn."table"') == [[json.loads(lived_in.read_text())["worn.table"]["rows"]]]


def test_a_lake_in_a_local_folder_is_read_and_only_read(servers):
    root = Path(os.environ["TRINO_LOCAL_LAKE"])
    tiny_lake.write(root, "gold.sales_by_state", {"customer_state": "SP", "orders": 3}, {"customer_state": "RJ", "orders": 1})
    assert catalog.register(str(root)).new == ["gold.sales_by_state"]
    assert ask("SELECT customer_state, orders FROM local.gold.sales_by_state ORDER BY 1") == [["RJ", 1], ["SP", 3]]
    for publisher in (False, True):
        with pytest.raises(TrinoUserError, match="Access Denied"):
            ask("DELETE FROM local.gold.sales_by_state", publisher)
    with pytest.raises(BadEnvironment, match="can't see the lake"):
        catalog.register(str(root / "elsewhere"))


def test_without_trino_a_run_is_whole_and_says_what_to_do(published):
    done = submit("maintain", "--profile", "minio", "--table", "gold.model_runs", TRINO_PORT="1")
    assert done.returncode == 0 and "make trino-register" in done.stdout, done.stdout
