"""Faulty rows, put among the good ones of a file."""

from __future__ import annotations

import numpy as np

from lake.generator.hosts import Host, encode, key_of
from lake.generator.kinds import KINDS
from lake.generator.site import Site, no_room

_TRIES = 400


def add(site: Site, kind: str, feed: str) -> None:
    """Make one faulty row of the kind in a file of the feed."""
    if kind == "unclosed_quote":
        _unclosed_quote(site, kind)
    elif kind == "exact_duplicate_row":
        host = _any_host(site, kind, feed)
        position = int(site.rng.integers(len(host)))
        after = int(site.rng.integers(position, len(host))) + 1
        host.insert(kind, after, host.record(position), key_of(host.feed, host.fields(position)))
    elif kind == "conflicting_version":
        _conflicting_version(site, kind)
    elif kind == "stale_version":
        _stale_version(site, kind)
    else:
        _spoiled_row(site, kind, _any_host(site, kind, feed))


def _any_host(site: Site, kind: str, feed: str) -> Host:
    for host in site.hosts(feed):
        return host
    raise no_room(kind, feed)


def _anywhere(site: Site, host: Host) -> int:
    return int(site.rng.integers(len(host) + 1))


def _spoiled_row(site: Site, kind: str, host: Host) -> None:
    """A fresh row with one thing wrong (orphans: the order, which never comes)."""
    row = site.fresh_row(host)
    if kind.startswith("orphan_") and host.feed.name != "order_reviews":
        row[host.feed.key[1]] = "1"
    field, value = KINDS[kind].field, KINDS[kind].value
    if field:
        row[field] = value + (row[field][:8] if kind == "bad_key" else "")
    record, key = encode(host.feed, row), key_of(host.feed, row)
    if kind == "truncated_line":
        columns = host.feed.columns[: len(host.feed.columns) // 2]
        record = encode(host.feed, row, columns)
    elif kind == "extra_field":
        record = record[:-1] + b",sobra\n"
    host.insert(kind, _anywhere(site, host), record, key)


def _unclosed_quote(site: Site, kind: str) -> None:
    """A message whose quote never closes, between rows of one line; rows of several lines follow further on."""
    for host in site.hosts("order_reviews", at_least=4):
        single = host.single_lines()
        # The middle half of the file, with ordinary rows on both sides.
        middle = np.arange(max(len(host) // 4, 1), max(len(host) * 3 // 4, 2))
        places = middle[single[middle] & single[middle - 1]]
        if host.path in site.unclosed or not len(places):
            continue
        site.unclosed.add(host.path)
        row = {**site.fresh_row(host), "review_comment_title": "", "review_comment_message": "x"}
        record = encode(host.feed, row).replace(b",x,", b',"A caixa chegou aberta e sem o manual,')
        host.insert(kind, int(site.rng.choice(places)), record, key_of(host.feed, row))
        return
    raise no_room(kind, "order_reviews")


def _before_delivery(row: dict[str, str]) -> dict[str, str] | None:
    """The order as it was while the parcel was under way; None where that would not be older."""
    dates = [row[name] for name in ("order_purchase_timestamp", "order_approved_at", "order_delivered_carrier_date")]
    delivered = row["order_delivered_customer_date"]
    if row["order_status"] != "delivered" or not all(dates) or max(dates) >= delivered:
        return None
    return {**row, "order_status": "shipped", "order_delivered_customer_date": ""}


def _conflicting_version(site: Site, kind: str) -> None:
    for host in site.hosts("orders"):
        for position in site.rng.integers(0, len(host), _TRIES):
            older = _before_delivery(host.fields(int(position)))
            if older is not None and older["order_id"] not in site.versioned:
                site.versioned.add(older["order_id"])
                host.insert(kind, _anywhere(site, host), encode(host.feed, older), key_of(host.feed, older))
                return
    raise no_room(kind, "orders")


def _stale_version(site: Site, kind: str) -> None:
    """The version that a drop has replaced comes again in a later drop (with one day: in the same drop as the new one)."""
    days = [folder for folder in site.folders[1:] if site.files(folder, "orders")]
    for number in [*site.rng.permutation(len(days) - 1), len(days) - 1] if days else []:
        source, today = site.host(days[number], "orders"), days[number].name
        again = site.host(days[int(site.rng.integers(min(number + 1, len(days) - 1), len(days)))], "orders")
        for position in site.rng.permutation(len(source))[:_TRIES]:
            row = source.fields(int(position))
            older = _before_delivery(row)
            # It was there before today, on the way, and today's delivery has replaced it.
            if older is None or row["order_delivered_customer_date"] < today or older["order_id"] in site.versioned:
                continue
            if max(row[name] for name in ("order_purchase_timestamp", "order_approved_at", "order_delivered_carrier_date")) < today:
                site.versioned.add(older["order_id"])
                again.insert(kind, _anywhere(site, again), encode(again.feed, older), key_of(again.feed, older))
                return
    raise no_room(kind, "orders")
