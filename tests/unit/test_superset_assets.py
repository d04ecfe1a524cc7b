"""Superset's files: what they say of columns is what the contracts say, and reading them back writes the same bytes."""

from __future__ import annotations

import re
import shutil
import sys

import pytest
import yaml

from lake.contracts import contracts
from lake.publish import columnar
from lake.settings import ROOT

sys.path.append(str(ROOT / "superset"))
import asset_files  # noqa: E402
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
        if said not in [(type_in(dataset, one).replace(" ", ""), one.about) for one in known]:
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


def test_no_file_names_an_address_or_a_password():
    for (kind, name), asset in FILES.items():
        if kind == "databases":
            assert re.fullmatch(r"\w+://\w+(/\w+)?", asset["sqlalchemy_uri"]), name
