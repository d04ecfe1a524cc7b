"""gold -> MongoDB: what is all new is staged beside the collections and renamed over them; what changed comes in one transaction.

Both are compared with the lake before readers see them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus

from bson.decimal128 import Decimal128
from pymongo import DeleteOne, MongoClient, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import PyMongoError
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.errors import BadConfiguration, BadEnvironment, LawBroken
from lake.publish.documents import COLLECTIONS, VIEWS, Collection
from lake.publish.fingerprint import SIGN, Fingerprint, summed
from lake.publish.snapshot import Held
from lake.publish.view import WRITERS, View, fingerprints, shape
from lake.session import Lake
from lake.settings import required
from lake.tables import SPARK_ERRORS

NAME = "mongodb"
MARKER = "_snapshots"
# One transaction holds so many documents without pressing on the server's memory; with more all is sent.
MOST_CHANGES = 20_000
DOCUMENTS_A_BATCH = 4000
# How the connector divides a collection by itself can't be done to one that has no documents.
UNDIVIDED = {"partitioner": "com.mongodb.spark.sql.connector.read.partitioner.SinglePartitionPartitioner"}


def views() -> list[View]:
    """What MongoDB shows."""
    return list(VIEWS)


def _uri(kind: str = "") -> str:
    port, user, password = required("MongoDB", "MONGODB_PORT", f"MONGODB_{kind}USER", f"MONGODB_{kind}PASSWORD")
    place = f"{os.environ.get('MONGODB_HOST', '127.0.0.1')}:{port}"
    options = "authSource=admin&directConnection=true&serverSelectionTimeoutMS=5000"
    return f"mongodb://{quote_plus(user)}:{quote_plus(password)}@{place}/?{options}"


def _database() -> str:
    return os.environ.get("MONGODB_DATABASE", "ecommerce")


@contextmanager
def connected(reader: bool = False) -> Iterator[Database]:
    """The database; errors of the server become errors that say what to do.

    Args:
        reader: as the account that only reads.

    Raises:
        BadEnvironment: no settings, no server, or it refuses.
    """
    try:
        with MongoClient(_uri("READER_" if reader else "")) as client:
            yield client[_database()]
    except PyMongoError as error:
        raise BadEnvironment(f"MongoDB: {str(error).split(',')[0]}", "`make status` shows whether it runs; then publish again") from error


def held(state: str = "current") -> Held | None:
    """What readers see, or with state `previous` what they saw before; None if there is nothing, or if a switch to another
    snapshot was cut off."""
    with connected() as database:
        return _marked(database, state)


def shown() -> dict[str, int]:
    """How many documents readers see of each view that is there."""
    with connected() as database:
        return {name: database[name].count_documents({}) for name in COLLECTIONS.keys() & _there(database)}


def _marked(database: Database, state: str, session: ClientSession | None = None) -> Held | None:
    marker = database[MARKER].find_one({"_id": state}, session=session)
    return Held.from_json(marker["held"]) if marker else None


def _claim(database: Database, new: Held) -> None:
    """Say that what is staged from now on is ours."""
    database[MARKER].replace_one({"_id": "claim"}, {"token": new.claim}, upsert=True)


def _taken_place_of(database: Database, new: Held, session: ClientSession | None = None) -> Held | None:
    """What readers see, which must be what `new` is to take the place of. The claim is written to, so that a transaction in which
    another comes is begun again."""
    before = _marked(database, "current", session)
    claim = database[MARKER].find_one_and_update({"_id": "claim"}, {"$inc": {"asked": 1}}, session=session)
    new.require_place("MongoDB", before, claim and claim["token"])
    return before


def _unmark(database: Database, session: ClientSession | None = None) -> None:
    database[MARKER].delete_many({"_id": {"$ne": "claim"}}, session=session)


def _mark(database: Database, states: Mapping[str, Held | None], session: ClientSession | None = None) -> None:
    _unmark(database, session)
    rows = [{"_id": state, "snapshot": of.snapshot.id, "held": of.to_json()} for state, of in states.items() if of]
    database[MARKER].insert_many(rows, session=session)


def publish_all(lake: Lake, rows: Mapping[str, DataFrame], new: Held) -> None:
    """Stage the collections anew and show them.

    Args:
        rows: documents by collection.
        new: what the store is to hold after it.

    Raises:
        BadEnvironment: the server is away or refuses; readers still see what they saw.
        LawBroken: what arrived is not what was sent; readers still see what they saw.
    """
    with connected() as database:
        _claim(database, new)
        for view in VIEWS:
            stage = f"{view.name}__stage"
            _make(database, stage, COLLECTIONS[view.name])
            send(rows[view.name], stage)
            _require(stage, view.fingerprint(_read(lake, stage, rows[view.name])), new.fingerprints[view.name])
        _switch(database, new)


def publish_changes(lake: Lake, changes: Mapping[str, DataFrame], told: Mapping[str, Fingerprint], new: Held) -> None:
    """Send what comes and goes beside the collections, and apply it to them in one transaction.

    Args:
        changes: documents with `_sign`, by collection.
        told: their fingerprints.
        new: what the store is to hold after it.

    Raises:
        BadEnvironment, LawBroken: as above.
    """
    with connected() as database:
        _claim(database, new)
        # What is sent now is no longer what leads back to the previous snapshot.
        database[MARKER].delete_many({"_id": "previous"})
        for view in VIEWS:
            database.drop_collection(f"{view.name}__changes")
        arrived = {}
        for name, frame in changes.items():
            wrapped = frame.select(F.struct(*[column for column in frame.columns if column != SIGN]).alias("document"), SIGN)
            send(wrapped, f"{name}__changes")
            arrived[name] = _read(lake, f"{name}__changes", wrapped).select("document.*", SIGN)
        for name, (_, found) in fingerprints(VIEWS, arrived).items():
            _require(f"{name}__changes", found, told[name])
        with database.client.start_session() as session:
            session.with_transaction(lambda session: _apply(database, session, new))


def _there(database: Database) -> set[str]:
    return set(database.list_collection_names())


def _apply(database: Database, session: ClientSession, new: Held) -> None:
    """Within a transaction: put what was sent into the collections, count and sum them, and set the marker."""
    before = _taken_place_of(database, new, session)
    there = _there(database)
    for view in (view for view in VIEWS if f"{view.name}__changes" in there):
        rows = list(database[f"{view.name}__changes"].find({}, session=session))
        coming = {row["document"]["_id"]: row["document"] for row in rows if row[SIGN] > 0}
        going = {row["document"]["_id"] for row in rows} - coming.keys()
        writes = [DeleteOne({"_id": one}) for one in going] + [ReplaceOne({"_id": one}, of, upsert=True) for one, of in coming.items()]
        if writes:
            database[view.name].bulk_write(writes, ordered=False, session=session)
        _require_sums(database, view.name, view, new.fingerprints[view.name], session)
    _mark(database, {"current": new, "previous": before}, session)


def _require_sums(database: Database, collection: str, view: View, expected: Fingerprint, session: ClientSession | None = None) -> None:
    """Require rows and sums of a collection, which the server itself counts."""
    names = summed(view.types)
    group = {"_id": None, "rows": {"$sum": 1}} | {f"sum{i}": {"$sum": f"${name}"} for i, name in enumerate(names)}
    found = next(database[collection].aggregate([{"$group": group}], session=session), {})
    values = [found.get(f"sum{i}", 0) for i in range(len(names))]
    sums = {name: v.to_decimal() if isinstance(v, Decimal128) else v for name, v in zip(names, values, strict=True)}
    # The checksum is that of what travelled, which was read back: MongoDB has no function for the whole.
    _require(collection, Fingerprint.of(found.get("rows"), expected.checksum, sums), expected)


def _require(name: str, found: Fingerprint, expected: Fingerprint) -> None:
    if found != expected:
        raise LawBroken(f"MongoDB {name}: expected {expected}, found {found}")


def _make(database: Database, name: str, collection: Collection) -> None:
    database.drop_collection(name)
    properties = {field: {"bsonType": type_} for field, type_ in collection.required.items()}
    schema: dict[str, Any] = {"bsonType": "object", "required": list(collection.required), "properties": properties}
    database.create_collection(name, validator={"$jsonSchema": schema})
    for fields in collection.indexes:
        database[name].create_index([(field, 1) for field in fields])


def send(frame: DataFrame, collection: str) -> None:
    """Append documents to a collection.

    Raises:
        BadConfiguration: there is a date in them.
    """
    if '"type":"date"' in frame.schema.json():
        raise BadConfiguration(
            f"MongoDB {collection}: the connector shifts dates by the zone of the JVM",
            "cast them to timestamp in lake/publish/documents.py",
        )
    writer = frame.coalesce(WRITERS).write.format("mongodb").options(**_options(collection)).mode("append")
    writer.option("ordered", "false").option("maxBatchSize", DOCUMENTS_A_BATCH)
    try:
        writer.option("operationType", "insert").save()
    except SPARK_ERRORS as error:
        if "E11000" not in str(error):
            raise
        # A task that failed halfway was tried again: what it had sent is there. To replace takes twice as long, and doubles nothing.
        writer.option("operationType", "replace").save()


def _read(lake: Lake, collection: str, like: DataFrame) -> DataFrame:
    with connected() as database:
        options = _options(collection) | ({} if database[collection].find_one() else UNDIVIDED)
    return lake.spark.read.format("mongodb").options(**options).schema(like.schema).load()


def _options(collection: str) -> dict[str, str]:
    return {"connection.uri": _uri(), "database": _database(), "collection": collection}


def measured(lake: Lake, view: View, like: DataFrame) -> Fingerprint:
    """The fingerprint of what readers see of a view.

    Args:
        like: a frame of the view's columns.
    """
    return view.fingerprint(_read(lake, view.name, like))


def _switch(database: Database, new: Held) -> None:
    """Keep what readers see as __previous, then rename the stages over it; each rename is atomic. No marker meanwhile, so that
    what is cut off halfway is neither held nor brought back."""
    before = _taken_place_of(database, new)
    renewed = new.renews(before)
    if renewed:
        before = _marked(database, "previous")
    _unmark(database)
    there = _there(database)
    for name in new.fingerprints:
        if not renewed:
            database.drop_collection(f"{name}__previous")
            if name in there:
                database[name].aggregate([{"$out": f"{name}__previous"}])
        database[f"{name}__stage"].rename(name, dropTarget=True)
    for name in there & (before.fingerprints.keys() if before else set()) - new.fingerprints.keys():
        database[name].rename(f"{name}__previous", dropTarget=True)
    _mark(database, {"current": new, "previous": before})


def restore() -> Held:
    """Bring the previous snapshot back; the one that readers saw becomes the previous one.

    Raises:
        BadEnvironment: there is none, its collections are gone, or the server is away.
        LawBroken: someone changed its collections.
    """
    with connected() as database:
        now, before = _marked(database, "current"), _marked(database, "previous")
        if not now or not before:
            raise BadEnvironment("MongoDB holds no previous snapshot", "publish at least twice")
        before = replace(before, travelled=now.travelled, after=now.snapshot.id, restored=True)
        _claim(database, before)
        if now.travelled == "changes":
            with database.client.start_session() as session:
                session.with_transaction(lambda session: _take_back(database, session, before))
        else:
            if gone := {f"{name}__previous" for name in before.fingerprints} - _there(database):
                raise BadEnvironment(
                    f"MongoDB: {', '.join(sorted(gone))}: gone, so {before.snapshot.id} can't be brought back", "publish again"
                )
            for name in before.fingerprints:
                if name in COLLECTIONS:
                    _make(database, f"{name}__stage", COLLECTIONS[name])
                database[f"{name}__previous"].aggregate([{"$merge": f"{name}__stage"}])
            if before.shape == shape(VIEWS):
                for view in VIEWS:
                    _require_sums(database, f"{view.name}__stage", view, before.fingerprints[view.name])
            _switch(database, before)
    return before


def _take_back(database: Database, session: ClientSession, before: Held) -> None:
    """Within a transaction: turn what was sent around and apply it."""
    for view in VIEWS:
        database[f"{view.name}__changes"].update_many({}, {"$mul": {SIGN: -1}}, session=session)
    _apply(database, session, before)
