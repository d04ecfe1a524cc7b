"""Each query of docs/queries.md gives rows."""

from __future__ import annotations

import json
import re

import pytest

from lake import catalog
from lake.publish import clickhouse, mongodb, neo4j
from tests.lakes import ROOT

BLOCKS = re.findall(r"```(sql|json|cypher|trino)\n(.*?)```", (ROOT / "docs/queries.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize(("language", "text"), BLOCKS)
def test_a_query_of_the_page_gives_rows(published, language, text):
    if language == "sql":
        with clickhouse.connected() as client:
            assert client.query(text).result_rows
    elif language == "json":
        with mongodb.connected() as database:
            assert database.command(json.loads(text))["cursor"]["firstBatch"]
    elif language == "trino":
        with catalog.connected() as cursor:
            assert cursor.execute(text).fetchall()
    else:
        with neo4j.connected() as driver:
            assert driver.execute_query(text).records


def test_the_page_has_queries_for_all_four():
    assert {language for language, _ in BLOCKS} == {"sql", "json", "cypher", "trino"}
