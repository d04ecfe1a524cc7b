"""The three ways of writing a Delta table: append, replace, upsert. Each is one commit with a note (lake/tables.py).

Notes are numbered, and a commit follows the version whose note it has read or fails: a driver that should be dead and commits
late is refused. Where Delta itself looks for what to write, its transaction numbers do that.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake import delta, tables
from lake.contracts import Contract
from lake.errors import BadConfiguration, LakeError
from lake.session import Lake

# Up to this many bytes a table that changes is written anew, which takes a third of a MERGE's Spark jobs.
BYTES_WRITTEN_ANEW = 256 * 2**20


def _properties(contract: Contract) -> dict[str, str]:
    return {
        "delta.enableChangeDataFeed": str(_has_feed(contract)).lower(),
        # Statistics where they let files be skipped; on every column they cost a tenth of a small table's write.
        "delta.dataSkippingStatsColumns": ",".join(_skipped_by(contract)),
    }


def _numbered(contract: Contract, note: tables.Note) -> dict[str, str]:
    # The ledger's tables are kept from doubling by their notes (lake/ledger.py), which spares looking the number up.
    return {} if note.step == "ledger" else {"txnAppId": f"lake:{contract.name}", "txnVersion": str(note.sequence)}


def _has_feed(contract: Contract) -> bool:
    return contract.layer in ("silver", "gold")


def _skipped_by(contract: Contract) -> list[str]:
    return ["_batch"] if contract.layer == "bronze" else list(dict.fromkeys([*contract.key[:1], *contract.cluster_by]))


def append(lake: Lake, contract: Contract, frame: DataFrame | None, note: tables.Note) -> int:
    """Add rows (None: only the note) in one commit, creating the table if there is none; the version written."""
    return _save(lake, contract, frame, note, "append")


def replace(lake: Lake, contract: Contract, frame: DataFrame, note: tables.Note) -> int:
    """Put the frame in the place of all rows in one commit; the version written."""
    return _save(lake, contract, frame, note, "overwrite")


def _save(lake: Lake, contract: Contract, frame: DataFrame | None, note: tables.Note, mode: str) -> int:
    frame = None if frame is None else tables.conforming(contract, frame)
    if found := _followed(lake, contract, note):
        return _commit(contract, found, frame, note, removing=mode == "overwrite")
    frame = lake.rows([], contract.schema) if frame is None else frame
    writer = frame.write.format("delta").mode(mode).options(userMetadata=note.to_json(), **_numbered(contract, note))
    # A new column of the contract is added to the table; a changed type is refused.
    writer = writer.option("mergeSchema", "true")
    try:
        writer.save(lake.path(contract.name))
    except tables.SPARK_ERRORS as error:
        raise _explained(contract, error) from error
    return _written(lake, contract, note)


def _followed(lake: Lake, contract: Contract, told: tables.Note) -> delta.Snapshot | None:
    """The snapshot that a commit follows, with the columns that it adds. None where Delta must find out itself: a column has
    another type than its contract says, or the checksum does not name the table's files.

    Raises:
        LakeError: the newest commit is not the one before this.
    """
    at = tables.version(lake, contract.name)
    if at is None:
        return delta.nothing(lake, lake.path(contract.name), contract.schema, _properties(contract))
    newest = tables.note(lake, contract.name, at)
    if told.step != "ledger" and told.sequence != (newest.sequence if newest else 0) + 1:
        raise _overtaken(contract)
    found = delta.snapshot(lake, lake.path(contract.name), at)
    if found is None:
        return None
    missing = tables.missing_columns(contract, found.schema)
    fits = {f.name: f.dataType for f in [*found.schema, *missing]} == {f.name: f.dataType for f in contract.schema}
    if not fits:
        return None
    return delta.widened(found, missing) if missing else found


def _commit(contract: Contract, found: delta.Snapshot, frame: DataFrame | None, note: tables.Note, removing: bool, where: str = "") -> int:
    try:
        # The ledger's tables are written by several runs at once, which do not wait for each other.
        return delta.commit(found, frame, note.to_json(), removing, where, strict=note.step != "ledger")
    except tables.SPARK_ERRORS as error:
        raise _explained(contract, error) from error


def upsert(lake: Lake, contract: Contract, actions: DataFrame, note: tables.Note) -> int:
    """Apply rows with an `_action` (insert, update, delete) by the contract's key in one commit; the version written.

    A small table is written anew with the changes in it, and its change feed gets them alone. A larger one is merged, which
    leaves the files that no change touches where they are.
    """
    actions = actions.select(*[F.col(f.name).cast(f.dataType).alias(f.name) for f in contract.schema], "_action")
    found = _followed(lake, contract, note)
    if found and found.size <= BYTES_WRITTEN_ANEW:
        return _commit(contract, found, _changed(contract, found, actions), note, removing=True, where="rows of changed keys")
    return _merge(lake, contract, actions, note)


def _changed(contract: Contract, found: delta.Snapshot, actions: DataFrame) -> DataFrame:
    """The table's rows after the actions and, with a `_change_type`, those that only its change feed gets."""
    columns, action = contract.schema.names, F.col("_action")
    gone = actions.where(action != "insert").select(*contract.key, "_action")
    table = tables.whole(contract, found.frame()).select(*columns).join(gone, list(contract.key), "left")
    news = actions.where(action != "delete")
    if _has_feed(contract):
        stays = F.lit(None).cast("string")
        was = F.when(action == "delete", "delete").when(action == "update", "update_preimage")
        becomes = F.when(action == "insert", "insert").otherwise("update_postimage")
        told = [(table, was), (news, stays), (news, becomes)]
        frames = [frame.select(*columns, change.alias("_change_type")) for frame, change in told]
    else:
        frames = [table.where(action.isNull()).select(*columns), news.select(*columns)]
    return reduce(DataFrame.unionByName, frames).coalesce(int(found.lake.spark.conf.get("spark.sql.shuffle.partitions")))


