"""Superset's files: what they say of columns is what the contracts say, and reading them back writes the same bytes."""

from __future__ import annotations

import io
import re
import runpy
import shutil
import sys
import zipfile
from types import SimpleNamespace

import duckdb
import pytest
import yaml

from lake.contracts import contracts
from lake.errors import BadInput
from lake.publish import columnar
from lake.settings import ROOT

sys.path.append(str(ROOT / "superset"))
import export  # noqa: E402

import asset_files  # noqa: E402
from asset_files import imported  # noqa: E402
from asset_files.names import made  # noqa: E402

ASSETS = ROOT / "superset" / "assets"
FILES = asset_files.read(ASSETS)
DATASETS = {name: asset for (kind, name), asset in FILES.items() if kind == "datasets"}
CHARTS = {name: asset for (kind, name), asset in FILES.items() if kind == "charts"}
DASHBOARDS = {name: asset for (kind, name), asset in FILES.items() if kind == "dashboards"}
PUBLISHED = {columnar.name_of(gold): gold for gold in columnar.published()}
TRINO = {"string": "VARCHAR", "int": "INTEGER", "boolean": "BOOLEAN", "timestamp": "TIMESTAMP(6) WITH TIME ZONE"}


def sources(dataset: dict) -> list:
    """The contracts of the tables that a dataset reads."""
    if "sql" not in dataset:
        return [PUBLISHED[dataset["table_name"]]]
    named = [
        name
        for name in re.findall(r"(?:FROM|JOIN) ([\w.]+)", dataset["sql"])
        if not re.search(rf"\b{re.escape(name)} AS \(", dataset["sql"])
    ]
    return [contracts()[name] if name.startswith("ops.") else PUBLISHED[name] for name in named]


def type_in(dataset: dict, column) -> str:
    if dataset["database"] == "trino":
        return TRINO.get(column.type, column.type.upper())
    return columnar.TYPES.get(column.type) or column.type.replace("decimal", "Decimal")


@pytest.mark.parametrize("name", DATASETS)
def test_columns_are_those_of_the_contracts(name):
    dataset = DATASETS[name]
    tables = sources(dataset)
    for column in dataset["columns"]:
        known = [table.columns[column["column_name"]] for table in tables if column["column_name"] in table.columns]
        said = (column["type"].replace(" ", ""), column["description"])
        if known and "expression" not in column:
            assert said in [(type_in(dataset, one).replace(" ", ""), one.about) for one in known], column
        else:
            assert "expression" in column or f" AS {column['column_name']}" in dataset["sql"], column
    if "sql" not in dataset:
        assert {c["column_name"] for c in dataset["columns"] if "expression" not in c} == tables[0].columns.keys()


@pytest.mark.parametrize("name", DATASETS)
def test_a_metric_is_explained_and_has_a_name_of_its_own(name):
    # ClickHouse takes a metric with the name of a column for an aggregate within an aggregate.
    columns = {column["column_name"] for column in DATASETS[name]["columns"]}
    for metric in DATASETS[name]["metrics"]:
        assert metric["description"] and metric["verbose_name"] and metric["metric_name"] not in columns


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_names_what_its_dataset_has(name):
    chart = CHARTS[name]
    dataset, params = DATASETS[chart["dataset"]], chart["params"]
    columns = {column["column_name"] for column in dataset["columns"]}
    metrics = {metric["metric_name"] for metric in dataset["metrics"]}
    used = [*params.get("groupby", [])] if isinstance(params.get("groupby"), list) else [params.get("groupby")]
    used += [params.get(key) for key in ("x_axis", "entity", "source", "target", "column")] + params.get("all_columns", [])
    used += [held["subject"] for held in params.get("adhoc_filters", []) if held["expressionType"] == "SIMPLE"]
    assert {column for column in used if column} <= columns
    asked = [*params.get("metrics", []), *params.get("metrics_b", []), params.get("metric"), params.get("timeseries_limit_metric")]
    assert {metric for metric in asked if metric} <= metrics


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_shows_known_charts_in_rows_that_fit_and_its_period_reaches_them_all(name):
    dashboard = DASHBOARDS[name]
    for row in dashboard["layout"]:
        assert sum(part["width"] for part in row["row"]) == 12
        for part in row["row"]:
            filters = CHARTS[part["chart"]]["params"].get("adhoc_filters", [])
            timed = any(held.get("operator") == "TEMPORAL_RANGE" for held in filters)
            assert timed or not any(held["filterType"] == "filter_time" for held in dashboard["filters"]), part["chart"]


def test_every_chart_is_on_a_dashboard_and_every_dataset_in_a_chart():
    shown = {part["chart"] for dashboard in DASHBOARDS.values() for row in dashboard["layout"] for part in row["row"]}
    assert shown == CHARTS.keys()
    assert {chart["dataset"] for chart in CHARTS.values()} == DATASETS.keys()


