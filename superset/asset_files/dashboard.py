"""A dashboard's file: filters, and rows of charts, each with its width (of 12 columns) and height (in steps of 8 pixels).

Superset holds the rows as a list of numbered parts that name each other, and charts by numbers of its own; here both are names.
"""

from __future__ import annotations

from collections.abc import Callable

from asset_files.form import tidy, without
from asset_files.names import Names

FIRST = ("uuid", "dashboard_title", "slug", "description", "filters", "layout", "metadata")
DEFAULTS = {"is_managed_externally": False, "published": True}
DERIVED = ("version", "metadata", "position", "theme_id", "theme_uuid")
METADATA = {"cross_filters_enabled": True, "default_filters": "{}", "refresh_frequency": 0}
# Superset works these out from the rest, each time somebody saves.
WORKED_OUT = (
    "color_scheme_domain", "shared_label_colors", "map_label_colors", "native_filter_configuration", "chart_configuration",
    "chartsInScope", "tabsInScope", "timed_refresh_immune_slices", "expanded_slices", "filter_scopes", "positions",
)  # fmt: skip
SCOPE = {"rootPath": ["ROOT_ID"], "excluded": []}
FILTER = {
    "type": "NATIVE_FILTER", "scope": SCOPE, "cascadeParentIds": [], "description": "",
    "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}}, "controlValues": {},
}  # fmt: skip
FILTER_FIRST = ("id", "name", "filterType", "dataset", "column")
CHART_FIRST = ("chart", "width", "height")
ROW = {"background": "BACKGROUND_TRANSPARENT"}


def pack(asset: dict, names: Names) -> dict:
    """The file's content -> what Superset imports. Charts get numbers that hold within this file."""
    position: dict[str, dict] = {"DASHBOARD_VERSION_KEY": "v2"}
    number = _numbers(asset["layout"])
    position["ROOT_ID"] = {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]}
    position["HEADER_ID"] = {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": asset["dashboard_title"]}}
    grid = {"id": "GRID_ID", "type": "GRID", "parents": ["ROOT_ID"]}
    position["GRID_ID"] = grid | {"children": _place(asset["layout"], ["ROOT_ID", "GRID_ID"], position, number, names)}
    metadata = METADATA | asset.get("metadata", {})
    metadata["native_filter_configuration"] = [_filter(held, number, names) for held in asset.get("filters", [])]
    metadata["chart_configuration"] = {
        str(number[chart]): {"id": number[chart], "crossFilters": _scoped(held, number.__getitem__)}
        for chart, held in asset.get("cross_filters", {}).items()
    }
    return DEFAULTS | without(asset, {}, ["filters", "layout", "cross_filters"]) | {"metadata": metadata, "position": position}


def unpack(asset: dict, names: Names) -> dict:
    """What Superset exports -> the file's content."""
    metadata, position = asset["metadata"], asset["position"]
    charts = [part["meta"] for part in position.values() if isinstance(part, dict) and part["type"] == "CHART"]
    name = {meta["chartId"]: names.name("charts", meta["uuid"]) for meta in charts}
    configured = {name[int(id_)]: held["crossFilters"] for id_, held in metadata.get("chart_configuration", {}).items() if int(id_) in name}
    scoped = {chart: _scoped(held, name.get) for chart, held in configured.items() if held.get("scope", "global") != "global"}
    filters = [_unfiltered(held, name, names) for held in metadata.get("native_filter_configuration", [])]
    top = position["ROOT_ID"]["children"][0]
    layout = [_told(child, position, name) for child in position[top]["children"]] if top == "GRID_ID" else [_told(top, position, name)]
    rest = without(asset, DEFAULTS, DERIVED) | {"cross_filters": scoped, "metadata": without(_global(metadata), METADATA, WORKED_OUT)}
    told = tidy(rest, FIRST) | {"filters": [tidy(held, FILTER_FIRST) for held in filters], "layout": layout}
    return {key: told[key] for key in [*FIRST, *sorted(told.keys() - set(FIRST))] if told.get(key)}


def _global(metadata: dict) -> dict:
    everywhere = (metadata.get("global_chart_configuration") or {}).get("scope", SCOPE) == SCOPE
    return without(metadata, {}, ["global_chart_configuration"]) if everywhere else metadata


def _numbers(layout: list[dict]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in layout:
        if "chart" in part:
            found.setdefault(part["chart"], len(found) + 1)
        for chart in _numbers(part.get("row") or part.get("children") or []):
            found.setdefault(chart, len(found) + 1)
    return found


def _place(parts: list[dict], parents: list[str], position: dict, number: dict[str, int], names: Names) -> list[str]:
    """Puts parts and what is in them into the list; their ids."""
    ids = []
    for part in parts:
        held = {"children": [], "parents": parents}
        if "chart" in part:
            meta = without(part, {}, ["chart"]) | {"chartId": number[part["chart"]], "uuid": names.uuid("charts", part["chart"])}
            held |= {"type": "CHART", "meta": meta}
        elif "row" in part:
            held |= {"type": "ROW", "meta": ROW}
        else:
            held |= without(part, {}, ["children"])
        held.setdefault("id", f"{held['type']}-{len(position)}")
        position[held["id"]] = held
        inside = part.get("row") or part.get("children") or []
        held["children"] = _place(inside, [*parents, held["id"]], position, number, names)
        ids.append(held["id"])
    return ids


def _told(id_: str, position: dict, name: dict[int, str]) -> dict:
    """A part as the file has it: a chart, a row, or anything else whole, with what is in it."""
    part = position[id_]
    inside = [_told(child, position, name) for child in part.get("children", [])]
    meta = part.get("meta", {})
    if part["type"] == "CHART":
        told = without(meta, {}, ["chartId", "uuid", "sliceName", "defaultText", "code"])
        return tidy(told | {"chart": name[meta["chartId"]]}, CHART_FIRST)
    if part["type"] == "ROW" and without(meta, ROW, ["0"]) == {}:
        return {"row": inside}
    whole = {"type": part["type"], "id": id_, "meta": meta}
    return tidy(whole, ("type", "id", "meta")) | ({"children": inside} if inside else {})


def _filter(held: dict, number: dict[str, int], names: Names) -> dict:
    """A filter as Superset has it; `dataset` and `column` say what it offers, a filter of time has neither."""
    target = {"datasetUuid": names.uuid("datasets", held["dataset"]), "column": {"name": held["column"]}} if "dataset" in held else {}
    scoped = {"scope": _scoped(held, number.__getitem__)["scope"]} if "scope" in held else {}
    return FILTER | without(held, {}, ["dataset", "column"]) | scoped | {"targets": [target]}


def _unfiltered(held: dict, name: dict[int, str], names: Names) -> dict:
    told = without(held, FILTER, ["targets", *WORKED_OUT])
    target = held["targets"][0] if held.get("targets") else {}
    if "datasetUuid" in target:
        told |= {"dataset": names.name("datasets", target["datasetUuid"]), "column": target["column"]["name"]}
    return told | ({"scope": _scoped(held, name.get)["scope"]} if "scope" in told else {})


def _scoped(held: dict, charts: Callable) -> dict:
    """A scope with its excluded charts by names or by numbers, as `charts` tells; those that are gone are left out."""
    scope = held["scope"]
    excluded = [found for found in map(charts, scope.get("excluded", [])) if found is not None]
    return {"scope": SCOPE | scope | {"excluded": excluded}}