def _merge(lake: Lake, contract: Contract, actions: DataFrame, note: tables.Note) -> int:
    # The session of the rows: their view and the commit's metadata are in it, and tables written at the same time have others.
    spark = actions.sparkSession
    target, source = f"delta.`{lake.path(contract.name)}`", f"_actions_{contract.table}"
    actions.createOrReplaceTempView(source)
    columns = contract.schema.names
    matched = " and ".join(f"t.`{name}` = s.`{name}`" for name in contract.key)
    setting = ", ".join(f"t.`{name}` = s.`{name}`" for name in columns)
    inserting = ", ".join(f"`{name}`" for name in columns), ", ".join(f"s.`{name}`" for name in columns)
    spark.conf.set("spark.databricks.delta.commitInfo.userMetadata", note.to_json())
    for name, value in _numbered(contract, note).items():
        spark.conf.set(f"spark.databricks.delta.write.{name}", value)
    try:
        spark.sql(
            f"merge into {target} t using {source} s on {matched} "
            f"when matched and s._action = 'delete' then delete "
            f"when matched then update set {setting} "
            f"when not matched and s._action <> 'delete' then insert ({inserting[0]}) values ({inserting[1]})"
        )
    except tables.SPARK_ERRORS as error:
        raise _explained(contract, error) from error
    finally:
        for name in ("commitInfo.userMetadata", "write.txnAppId", "write.txnVersion"):
            spark.conf.unset(f"spark.databricks.delta.{name}")
        spark.catalog.dropTempView(source)
    return _written(lake, contract, note)


def _written(lake: Lake, contract: Contract, note: tables.Note) -> int:
    """The version that our commit became. Delta skips a transaction number it has seen: then another driver was faster."""
    newest = tables.version(lake, contract.name)
    if newest is None or tables.note_of(lake, contract.name, newest) != note:
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
