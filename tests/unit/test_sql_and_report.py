"""SQL and report on tiny lakes written by delta-rs: no Spark, no JVM."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from lake import sql as lake_sql
from lake.contracts import contract, contracts
from lake.errors import BadInput
from lake.incidents import open_incident
from lake.report import write_report
from lake.sql import named_tables
from tests.lakes import python
from tests.unit.tiny_lake import OLDER, RUN, write, write_lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lake")
    write_lake(root)
    return root


@pytest.fixture(scope="module")
def page(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return page_of(lake, tmp_path_factory.mktemp("out"))


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


Sql = Callable[..., Done]


@pytest.fixture
def sql(capsys: pytest.CaptureFixture[str]) -> Sql:
    """python -m lake.sql in this process: a new one costs a second."""

    def run(lake: Path, *arguments: str) -> Done:
        code = 0
        try:
            lake_sql.main([*arguments, "--lake", str(lake)])
        except SystemExit as error:
            code = error.code
        return Done(code, *capsys.readouterr())

    return run


def page_of(root: Path, out: Path) -> str:
    return Path(write_report(str(root), out / "made")).read_text(encoding="utf-8")


def shown(page: str, identifier: str) -> str:
    """The text of the element with an identifier."""
    found = re.search(rf'<(\w+)[^>]* id="{identifier}"[^>]*>(.*?)</\1>', page, re.DOTALL)
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", found[2])).split())


def table(page: str, identifier: str) -> list[list[str]]:
    """The cells of a table of the page, without its header."""
    body = re.search(rf'<table id="{identifier}">(.*?)</table>', page, re.DOTALL)[1]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in body.split("<tr")]
    return [[" ".join(html.unescape(re.sub("<[^>]+>", " ", cell)).split()) for cell in row] for row in rows if row]


# ---------------------------------------------------------------------------------------------------------------- sql


def test_csv_is_exact(sql: Sql, lake: Path) -> None:
    query = """select order_id, revenue_brl, order_purchase_timestamp, is_on_time, purchase_date, order_approved_at, items
               from gold.fact_orders where order_id in ('o1', 'o3') order by 1"""
    assert sql(lake, query, "--format", "csv").stdout == (
        "order_id,revenue_brl,order_purchase_timestamp,is_on_time,purchase_date,order_approved_at,items\n"
        "o1,1234000.10,2017-10-15 00:30:00,true,,,1\n"
        "o3,20.00,2018-03-01 12:00:00,,,,1\n"
    )


def test_a_query_that_needs_one_row_of_many_files_ends_well(tmp_path: Path) -> None:
    for number in range(6):
        assert open_incident(str(tmp_path), f"incident {number}", "task", "r1", "it broke")
    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(lambda _: python("lake.sql", "select * from ops.incidents limit 1", LAKE_PATH=str(tmp_path)), range(16)))
    assert {done.returncode for done in ended} == {0} and all("it broke" in done.stdout for done in ended)
    assert python("lake.sql", "select nothing", LAKE_PATH=str(tmp_path)).returncode == 2


def test_csv_quotes_what_must_be_quoted(sql: Sql, lake: Path) -> None:
    query = """select rules, 'a,"b"' as text from ops.quarantine where line = 2"""
    assert sql(lake, query, "--format", "csv").stdout.splitlines()[1] == (
        '"[""in_set:order_status"", ""type:order_purchase_timestamp""]","a,""b"""'
    )


def test_json_keeps_decimals_as_text_and_nulls_as_nulls(sql: Sql, lake: Path) -> None:
    found = json.loads(
        sql(lake, "select revenue_brl, items, is_on_time from gold.fact_orders where order_id = 'o3'", "--format", "json").stdout
    )
    assert found == [{"revenue_brl": "20.00", "items": 1, "is_on_time": None}]


def test_values_in_brackets_are_not_taken_for_markup(sql: Sql, lake: Path) -> None:
    assert "[bold]x" in sql(lake, "select '[bold]x' as v").stdout


def test_an_unknown_table_is_answered_with_the_known_ones(sql: Sql, lake: Path) -> None:
    done = sql(lake, "select * from gold.sales")
    assert done.returncode == 2 and done.stdout == ""
    assert "gold.sales_by_month" in done.stderr and "ops.runs" in done.stderr and "gold.geo_flow" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("query", ["selec 1", "select nothing from gold.fact_orders", "select * from gold.geo_flow"])
def test_a_wrong_query_ends_with_2(sql: Sql, lake: Path, query: str) -> None:
    done = sql(lake, query)
    assert done.returncode == 2 and done.stderr.startswith("error: the query can't be run") and "Traceback" not in done.stderr