def test_ids_are_stable_and_no_two_are_the_same():
    ids = [yaml.safe_load(text)["uuid"] for file, text in asset_files.bundle(ASSETS).items() if file != "metadata.yaml"]
    assert len(set(ids)) == len(ids) == len(FILES)
    assert made("charts", "overview_orders") == "d5774964-11bb-5f7d-b8a0-f44ca8cdd74e"


def test_reading_the_files_back_writes_the_same_bytes(tmp_path):
    shutil.copytree(ASSETS, tmp_path / "assets")
    assert asset_files.write(tmp_path / "assets", asset_files.bundle(ASSETS)) == []


def test_what_was_made_in_the_page_becomes_a_file_and_what_was_deleted_goes(tmp_path):
    folder = tmp_path / "assets"
    shutil.copytree(ASSETS, folder)
    exported = asset_files.bundle(ASSETS)
    new = yaml.safe_load(exported["charts/sales_map.yaml"]) | {"uuid": "0b1f2c6e-0000-4000-8000-000000000001", "slice_name": "A new map!"}
    board = yaml.safe_load(exported["dashboards/overview.yaml"]) | {"dashboard_title": "Changed"}
    del exported["charts/health_waiting.yaml"], exported["dashboards/health.yaml"]
    changed = asset_files.write(
        folder, exported | {"charts/x.yaml": yaml.safe_dump(new), "dashboards/overview.yaml": yaml.safe_dump(board)}
    )
    names = {str(file.relative_to(folder)) for file in changed}
    assert names == {"charts/a_new_map.yaml", "charts/health_waiting.yaml", "dashboards/health.yaml", "dashboards/overview.yaml"}
    assert yaml.safe_load((folder / "charts/a_new_map.yaml").read_text())["uuid"] == new["uuid"]
    assert not (folder / "dashboards/health.yaml").exists()
    before, after = ((f / "dashboards/overview.yaml").read_text().splitlines() for f in (ASSETS, folder))
    assert [line for line in after if line not in before] == ["dashboard_title: Changed"]
    assert asset_files.write(folder, {file: text for file, text in asset_files.bundle(folder).items()}) == []


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(ASSETS, tmp_path / "assets")


@pytest.fixture
def record(tmp_path, monkeypatch):
    """What Superset has imported: the files as they are."""
    monkeypatch.setenv("LAKEHOUSE_SERVERS", str(tmp_path))
    (tmp_path / "superset").mkdir()
    imported.remember(asset_files.bundle(ASSETS), tmp_path / "superset" / imported.RECORD)
    return tmp_path / "superset" / imported.RECORD


def edit(file, before: str, after: str) -> None:
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))


def ids(files: dict[str, str]) -> dict[str, str]:
    return {file: yaml.safe_load(text)["uuid"] for file, text in files.items() if file != imported.METADATA}


def test_only_files_that_changed_are_imported(folder, record):
    there = ids(asset_files.bundle(folder))
    assert imported.wanted(asset_files.bundle(folder), record, there.values()) == {}
    edit(folder / "charts" / "sales_map.yaml", "Revenue by state", "Revenue on the map")
    (folder / "charts" / "sales_trend.yaml").unlink()
    edit(folder / "dashboards" / "sales.yaml", "{chart: sales_trend, width: 8", "{chart: sales_map, width: 8")
    files = asset_files.bundle(folder)
    found = imported.wanted(files, record, there.values())
    assert found.keys() == {"metadata.yaml", "charts/sales_map.yaml", "dashboards/sales.yaml"} and found.items() <= files.items()
    imported.remember(files, record)
    assert imported.wanted(files, record, there.values()) == {}


def test_a_superset_that_has_nothing_is_given_everything(tmp_path):
    files = asset_files.bundle(ASSETS)
    assert imported.wanted(files, tmp_path / imported.RECORD, []) == files


def test_what_a_changed_file_names_is_imported_too_if_it_was_deleted_in_the_page(folder, record):
    there = ids(asset_files.bundle(folder))
    del there["datasets/waiting.yaml"], there["charts/sales_map.yaml"]
    edit(folder / "charts" / "health_waiting.yaml", "for their parent", "for parents")
    found = imported.wanted(asset_files.bundle(folder), record, there.values())
    # The chart that was deleted too has nothing to do with it.
    assert found.keys() == {"metadata.yaml", "datasets/waiting.yaml", "charts/health_waiting.yaml"}
    edit(folder / "charts" / "sales_map.yaml", "Revenue by state", "Revenue on the map")
    assert imported.wanted(asset_files.bundle(folder), record, there.values()).keys() - found.keys() == {
        "charts/sales_map.yaml", "dashboards/sales.yaml",
    }  # fmt: skip


