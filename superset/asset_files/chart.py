"""A chart's file: title, `dataset`, kind and what was set in its form."""

from __future__ import annotations

import json

from asset_files.form import tidy, without
from asset_files.names import Names

FIRST = ("uuid", "slice_name", "dataset", "viz_type", "description", "params")
DEFAULTS = {"is_managed_externally": False}
DERIVED = ("version", "dataset_uuid", "query_context", "params")
# Of the form: where the chart was looked at, and what Superset fills in itself.
PLACES = ("datasource", "dashboards", "dashboardId", "slice_id", "url_params", "viz_type", "extra_form_data", "annotation_layers")
COLUMNS = ("groupby", "all_columns", "entity", "source", "target")
METRICS = ("metrics", "metric", "metrics_b", "secondary_metric")


def pack(asset: dict, names: Names) -> dict:
    """The file's content -> what Superset imports."""
    params = asset["params"] | {"viz_type": asset["viz_type"]}
    rest = without(asset, {}, ["dataset", "params"])
    context = {"datasource": {}, "queries": [_query(params)], "form_data": params, "result_format": "json", "result_type": "full"}
    return (
        DEFAULTS
        | rest
        | {
            "dataset_uuid": names.uuid("datasets", asset["dataset"]),
            "params": params,
            "query_context": json.dumps(context, sort_keys=True),
        }
    )


def unpack(asset: dict, names: Names) -> dict:
    """What Superset exports -> the file's content."""
    params = tidy(without(asset["params"], {}, PLACES))
    return tidy(without(asset, DEFAULTS, DERIVED) | {"dataset": names.name("datasets", asset["dataset_uuid"]), "params": params}, FIRST)


def _query(params: dict) -> dict:
    """What a chart asks for, as the page would say it; with it the chart's data can be had without the page."""
    columns = [column for name in COLUMNS for column in _list(params.get(name))]
    grain = params.get("time_grain_sqla")
    if axis := params.get("x_axis"):
        based = {"columnType": "BASE_AXIS", "expressionType": "SQL", "label": axis, "sqlExpression": axis, "timeGrain": grain}
        columns.insert(0, based if grain else axis)
    metrics = [metric for name in METRICS for metric in _list(params.get(name))]
    adhoc = params.get("adhoc_filters", [])
    simple = [{"col": f["subject"], "op": f["operator"], "val": f.get("comparator")} for f in adhoc if f["expressionType"] == "SIMPLE"]
    extras = {
        clause.lower(): " AND ".join(f"({f['sqlExpression']})" for f in adhoc if f["expressionType"] == "SQL" and f["clause"] == clause)
        for clause in ("WHERE", "HAVING")
    }
    order = [json.loads(column) for column in params.get("order_by_cols", [])]
    return {
        "columns": columns,
        "metrics": metrics,
        "filters": simple,
        "extras": {clause: text for clause, text in extras.items() if text},
        "orderby": order or ([[metrics[0], False]] if metrics and columns and not grain else []),
        "row_limit": params.get("row_limit") or 10_000,
    }


def _list(value: object) -> list:
    return value if isinstance(value, list) else [value] if value else []
