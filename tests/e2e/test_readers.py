"""Whoever reads while a transaction of a publication is committed sees the store as it was before it or as it is after it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lake.publish import mongodb, neo4j

ROWS, MOVED, TRANSACTIONS = 50_000, 1000, 40


def seen_while(move: Callable[[int], None], ask: Callable[[], int]) -> set[int]:
    """The answers that two readers get while the first rows win what the last ones lose, forth and back: the sum stays."""
    seen, asked, ended = set(), [], threading.Event()

    def read() -> None:
        while not ended.is_set():
            seen.add(ask())
            asked.append(1)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for turn in range(TRANSACTIONS):
        before = len(asked)
        move(1 if turn % 2 == 0 else -1)
        while len(asked) < before + 2 and all(reader.is_alive() for reader in readers):
            ended.wait(0.01)
    ended.set()
    for reader in readers:
        reader.join()
    assert len(asked) >= 2 * TRANSACTIONS
    return seen


def test_a_query_of_mongodb_sees_no_half_transaction(servers):
    with mongodb.connected() as database, mongodb.connected(reader=True) as read:
        database.halves.insert_many({"_id": key, "cents": 100, "text": "x" * 200} for key in range(ROWS))

        def move(cents: int) -> None:
            def moved(session) -> None:
                for rows, change in (({"$lt": MOVED}, cents), ({"$gte": ROWS - MOVED}, -cents)):
                    database.halves.update_many({"_id": rows}, {"$inc": {"cents": change}}, session=session)

            with database.client.start_session() as session:
                session.with_transaction(moved)

        def ask() -> int:
            return next(read.halves.aggregate([{"$group": {"_id": None, "sum": {"$sum": "$cents"}}}]))["sum"]

        assert seen_while(move, ask) == {100 * ROWS}
        database.drop_collection("halves")


def test_a_query_of_neo4j_sees_no_half_transaction(servers):
    with neo4j.connected() as driver:
        driver.execute_query("CREATE CONSTRAINT half IF NOT EXISTS FOR (n:Half) REQUIRE n.key IS UNIQUE")
        create = "UNWIND range(0, $rows - 1) AS key CREATE (:Half {key: key})-[:HAS {cents: 100}]->(:Half {key: -1 - key})"
        driver.execute_query(create, rows=ROWS)

        def move(cents: int) -> None:
            def moved(transaction) -> None:
                for rows, change in ((range(MOVED), cents), (range(ROWS - MOVED, ROWS), -cents)):
                    again = (
                        "UNWIND $keys AS key MATCH (a:Half {key: key})-[r:HAS]->(b) WITH a, r, b, r.cents AS cents DELETE r "
                        "CREATE (a)-[:HAS {cents: cents + $change}]->(b)"
                    )
                    transaction.run(again, keys=list(rows), change=change).consume()

            with driver.session() as session:
                session.execute_write(moved)

        def ask() -> int:
            return driver.execute_query("MATCH (:Half)-[r:HAS]->(:Half) RETURN sum(r.cents) AS sum").records[0]["sum"]

        assert seen_while(move, ask) == {100 * ROWS}
        neo4j.clear(driver, "Half")
        driver.execute_query("DROP CONSTRAINT half")
