"""The kinds of faults: where they go, and what a pipeline should do with them."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of fault. `feeds` take turns; `field` is set to `value` for the kinds that spoil one field of a fresh row."""

    outcome: str
    feeds: tuple[str, ...]
    rule: str | None = None
    field: str = ""
    value: str = ""
    usual: int = 3
    needs_days: bool = False


def _field(feed: str, field: str, value: str, rule: str) -> Kind:
    return Kind("quarantined", (feed,), f"{rule}:{field}", field, value)


def _loaded(*feeds: str) -> Kind:
    return Kind("loaded", feeds, usual=1)


def _refused(*feeds: str) -> Kind:
    return Kind("refused", feeds, usual=1)


KINDS: dict[str, Kind] = {
    "truncated_line": Kind("quarantined", ("orders", "order_items", "customers"), "row_shape"),
    "extra_field": Kind("quarantined", ("order_payments", "orders", "sellers"), "row_shape"),
    "unclosed_quote": Kind("quarantined", ("order_reviews",), "row_shape", usual=1),
    "bad_money": _field("order_items", "price", "R$ 10", "type"),
    "bad_timestamp": _field("orders", "order_purchase_timestamp", "31/02/2018 25h", "type"),
    "null_key": _field("orders", "order_id", "", "not_null"),
    "bad_key": _field("orders", "order_id", "PEDIDO-", "regex"),
    "unknown_status": _field("orders", "order_status", "teleported", "in_set"),
    "score_out_of_range": _field("order_reviews", "review_score", "7", "between"),
    "negative_price": _field("order_items", "price", "-10.00", "between"),
    "bad_zip": _field("customers", "customer_zip_code_prefix", "1234", "regex"),
    "bad_state": _field("customers", "customer_state", "XX", "in_set"),
    "exact_duplicate_row": Kind("duplicate", ("orders", "order_items", "order_payments", "customers", "order_reviews")),
    "conflicting_version": Kind("superseded", ("orders",)),
    "stale_version": Kind("superseded", ("orders",), needs_days=True),
    "orphan_item": Kind("waiting", ("order_items",)),
    "orphan_payment": Kind("waiting", ("order_payments",)),
    "orphan_review": Kind("waiting", ("order_reviews",)),
    "late_parent": Kind("resolved", ("order_items", "order_payments"), usual=1, needs_days=True),
    "duplicate_file": Kind("duplicate_file", ("order_payments", "orders", "customers"), usual=1),
    "empty_file": Kind("empty", ("orders", "order_items"), usual=1),
    "header_only_file": Kind("empty", ("order_items", "customers"), usual=1),
    "bom_file": _loaded("customers"),
    "crlf_file": _loaded("order_payments"),
    "gzip_file": _loaded("order_items"),
    "reordered_columns_file": _loaded("orders"),
    "extra_column_file": _loaded("products", "sellers"),
    "missing_column_file": _refused("order_payments", "orders"),
    "wrong_delimiter_file": _refused("orders", "customers"),
    "not_utf8_file": _refused("customers", "sellers"),
}


def all_kinds(days: int) -> dict[str, int]:
    """Every kind that can be made with this many days, as often as is usual."""
    return {name: kind.usual for name, kind in KINDS.items() if days or not kind.needs_days}


def check(faults: dict[str, int], days: int) -> None:
    """Raise ValueError where an order for faults cannot be filled."""
    for name, count in faults.items():
        if name not in KINDS:
            raise ValueError(f"unknown fault {name!r}; there are: {', '.join(KINDS)}")
        if count < 0:
            raise ValueError(f"{name}={count}: a count must not be negative")
        if count and KINDS[name].needs_days and not days:
            raise ValueError(f"{name} needs --days: it takes at least two drops")
