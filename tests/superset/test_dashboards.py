"""Dashboards in a real browser: complete, without errors, with the numbers of gold, and filters that reach them."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By

from tests.superset.browser import DASHBOARDS, charts_of

PERIOD = "purchase_date >= date '2018-01-01' and purchase_date < date '2018-09-01'"
OVERVIEW = """
    select count(*), count(distinct customer_unique_id), sum(revenue_brl) / count(*) filter (items > 0),
        count(*) filter (is_on_time) / count(*) filter (is_on_time is not null)
    from gold.fact_orders where {period} {condition}"""


def number(charts: dict[str, dict], title: str) -> str:
    """The first line of a chart that is a number."""
    return charts[title]["text"].splitlines()[0].rstrip("↑↓")


def shown(charts: dict[str, dict]) -> list[str]:
    """The numbers on the overview that are shown in full."""
    return [number(charts, title) for title in ("Orders", "Customers", "Average basket", "On time")]


def expected(gold, condition: str = "") -> list[str]:
    orders, customers, basket, on_time = gold(OVERVIEW.format(period=PERIOD, condition=condition))[0]
    return [f"{orders:,}", f"{customers:,}", f"R$ {basket:,.2f}", f"{on_time:.1%}"]


@pytest.mark.parametrize("slug", DASHBOARDS)
def test_a_dashboard_is_complete_and_no_chart_is_in_error(viewer, slug):
    charts = viewer.dashboard(slug, charts_of(slug))
    assert not [chart for chart in charts.values() if chart["error"]]


def test_the_overview_shows_the_numbers_of_gold(viewer, gold):
    assert shown(viewer.dashboard("overview", charts_of("overview"))) == expected(gold)


@pytest.mark.parametrize(
    ("label", "value", "condition"),
    [
        ("State", "RJ", "and customer_state = 'RJ'"),
        (
            "Category",
            "health_beauty",
            "and order_id in (select order_id from gold.fact_order_items where category = 'health_beauty')",
        ),
    ],
)
def test_a_filter_reaches_the_numbers(viewer, gold, label, value, condition):
    before = shown(viewer.dashboard("overview", charts_of("overview")))
    viewer.choose(label, value)
    viewer.until(lambda: shown(viewer.charts(charts_of("overview"))) != before)
    assert shown(viewer.charts(charts_of("overview"))) == expected(gold, condition)


def test_a_click_on_a_cell_filters_the_other_charts(viewer, gold):
    before = number(viewer.dashboard("delivery", charts_of("delivery")), "Active sellers")
    cells = viewer.driver.find_elements(By.CSS_SELECTOR, "td.dt-is-filter")
    state = next(cell for cell in cells if len(cell.text) == 2)
    name = state.text
    state.click()
    viewer.until(lambda: number(viewer.charts(charts_of("delivery")), "Active sellers") != before)
    expected = gold(f"select count(distinct seller_id) from gold.fact_order_items where {PERIOD} and seller_state = '{name}'")
    assert number(viewer.charts(charts_of("delivery")), "Active sellers") == f"{expected[0][0]:,}"


def test_the_reviews_show_the_numbers_of_gold(viewer, gold):
    charts = viewer.dashboard("reviews", charts_of("reviews"))
    reviews, mean, satisfied, dissatisfied = gold(
        """select count(*), avg(review_score), avg((review_score >= 4)::int), avg((review_score <= 2)::int) from gold.fact_reviews
           where review_creation_date >= '2018-01-01' and review_creation_date < '2018-09-01'"""
    )[0]
    assert number(charts, "Reviews") == f"{reviews:,}" and number(charts, "Mean score") == f"{mean:,.2f}"
    assert number(charts, "Satisfied") == f"{satisfied:.1%}" and number(charts, "Dissatisfied") == f"{dissatisfied:.1%}"


def test_data_health_shows_the_snapshot_that_each_store_holds(viewer, gold):
    text = viewer.dashboard("health", charts_of("health"))["Snapshot held by each store"]["text"]
    for store, snapshot in gold("select store, arg_max(snapshot, published_at) from ops.publications group by store"):
        assert store in text and snapshot in text


def test_the_most_active_customer_is_shown_with_what_was_recommended(viewer, gold):
    charts = viewer.dashboard("recommendations", charts_of("recommendations"))
    chosen = [item.text for item in viewer.driver.find_elements(By.CSS_SELECTOR, ".ant-select-selection-item")]
    customer = next(text for text in chosen if len(text) == 32)
    (orders, most), *_ = gold(
        f"select max(frequency) filter (customer_unique_id = '{customer}'), max(frequency) from gold.customer_segments"
    )
    assert orders == most
    products = gold(f"select product_id from gold.recommendations where customer_unique_id = '{customer}'")
    assert all(product in charts["Recommended to the customer"]["text"] for (product,) in products)
