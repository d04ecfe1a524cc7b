"""Each query of docs/queries.md gives rows, and what is asked by reading accounts is only read."""

from __future__ import annotations

import json
import re

import pytest

from lake.ask import QUESTIONS, ask
from lake.sql import WrongQuery
from tests.lakes import ROOT, python

STORES = {"sql": "clickhouse", "json": "mongodb", "cypher": "neo4j", "trino": "trino"}
BLOCKS = re.findall(r"```(sql|json|cypher|trino)\n(.*?)```", (ROOT / "docs/queries.md").read_text(encoding="utf-8"), re.DOTALL)
TO_TRY = re.findall(r"make ask S=(\w+) Q=['\"](.*)['\"]$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(("language", "text"), BLOCKS)
def test_a_query_of_the_page_gives_rows(published, language, text):
    names, rows = ask(STORES[language], text)
    assert names and rows and all(len(row) == len(names) for row in rows)


@pytest.mark.parametrize(("store", "text"), TO_TRY)
def test_a_question_that_the_demo_ends_with_gives_rows(published, store, text):
    assert ask(store, text)[1]


def test_the_page_has_queries_for_all_four():
    assert {STORES[language] for language, _ in BLOCKS} == set(QUESTIONS)
    assert len(TO_TRY) == 3


@pytest.mark.parametrize(
    ("store", "text", "why"),
    [
        ("clickhouse", "DROP TABLE sales_fact", "Not enough privileges"),
        ("clickhouse", "SELECT 1 FROM nowhere", "nowhere"),
        ("mongodb", '{"drop": "products"}', "not authorized"),
        ("mongodb", "db.products.find()", "a command in JSON"),
        ("neo4j", "CREATE (:Product)", "not allowed"),
        ("neo4j", "MATCH", "Invalid input"),
        ("trino", "DROP TABLE lake.gold.fact_orders", "Access Denied"),
    ],
)
def test_a_question_that_writes_or_is_none_is_refused(published, store, text, why):
    with pytest.raises(WrongQuery, match=why):
        ask(store, text)


def test_an_answer_is_whole_however_many_batches_it_comes_in(published):
    names, (counted,) = ask("mongodb", '{"count": "products"}')
    found = [row[0] for row in ask("mongodb", '{"find": "products", "projection": {"_id": 1}}')[1]]
    assert len(set(found)) == len(found) == counted[names.index("n")] > 303


def test_an_answer_is_printed_as_asked(published):
    done = python("lake.ask", "mongodb", '{"find": "products", "limit": 1, "projection": {"price_brl": 1}}', "--format", "json")
    assert done.returncode == 0, done.stdout
    (found,) = json.loads(done.stdout)
    assert set(found) == {"_id", "price_brl"}
    away = python("lake.ask", "clickhouse", "SELECT 1", CLICKHOUSE_HTTP_PORT="1")
    assert away.returncode == 6 and "make status" in away.stdout
