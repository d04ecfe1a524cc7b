"""The look at a file's bytes: odd ones are refused, or counted line by line, and end no run."""

from __future__ import annotations

import gzip
import io

import pytest

from lake.scan import Scan, Unreadable, scan

HEADER = b"id,score,text\n"


def look(content: bytes, name: str = "reviews.csv") -> Scan:
    return scan(lambda: io.BytesIO(content), name)


def damaged() -> bytes:
    zipped = bytearray(gzip.compress(bytes(range(256)) * 400))
    zipped[len(zipped) // 2] ^= 0xFF
    return bytes(zipped)


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"id,score,text\r1,2,x\r", "reviews.csv", "lines must end in LF or CR LF"),
        (damaged(), "reviews.csv.gz", "the archive is broken"),
        (gzip.compress(HEADER)[:-6], "reviews.csv.gz", "the archive is broken"),
    ],
)
def test_what_can_not_be_read_is_refused(content, name, said):
    with pytest.raises(Unreadable, match=said):
        look(content, name)


def test_a_quote_within_a_field_breaks_its_own_line_only():
    found = look(HEADER + b'r1,5,TV 42" boa\n' + b'r2,4,"Muito\nbom"\n' + b"r3,1,ruim\n")
    assert (found.records, found.joined) == (3, {3: 3, 4: 3})


def test_a_blank_before_a_quote_opens_no_text():
    found = look(HEADER + b'r1,5, "Muito\nbom"\n' + b"r2,1,ruim\n")
    assert (found.records, found.joined) == (3, {})


def test_a_text_may_be_longer_than_pythons_limit():
    found = look(HEADER + b'r1,5,"' + b"muito " * 30_000 + b"\nbom" + b'"\n')
    assert (found.records, found.joined) == (1, {2: 2, 3: 2})