def test_the_command_ends_with_its_code(lake: Path) -> None:
    command = [sys.executable, "-m", "lake.sql", "select * from gold.sales", "--lake", str(lake)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == "" and "gold.sales_by_month" in done.stderr


def test_a_column_without_a_value_ends_with_2(lake: Path) -> None:
    command = [sys.executable, "-m", "lake.trace", "gold.fact_orders", "order_id", "--lake", str(lake)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "'order_id' is not COLUMN=VALUE" in done.stderr


def test_no_lake_ends_with_4(sql: Sql, tmp_path: Path) -> None:
    done = sql(tmp_path / "none", "select 1 from gold.fact_orders")
    assert done.returncode == 4 and "make demo" in done.stderr


def test_tables_tells_rows_columns_and_meaning(sql: Sql, lake: Path) -> None:
    lines = sql(lake, "--tables", "--format", "csv").stdout.splitlines()
    assert f"gold.sales_by_state,2,11,{contract('gold.sales_by_state').about}" in lines
    assert not [line for line in lines if line.startswith("bronze.")]


def test_schemas_that_are_not_written_out_work_too(sql: Sql, lake: Path) -> None:
    assert sql(lake, "use gold; select count(*) as n from fact_orders", "--format", "csv").stdout == "n\n5\n"


def test_named_tables_finds_quoted_and_upper_case_names() -> None:
    assert named_tables('select * from "gold"."fact_orders" join SILVER.orders using (order_id)') == ["silver.orders", "gold.fact_orders"]


def test_time_travel(sql: Sql, tmp_path: Path) -> None:
    for orders in (1, 2):
        write(tmp_path, "gold.sales_by_state", {"customer_state": "SP", "orders": orders})
        write(tmp_path, "gold.sales_by_month", {"orders": orders * 10})
    query = "select s.orders, m.orders as months from gold.sales_by_state s, gold.sales_by_month m"
    assert sql(tmp_path, query, "--format", "csv").stdout == "orders,months\n2,20\n"
    past = ["--at", "gold.sales_by_state=0", "--at", "gold.sales_by_month=0"]
    assert sql(tmp_path, query, "--format", "csv", *past).stdout == "orders,months\n1,10\n"
    assert sql(tmp_path, query, "--at", "gold.sales_by_state=7").returncode == 5
    assert sql(tmp_path, query, "--at", "gold.sales=7").returncode == 2


# ------------------------------------------------------------------------------------------------------------- report


def test_the_report_shows_the_key_figures(page: str) -> None:
    assert shown(page, "revenue") == "R$ 1,234,588.00"
    assert shown(page, "orders") == "5"
    assert shown(page, "persons") == "4"
    assert shown(page, "basket") == "R$ 308,647.00"
    assert shown(page, "on-time") == "66.7 %"
    assert shown(page, "score") == "4.33"
    assert "2017-10-15 00:30:00 to 2018-03-02 14:00:00" in page


def test_the_report_is_about_the_newest_run(page: str) -> None:
    assert shown(page, "run-id") == RUN
    assert table(page, "step-table") == [
        ["ingest", "4.0 s", "1", "0", "10", "10", "0", "0", "0"],
        ["conform 1 failed", "6.0 s", "2", "0", "10", "5", "4", "1", "0"],
    ]
    assert "gate of silver.customers" in page


def test_a_run_can_be_named(lake: Path, tmp_path: Path) -> None:
    page = Path(write_report(str(lake), tmp_path, OLDER)).read_text(encoding="utf-8")
    assert shown(page, "run-id") == OLDER
    with pytest.raises(BadInput, match="no run"):
        write_report(str(lake), tmp_path, "never")


def test_the_report_shows_the_newest_verdict_on_each_table(page: str) -> None:
    assert [row[:4] for row in table(page, "verdicts")] == [
        ["silver.customers", "0", "1", "0"],
        ["silver.orders", "2", "0", "1"],
        ["gold.dim_date", "1", "0", "0"],
    ]
    assert table(page, "broken") == [
        ["silver.customers", "not_null:customer_id", "unexpected count 7", "failed"],
        ["silver.orders", "unique:order_id", "unexpected count 7", "waived"],
    ]


def test_the_report_tells_what_is_in_quarantine_and_why(page: str) -> None:
    assert shown(page, "quarantined") == "5"
    counts = {tuple(row[:3]): row[3] for row in table(page, "rules")}
    assert counts["silver.orders", "in_set:order_status", "open"] == "2"
    assert counts["silver.orders", "in_set:order_status", "replayed"] == "1"
    examples = {row[0]: row for row in table(page, "examples")}
    assert examples["2018-04-01/f.csv:2"][3] == "order_status = lost order_purchase_timestamp = 31/12/2017"
    assert examples["2018-04-01/f.csv:4"][3] == "customer_state = <XX>"
    assert "2018-04-01/f.csv:5" not in examples
    assert table(page, "waiting") == [["silver.order_items", "silver.orders", "1", "1", "2018-03-02 14:00:00", "i.csv:8"]]
    assert table(page, "refused")[0][:2] == ["bad & ugly.csv", "the header lacks order_id"]


def test_nothing_personal_is_in_the_report(page: str) -> None:
    for personal in ("secret-customer", "secret city", "maria@example.org", "Maria Silva", ">ana<", "<XX>"):
        assert personal not in page


def test_the_recommender_is_the_one_in_gold(page: str) -> None:
    assert [row[:2] for row in table(page, "models")] == [["ALS", "10.00 %"], ["popularity", "20.00 %"]]


def test_the_report_needs_no_network(page: str) -> None:
    assert "://" not in page and "@import" not in page and "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!#)|url\((?!#)', page)
    identifiers = re.findall(r'\bid="([^"]+)"', page)
    assert page.count("<svg ") >= 4 and len(identifiers) == len(set(identifiers))


def test_the_same_lake_gives_the_same_report(lake: Path, page: str, tmp_path: Path) -> None:
    assert page_of(lake, tmp_path) == page


def test_an_empty_lake_has_a_report(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    page = page_of(tmp_path / "lake", tmp_path)
    assert page.count("nothing yet") >= 10 and "<svg " not in page


def test_empty_tables_have_a_report(tmp_path: Path) -> None:
    for name in contracts():
        if name.startswith(("gold.", "ops.")):
            write(tmp_path, name)
    assert "nothing yet" in page_of(tmp_path, tmp_path)


def test_no_folder_is_no_lake(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no lake"):
        write_report(str(tmp_path / "none"), tmp_path)
