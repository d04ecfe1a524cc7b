"""A dataset's file: a line for each column and metric; `database` is the name of the database's file."""

from __future__ import annotations

from asset_files.form import tidy, without
from asset_files.names import Names

FIRST = ("uuid", "table_name", "database", "description", "schema", "main_dttm_col", "sql", "metrics", "columns")
DEFAULTS = {
    "offset": 0, "filter_select_enabled": True, "is_managed_externally": False, "normalize_columns": False,
    "always_filter_main_dttm": False,
}  # fmt: skip
DERIVED = ("version", "database_uuid", "catalog", "source_db_engine", "extra", "params", "folders")
COLUMN = {"is_active": True, "groupby": True, "filterable": True, "is_dttm": False}
COLUMN_FIRST = ("column_name", "type", "is_dttm", "expression", "verbose_name", "description")
METRIC_FIRST = ("metric_name", "verbose_name", "expression", "d3format", "currency", "description")


def pack(asset: dict, names: Names) -> dict:
    """The file's content -> what Superset imports."""
    columns = [COLUMN | column for column in asset.get("columns", [])]
    rest = {name: held for name, held in asset.items() if name != "database"}
    return DEFAULTS | rest | {"database_uuid": names.uuid("databases", asset["database"]), "columns": columns}


def unpack(asset: dict, names: Names) -> dict:
    """What Superset exports -> the file's content."""
    columns = [without(column, COLUMN, ["advanced_data_type"]) for column in asset["columns"]]
    metrics = [without(metric, {}, ["metric_type"]) for metric in asset["metrics"]]
    rest = without(asset, DEFAULTS, (*DERIVED, "columns", "metrics"))
    return tidy(rest | {"database": names.name("databases", asset["database_uuid"])}, FIRST) | {
        "metrics": tidy(sorted(metrics, key=lambda metric: metric["metric_name"]), METRIC_FIRST),
        "columns": tidy(sorted(columns, key=lambda column: column["column_name"]), COLUMN_FIRST),
    }
