"""Delta tables: versions, notes, changes, and the three ways of writing (append, replace, upsert).

Each commit of ours carries a note (JSON in the commit's metadata): how far the step had read when it wrote, in the same
transaction as the rows. Notes are numbered, and a commit follows the version whose note it has read or fails: a driver that
should be dead and commits late is refused. Where Delta itself looks for what to write, its transaction numbers do that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lake import LAKE_FORMAT, delta, storage
from lake.contracts import Contract
from lake.errors import BadConfiguration, LakeError, LakeTooNew
from lake.session import Lake

SPARK_ERRORS = (Py4JJavaError, PySparkException)
# What Delta says where the change feed does not reach back, or not over a change of columns.
FEED_ENDED = ("DELTA_MISSING_CHANGE_DATA", "DELTA_TIMESTAMP", "DELTA_VERSION_NOT_CONT", "DELTA_CHANGE_DATA_FEED_INCOMPATIBLE")
# Up to this many bytes a table that changes is written anew, which takes a third of a MERGE's Spark jobs.
BYTES_WRITTEN_ANEW = 256 * 2**20
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
    """

    run_id: str
    step: str
    sequence: int
    inputs: dict[str, int]
    rows: int
    facts: dict[str, str] = field(default_factory=dict)

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
    """The note of one commit, None where it is not ours (maintenance)."""
    metadata = _commit_info(lake, table, at).get("userMetadata")
    if not metadata or not metadata.startswith("{"):
        return None
    values = json.loads(metadata)
    if values.pop("lake_format") > LAKE_FORMAT:
        raise LakeTooNew(f"{table} was written by newer code", "update this checkout before it writes to the lake")
    return Note(**values)


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
    """The note of our newest commit (of those up to a version); commits of maintenance are looked through."""
    for at in reversed(versions(lake, table)):
        found = note_of(lake, table, at) if until is None or at <= until else None
        if found:
            return found
    return None


def rows_by_sequence(lake: Lake, table: str) -> dict[int, int]:
    """Rows in the table after each of our commits whose file is still there, by the commit's number."""
    notes = (note_of(lake, table, at) for at in versions(lake, table))
    return {found.sequence: found.rows for found in notes if found}


def read(lake: Lake, table: str, at: int | None = None) -> DataFrame:
    """A table, at a version or as it is now.

    Delta's reader starts a Spark job in every query to ask its log for the table's files, which costs more than reading a small
    table does. The checksum beside a commit names the files too, if they are not thousands: then they are read from there.
    """
    if found := delta.snapshot(lake, lake.path(table), at):
        return found.frame()
    reader = lake.spark.read.format("delta")
    return (reader if at is None else reader.option("versionAsOf", at)).load(lake.path(table))


def batches(lake: Lake, table: str, since: int, until: int) -> DataFrame:
    """The rows of a bronze table's batches after `since` up to `until`; files of other batches are not opened."""

    def holds_some(statistics: dict[str, Any]) -> bool:
        return statistics["maxValues"]["_batch"] > since and statistics["minValues"]["_batch"] <= until

    found = delta.snapshot(lake, lake.path(table))
    rows = found.frame(holds_some) if found else read(lake, table)
    return rows.where((F.col("_batch") > since) & (F.col("_batch") <= until))


def changes(lake: Lake, table: str, since: int, until: int) -> DataFrame | None:
    """The change feed of the versions after `since` up to `until`: the table's columns and `_change_type`
    (insert, delete, update_preimage, update_postimage). None where the feed no longer reaches back that far."""
    try:
        return (
            lake.spark.read.format("delta")
            .option("readChangeFeed", "true")
            .option("startingVersion", since + 1)
            .option("endingVersion", until)
            .load(lake.path(table))
            .drop("_commit_version", "_commit_timestamp")
        )
    except Exception as error:
        if any(word in str(error) for word in FEED_ENDED):
            return None
        raise


def conforming(contract: Contract, frame: DataFrame) -> DataFrame:
    """The frame with exactly the contract's columns, types and comments.

    Raises:
        BadConfiguration: a column is missing.
    """
    if missing := [name for name in contract.schema.names if name not in frame.columns]:
        raise BadConfiguration(f"{contract.name} lacks {', '.join(missing)}", "the builder and the contract disagree")
    return frame.select(*[F.col(f.name).cast(f.dataType).alias(f.name, metadata=f.metadata or {}) for f in contract.schema.fields])


