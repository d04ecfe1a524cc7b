"""Delta tables as they are read: versions, notes, rows, changes.

Each commit of ours (lake/commits.py) carries a note, JSON in its metadata: how far the step had read when it wrote, in the
same transaction as the rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from lake import LAKE_FORMAT, delta, storage
from lake.contracts import Contract, contract
from lake.errors import BadConfiguration, LakeTooNew
from lake.session import Lake

SPARK_ERRORS = (Py4JJavaError, PySparkException)
# What Delta says where a table had no change feed yet, the log has been cut, or the columns have changed.
FEED_ENDED = ("DELTA_MISSING_CHANGE_DATA", "DELTA_CHANGE_DATA_FEED_INCOMPATIBLE", "DELTA_TRUNCATED_TRANSACTION_LOG")
COMMIT = re.compile(r"(\d{20})\.json")


@dataclass(frozen=True)
class Note:
    """What a commit says of itself.

    Attributes:
        run_id: the run that wrote it.
        step: the step of that run.
        sequence: number of the commit among ours, from 1.
        inputs: each input and the version or batch it was read up to.
        rows: rows in the table after the commit.
        facts: further measurements, such as sums of money.
        commits: each input that is a table of silver or gold and the commit that made its version: a table that was taken away and
            made anew comes to the same versions again.
    """

    run_id: str
    step: str
    sequence: int
    inputs: dict[str, int]
    rows: int
    facts: dict[str, str] = field(default_factory=dict)
    commits: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps({"lake_format": LAKE_FORMAT, **self.__dict__}, sort_keys=True)


def versions(lake: Lake, table: str) -> list[int]:
    """Versions whose commit files are still there, ascending; empty where the table does not exist."""
    found = (COMMIT.fullmatch(name) for name in storage.names(lake, f"{lake.path(table)}/_delta_log"))
    return [int(match[1]) for match in found if match]


def version(lake: Lake, table: str) -> int | None:
    """The newest version, None where the table does not exist."""
    found = versions(lake, table)
    return found[-1] if found else None


def exists(lake: Lake, table: str) -> bool:
    """Whether the table has been written."""
    return version(lake, table) is not None


def note_of(lake: Lake, table: str, at: int) -> Note | None:
    """The note of one commit, None where it is not ours. Those of maintenance carry the note of the commit before them."""
    metadata = _commit_info(lake, table, at).get("userMetadata")
    if not metadata or not metadata.startswith("{"):
        return None
    values = json.loads(metadata)
    if values.pop("lake_format") > LAKE_FORMAT:
        raise LakeTooNew(f"{table} was written by newer code", "update this checkout before it writes to the lake")
    return Note(**values)


def commits_of(lake: Lake, inputs: dict[str, int]) -> dict[str, str]:
    """Delta's identifiers of the commits that made versions of silver's and gold's tables, of those inputs that are such."""
    versions = {name: at for name, at in inputs.items() if name.startswith(("silver.", "gold."))}
    return {name: found for name, at in versions.items() if (found := _commit_id(lake, name, at))}


def _commit_id(lake: Lake, table: str, at: int) -> str | None:
    return _commit_info(lake, table, at).get("txnId") if storage.exists(lake, _commit_file(lake, table, at)) else None


def made_anew(lake: Lake, table: str, note: Note) -> bool:
    """Whether a table that a commit was made of has been taken away and made anew since: another commit made that version, or none
    has yet."""
    told, at = note.commits.get(table), note.inputs.get(table)
    if told is None:
        return False
    found = _commit_id(lake, table, at)
    # Where the commit's file is no longer there, its log may have been cleaned.
    return found != told if found else (version(lake, table) or 0) < at


def is_up_to(lake: Lake, note: Note, inputs: dict[str, int]) -> bool:
    """Whether a commit was made of these versions of its inputs."""
    return note.inputs == inputs and not any(made_anew(lake, name, note) for name in inputs)


