"""What a right pipeline finds of products, places and reviews in the real files (FACTS.md of the data), asked of the lake.

`expected` is one row, or a list of rows. Money is compared as decimals, to the cent.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.olist.asking import cases, check

M = Decimal
PRODUCTS = [
    (
        "empty values",
        "select count(*) filter (product_category_name is null), count(*) filter (product_name_length is null),"
        " count(*) filter (product_description_length is null), count(*) filter (product_photos_qty is null),"
        " count(*) filter (product_weight_g is null), count(*) filter (product_length_cm is null)"
        " from silver_products",
        (610, 610, 610, 610, 2, 2),
    ),
    (
        "the source's misspelt names hold text in bronze",
        "select count(product_name_lenght), count(product_description_lenght) from bronze_products",
        (32341, 32341),
    ),
    ("categories", "select count(distinct product_category_name) from silver_products", (73,)),
    (
        "categories without translation",
        "select product_category_name, count(*) from silver_products"
        " where product_category_name is not null and not category_is_translated group by 1 order by 1",
        [("pc_gamer", 3), ("portateis_cozinha_e_preparadores_de_alimentos", 10)],
    ),
    (
        "translations of no product",
        "select count(*) from silver_category_translation anti join silver_products using (product_category_name)",
        (0,),
    ),
    (
        "the byte order mark is not part of a name",
        "select count(*) from silver_category_translation"
        " where product_category_name = 'beleza_saude' and product_category_name_english = 'health_beauty'",
        (1,),
    ),
    (
        "products of no weight, and their category",
        "select product_category_name, count(*) from silver_products where product_weight_g = 0 group by 1",
        ("cama_mesa_banho", 4),
    ),
    ("items of no category", "select items from gold_product_by_category where category = 'unknown'", (1603,)),
    (
        "products without weight: with and without anything else",
        "select product_id, product_category_name is null from silver_products where product_weight_g is null order by 1",
        [("09ff539a621711667c43eba6a3bd8466", False), ("5eb564652db742ff8f28759cd8d2652a", True)],
    ),
    (
        "extremes",
        "select max(product_weight_g), min(product_name_length), max(product_name_length),"
        " min(product_description_length), max(product_description_length), min(product_photos_qty),"
        " max(product_photos_qty) from silver_products",
        (40425, 5, 76, 4, 3992, 1, 20),
    ),
]
PLACES = [
    (
        "leading zeros of postal codes are kept",
        "select (select count(*) from silver_customers where customer_zip_code_prefix[1] = '0'),"
        " (select count(*) from silver_sellers where seller_zip_code_prefix[1] = '0')",
        (23995, 1027),
    ),
    (
        "postal codes have five digits",
        "select (select count(*) from silver_customers"
        " where not regexp_full_match(customer_zip_code_prefix, '\\d{5}')),"
        " (select count(*) from silver_sellers where not regexp_full_match(seller_zip_code_prefix, '\\d{5}')),"
        " (select count(*) from silver_geolocation"
        " where not regexp_full_match(geolocation_zip_code_prefix, '\\d{5}'))",
        (0, 0, 0),
    ),
    (
        "customers' city names in several states",
        "select count(*) from (select 1 from silver_customers group by customer_city having count(distinct customer_state) > 1)",
        (163,),
    ),
    (
        "customers' postal codes with several cities",
        "select count(*) from (select 1 from silver_customers group by customer_zip_code_prefix having count(distinct customer_city) > 1)",
        (39,),
    ),
    (
        "sellers' spellings: with slash, two blanks, not ASCII",
        "select count(*) filter (contains(seller_city, '/')), count(*) filter (contains(seller_city, '  ')),"
        " count(*) filter (strlen(seller_city) > length(seller_city)) from silver_sellers",
        (15, 3, 3),
    ),
    (
        "sellers' city names in several states",
        "select count(*) from (select 1 from silver_sellers group by seller_city having count(distinct seller_state) > 1)",
        (23,),
    ),
    (
        "sellers' postal codes with several cities",
        "select count(*) from (select 1 from silver_sellers group by seller_zip_code_prefix having count(distinct seller_city) > 1)",
        (34,),
    ),
    (
        "no postal code has two standard states",
        "select count(*) from (select 1 from silver_sellers group by seller_zip_code_prefix having count(distinct seller_state_std) > 1)",
        (0,),
    ),
    (
        "geolocation: rows of the sample, prefixes, spellings",
        "select count(*), count(distinct geolocation_zip_code_prefix), count(distinct geolocation_city) from bronze_geolocation",
        (50000, 12825, 4129),
    ),
    (
        "geolocation: prefixes in two states, prefixes with several spellings",
        """
        select count(*) filter (states > 1), count(*) filter (cities > 1) from (
            select count(distinct geolocation_state) as states, count(distinct geolocation_city) as cities
            from silver_geolocation group by geolocation_zip_code_prefix
        )
        """,
        (0, 2177),
    ),
    (
        "geolocation: full duplicates are gone, nothing else",
        "select (select count(*) from silver_geolocation)"
        " - (select count(*) from (select distinct geolocation_zip_code_prefix, geolocation_lat, geolocation_lng,"
        " geolocation_city, geolocation_state from bronze_geolocation))",
        (0,),
    ),
    (
        "no standard city has an accent",
        "select count(*) from silver_geolocation where strlen(geolocation_city_std) > length(geolocation_city_std)",
        (0,),
    ),
    (
        "no location lies outside Brazil",
        "select count(*) from gold_dim_location where latitude not between -33.76 and 5.28 or longitude not between -73.99 and -28.83",
        (0,),
    ),
]
# Spellings of customers that differ by apostrophe or hyphen: rows of each, and together under the standard name.
CUSTOMER_CITIES = [
    ("santa barbara d oeste", {"santa barbara d'oeste": 119, "santa barbara d oeste": 5}),
    ("dias d avila", {"dias d'avila": 24, "dias d avila": 1}),
    ("arraial d ajuda", {"arraial d'ajuda": 8, "arraial d ajuda": 1}),
    ("mogi mirim", {"mogi mirim": 76, "mogi-mirim": 2}),
]
# Typed city and state, rows, and the standard city that its rows must get (several where the postal code decides).
SELLER_CITIES = [
    ("sp", "SP", 4, {"sao paulo", "aracatuba", "braganca paulista"}),
    ("sao paulo - sp", "SP", 3, {"sao paulo"}),
    ("sao paulo sp", "SP", 1, {"sao paulo"}),
    ("sao paulo / sao paulo", "SP", 1, {"sao paulo"}),
    ("sa\u0303o paulo", "SP", 1, {"sao paulo"}),  # a combining tilde, not the letter ã
    ("sao  paulo", "SP", 1, {"sao paulo"}),
    ("sao paluo", "SP", 1, {"sao paulo"}),
    ("sao pauo", "SP", 1, {"sao paulo"}),
    ("sao paulop", "SP", 1, {"sao paulo"}),
    ("sbc", "SP", 1, {"sao bernardo do campo"}),
    ("sbc/sp", "SP", 1, {"sao bernardo do campo"}),
    ("sp / sp", "SP", 1, {"sao paulo"}),
    ("04482255", "RJ", 1, {"rio de janeiro"}),
    ("vendas@creditparts.com.br", "PR", 1, {"maringa"}),
    ("rio de janeiro, rio de janeiro, brasil", "RJ", 1, {"rio de janeiro"}),
    ("rio de janeiro \\rio de janeiro", "RJ", 1, {"rio de janeiro"}),
    ("novo hamburgo, rio grande do sul, brasil", "RS", 1, {"novo hamburgo"}),
    ("lages - sc", "SC", 1, {"lages"}),
    ("pinhais/pr", "PR", 1, {"pinhais"}),
    ("auriflama/sp", "SP", 1, {"auriflama"}),
    ("santa barbara d´oeste", "SP", 2, {"santa barbara d oeste"}),
    ("portoferreira", "SP", 1, {"porto ferreira"}),
    ("robeirao preto", "SP", 1, {"ribeirao preto"}),
    ("riberao preto", "SP", 1, {"ribeirao preto"}),
    ("ribeirao pretp", "SP", 1, {"ribeirao preto"}),
    ("garulhos", "SP", 1, {"guarulhos"}),
    ("floranopolis", "SC", 1, {"florianopolis"}),
    ("balenario camboriu", "SC", 1, {"balneario camboriu"}),
    ("tabao da serra", "SP", 1, {"taboao da serra"}),
    ("scao jose do rio pardo", "SP", 1, {"sao jose do rio pardo"}),
    ("minas gerais", "MG", 1, {"campo do meio"}),
    ("bahia", "BA", 1, {"paulo afonso"}),
    ("santa catarina", "SC", 1, {"palhoca"}),
    ("centro", "MG", 1, {"para de minas"}),
]
# Of the part of the reviews that the folder holds; counts are of messages unless the name says titles.
REVIEWS = [
    ("rows", "select count(*) from bronze_order_reviews", (21535,)),
    (
        "messages with a comma, not ASCII, with a double quote",
        "select count(*) filter (contains(review_comment_message, ',')),"
        " count(*) filter (strlen(review_comment_message) > length(review_comment_message)),"
        " count(*) filter (contains(review_comment_message, '\"')) from silver_order_reviews",
        (3122, 4973, 44),
    ),
    (
        "messages with an emoji",
        "select count(*) from silver_order_reviews"
        " where regexp_matches(review_comment_message, '[\\x{1F300}-\\x{1FAFF}\\x{2600}-\\x{27BF}]')",
        (62,),
    ),
    (
        "messages with blanks around, of blanks only, without a letter",
        "select count(*) filter (regexp_matches(review_comment_message, '^\\s|\\s$')),"
        " count(*) filter (regexp_full_match(review_comment_message, '\\s+')),"
        " count(*) filter (not regexp_matches(review_comment_message, '\\p{L}')) from silver_order_reviews",
        (2094, 6, 35),
    ),
    (
        "messages that name a house of the anonymised companies",
        "select count(*) from silver_order_reviews"
        " where regexp_matches(review_comment_message, '\\b(stark|lannister|baratheon|targaryen)\\b', 'i')",
        (429,),
    ),
    (
        "titles of digits only, titles without message",
        "select count(*) filter (regexp_full_match(review_comment_title, '\\d+')),"
        " count(*) filter (review_comment_title is not null and review_comment_message is null)"
        " from silver_order_reviews",
        (65, 398),
    ),
    (
        "nothing is longer than the source's cut",
        "select max(length(review_comment_title)) <= 26, max(length(review_comment_message)) <= 208 from silver_order_reviews",
        (True, True),
    ),
    (
        "share of rows with a line break",
        "select round(100 * count(*) filter (contains(review_comment_message, chr(10))) / count(*), 1) from silver_order_reviews",
        (3.8,),
    ),
    (
        "answers before their survey",
        "select count(*) from silver_order_reviews where review_answer_timestamp <= review_creation_date",
        (0,),
    ),
    (
        "surveys not of midnight",
        "select distinct review_creation_date::timestamp::text from silver_order_reviews"
        " where review_creation_date::timestamp <> review_creation_date::timestamp::date",
        ("2017-10-15 01:00:00",),
    ),
    (
        "scores are 1 to 5",
        "select min(review_score), max(review_score) from silver_order_reviews",
        (1, 5),
    ),
]


@cases(PRODUCTS)
def test_products_keep_what_is_known_and_no_more(lake, sql: str, expected: tuple) -> None:
    check(lake, sql, expected)


@cases(PLACES)
def test_places_are_kept_as_typed_beside_the_standard(lake, sql: str, expected: tuple) -> None:
    check(lake, sql, expected)


@pytest.mark.parametrize(("standard", "typed"), CUSTOMER_CITIES, ids=[row[0] for row in CUSTOMER_CITIES])
def test_spellings_of_a_customers_city_meet_under_one_name(lake, standard: str, typed: dict[str, int]) -> None:
    found = lake.sql(f"select customer_city, count(*) from silver_customers where customer_city_std = '{standard}' group by customer_city")
    assert dict(found) == typed


@pytest.mark.parametrize(("typed", "state", "rows", "standard"), SELLER_CITIES, ids=[row[0] for row in SELLER_CITIES])
def test_a_sellers_dirty_city_becomes_right(lake, typed: str, state: str, rows: int, standard: set[str]) -> None:
    found = lake.sql(
        f"select seller_city_std, seller_state_std from silver_sellers where seller_city = '{typed}' and seller_state = '{state}'"
    )
    assert len(found) == rows
    assert {city for city, _ in found} == standard
    assert {code for _, code in found} == {state}


@cases(REVIEWS)
def test_review_texts_arrive_untouched(lake, sql: str, expected: tuple) -> None:
    check(lake, sql, expected)
