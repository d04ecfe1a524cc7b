"""Files that differ from the feed's usual form: some are to be read all the same, some are to be refused."""

from __future__ import annotations

import gzip

import numpy as np

from lake.generator.hosts import Host, encode
from lake.generator.kinds import KINDS
from lake.generator.site import Site, no_room

_MOST_MOVED, _FRESH_ROWS = 500, 5
# Columns that a feed cannot do without.
_NEEDED = {"order_payments": "payment_value", "orders": "order_status"}


def add(site: Site, kind: str, feed: str) -> None:
    """Make one file of the kind beside a file of the feed."""
    for host in site.hosts(feed, at_least=2):
        ending = ".csv.gz" if kind == "gzip_file" else ".csv"
        path = site.new_path(host, kind, ending)
        if KINDS[kind].outcome == "loaded":
            content = _moved(site, host, kind)
        elif KINDS[kind].outcome == "refused":
            content = _unreadable(site, host, kind)
        else:
            content = {"duplicate_file": host.path.read_bytes(), "empty_file": b"", "header_only_file": host.feed.header}[kind]
        if content is not None:
            path.write_bytes(content)
            site.note(kind, feed, path, None, None)
            return
    raise no_room(kind, feed)


def _moved(site: Site, host: Host, kind: str) -> bytes | None:
    """Some rows of the host leave it for a file in another form; None where it has too few."""
    # Rows that come before their order are looked for in the feed's own files, so they stay.
    free = [n for n in range(max(len(host) - 4 * _MOST_MOVED, 0), len(host)) if not any(i in host.record(n) for i in site.early_ids)]
    count = min(len(free), len(host) // 2, max(len(host) // 20, 2), _MOST_MOVED)
    if not count:
        return None
    rows = host.take_out(np.sort(site.rng.choice(free, count, replace=False)))
    feed = host.feed
    if kind == "reordered_columns_file":
        columns = feed.columns[::-1]
        header = (",".join(f'"{name}"' for name in columns) + "\n").encode()
        return header + b"".join(encode(feed, row, columns) for row in rows)
    lines = [feed.header, *(encode(feed, row) for row in rows)]
    if kind == "extra_column_file":
        lines = [line[:-1] + (b',"delivery_channel"\n' if number == 0 else b",app\n") for number, line in enumerate(lines)]
    content = b"".join(lines)
    if kind == "bom_file":
        return b"\xef\xbb\xbf" + content
    if kind == "crlf_file":
        return content.replace(b"\n", b"\r\n")
    # gzip: no time of making inside, so that the same seed gives the same bytes.
    return gzip.compress(content, mtime=0) if kind == "gzip_file" else content


def _unreadable(site: Site, host: Host, kind: str) -> bytes:
    """A file of fresh rows that must not be read."""
    feed = host.feed
    rows = [site.fresh_row(host) for _ in range(_FRESH_ROWS)]
    if kind == "missing_column_file":
        columns = [name for name in feed.columns if name != _NEEDED[feed.name]]
        header = (",".join(f'"{name}"' for name in columns) + "\n").encode()
        return header + b"".join(encode(feed, row, columns) for row in rows)
    if kind == "wrong_delimiter_file":
        # No value of these feeds holds a comma.
        return (feed.header + b"".join(encode(feed, row) for row in rows)).replace(b",", b";")
    city = next(name for name in feed.columns if name.endswith("_city"))
    records = [encode(feed, {**row, city: "são joão del-rei"}) for row in rows]
    return (feed.header + b"".join(records)).decode().encode("latin-1")