def _options(contract: Contract, note: Note) -> dict[str, str]:
    # The ledger's tables are kept from doubling by their notes (lake/ledger.py), which spares looking the number up.
    numbered = {} if note.step == "ledger" else {"txnAppId": f"lake:{contract.name}", "txnVersion": str(note.sequence)}
    return numbered | {
        "userMetadata": note.to_json(),
        "delta.enableChangeDataFeed": str(_has_feed(contract)).lower(),
        # Statistics where they let files be skipped; on every column they cost a tenth of a small table's write.
        "delta.dataSkippingStatsColumns": ",".join(_skipped_by(contract)),
    }


def _has_feed(contract: Contract) -> bool:
    return contract.layer in ("silver", "gold")


def _skipped_by(contract: Contract) -> list[str]:
    return ["_batch"] if contract.layer == "bronze" else list(dict.fromkeys([*contract.key[:1], *contract.cluster_by]))


def append(lake: Lake, contract: Contract, frame: DataFrame | None, note: Note) -> int:
    """Add rows (None: only the note) in one commit, creating the table if there is none; the version written."""
    return _save(lake, contract, frame, note, "append")


def replace(lake: Lake, contract: Contract, frame: DataFrame, note: Note) -> int:
    """Put the frame in the place of all rows in one commit; the version written."""
    return _save(lake, contract, frame, note, "overwrite")


def _save(lake: Lake, contract: Contract, frame: DataFrame | None, note: Note, mode: str) -> int:
    frame = None if frame is None else conforming(contract, frame)
    if found := _followed(lake, contract, note):
        return _commit(contract, found, frame, note, removing=mode == "overwrite")
    frame = lake.spark.createDataFrame([], contract.schema) if frame is None else frame
    writer = frame.write.format("delta").mode(mode).options(**_options(contract, note))
    # A new column of the contract is added to the table; a changed type is refused.
    writer = writer.option("mergeSchema", "true")
    try:
        writer.save(lake.path(contract.name))
    except SPARK_ERRORS as error:
        raise _explained(contract, error) from error
    return _written(lake, contract, note)


def _followed(lake: Lake, contract: Contract, told: Note) -> delta.Snapshot | None:
    """The snapshot that a commit follows. None where Delta must find out itself: the table is new, has other columns than its
    contract, or files that its checksum does not name.

    Raises:
        LakeError: the newest commit is not the one before this.
    """
    at = version(lake, contract.name)
    if at is None:
        return None
    newest = note(lake, contract.name, at)
    if told.step != "ledger" and told.sequence != (newest.sequence if newest else 0) + 1:
        raise _overtaken(contract)
    found = delta.snapshot(lake, lake.path(contract.name), at)
    fits = found and {f.name: f.dataType for f in found.schema} == {f.name: f.dataType for f in contract.schema}
    return found if fits else None


def _commit(contract: Contract, found: delta.Snapshot, frame: DataFrame | None, note: Note, removing: bool, where: str = "") -> int:
    try:
        # The ledger's tables are written by several runs at once, which do not wait for each other.
        return delta.commit(found, frame, note.to_json(), removing, where, strict=note.step != "ledger")
    except SPARK_ERRORS as error:
        raise _explained(contract, error) from error


def upsert(lake: Lake, contract: Contract, actions: DataFrame, note: Note) -> int:
    """Apply rows with an `_action` (insert, update, delete) by the contract's key in one commit; the version written.

    A small table is written anew with the changes in it, and its change feed gets them alone. A larger one is merged, which
    leaves the files that no change touches where they are.
    """
    actions = actions.select(*[F.col(n).cast(f.dataType).alias(n) for n, f in _fields(contract).items()], "_action")
    found = _followed(lake, contract, note)
    if found and found.size <= BYTES_WRITTEN_ANEW:
        return _commit(contract, found, _changed(contract, found, actions), note, removing=True, where="rows of changed keys")
    return _merge(lake, contract, actions, note)


