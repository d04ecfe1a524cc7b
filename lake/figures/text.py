"""How numbers are written for people: R$ 1,234,567.89, 2017-11, 93.2 %; what is not known is a dash."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

NOTHING = "–"


def brl(value: Decimal | int | None) -> str:
    """An amount in BRL, to the cent."""
    return NOTHING if value is None else f"R$ {cents(Decimal(value)):,.2f}"


def cents(value: Decimal) -> Decimal:
    """Rounded half up to two digits, as docs/kpis.md says."""
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def count(value: int | None) -> str:
    """A whole number with thousands separators."""
    return NOTHING if value is None else f"{value:,}"


def share(value: float | None, digits: int = 1) -> str:
    """A share of 1 in per cent."""
    return NOTHING if value is None else f"{100 * value:.{digits}f} %"


def number(value: float | None, digits: int = 2) -> str:
    """A number with so many digits."""
    return NOTHING if value is None else f"{value:,.{digits}f}"


def seconds(value: float | None) -> str:
    """A duration in seconds: 7.3 s, 2 min 05 s."""
    if value is None:
        return NOTHING
    if value < 100:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s"


def days(value: float | None) -> str:
    """A duration in days, in smaller units where it is short: 21 min, 5.4 h, 12.5 d."""
    if value is None:
        return NOTHING
    if abs(value) >= 1:
        return f"{value:,.1f} d"
    return f"{value * 24:.1f} h" if abs(value) * 24 >= 1 else f"{value * 1440:.0f} min"


def month(value: date | None) -> str:
    """A month as 2017-11."""
    return NOTHING if value is None else f"{value:%Y-%m}"


def moment(value: datetime | None) -> str:
    """A time to the second."""
    return NOTHING if value is None else f"{value:%Y-%m-%d %H:%M:%S}"


def size(value: int | None) -> str:
    """Bytes as B, kB or MB (powers of ten)."""
    if value is None:
        return NOTHING
    if value < 1000:
        return f"{value} B"
    return f"{value / 1e6:,.1f} MB" if value >= 1e6 else f"{value / 1e3:,.1f} kB"


def words(value: Any) -> str:
    """An identifier as words: credit_card -> credit card."""
    return NOTHING if value is None else str(value).replace("_", " ")


def method(value: str) -> str:
    """A recommender's name: ALS, popularity, bought together."""
    return "ALS" if value == "als" else words(value)


def inputs(value: str) -> str:
    """The inputs of a step (JSON: table -> version or batch), each layer named once: silver: orders 3, customers 2."""
    by_layer: dict[str, list[str]] = {}
    for name, at in json.loads(value or "{}").items():
        layer, _, table = name.rpartition(".")
        by_layer.setdefault(layer, []).append(f"{table} {at}")
    return "; ".join(f"{layer}: {', '.join(names)}" if layer else ", ".join(names) for layer, names in by_layer.items()) or NOTHING


def aside(row: dict[str, Any]) -> str:
    """What became of rows that were read and not written: 3 quarantined, 1,848 duplicate."""
    kinds = ("quarantined", "duplicate", "superseded")
    return ", ".join(f"{row[f'rows_{kind}']:,} {kind}" for kind in kinds if row[f"rows_{kind}"]) or NOTHING