def test_an_export_does_not_undo_what_superset_has_not_imported(folder, record, monkeypatch):
    def says(files: dict[str, str]) -> None:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as packed:
            for file, text in files.items():
                packed.writestr(f"assets/{file}", text)
        monkeypatch.setattr(export, "Session", lambda *_: SimpleNamespace(read=lambda path: archive.getvalue()))

    says(asset_files.bundle(ASSETS))
    assert export.export(folder) == []
    shutil.copy(folder / "charts" / "sales_map.yaml", folder / "charts" / "by_hand.yaml")
    edit(folder / "charts" / "sales_trend.yaml", "Revenue by month", "By month")
    with pytest.raises(BadInput, match="charts/by_hand.yaml, charts/sales_trend.yaml\n.*`make superset-down superset`"):
        export.export(folder)
    assert (folder / "charts" / "by_hand.yaml").exists() and "By month" in (folder / "charts" / "sales_trend.yaml").read_text()
    imported.remember(asset_files.bundle(folder), record)
    page = asset_files.bundle(folder)
    page["charts/sales_trend.yaml"] = page["charts/sales_trend.yaml"].replace("By month", "Each month")
    says(page)
    assert export.export(folder) == [folder / "charts" / "sales_trend.yaml"]
    # What was exported is what Superset has: it is not imported again, and may be exported again.
    assert imported.wanted(asset_files.bundle(folder), record, ids(page).values()) == {} and export.export(folder) == []


@pytest.fixture
def ledger():
    """Rows of ops.runs, in a database whose SQL says the same of them as Trino's."""
    with duckdb.connect() as connection:
        connection.execute(
            """create schema ops; create table ops.runs as select *, 1.0 as seconds, 0 as rows_quarantined from (values
               ('r1', 'ingest', 'bronze.orders', 'done', 1, 5, 1), ('r1', 'build', 'gold.fact_orders', 'done', 1, 5, 2),
               ('r2', 'run', '-', 'died', null, 0, 3), ('r3', 'build', 'gold.fact_orders', 'failed', null, 0, 4),
               ('r4', 'replay', 'silver.orders', 'done', 7, 2, 5), ('r4', 'replay', 'ops.quarantine', 'done', null, 2, 6),
               ('r5', 'backfill', 'silver.orders', 'done', 8, 3, 7), ('r5', 'maintain', 'silver.orders', 'unchanged', null, 0, 8)
               ) as t(run_id, step, "table", status, output_version, rows_written, started_at)"""
        )
        yield lambda query: connection.execute(query).fetchall()


def test_a_run_that_died_is_a_failure_and_no_step(ledger):
    (failures,) = (metric["expression"] for metric in DATASETS["runs"]["metrics"] if metric["metric_name"] == "failures")
    (work,) = (held["sqlExpression"] for held in CHARTS["health_seconds"]["params"]["adhoc_filters"] if held["expressionType"] == "SQL")
    rows = f"({DATASETS['runs']['sql']})"
    assert ledger(f"select run_id, {failures} from {rows} group by 1 having {failures} > 0 order by 1") == [("r2", 1), ("r3", 1)]
    assert ("run",) not in ledger(f"select distinct step from {rows} where {work}")


def test_a_table_is_as_fresh_as_a_replay_or_a_backfill_left_it(ledger):
    rows = ledger(f'select "table", status, looked_at, written_at, rows_last from ({DATASETS["freshness"]["sql"]}) order by 1')
    assert rows == [
        ("bronze.orders", "done", 1, 1, 5), ("gold.fact_orders", "failed", 4, 2, 5), ("silver.orders", "done", 7, 7, 3),
    ]  # fmt: skip


def test_a_run_that_judges_freshness_alone_leaves_the_other_verdicts(ledger):
    ledger(
        """create table ops.quality_results as select * from (values
           ('r1', 'silver.orders', 'volume', 1), ('r1', 'silver.orders', 'unique', 1), ('r1', 'silver.orders', 'freshness', 2),
           ('r2', 'silver.orders', 'freshness', 3), ('r1', 'silver.sellers', 'freshness', 1), ('r2', 'silver.sellers', 'volume', 3)
           ) as t(run_id, "table", rule, checked_at)"""
    )
    assert ledger(f'select "table", rule, run_id from ({DATASETS["gates"]["sql"]}) order by all') == [
        ("silver.orders", "freshness", "r2"), ("silver.orders", "unique", "r1"), ("silver.orders", "volume", "r1"),
        ("silver.sellers", "volume", "r2"),
    ]  # fmt: skip


def test_a_database_that_an_administrator_adds_keeps_its_address(monkeypatch):
    monkeypatch.setenv("SUPERSET_HOME", "/nowhere")
    monkeypatch.setenv("SUPERSET_SECRET_KEY", "x")
    monkeypatch.setenv("CLICKHOUSE_READER_PASSWORD", "secret")
    settings = runpy.run_path(str(ROOT / "superset" / "superset_config.py"))
    for backend, host in (("postgresql", "db.example"), ("clickhousedb", "other.example")):
        added = SimpleNamespace(get_backend_name=lambda backend=backend: backend, host=host)
        assert settings["DB_CONNECTION_MUTATOR"](added, {"pool_size": 1}) == (added, {"pool_size": 1})


def test_no_file_names_an_address_or_a_password():
    for (kind, name), asset in FILES.items():
        if kind == "databases":
            assert re.fullmatch(r"\w+://\w+(/\w+)?", asset["sqlalchemy_uri"]), name
