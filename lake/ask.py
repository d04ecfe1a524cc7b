"""A question to a store or to Trino, in its own language, by an account that only reads (Neo4j's: in a transaction that only reads).

python -m lake.ask clickhouse "SELECT category, sum(revenue_brl) FROM sales_fact GROUP BY 1"
python -m lake.ask mongodb '{"find": "products", "limit": 3}'          a command of the database
python -m lake.ask neo4j "MATCH (p:Product) RETURN count(p)"
python -m lake.ask trino "SELECT count(*) FROM lake.gold.fact_orders"
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from clickhouse_connect.driver.exceptions import ClickHouseError
from neo4j.exceptions import ClientError
from pymongo.database import Database
from pymongo.errors import OperationFailure

from lake import catalog
from lake.errors import BadEnvironment
from lake.program import parser, told
from lake.publish import clickhouse, mongodb, neo4j
from lake.settings import read_env_file
from lake.sql import FORMATS, WrongQuery, print_rows

Answer = tuple[list[str], list[tuple]]


def ask(store: str, text: str) -> Answer:
    """Column names and rows of an answer.

    Raises:
        WrongQuery: the store does not understand the question, or refuses it.
        BadEnvironment: no settings, or the store is away.
    """
    return QUESTIONS[store](text)


def _clickhouse(text: str) -> Answer:
    with clickhouse.connected(reader=True) as client:
        try:
            answer = client.query(text)
        except ClickHouseError as error:
            raise WrongQuery(f"clickhouse: {str(error).strip()}") from error
    return list(answer.column_names), [tuple(row) for row in answer.result_rows]


def _mongodb(text: str) -> Answer:
    try:
        command = json.loads(text)
    except ValueError as error:
        raise WrongQuery(f"mongodb: a question is a command in JSON: {error}", 'e.g. {"find": "products", "limit": 3}') from error
    with mongodb.connected(reader=True) as database:
        try:
            documents = _documents(database, command)
        except OperationFailure as error:
            raise WrongQuery(f"mongodb: {error.details.get('errmsg', error) if error.details else error}") from error
    names = list(dict.fromkeys(name for document in documents for name in document))
    return names, [tuple(document.get(name) for name in names) for document in documents]


def _documents(database: Database, command: dict[str, Any]) -> list[dict[str, Any]]:
    """The documents of all batches of an answer; of a command that has no cursor the answer itself."""
    # A cursor belongs to the session that opened it.
    with database.client.start_session() as session:
        answer = database.command(command, session=session)
        if "cursor" not in answer:
            return [answer]
        cursor = answer["cursor"]
        documents, collection = list(cursor["firstBatch"]), cursor["ns"].partition(".")[2]
        while cursor["id"]:
            cursor = database.command({"getMore": cursor["id"], "collection": collection}, session=session)["cursor"]
            documents += cursor["nextBatch"]
    return documents


def _neo4j(text: str) -> Answer:
    with neo4j.connected() as driver:
        try:
            answer = driver.execute_query(text, routing_="r")
        except ClientError as error:
            raise WrongQuery(f"neo4j: {error.message}") from error
    return list(answer.keys), [tuple(record.values()) for record in answer.records]


def _trino(text: str) -> Answer:
    # Half a second that the others need not wait.
    from requests import RequestException
    from trino.exceptions import Error, TrinoQueryError

    try:
        with catalog.connected() as cursor:
            rows = cursor.execute(text).fetchall()
            return [column.name for column in cursor.description or []], [tuple(row) for row in rows]
    except TrinoQueryError as error:
        raise WrongQuery(f"trino: {error.message}") from error
    except (Error, RequestException, OSError) as error:
        raise BadEnvironment(f"trino: {str(error).splitlines()[0][:300]}", "`make status` shows whether it runs") from error


QUESTIONS: dict[str, Callable[[str], Answer]] = {"clickhouse": _clickhouse, "mongodb": _mongodb, "neo4j": _neo4j, "trino": _trino}


def main() -> None:
    """Command line."""
    made = parser("lake.ask", __doc__)
    made.add_argument("store", choices=list(QUESTIONS))
    made.add_argument("question", help="in the store's language: SQL, a JSON command, Cypher")
    made.add_argument("--format", choices=FORMATS, default="table", help="how rows are printed (default: table)")
    args = made.parse_args()
    read_env_file()
    with told():
        print_rows(*ask(args.store, args.question), args.format)


if __name__ == "__main__":
    main()