def _changed(contract: Contract, found: delta.Snapshot, actions: DataFrame) -> DataFrame:
    """The table's rows after the actions and, with a `_change_type`, those that only its change feed gets."""
    columns, key, action = list(contract.columns), list(contract.key), F.col("_action")
    table, old = found.frame().select(*columns), actions.where(action != "insert").select(*key, "_action")
    frames = [table.join(old, key, "left_anti"), actions.where(action != "delete").select(*columns)]
    if _has_feed(contract):
        was = F.when(action == "delete", "delete").otherwise("update_preimage")
        becomes = F.when(action == "insert", "insert").otherwise("update_postimage")
        frames = [frame.withColumn("_change_type", F.lit(None).cast("string")) for frame in frames]
        frames.append(table.join(old, key).select(*columns, was.alias("_change_type")))
        frames.append(actions.where(action != "delete").select(*columns, becomes.alias("_change_type")))
    return reduce(DataFrame.unionByName, frames).coalesce(int(found.lake.spark.conf.get("spark.sql.shuffle.partitions")))


def _merge(lake: Lake, contract: Contract, actions: DataFrame, note: Note) -> int:
    # The session of the rows: their view and the commit's metadata are in it, and tables written at the same time have others.
    spark = actions.sparkSession
    target, source = f"delta.`{lake.path(contract.name)}`", f"_actions_{contract.table}"
    actions.createOrReplaceTempView(source)
    columns = list(_fields(contract))
    matched = " and ".join(f"t.`{name}` = s.`{name}`" for name in contract.key)
    setting = ", ".join(f"t.`{name}` = s.`{name}`" for name in columns)
    inserting = ", ".join(f"`{name}`" for name in columns), ", ".join(f"s.`{name}`" for name in columns)
    options = _options(contract, note)
    spark.conf.set("spark.databricks.delta.commitInfo.userMetadata", options["userMetadata"])
    for name in ("txnAppId", "txnVersion"):
        if name in options:
            spark.conf.set(f"spark.databricks.delta.write.{name}", options[name])
    try:
        spark.sql(
            f"merge into {target} t using {source} s on {matched} "
            f"when matched and s._action = 'delete' then delete "
            f"when matched then update set {setting} "
            f"when not matched and s._action <> 'delete' then insert ({inserting[0]}) values ({inserting[1]})"
        )
    except SPARK_ERRORS as error:
        raise _explained(contract, error) from error
    finally:
        for name in ("commitInfo.userMetadata", "write.txnAppId", "write.txnVersion"):
            spark.conf.unset(f"spark.databricks.delta.{name}")
        spark.catalog.dropTempView(source)
    return _written(lake, contract, note)


def _fields(contract: Contract) -> dict[str, T.StructField]:
    return {f.name: f for f in contract.schema.fields}


def _written(lake: Lake, contract: Contract, note: Note) -> int:
    """The version that our commit became. Delta skips a transaction number it has seen: then another driver was faster."""
    newest = version(lake, contract.name)
    if newest is None or note_of(lake, contract.name, newest) != note:
        raise _overtaken(contract)
    return newest


def _overtaken(contract: Contract) -> LakeError:
    return LakeError(f"{contract.name}: another run committed before this one", "nothing is lost; run again, it starts from there")


def _explained(contract: Contract, error: Exception) -> Exception:
    text = str(error)
    if "DELTA_CONCURRENT" in text or "DELTA_MAX_COMMIT_RETRIES_EXCEEDED" in text:
        return _overtaken(contract)
    if "DELTA_FAILED_TO_MERGE_FIELDS" in text or "DELTA_MERGE_INCOMPATIBLE" in text:
        return BadConfiguration(
            f"{contract.name}: the contract contradicts the table: {text.splitlines()[0]}",
            "a type can't change in place: rename the column, or rebuild the table with jobs/backfill.py --all",
        )
    return error


def keys_json(columns: Iterable[str]) -> Column:
    """A JSON object of the named columns, as text; nulls kept, so that its shape never changes."""
    return F.to_json(F.struct(*[F.col(name).cast("string").alias(name) for name in columns]), {"ignoreNullFields": "false"})


def compared(contract: Contract, old: DataFrame, new: DataFrame) -> DataFrame:
    """The rows of `new`, and the keys that only `old` has, each with the `_action` that turns `old` into `new`: insert, update,
    delete, or same."""
    key, columns = list(contract.key), list(contract.columns)
    hashed = F.xxhash64(*columns)
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
