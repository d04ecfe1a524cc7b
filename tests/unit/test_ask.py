"""Questions to stores, of stores that are made up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lake import ask

BATCH = 101


class Mongo:
    """A database of so many products, which answers in batches, each in the session that asked for the first."""

    def __init__(self, products: int) -> None:
        self.client, self.products, self.session = self, products, object()

    @contextmanager
    def start_session(self) -> Iterator[object]:
        yield self.session

    def command(self, command: dict[str, Any], session: object) -> dict[str, Any]:
        assert session is self.session
        if "ping" in command:
            return {"ok": 1.0}
        at = command.get("getMore", 0)
        assert command == ({"getMore": at, "collection": "products"} if at else {"find": "products"})
        batch = [{"_id": number} for number in range(at, min(at + BATCH, self.products))]
        more = at + BATCH if at + BATCH < self.products else 0
        name = "nextBatch" if at else "firstBatch"
        return {"cursor": {"id": more, "ns": "ecommerce.products", name: batch}, "ok": 1.0}


def answered(monkeypatch: pytest.MonkeyPatch, question: str, products: int) -> ask.Answer:
    @contextmanager
    def connected(reader: bool) -> Iterator[Mongo]:
        assert reader
        yield Mongo(products)

    monkeypatch.setattr(ask.mongodb, "connected", connected)
    return ask.ask("mongodb", question)


@pytest.mark.parametrize("products", [0, 3, BATCH, BATCH + 1, 5 * BATCH])
def test_all_documents_come_however_many_batches_they_take(monkeypatch: pytest.MonkeyPatch, products: int) -> None:
    names, rows = answered(monkeypatch, '{"find": "products"}', products)
    assert rows == [(number,) for number in range(products)] and names == (["_id"] if products else [])


def test_an_answer_that_is_no_list_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    assert answered(monkeypatch, '{"ping": 1}', 0) == (["ok"], [(1.0,)])
