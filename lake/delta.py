"""Delta's snapshot and transaction, used directly where its Python API starts Spark jobs only to read its own log.

The checksum beside a commit names the table's files if they are not thousands. With it a table can be read, and a commit
prepared, without replaying the log, which costs more than a small table's rows do.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from py4j.java_gateway import JavaObject
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lake.session import Lake

DELTA = "org.apache.spark.sql.delta"
# From this many bytes on the files that hold the wanted rows are sought first; below, that costs more than to read all.
BYTES_SEARCHED = 32 * 2**20
# How often a commit is tried again after another was faster; in the session, which only one strict commit uses at a time.
ATTEMPTS = "spark.databricks.delta.maxCommitAttempts"


@dataclass(frozen=True)
class Snapshot:
    """A version of a table and the files that it is made of.

    Attributes:
        log: Delta's DeltaLog.
        at: Delta's Snapshot.
        files: Scala sequence of Delta's AddFile.
        size: bytes in these files.
        described: Delta's Metadata that the commit brings which follows: of a new table, or of one that gets other columns.
    """

    lake: Lake
    log: JavaObject
    at: JavaObject
    files: JavaObject
    size: int
    described: JavaObject | None = None

    @property
    def schema(self) -> T.StructType:
        """The table's columns, after the commit that follows."""
        return T.StructType.fromJson(json.loads((self.described or self.at).schema().json()))

    def frame(self) -> DataFrame:
        """The rows of the files."""
        _activate(self.lake)
        frame = _class(self.lake, "lakehouse.KnownFiles").frame
        return DataFrame(frame(self.lake.spark._jsparkSession, self.log, self.at, self.files), self.lake.spark)

    def where(self, wanted: Callable[[dict[str, Any]], bool]) -> Snapshot:
        """The same with only the files whose statistics are `wanted`, or that have none."""
        return self._of([file for file in _list(self.files) if file.stats() is None or wanted(json.loads(file.stats()))])

    def holding(self, keys: DataFrame) -> Snapshot:
        """The same with only the files in which there are rows of these keys (a frame of the key's columns), as a small query finds
        out; with all of them where they are few or small."""
        if self.size <= BYTES_SEARCHED or self.files.length() == 1:
            return self
        rows = self.frame().select(*keys.columns, F.input_file_name().alias("_path"))
        paths = rows.join(keys, keys.columns, "left_semi").select("_path").distinct().collect()
        names = {unquote(path).rsplit("/", 1)[-1] for (path,) in paths}
        return self._of([file for file in _list(self.files) if unquote(file.path()).rsplit("/", 1)[-1] in names])

    def _of(self, files: list[JavaObject]) -> Snapshot:
        return replace(self, files=_scala(self.lake, files), size=sum(file.size() for file in files))


def snapshot(lake: Lake, path: str, version: int | None = None) -> Snapshot:
    """A version of the table at a path, the newest if None."""
    _activate(lake)
    none = _none(lake)
    log = _log(lake, path)
    at = log.update(False, none, none) if version is None else log.getSnapshotAt(version, none, none, False)
    checksum = at.checksumOpt()
    if checksum.isEmpty() or checksum.get().allFiles().isEmpty():
        return Snapshot(lake, log, at, _scala(lake, at.allFiles().collectAsList()), at.sizeInBytes())
    return Snapshot(lake, log, at, checksum.get().allFiles().get(), checksum.get().tableSizeBytes())


def nothing(lake: Lake, path: str, schema: T.StructType, properties: dict[str, str]) -> Snapshot:
    """What the first commit of a table follows, which makes it. Delta's writer runs a query to find that there are no files yet."""
    _activate(lake)
    log, new = _log(lake, path), _class(lake, "lakehouse.NewTable")
    described = new.described(schema.json(), _class(lake, "PythonUtils").toScalaMap(properties))
    return Snapshot(lake, log, new(log), _scala(lake, []), 0, described)


def described(on: Snapshot, schema: T.StructType) -> Snapshot:
    """What the commit follows that gives a table other columns."""
    return replace(on, described=_class(on.lake, "lakehouse.NewTable").described(on.at.metadata(), schema.json()))


def changes(lake: Lake, path: str, first: int, last: int) -> DataFrame:
    """The change feed of these versions, as a part of the query that reads it. Delta's reader makes a query of its own of it,
    planned and compiled apart, which gives its rows to the other one by one."""
    _activate(lake)
    none, some = _none(lake), _class(lake, "scala.Option").apply
    log = _log(lake, path)
    newest = some(log.update(False, none, none))
    feed = _class(lake, f"{DELTA}.commands.cdc.CDCReader")
    return DataFrame(feed.changesToBatchDF(log, first, last, lake.spark._jsparkSession, none, newest, False, none), lake.spark)


class OtherRows(Exception):
    """Says how many rows there are where another number was expected."""


def commit(on: Snapshot, rows: DataFrame | None, told: str, removing: bool, where: str, strict: bool, expected: int | None = None) -> int:
    """Commit rows in a transaction that starts from a snapshot; the version written.

    Args:
        rows: with the table's columns, and `_change_type` where some are only for the change feed (null: for the table).
        told: the commit's user metadata.
        removing: whether the snapshot's files leave the table.
        where: which of the table's rows the commit changes, for its history; all if empty.
        strict: fail if another commit came after the snapshot, however well they go together.
        expected: how many rows must be written, any number if None.

    Raises:
        OtherRows: they are another number.
    """
    lake = on.lake
    _activate(lake)
    none, some = _none(lake), _class(lake, "scala.Option").apply
    transaction = on.log.startTransaction(none, some(on.at))
    if on.described is not None:
        transaction.updateMetadata(on.described, False)
    actions = [] if rows is None else _list(transaction.writeFiles(rows._jdf))
    if expected is not None and (written := sum(json.loads(file.stats())["numRecords"] for file in actions)) != expected:
        raise OtherRows(written)
    if removing:
        actions += [file.remove() for file in _list(on.files)]
    mode = getattr(_class(lake, "org.apache.spark.sql.SaveMode"), "Overwrite" if removing else "Append")
    predicate = some(where) if where else none
    operation = _class(lake, f"{DELTA}.DeltaOperations$Write")(mode, none, predicate, some(told), *[none] * 5)
    if strict:
        lake.spark.conf.set(ATTEMPTS, "0")
    try:
        return transaction.commit(_scala(lake, actions), operation)
    finally:
        lake.spark.conf.unset(ATTEMPTS)


def _class(lake: Lake, name: str) -> JavaObject:
    return getattr(lake.spark._jvm, name)


def _log(lake: Lake, path: str) -> JavaObject:
    return _class(lake, f"{DELTA}.DeltaLog").forTable(lake.spark._jsparkSession, path)


def _list(sequence: JavaObject) -> list[JavaObject]:
    """A Scala sequence's elements. A py4j iterator would end by an exception, which pyspark takes 40 ms to look into."""
    return [sequence.apply(at) for at in range(sequence.length())]


def _scala(lake: Lake, values: list[JavaObject]) -> JavaObject:
    return _class(lake, "PythonUtils").toSeq(values)


def _none(lake: Lake) -> JavaObject:
    return _class(lake, "scala.Option").empty()


def _activate(lake: Lake) -> None:
    """Delta works in the session that is active in this thread."""
    _class(lake, "org.apache.spark.sql.classic.SparkSession").setActiveSession(lake.spark._jsparkSession)
