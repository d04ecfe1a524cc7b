"""docs/runbooks/new-table.md does what it says: the files that it shows make a gold table, which a day's delivery keeps right."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path

import pytest

from lake import contracts, gold, suites
from lake.errors import BadConfiguration, GateFailed
from lake.gold import marts
from lake.publish import columnar
from tests.lakes import ROOT
from tests.marketplace import marketplace, order

NAME = "sales_by_weekday"
PAGE = (ROOT / "docs/runbooks/new-table.md").read_text(encoding="utf-8")
BLOCKS = {kind: textwrap.dedent(text) for kind, text in re.findall(r"```(yaml|json|python)\n(.*?)```", PAGE, re.DOTALL)}


@pytest.fixture
def checkout(monkeypatch, tmp_path):
    """The project's contracts and suites with the page's two files among them."""
    for folder in ("conf", "expectations"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / f"conf/tables/gold/{NAME}.yml").write_text(BLOCKS["yaml"], encoding="utf-8")
    (tmp_path / f"expectations/gold/{NAME}.json").write_text(BLOCKS["json"], encoding="utf-8")
    monkeypatch.setattr(contracts, "CONF", tmp_path / "conf")
    monkeypatch.setattr(suites, "EXPECTATIONS", tmp_path / "expectations")
    forget()
    yield tmp_path
    monkeypatch.undo()
    forget()


def forget() -> None:
    contracts.contracts.cache_clear()
    suites.suite.cache_clear()


@pytest.fixture
def builder(monkeypatch):
    """The page's function among the builders."""
    space = vars(marts).copy()
    exec(BLOCKS["python"], space)
    monkeypatch.setitem(gold.BUILDERS, f"gold.{NAME}", space[NAME])


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    forget()


def test_the_table_is_built_and_follows_a_days_delivery(world, checkout, builder):
    told = "select isodow(purchase_date), count(*), sum(revenue_brl) from gold_fact_orders group by 1 order by 1"
    world.deliver("1", marketplace(9))
    world.run(only={f"gold.{NAME}"})
    first = world.sql(f"select * from gold_{NAME} order by 1")
    world.deliver("2", {"orders": [order(2, order_purchase_timestamp="2017-10-20 10:00:00", order_approved_at="2017-10-20 11:00:00")]})
    world.run(only={f"gold.{NAME}"})
    second = world.sql(f"select * from gold_{NAME} order by 1")
    assert first != second == world.sql(told) and sum(row[1] for row in second) == 9
    assert [table.name for table in columnar.published() if table.table == NAME]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("grain: full", "grain: weekday", "grain weekday: gold.fact_orders can't be brought to it"),
        ("grain: full", "grain: order_id", "grain order_id: is none of its columns"),
        ("[gold.fact_orders]", "[gold.fact_orders, gold.dim_date]", "takes .'fact_orders'., its contract's sources are"),
    ],
)
def test_a_contract_that_does_not_fit_is_refused_before_anything_runs(world, checkout, builder, old, new, why):
    replace(checkout / f"conf/tables/gold/{NAME}.yml", old, new)
    with pytest.raises(BadConfiguration, match=why):
        world.run()
    assert not world.versions("bronze")


def test_a_contract_without_builder_and_a_builder_without_contract_are_refused(world, checkout, monkeypatch):
    with pytest.raises(BadConfiguration, match=f"gold.{NAME} has a contract but no builder"):
        world.run()
    (checkout / f"conf/tables/gold/{NAME}.yml").unlink()
    forget()
    monkeypatch.setitem(gold.BUILDERS, f"gold.{NAME}", marts.sales_by_month)
    with pytest.raises(BadConfiguration, match=f"gold.{NAME} has a builder but no contract"):
        world.run()


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"max_value": 7', '"max_value": 7, "row_condition": "orders > 1"', "is told row_condition, which is not measured here"),
        ('"min_value": 1, "max_value": 7', '"min_value": null', "neither min_value nor max_value"),
        ('to_not_be_null", "kwargs": {"column": "weekday"}', 'to_not_be_null", "kwargs": {}', "lacks column"),
        ('to_not_be_null", "kwargs": {"column": "weekday"}', 'to_be_unique", "kwargs": {"column": "orders"}', "more than one rule of uniq"),
        (
            'expect_column_values_to_be_unique", "kwargs": {"column": "weekday"}',
            'expect_compound_columns_to_be_unique", "kwargs": {"column_list": ["weekday"]}',
            "two columns or more",
        ),
    ],
)
def test_a_rule_that_would_not_be_measured_as_it_reads_is_refused(world, checkout, builder, old, new, why):
    replace(checkout / f"expectations/gold/{NAME}.json", old, new)
    with pytest.raises(GateFailed, match=why):
        world.run()
    assert not world.versions("bronze")
