"""Which version of a row silver has, what it had when, whatever the order of arrival."""

from __future__ import annotations

import pytest

from tests.integration.conftest import counts
from tests.marketplace import ident, marketplace, order


def test_an_older_drop_is_still_older_after_an_update(world):
    feeds = marketplace(2)
    world.deliver("2018-01-01", feeds)
    world.run("ingest", "conform")
    for day, city in (("2018-01-03", "osasco"), ("2018-01-02", "santos")):
        world.deliver(day, {"sellers": [{**feeds["sellers"][0], "seller_city": city}]})
        run = world.run("ingest", "conform")
        assert world.sql("select seller_city, _drop_date::text from silver_sellers where seller_state = 'SP'") == [("osasco", "2018-01-03")]
    assert counts(run)["silver.sellers"] == (1, 0, 0, 0, 1)


def test_a_value_that_moves_to_another_column_is_a_change(world):
    feeds, taken = marketplace(2), "2017-10-16 08:00:00"
    feeds["products"][0] = {**feeds["products"][0], "product_weight_g": "", "product_length_cm": "500"}
    feeds["orders"][0] = order(0, "shipped", order_approved_at="", order_delivered_carrier_date=taken, order_delivered_customer_date="")
    world.deliver("2018-01-01", feeds)
    world.run(only={"gold.fact_orders"})
    moved = {"products": [{**feeds["products"][0], "product_weight_g": "500", "product_length_cm": ""}]}
    moved["orders"] = [{**feeds["orders"][0], "order_approved_at": taken, "order_delivered_carrier_date": ""}]
    world.deliver("2018-01-02", moved)
    run = world.run(only={"gold.fact_orders"})
    assert counts(run)["silver.products"] == counts(run)["silver.orders"] == (1, 1, 0, 0, 0)
    sizes = f"select product_weight_g, product_length_cm from table where product_id = '{ident('product', 0)}'"
    assert world.sql(sizes.replace("table", "silver_products")) == [(500, None)]
    assert world.sql(sizes.replace("table", "silver_products_history") + " and is_current") == [(500, None)]
    milestones = "select order_approved_at::timestamp::text, order_delivered_carrier_date::text from gold_fact_orders where order_id = "
    assert world.sql(milestones + f"'{ident('order', 0)}'") == [(taken, None)]


@pytest.mark.usefixtures("conformed")
@pytest.mark.parametrize("days", [(1, 2, 3), (1, 3, 2), (3, 1, 2), (2, 3, 1)])
@pytest.mark.parametrize("beside", [0, 1])
def test_what_was_said_again_is_newer_than_a_change_that_comes_late(world, days, beside):
    # Alone in their files the first and the last day have the same bytes.
    feeds, cities = marketplace(2), {1: "osasco", 2: "santos", 3: "osasco"}
    for day in days:
        others = [{**feeds["sellers"][1], "seller_city": f"cidade {day}"}] * beside
        world.deliver(f"2018-01-0{day}", {"sellers": [{**feeds["sellers"][0], "seller_city": cities[day]}, *others]})
        world.run("ingest", "conform")
    assert world.sql("select seller_city from silver_sellers where seller_state = 'SP'") == [("osasco",)]
    spans = world.sql("select seller_city, valid_from::text from silver_sellers_history where seller_state = 'SP' order by 2")
    assert spans[1:] == [("osasco", "2018-01-01"), ("santos", "2018-01-02"), ("osasco", "2018-01-03")]


@pytest.mark.usefixtures("conformed")
def test_sellers_and_products_are_known_as_of_a_day_in_any_order_of_arrival(world):
    seller = marketplace(2)["sellers"][0]

    def moved(city):
        return {"sellers": [{**seller, "seller_city": city}]}

    for day, city in (("2018-03-05", "santos"), ("2018-03-01", "santos"), ("2018-03-03", "campinas"), ("2018-03-09", "santos")):
        world.deliver(day, moved(city))
        world.run("ingest", "conform")
    history = world.sql(
        f"select seller_city, valid_from::text, valid_to::text, is_current from silver_sellers_history "
        f"where seller_id = '{seller['seller_id']}' order by valid_from"
    )
    assert history == [
        ("sao paulo / sp", "1900-01-01", "2018-03-01", False),
        ("santos", "2018-03-01", "2018-03-03", False),
        ("campinas", "2018-03-03", "2018-03-05", False),
        ("santos", "2018-03-05", None, True),
    ]
    assert world.sql(f"select seller_city from silver_sellers where seller_id = '{seller['seller_id']}'") == [("santos",)]


def test_a_late_drop_ends_where_a_newer_one_said_the_same_again(world):
    feeds = marketplace(2)
    first, other = feeds["sellers"][:2]
    world.deliver("2018-01-01", feeds)
    world.run("ingest", "conform")
    world.deliver("2018-01-03", {"sellers": [first]})
    world.run("ingest", "conform")
    world.deliver("2018-01-02", {"sellers": [{**first, "seller_city": "rio"}, other]})
    world.run("ingest", "conform")
    spans = "select seller_city, valid_from::text, valid_to::text from silver_sellers_history where seller_state = 'SP' order by 2"
    assert world.sql(spans) == [
        ("sao paulo / sp", "2018-01-01", "2018-01-02"), ("rio", "2018-01-02", "2018-01-03"), ("sao paulo / sp", "2018-01-03", None),
    ]  # fmt: skip


@pytest.mark.usefixtures("conformed")
def test_an_input_of_only_bad_rows_goes_to_quarantine_and_leaves_the_history_as_it_was(world):
    feeds = marketplace(2)
    before = world.versions("silver")["sellers_history"]
    world.deliver("2018-03-01", {"sellers": [{**feeds["sellers"][0], "seller_id": "nobody"}]})
    world.run("ingest", "conform")
    assert world.sql("select row_key from ops_quarantine") == [('{"seller_id":"nobody"}',)]
    assert world.versions("silver")["sellers_history"] == before
    world.deliver("2018-03-02", {"sellers": [{**feeds["sellers"][0], "seller_city": "santos"}]})
    world.run("ingest", "conform")
    assert world.sql("select count(*) from silver_sellers_history where seller_city = 'santos' and is_current") == [(1,)]


@pytest.mark.usefixtures("conformed")
def test_a_translation_that_comes_later_reaches_the_products(world):
    world.deliver("later", {"category_translation": [{"product_category_name": "pc_gamer", "product_category_name_english": "gaming_pc"}]})
    world.run("ingest", "conform")
    english = world.sql("select distinct product_category_name_english from silver_products order by 1")
    assert english == [("gaming_pc",), ("health_beauty",)]


def test_a_translation_reaches_a_product_of_which_an_older_version_comes_with_it(world):
    feeds = marketplace(2)
    world.deliver("2018-01-05", feeds)
    world.run("ingest", "conform")
    older = [{**product, "product_photos_qty": "9"} for product in feeds["products"]]
    translation = {"product_category_name": "pc_gamer", "product_category_name_english": "gaming_pc"}
    world.deliver("2018-01-01", {"products": older, "category_translation": [translation]})
    run = world.run("ingest", "conform")
    # Three rows have no new translation; of two silver's own come beside those that lost.
    assert counts(run)["silver.products"] == (7, 2, 0, 0, 5)
    products = "select product_category_name_english, product_photos_qty, count(*) from silver_products group by all order by 1"
    assert world.sql(products) == [("gaming_pc", 1, 2), ("health_beauty", 1, 3)]