def written_at(lake: Lake, table: str, at: int) -> datetime | None:
    """When a version was written (wall clock, UTC, without zone); None where its commit's file is no longer there."""
    if not storage.exists(lake, _commit_file(lake, table, at)):
        return None
    return datetime.fromtimestamp(_commit_info(lake, table, at)["timestamp"] / 1000, UTC).replace(tzinfo=None)


def replaced(lake: Lake, table: str, since: int, until: int) -> bool:
    """Whether a commit after `since` up to `until` put other rows in the place of all."""
    infos = (_commit_info(lake, table, at) for at in versions(lake, table) if since < at <= until)
    told = (info.get("operationParameters", {}) for info in infos)
    return any(parameters.get("mode") == "Overwrite" and "predicate" not in parameters for parameters in told)


def _commit_info(lake: Lake, table: str, at: int) -> dict[str, Any]:
    actions = map(json.loads, storage.read_text(lake, _commit_file(lake, table, at)).splitlines())
    return next((action["commitInfo"] for action in actions if "commitInfo" in action), {})


def _commit_file(lake: Lake, table: str, at: int) -> str:
    return f"{lake.path(table)}/_delta_log/{at:020d}.json"


def note(lake: Lake, table: str, until: int | None = None) -> Note | None:
    """The note of our newest commit (of those up to a version); commits of other programs are looked through."""
    for at in reversed(versions(lake, table)):
        found = note_of(lake, table, at) if until is None or at <= until else None
        if found:
            return found
    return None


def notes_after(lake: Lake, table: str, sequence: int) -> dict[int, Note]:
    """The notes of our commits after one, by their number, as far back as the log reaches."""
    found: dict[int, Note] = {}
    for at in reversed(versions(lake, table)):
        told = note_of(lake, table, at)
        if told and told.sequence <= sequence:
            break
        found |= {told.sequence: told} if told else {}
    return found


def read(lake: Lake, table: str, at: int | None = None) -> DataFrame:
    """A table, at a version or as it is now; columns that its contract has got since then are null."""
    return whole(contract(table), delta.snapshot(lake, lake.path(table), at).frame())


def around(lake: Lake, table: str, keys: DataFrame, at: int | None = None) -> DataFrame:
    """A table's rows among which are all that have the given values of some columns (a small frame of those columns): of a large
    table the rows of the files that hold some, of a small one all."""
    return whole(contract(table), delta.snapshot(lake, lake.path(table), at).holding(F.broadcast(keys)).frame())


def of_keys(lake: Lake, table: str, keys: DataFrame, at: int | None = None) -> DataFrame:
    """A table's rows that have the given values of some columns."""
    return around(lake, table, keys, at).join(F.broadcast(keys), keys.columns, "left_semi")


def whole(contract: Contract, frame: DataFrame) -> DataFrame:
    """A table's rows with all columns of its contract; those that it has not got yet are null."""
    missing = missing_columns(contract, frame.schema)
    return frame.withColumns({f.name: F.lit(None).cast(f.dataType) for f in missing}) if missing else frame


def schema(lake: Lake, table: str) -> StructType:
    """The columns that a table has now, which its contract may have added to."""
    return delta.snapshot(lake, lake.path(table)).schema


def fits(contract: Contract, there: StructType) -> bool:
    """Whether these are the contract's columns, in any order."""
    return {f.name: f.dataType for f in there} == {f.name: f.dataType for f in contract.schema}


def missing_columns(contract: Contract, there: StructType) -> list[StructField]:
    """Columns of a contract that are not there yet."""
    names = set(there.names)
    return [f for f in contract.schema.fields if f.name not in names]


def batches(lake: Lake, table: str, since: int, until: int) -> DataFrame:
    """The rows of a bronze table's batches after `since` up to `until`; files of other batches are not opened."""

    def holds_some(statistics: dict[str, Any]) -> bool:
        return statistics["maxValues"]["_batch"] > since and statistics["minValues"]["_batch"] <= until

    rows = whole(contract(table), delta.snapshot(lake, lake.path(table)).where(holds_some).frame())
    return rows.where((F.col("_batch") > since) & (F.col("_batch") <= until))


