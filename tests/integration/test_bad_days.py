"""Killed processes, wrong folders, two runs at once: one clear message, a documented exit code, nothing lost or doubled."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from lake import VERSION, commits, contracts, delta, tables
from lake.contracts import contract
from lake.errors import BadConfiguration, BadEnvironment, LakeBusy, LakeError, LakeTooNew
from lake.gold import BUILDERS
from lake.ledger import Run
from lake.lock import exclusive, publishing
from lake.publish import STORES
from lake.session import Lake
from tests.lakes import open_sql, started, submit
from tests.marketplace import marketplace, order


def content(root: Path) -> dict[str, Counter]:
    """Rows of silver and gold (the model apart, which is trained anew), and of the quarantine."""
    db = open_sql(root)
    names = [name for name, c in contracts.contracts().items() if name in BUILDERS or c.layer == "silver"]
    return {n: Counter(db.execute(f"select {', '.join(contract(n).columns)} from {n.replace('.', '_')}").fetchall()) for n in names}


@pytest.mark.parametrize("seconds", [1, 8, 18])
def test_a_run_killed_at_any_moment_and_run_again_leaves_the_same_lake(finished, tmp_path, seconds):
    landing, whole = finished
    to_gold = ("--lake", tmp_path / "lake", "--landing", landing, "--steps", "ingest", "conform", "build")
    process = started("pipeline", *to_gold)
    for line in process.stdout:
        if line.startswith("run "):
            break
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL
    again = submit("pipeline", *to_gold, "--wait", "5")
    assert again.returncode == 0, again.stdout
    assert content(tmp_path / "lake") == content(whole)
    if "taking over" in again.stdout:
        # Killed before the run had left its marker, there is nothing to take over.
        assert open_sql(tmp_path / "lake").execute("select count(*) from ops_runs where status = 'died'").fetchone() == (1,)


@pytest.mark.parametrize("taken", ["gold.fact_orders", "silver.orders"])
def test_what_is_built_from_a_table_that_was_made_anew_is_built_anew(lake, taken):
    # The table that is made anew comes to a version that it had before.
    canceled = [order(number, "canceled") for number in range(3)]
    lake.deliver("2018-01-02", {"orders": canceled[:1]})
    lake.run()
    lake.take_away(taken)
    for day, row in ((3, canceled[1]), (4, canceled[2])):
        lake.deliver(f"2018-01-0{day}", {"orders": [row]})
        lake.run()
        found = content(lake.root)
        lake.run("build", full=True)
        assert content(lake.root) == found
    assert lake.sql("select sum(orders)::int from gold_sales_by_month") == [(12,)]
    assert lake.sql("select count(*) from gold_fact_orders where order_status = 'canceled'") == [(3,)]


def test_a_missing_folder_a_wrong_profile_and_a_wrong_argument_have_their_exit_codes(tmp_path):
    missing = submit("ingest", "--lake", tmp_path / "lake", "--landing", tmp_path / "nowhere")
    assert missing.returncode == 4 and "there is no folder" in missing.stdout and "->" in missing.stdout
    assert "Traceback" not in missing.stdout
    no_lake = submit("maintain", "--lake", tmp_path / "typo")
    assert no_lake.returncode == 4 and f"there is no lake at {tmp_path}/typo" in no_lake.stdout and not (tmp_path / "typo").exists()
    assert submit("ingest", "--profile", "moon").returncode == 2
    no_java = submit("ingest", JAVA_HOME=str(tmp_path))
    assert no_java.returncode == 6 and "there is no Java" in no_java.stdout
    assert "exit codes" in submit("conform", "--help").stdout


def test_a_second_run_on_the_same_lake_says_who_holds_it(tmp_path):
    lake = Lake(None, str(tmp_path), "")
    with exclusive(lake, "first"), pytest.raises(LakeBusy, match="first"), exclusive(lake, "second"):
        pass
    with exclusive(lake, "third"):
        pass


def test_publications_to_other_stores_run_beside_each_other_and_keep_off_runs_that_write_tables(tmp_path):
    lake = Lake(None, str(tmp_path), "")
    with publishing(lake, "first", 0, ["mongodb"]), publishing(lake, "second", 0, ["clickhouse", "neo4j"]):
        for other in (exclusive(lake, "third"), publishing(lake, "fourth", 0, ["neo4j"])):
            with pytest.raises(LakeBusy, match="second"), other:
                pass
    with exclusive(lake, "fifth"), pytest.raises(LakeBusy, match="fifth"), publishing(lake, "sixth", 0, ["mongodb"]):
        pass


@pytest.mark.usefixtures("conformed")
def test_a_driver_that_should_be_dead_is_refused_when_it_commits_late(world):
    table = contract("silver.sellers")
    before = tables.note(world.lake, table.name)
    rows = tables.read(world.lake, table.name).limit(0)
    late = tables.Note("dead", "conform", before.sequence, before.inputs, before.rows)
    with pytest.raises(LakeError, match="another run committed before"):
        commits.append(world.lake, table, rows, late)
    assert tables.note(world.lake, table.name) == before


def test_what_a_dead_run_wrote_is_not_written_again_though_others_have_written_since(world):
    markers = {}
    for name in ("dead", "other"):
        run = Run(world.lake, name)
        run.open()
        with run.table("publish", "-"):
            pass
        markers[name] = (Path(run._marker), Path(run._marker).read_text())
        run.close()
    # As if it had been killed between its last two acts.
    marker, text = markers["dead"]
    marker.write_text(text)
    world.ask(lambda *_: None)
    assert not marker.exists()
    assert world.sql("select run_id, step, status from ops_runs order by 1") == [("dead", "publish", "done"), ("other", "publish", "done")]


def test_half_a_marker_of_a_run_whose_disk_was_full_does_not_stop_the_next(world, capsys):
    world.deliver("", marketplace(2))
    marker = world.root / "ops/_open/full.json"
    marker.parent.mkdir(parents=True)
    marker.write_text('{"run_id": "full", "rows": {"ops.ru')
    world.run("ingest")
    assert "left half a marker" in capsys.readouterr().err and not marker.exists()
    assert world.sql("select distinct status from ops_runs where step = 'ingest'") == [("done",)]


@pytest.mark.usefixtures("conformed")
def test_a_driver_that_is_overtaken_while_it_writes_is_refused(world, monkeypatch):
    table, commit = contract("silver.sellers"), delta.commit
    before = tables.note(world.lake, table.name)
    late, faster = (replace(before, run_id=name, sequence=before.sequence + 1) for name in ("late", "faster"))

    def overtaken(*given, **how):
        monkeypatch.setattr(delta, "commit", commit)
        commits.append(world.lake, table, None, faster)
        return commit(*given, **how)

    monkeypatch.setattr(delta, "commit", overtaken)
    with pytest.raises(LakeError, match="another run committed before"):
        commits.append(world.lake, table, tables.read(world.lake, table.name), late)
    assert tables.note(world.lake, table.name) == faster
    assert world.sql("select count(*), count(distinct seller_id) from silver_sellers") == [(before.rows, before.rows)]


def test_a_lake_from_newer_code_is_not_written_to(world, monkeypatch):
    world.deliver("", marketplace(2))
    monkeypatch.setattr(tables, "LAKE_FORMAT", 99)
    world.run("ingest")
    monkeypatch.undo()
    with pytest.raises(LakeTooNew, match="newer code"):
        world.run("ingest", "conform")
    assert VERSION


@pytest.mark.usefixtures("conformed")
def test_a_contract_that_contradicts_its_table_is_refused(world):
    table = contract("silver.sellers")
    column = table.columns["seller_zip_code_prefix"].model_copy(update={"type": "int"})
    changed = contracts.Contract(**{**table.model_dump(), "columns": {**table.columns, "seller_zip_code_prefix": column}})
    note = tables.note(world.lake, table.name)
    later = tables.Note("x", "conform", note.sequence + 1, note.inputs, note.rows)
    with pytest.raises(BadConfiguration, match="contradicts the table"):
        commits.append(world.lake, changed, tables.read(world.lake, table.name), later)


@pytest.mark.usefixtures("conformed")
def test_a_new_column_of_a_contract_joins_its_table_even_by_a_commit_without_rows(world):
    table = contract("silver.orders")
    wider = contracts.Contract(**{**table.model_dump(), "columns": {**table.columns, "later": table.columns["order_status"]}})
    note = tables.note(world.lake, table.name)
    commits.append(world.lake, wider, None, tables.Note("x", "conform", note.sequence + 1, note.inputs, note.rows))
    assert world.sql("select count(*), count(order_status), count(later) from silver_orders") == [(2, 2, 0)]


def test_runs_that_ended_are_in_the_ledger_with_what_they_read_and_wrote(world):
    world.deliver("", marketplace(3))
    run = world.run("ingest", "conform")
    columns = "step, status, rows_read, rows_written, output_version, code_version"
    rows = world.sql(f"select {columns} from ops_runs where \"table\" = 'silver.orders' and run_id = '{run.run_id}'")
    assert rows == [("conform", "done", 3, 3, 0, VERSION)]


@pytest.mark.parametrize("store", STORES)
def test_a_store_that_takes_connections_and_answers_nothing_is_given_up(monkeypatch, store):
    users = [f"{name}_{what}" for name in ("MONGODB", "CLICKHOUSE", "NEO4J") for what in ("USER", "PASSWORD")]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for name in ("MONGODB_PORT", "CLICKHOUSE_HTTP_PORT", "NEO4J_BOLT_PORT", *users):
            monkeypatch.setenv(name, str(silent.getsockname()[1]))
        with pytest.raises(BadEnvironment, match="(?i)" + store):
            STORES[store].held()
