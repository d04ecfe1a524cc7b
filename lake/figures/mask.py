"""Showing why a row was refused without showing anything personal."""

from __future__ import annotations

import json
import re

from lake.contracts import contract

MASK = "•••"
LONGEST = 60
# Columns may have been mixed up by whoever sent the file: an address or a tax number is masked wherever it stands.
PERSONAL = re.compile(r"@|\b\d{3}\.?\d{3}\.?\d{3}-?\d{2}\b")


def masked_row(table: str, rules: list[str], raw: str) -> list[tuple[str, str]]:
    """The delivered values that broke rules, personal ones masked: [(column, value)].

    Only columns of the contract that are not marked personal are shown; whatever is not known to be harmless is masked, and
    of a record that did not fit its header only the length is told, since any value may stand anywhere in it.

    Args:
        table: silver table that refused the row.
        rules: names of the broken rules, `kind:column,column`.
        raw: JSON of the delivered values by bronze column, or the record as it came.
    """
    given = _given(raw)
    if given is None:
        return [("record", f"{MASK} ({len(raw):,} characters)")]
    columns = contract(table).columns
    broken = dict.fromkeys(name for rule in rules for name in rule.partition(":")[2].split(",") if name)
    shown = []
    for name in broken:
        column = columns.get(name)
        delivered = (column.source if column else None) or name
        if delivered not in given:
            continue  # derived in silver: its sources are not what the rule names
        shown.append((delivered, _shown(given[delivered], column is None or column.personal or _personal(table, delivered))))
    return shown or [("record", f"{MASK} ({len(raw):,} characters)")]


def masked_key(table: str, row_key: str, raw: str) -> list[tuple[str, str]]:
    """The business key of a refused row, personal columns masked: [(column, value)].

    None of a record that did not fit its header: any value may stand in the key's place.

    Args:
        table: silver table that refused the row.
        row_key: JSON of the key as delivered, by bronze column.
        raw: JSON of the delivered values, or the record as it came.
    """
    if _given(raw) is None:
        return []
    columns = contract(table).columns
    by_source = {column.source: column for column in columns.values() if column.source}
    shown = []
    for name, value in (_given(row_key) or {}).items():
        column = columns.get(name) or by_source.get(name)
        shown.append((name, _shown(None if value is None else str(value), column is None or column.personal)))
    return shown


def _given(raw: str) -> dict[str, str | None] | None:
    try:
        found = json.loads(raw)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _personal(table: str, delivered: str) -> bool:
    source = contract(table).source
    column = contract(source).columns.get(delivered) if source else None
    return column is None or column.personal


def _shown(value: str | None, personal: bool) -> str:
    if not value:
        return "(empty)"
    if personal or PERSONAL.search(value):
        return f"{MASK} ({len(value)} characters)"
    return value if len(value) <= LONGEST else f"{value[:LONGEST]}…"