def changes(lake: Lake, table: str, since: int, until: int) -> DataFrame | None:
    """The change feed of the versions after `since` up to `until`: the table's columns and `_change_type`
    (insert, delete, update_preimage, update_postimage). None where the feed no longer reaches back that far."""
    if since > until or set(range(since + 1, until + 1)) - set(versions(lake, table)):
        return None
    try:
        feed = delta.changes(lake, lake.path(table), since + 1, until).drop("_commit_version", "_commit_timestamp")
    except Exception as error:
        if any(word in str(error) for word in FEED_ENDED):
            return None
        raise
    return whole(contract(table), feed)


@contextmanager
def cached(frame: DataFrame) -> Iterator[DataFrame]:
    """A frame whose rows are kept from their first use until the end of the block. What is made of it is planned from the kept rows on:
    Spark's own cached frame drags all that it was made of through each step behind it."""
    spark = frame.persist().sparkSession
    try:
        manager = spark._jsparkSession.sharedState().cacheManager()
        kept = manager.lookupCachedData(frame._jdf).get().cachedRepresentation()
        # Without the order of its rows, which keeps the first names of its columns: joined with itself it would not be planned.
        plan = kept.copy(kept.output(), kept.cacheBuilder(), spark._jvm.PythonUtils.toSeq([]))
        getattr(plan, "statsOfPlanToCache_$eq")(kept.statsOfPlanToCache())
        yield DataFrame(getattr(spark._jvm, "org.apache.spark.sql.classic.Dataset").ofRows(spark._jsparkSession, plan), spark)
    finally:
        frame.unpersist()


def conforming(contract: Contract, frame: DataFrame) -> DataFrame:
    """The frame with exactly the contract's columns, types and comments.

    Raises:
        BadConfiguration: a column is missing.
    """
    if missing := [name for name in contract.schema.names if name not in frame.columns]:
        raise BadConfiguration(f"{contract.name} lacks {', '.join(missing)}", "the builder and the contract disagree")
    return frame.select(*[F.col(f.name).cast(f.dataType).alias(f.name, metadata=f.metadata or {}) for f in contract.schema.fields])


def keys_json(columns: Iterable[str]) -> Column:
    """A JSON object of the named columns, as text; nulls kept, so that its shape never changes."""
    return F.to_json(F.struct(*[F.col(name).cast("string").alias(name) for name in columns]), {"ignoreNullFields": "false"})


def content(contract: Contract, names: Iterable[str]) -> Column:
    """A number for what a row says in some columns. Which of them are null is part of it: Spark's hashes pass over nulls, and a
    value that moved from one column to another would be no change."""
    names = list(names)
    return F.xxhash64(*names, *[F.col(name).isNull() for name in names if contract.columns[name].nullable])


def compared(contract: Contract, old: DataFrame, new: DataFrame) -> DataFrame:
    """The rows of `new`, and the keys that only `old` has, each with the `_action` that turns `old` into `new`: insert, update,
    delete, or same."""
    key, columns = list(contract.key), list(contract.columns)
    hashed = content(contract, columns)
    was = old.select(*[F.col(k).alias(f"o_{k}") for k in key], hashed.alias("_was"))
    now = conforming(contract, new).withColumn("_is", hashed)
    joined = now.join(was, [F.col(k) == F.col(f"o_{k}") for k in key], "full")
    action = (
        F.when(F.col("_was").isNull(), F.lit("insert"))
        .when(F.col("_is").isNull(), F.lit("delete"))
        .when(F.col("_is") != F.col("_was"), F.lit("update"))
        .otherwise(F.lit("same"))
    )
    keyed = {k: F.coalesce(F.col(k), F.col(f"o_{k}")) for k in key}
    return joined.withColumn("_action", action).withColumns(keyed).select(*columns, "_action")
