"""What is sent to a store, and which snapshot is brought back, told by stores that only remember what was done to them."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from lake import publish as publishing
from lake.contracts import contract, layer
from lake.errors import BadEnvironment, LakeBusy, LawBroken
from lake.publish import STORES, clickhouse, columnar, documents, graph, publish, restore
from lake.publish.fingerprint import Fingerprint
from lake.publish.snapshot import Held, Snapshot
from lake.publish.view import shape

OLD, NEW, NEWEST = (Snapshot({"gold.x": version}, {"gold.x": "run"}) for version in range(3))


class Store:
    """Shows no views; holds a snapshot and the one before."""

    NAME = "store"

    def __init__(self, current: Snapshot | None, previous: Snapshot | None = None, travelled: str = "all") -> None:
        self.states = {"current": current and held(current), "previous": previous and held(previous)}
        self.error: Exception | None = None
        self.rows: dict[str, int] = {}
        self.done: list[str] = []

    def views(self) -> list:
        return []

    def held(self, state: str = "current") -> Held | None:
        if isinstance(self.error, BadEnvironment):
            raise self.error
        return self.states[state]

    def shown(self) -> dict[str, int]:
        return self.rows

    def publish_all(self, lake, rows, new: Held) -> None:
        self.done.append("all")
        self.states = {"current": new, "previous": self.states["current"]}

    def publish_changes(self, lake, changes, told, new: Held) -> None:
        self.done.append("changes")
        if self.error:
            raise self.error
        self.states = {"current": new, "previous": self.states["current"]}

    def restore(self) -> Held:
        self.done.append("restore")
        self.states = {"current": replace(self.states["previous"], restored=True), "previous": self.states["current"]}
        return self.states["current"]


def held(snapshot: Snapshot) -> Held:
    return Held(snapshot, shape([]), "all", {})


class Ledger:
    """A run that remembers the rows of ops.publications."""

    run_id, lake = "run", None

    def __init__(self) -> None:
        self.rows: list[dict] = []

    def append(self, table: str, rows: list[dict]) -> None:
        self.rows += rows

    @property
    def told(self) -> dict[str, str]:
        return {row["store"]: row["status"] for row in self.rows}


@pytest.fixture
def run(monkeypatch) -> Ledger:
    monkeypatch.setattr(publishing, "BACK_OFF", (0.0,))
    monkeypatch.setattr(publishing, "snapshot_to_publish", lambda lake: NEW)
    monkeypatch.setattr(Snapshot, "written_at", lambda self, lake: publishing.datetime.max)
    return Ledger()


def with_stores(monkeypatch, **stores: Store) -> list[str]:
    monkeypatch.setattr(publishing, "STORES", stores)
    return list(stores)


LAKE = SimpleNamespace(apart=lambda: LAKE)


def test_a_store_that_shows_the_newest_snapshot_in_the_same_way_is_left_alone(monkeypatch, run):
    store = Store(NEW)
    publish(LAKE, run, with_stores(monkeypatch, store=store))
    assert store.done == [] and run.told == {"store": "unchanged"}


def test_a_store_that_shows_the_newest_snapshot_in_another_way_is_sent_all(monkeypatch, run):
    store = Store(NEW)
    store.states["current"] = replace(held(NEW), shape="another")
    publish(LAKE, run, with_stores(monkeypatch, store=store))
    assert store.done == ["all"] and "another shape" in run.rows[0]["message"]


def test_a_store_that_has_lost_rows_is_sent_all_though_gold_has_not_changed(monkeypatch, run):
    store = Store(NEW)
    store.states["current"] = replace(held(NEW), fingerprints={"x": Fingerprint.of(2, 0, {})})
    publish(LAKE, run, with_stores(monkeypatch, store=store))
    assert store.done == ["all"] and run.rows[0]["message"] == "someone changed the store: x has no rows"


def test_what_is_sent_again_leads_back_the_way_it_did(monkeypatch, run):
    store = Store(NEW, OLD)
    store.states["current"] = replace(held(NEW), travelled="changes")
    publish(LAKE, run, with_stores(monkeypatch, store=store), again=True)
    assert store.done == ["all"] and run.rows[0]["travelled"] == "all"
    assert store.states["current"].renews(held(NEW)) and store.states["current"].travelled == "changes"


def test_a_publication_that_another_one_overtook_shows_nothing(monkeypatch, run):
    store = Store(OLD)
    store.error = LakeBusy("store: another publication has shown snapshot x meanwhile")
    with pytest.raises(BadEnvironment, match="another publication"):
        publish(LAKE, run, with_stores(monkeypatch, store=store))
    assert store.done == ["changes"] and run.told == {"store": "failed"}


def test_changes_that_broke_a_law_are_followed_by_all(monkeypatch, run):
    store = Store(OLD)
    store.error = LawBroken("store x: expected 1 row, found 2")
    publish(LAKE, run, with_stores(monkeypatch, store=store))
    assert store.done == ["changes", "all"]
    assert [(row["status"], row["travelled"], row["message"]) for row in run.rows] == [("done", "all", "store x: expected 1 row, found 2")]


def test_a_table_of_another_make_is_another_shape(monkeypatch):
    before = shape(clickhouse.views())
    gold = contract("gold.sales_by_month")
    name, column = list(gold.columns.items())[-1]
    columns = [gold.columns | {name: column.model_copy(update={of: True})} for of in ("nullable", "few_values")]
    for changed in (*({"columns": one} for one in columns), {"key": (name,)}):
        made = [one.model_copy(update=changed) if one is gold else one for one in layer("gold")]
        monkeypatch.setattr(columnar, "layer", lambda _, made=made: made)
        assert shape(clickhouse.views()) != before, changed


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        (documents, 'F.avg("review_score")', 'F.max("review_score")'),
        (documents, '("category.name",)', '("category.name_pt",)'),
        (graph, 'F.countDistinct("order_id")', 'F.count("order_id")'),
    ],
    ids=["field", "index", "edge"],
)
def test_documents_and_edges_that_are_made_otherwise_are_another_shape(monkeypatch, tmp_path, module, before, after):
    text, shapes = Path(module.__file__).read_text(encoding="utf-8"), []
    for name, code in (("same", text), ("changed", text.replace(before, after))):
        (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, tmp_path / f"{name}.py")
        made = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, made)
        spec.loader.exec_module(made)
        shapes.append(shape(made.VIEWS if module is documents else [kind.view for kind in made.KINDS]))
    assert shapes[0] == shape(STORES["mongodb" if module is documents else "neo4j"].views()) != shapes[1]


def test_stores_go_back_together_and_stay_there(monkeypatch, run):
    stores = with_stores(monkeypatch, left=Store(NEW, OLD), right=Store(NEW, OLD))
    for expected in ("restored", "unchanged"):
        restore(run, stores)
        assert run.told == dict.fromkeys(stores, expected)
        assert {store.held().snapshot.id for store in publishing.STORES.values()} == {OLD.id}


def test_a_store_that_is_away_does_not_stop_the_others_and_is_brought_back_the_next_time(monkeypatch, run):
    away = Store(NEW, OLD)
    stores = with_stores(monkeypatch, away=away, there=Store(NEW, OLD))
    away.error = BadEnvironment("away: no answer")
    with pytest.raises(BadEnvironment, match="1 store.* were not brought back") as raised:
        restore(run, stores)
    assert "away: no answer" in str(raised.value) and run.told == {"away": "failed", "there": "restored"}
    away.error = None
    restore(run, stores)
    assert run.told == {"away": "restored", "there": "unchanged"}
    assert {store.held().snapshot.id for store in publishing.STORES.values()} == {OLD.id}


def test_a_store_that_missed_the_newest_snapshot_shows_already_what_the_others_go_back_to(monkeypatch, run):
    restore(run, with_stores(monkeypatch, behind=Store(NEW, OLD), there=Store(NEWEST, NEW)))
    assert run.told == {"behind": "unchanged", "there": "restored"}


@pytest.mark.parametrize("other", [Store(NEWEST, OLD), Store(NEW), Store(None)], ids=["another", "none before", "nothing"])
def test_nothing_is_done_where_the_stores_do_not_share_one_snapshot_to_go_back_to(monkeypatch, run, other):
    one = Store(NEW, OLD) if other.states["previous"] is None else Store(NEWEST, NEW)
    with pytest.raises(BadEnvironment, match="do not share one snapshot to go back to") as raised:
        restore(run, with_stores(monkeypatch, one=one, other=other))
    assert one.done == other.done == [] and run.rows == []
    assert "one: holds" in str(raised.value) and "make publish" in str(raised.value)
