"""Superset's assets as files: databases, datasets, charts and dashboards, and nothing else.

A file has what somebody decided. Ids, versions, positions in a grid and what else Superset wants are made at the import and left out
at the export, so that an export after an import writes the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from asset_files import chart, dashboard, database, dataset
from asset_files.form import dump
from asset_files.imported import METADATA
from asset_files.names import KINDS, Names, made, path

MODULES = dict(zip(KINDS, (database, dataset, chart, dashboard), strict=True))
TITLES = {"databases": "database_name", "datasets": "table_name", "charts": "slice_name", "dashboards": "dashboard_title"}
VERSION = "1.0.0"


def read(folder: Path) -> dict[tuple[str, str], dict]:
    """All files: (kind, name) -> content."""
    return {(kind, file.stem): yaml.safe_load(file.read_text()) for kind in KINDS for file in sorted((folder / kind).glob("*.yaml"))}


def bundle(folder: Path) -> dict[str, str]:
    """What Superset imports: its files by their paths."""
    assets = read(folder)
    names = Names(assets)
    files = {METADATA: {"version": VERSION, "type": "assets"}}
    for (kind, name), asset in assets.items():
        packed = MODULES[kind].pack(asset, names) | {"uuid": names.uuid(kind, name), "version": VERSION}
        files[f"{kind}/{name}.yaml"] = packed
    return {file: yaml.safe_dump(content, sort_keys=False) for file, content in files.items()}


def write(folder: Path, exported: Mapping[str, str]) -> list[Path]:
    """Make the files say what Superset exports; which ones changed, came or went.

    Args:
        exported: texts by path, kind first, as Superset's archive of assets has them.
    """
    contents = [(file.split("/")[0], yaml.safe_load(text)) for file, text in exported.items()]
    contents = [(kind, content) for kind, content in contents if kind in KINDS]
    before = read(folder)
    names = Names(before)
    for kind, content in contents:
        names.add(kind, content["uuid"], content[TITLES[kind]])
    texts = {}
    for kind, content in contents:
        name = names.name(kind, content["uuid"])
        own = {} if content["uuid"] == made(kind, name) else {"uuid": content.pop("uuid")}
        content.pop("uuid", None)
        texts[path(folder, kind, name)] = dump(own | MODULES[kind].unpack(content, names))
    gone = [path(folder, *known) for known in before if path(folder, *known) not in texts]
    changed = [file for file, text in texts.items() if not file.exists() or file.read_text() != text]
    for file in changed:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(texts[file])
    for file in gone:
        file.unlink()
    return changed + gone
