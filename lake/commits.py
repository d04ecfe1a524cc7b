"""The three ways of writing a Delta table: append, replace, upsert. Each is one commit with a note (lake/tables.py).

Notes are numbered, and a commit follows the version whose note it has read or fails: a driver that should be dead and commits
late is refused.
"""

from __future__ import annotations

import dataclasses
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from lake import delta, tables
from lake.contracts import Contract
from lake.errors import BadConfiguration, LakeError, LawBroken
from lake.session import Lake

# A table of several times as many rows is laid out by what it is clustered by, in files of about so many.
ROWS_A_FILE = 100_000


def _properties(contract: Contract) -> dict[str, str]:
    return {"delta.enableChangeDataFeed": str(_has_feed(contract)).lower(), **statistics(contract)}


def statistics(contract: Contract) -> dict[str, str]:
    """The property that says which columns have statistics: those that let files be skipped. On every column they cost a tenth of a
    small table's write."""
    columns = ["_batch"] if contract.layer == "bronze" else dict.fromkeys([*contract.key[:1], *contract.cluster_by])
    return {"delta.dataSkippingStatsColumns": ",".join(columns)}


def _has_feed(contract: Contract) -> bool:
    return contract.layer in ("silver", "gold")


def append(lake: Lake, contract: Contract, frame: DataFrame | None, note: tables.Note, expected: int | None = None) -> int:
    """Add rows (None: only the note) in one commit, creating the table if there is none; the version written.

    Raises:
        LawBroken: the rows are not as many as `expected`; nothing is committed.
    """
    found = _widened(contract, _followed(lake, contract, note))
    if frame is not None:
        frame = _laid_out(contract, tables.conforming(contract, frame), 0 if found.size else note.rows)
    return _commit(contract, found, frame, note, expected=expected)


def replace(lake: Lake, contract: Contract, frame: DataFrame, note: tables.Note) -> int:
    """Put the frame in the place of all rows, and the contract's columns in the place of the table's, in one commit; the version
    written."""
    found = _followed(lake, contract, note)
    if not tables.fits(contract, found.schema):
        found = delta.described(found, contract.schema)
    frame = _laid_out(contract, tables.conforming(contract, frame), note.rows)
    return _commit(contract, found, frame, note, removing=True)


def upsert(lake: Lake, contract: Contract, actions: DataFrame, note: tables.Note) -> int:
    """Apply rows with an `_action` (insert, update, delete) by the contract's key in one commit; the version written.

    The files that hold rows of changed keys are written anew with the changes in them; of a small table these are all. The change
    feed gets the changes alone.
    """
    actions = actions.select(*[F.col(f.name).cast(f.dataType).alias(f.name) for f in contract.schema], "_action")
    found = _widened(contract, _followed(lake, contract, note))
    # Not broadcast whatever they are: a delivery of a whole feed again may change every row.
    held = found.holding(actions.where("_action <> 'insert'").select(*contract.key))
    rows = _laid_out(contract, _changed(contract, held, actions), note.rows * held.size // max(found.size, 1))
    return _commit(contract, held, rows, note, removing=True, where="rows of changed keys")


def _followed(lake: Lake, contract: Contract, told: tables.Note) -> delta.Snapshot:
    """The snapshot that a commit follows.

    Raises:
        LakeError: the newest commit is not the one before this.
    """
    at = tables.version(lake, contract.name)
    if at is None:
        return delta.nothing(lake, lake.path(contract.name), contract.schema, _properties(contract))
    newest = tables.note(lake, contract.name, at)
    if told.step != "ledger" and told.sequence != (newest.sequence if newest else 0) + 1:
        raise _overtaken(contract)
    if newest is None and contract.layer != "ops":
        raise LakeError(
            f"{contract.name}: no commit in its log says any more how far it was read: changed by another program, then cleaned?",
            "nothing was written; a silver or gold table: take its folder away and run again, it is made anew from what it is built from",
        )
    return delta.snapshot(lake, lake.path(contract.name), at)


def _widened(contract: Contract, found: delta.Snapshot) -> delta.Snapshot:
    """The snapshot with the columns that the contract has got since then, which the commit adds.

    Raises:
        BadConfiguration: a column has another type than the contract says.
    """
    there, types = found.schema, {f.name: f.dataType for f in contract.schema}
    if other := [f"{f.name} is {f.dataType.simpleString()}" for f in there if types.get(f.name, f.dataType) != f.dataType]:
        raise BadConfiguration(
            f"{contract.name}: the contract contradicts the table, where {', '.join(other)}",
            "a type can't change in place: give the column another name, or the type that it has",
        )
    missing = tables.missing_columns(contract, there)
    return delta.described(found, StructType([*there.fields, *missing])) if missing else found


def _changed(contract: Contract, held: delta.Snapshot, actions: DataFrame) -> DataFrame:
    """The rows of files after the actions and, with a `_change_type`, those that only the table's change feed gets."""
    action = F.col("_action")
    table = tables.whole(contract, held.frame())
    # Columns that the contract does not name any more keep what they hold.
    former = {f.name: F.lit(None).cast(f.dataType) for f in held.schema if f.name not in contract.schema.names}
    columns = [*contract.schema.names, *former]
    table = table.select(*columns).join(actions.where(action != "insert").select(*contract.key, "_action"), list(contract.key), "left")
    news = actions.where(action != "delete").withColumns(former)
    if _has_feed(contract):
        stays = F.lit(None).cast("string")
        was = F.when(action == "delete", "delete").when(action == "update", "update_preimage")
        becomes = F.when(action == "insert", "insert").otherwise("update_postimage")
        told = [(table, was), (news, stays), (news, becomes)]
        frames = [frame.select(*columns, change.alias("_change_type")) for frame, change in told]
    else:
        frames = [table.where(action.isNull()).select(*columns), news.select(*columns)]
    return reduce(DataFrame.unionByName, frames).coalesce(int(held.lake.spark.conf.get("spark.sql.shuffle.partitions")))


def _laid_out(contract: Contract, frame: DataFrame, rows: int) -> DataFrame:
    """Rows in the files that they go to: those of a large table by what it is clustered by, so that a change meets few of them."""
    files = rows // ROWS_A_FILE
    return frame.repartitionByRange(files, *contract.cluster_by) if contract.cluster_by and files > 2 else frame


def _commit(
    contract: Contract,
    found: delta.Snapshot,
    frame: DataFrame | None,
    note: tables.Note,
    removing: bool = False,
    where: str = "",
    expected: int | None = None,
) -> int:
    note = dataclasses.replace(note, commits=tables.commits_of(found.lake, note.inputs))
    try:
        # The ledger's tables are written by several runs at once, which do not wait for each other.
        return delta.commit(found, frame, note.to_json(), removing, where, note.step != "ledger", expected)
    except delta.OtherRows as error:
        raise LawBroken(
            f"{contract.name}: {expected} rows were counted and {error} were read; nothing was committed",
            "was a file written to meanwhile? run again when it is complete",
        ) from error
    except tables.SPARK_ERRORS as error:
        if "DELTA_CONCURRENT" in str(error) or "DELTA_MAX_COMMIT_RETRIES_EXCEEDED" in str(error):
            raise _overtaken(contract) from error
        raise


def _overtaken(contract: Contract) -> LakeError:
    return LakeError(f"{contract.name}: another run committed before this one", "nothing is lost; run again, it starts from there")
