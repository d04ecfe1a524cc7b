"""Which files say something else than Superset has: what each said when it was imported or exported last is kept beside Superset's data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path

import yaml

RECORD = "imported.json"
METADATA = "metadata.yaml"


def changed(files: Mapping[str, str], record: Path) -> set[str]:
    """The files of a bundle that are new, say something else than the record has, or are read in another way."""
    known = json.loads(record.read_text()) if record.exists() else {}
    return {file for file, mark in _marks(files).items() if known.get(file) != mark}


def remember(files: Mapping[str, str], record: Path) -> None:
    """Superset has what the files of this bundle say."""
    written = record.with_suffix(".new")
    written.write_text(json.dumps(_marks(files), indent=0))
    written.replace(record)


def wanted(files: Mapping[str, str], record: Path, there: Collection[str]) -> dict[str, str]:
    """The part of a bundle to import: what changed, and what somebody deleted in the page that goes with it.

    Args:
        there: the UUIDs of what Superset has.
    """
    found = changed(files, record)
    ids = {file: yaml.safe_load(text)["uuid"] for file, text in files.items() if file != METADATA} if found else {}
    gone = {file for file, id_ in ids.items() if id_ not in there}
    while True:
        named = {file for file in gone if any(ids[file] in files[one] for one in found)}
        # Superset names by number, and what is made anew has another one.
        naming = {file for file in ids if any(ids[one] in files[file] for one in gone & found)}
        if named | naming <= found:
            return {file: text for file, text in files.items() if file in found or found and file == METADATA}
        found |= named | naming


def _marks(files: Mapping[str, str]) -> dict[str, str]:
    return {file: hashlib.sha256(text.encode()).hexdigest() for file, text in files.items() if file != METADATA}
