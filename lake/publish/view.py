"""A view: rows of gold as a store shows them, whole at a snapshot or as the difference between two."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake import tables
from lake.contracts import contract
from lake.publish.fingerprint import SIGN, Fingerprint, counted
from lake.publish.snapshot import Snapshot
from lake.session import Lake

# Two tasks keep a laptop's cores busy: what one has packed a store reads while the other packs.
WRITERS = 2
GONE = ("delete", "update_preimage")


@dataclass(frozen=True)
class View:
    """A table of ClickHouse, a collection of MongoDB, a label or a type of relationship of Neo4j.

    Attributes:
        name: in the store.
        types: its columns with types as contracts write them, as they are compared.
        sources: the gold tables it is made of, by the names of `build`'s arguments.
        build: frames of the sources -> its rows.
        made_by: a text that is another one when the same gold would be shown differently.
        grain: the column of the sources by whose values it can be made again for what changed; None where each row is made
            of one row of its one source, or where it is small enough to be compared whole.
        compared: its rows -> the columns of `types`, where these are not its own.
    """

    name: str
    types: Mapping[str, str]
    sources: tuple[str, ...]
    build: Callable[..., DataFrame]
    made_by: str
    grain: str | None = None
    compared: Callable[[DataFrame], DataFrame] | None = None

    def fingerprint(self, rows: DataFrame) -> Fingerprint:
        """The fingerprint of rows of this view."""
        return fingerprints([self], {self.name: rows})[self.name][1]


def fingerprints(views: Iterable[View], frames: Mapping[str, DataFrame]) -> dict[str, tuple[int, Fingerprint]]:
    """How many rows the frames of some views have, whatever their sign, and their fingerprints, by the views' names."""
    given = {view.name: (view, frames[view.name]) for view in views if view.name in frames}
    return counted({name: (view.compared(rows) if view.compared else rows, view.types) for name, (view, rows) in given.items()})


def shape(views: Iterable[View]) -> str:
    """A name for what the views look like and how they are made."""
    return hashlib.sha256(repr([(v.name, list(v.types.items()), v.sources, v.made_by) for v in views]).encode()).hexdigest()[:12]


def whole(lake: Lake, view: View, snapshot: Snapshot) -> DataFrame:
    """All rows of a view."""
    return view.build(**_sources(lake, view, snapshot))


def moved(view: View, since: Snapshot, until: Snapshot) -> list[str]:
    """The sources of a view that two snapshots have in different versions."""
    return [s for s in view.sources if _at(since, s) != _at(until, s)]


def written_anew(lake: Lake, view: View, since: Snapshot, until: Snapshot) -> bool:
    """Whether gold replaced all rows of a source between two snapshots."""
    names = [f"gold.{source}" for source in moved(view, since, until)]
    return any(tables.replaced(lake, name, since.versions.get(name, -1), until.versions[name]) for name in names)


def _at(snapshot: Snapshot, source: str) -> tuple[int | None, str | None]:
    return snapshot.versions.get(f"gold.{source}"), snapshot.commits.get(f"gold.{source}")


def difference(lake: Lake, view: View, since: Snapshot, until: Snapshot) -> DataFrame | None:
    """What turns a view at one snapshot into the view at another: its rows, with `_sign` -1 for those that go and 1 for
    those that come. What came and went in between is not in it. None where a change feed does not reach back."""
    feeds = {source: _feed(lake, f"gold.{source}", since, until) for source in moved(view, since, until)}
    if any(feed is None for feed in feeds.values()):
        return None
    if view.grain is None and len(view.sources) == 1:
        (source, feed), gone = next(iter(feeds.items())), F.col("_change_type").isin(*GONE)
        name = f"gold.{source}"
        if list(view.types) == list(contract(name).columns) and since.versions[name] + 1 == until.versions[name]:
            # One commit says nothing twice.
            return feed.select(*view.types, F.when(gone, -1).otherwise(1).alias(SIGN))
        before, after = view.build(**{source: feed.where(gone)}), view.build(**{source: feed.where(~gone)})
    else:
        sides = (_sources(lake, view, since), _sources(lake, view, until))
        if view.grain:
            touched = reduce(DataFrame.unionByName, [_touched(view, source, feed, sides) for source, feed in feeds.items()])
            touched = F.broadcast(touched.distinct())
            sides = tuple({n: _restricted(f, view.grain, touched) for n, f in frames.items()} for frames in sides)
        before, after = (view.build(**frames) for frames in sides)
    columns = after.columns
    signed = before.withColumn(SIGN, F.lit(-1)).unionByName(after.withColumn(SIGN, F.lit(1)))
    return signed.groupBy(*columns).agg(F.sum(SIGN).alias(SIGN)).where(F.col(SIGN) != 0)


def _sources(lake: Lake, view: View, snapshot: Snapshot) -> dict[str, DataFrame]:
    return {source: tables.read(lake, f"gold.{source}", snapshot.versions[f"gold.{source}"]) for source in view.sources}


def _feed(lake: Lake, table: str, since: Snapshot, until: Snapshot) -> DataFrame | None:
    start = since.versions.get(table)
    if start is None or start >= until.versions[table]:
        return None
    if tables.commits_of(lake, {table: start}) != {table: since.commits.get(table)}:
        return None
    return tables.changes(lake, table, start, until.versions[table])


def _touched(view: View, source: str, feed: DataFrame, sides: tuple[dict[str, DataFrame], ...]) -> DataFrame:
    """Values of the grain that changes of a source touch; a source that lacks it is linked by the source that has both."""
    if view.grain in feed.columns:
        return feed.select(view.grain)
    key = [k for k in contract(f"gold.{source}").key if any(k in frame.columns for n, frame in sides[0].items() if n != source)]
    changed = F.broadcast(feed.select(*key).distinct())
    linked = [f for side in sides for f in side.values() if view.grain in f.columns and set(key) <= set(f.columns)]
    return reduce(DataFrame.unionByName, [frame.join(changed, key, "left_semi").select(view.grain) for frame in linked])


def _restricted(frame: DataFrame, grain: str, touched: DataFrame) -> DataFrame:
    return frame.join(touched, grain, "left_semi") if grain in frame.columns else frame
