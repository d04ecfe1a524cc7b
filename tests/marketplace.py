"""A tiny marketplace for tests: rows by feed as dictionaries, written as the CSV files that the lake reads."""

from __future__ import annotations

import csv
import hashlib
from datetime import datetime, timedelta
from pathlib import Path

FILES = {
    "customers": "olist_customers_dataset.csv",
    "geolocation": "olist_geolocation_dataset.csv",
    "order_items": "olist_order_items_dataset.csv",
    "order_payments": "olist_order_payments_dataset.csv",
    "order_reviews": "olist_order_reviews_dataset.csv",
    "orders": "olist_orders_dataset.csv",
    "products": "olist_products_dataset.csv",
    "sellers": "olist_sellers_dataset.csv",
    "category_translation": "product_category_name_translation.csv",
}
Feeds = dict[str, list[dict[str, str]]]


def ident(*parts: object) -> str:
    """A 32-digit identifier, the same for the same parts."""
    return hashlib.md5("/".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()


def order(number: int, status: str = "delivered", **changes: str) -> dict[str, str]:
    """Order `number`: one an hour from 2017-10-15 00:30:00 on, a minute of a day that Sao Paulo's clocks do not have."""
    at = datetime(2017, 10, 15, 0, 30) + timedelta(hours=7 * number)
    row = {
        "order_id": ident("order", number),
        "customer_id": ident("customer", number),
        "order_status": status,
        "order_purchase_timestamp": f"{at}",
        "order_approved_at": f"{at + timedelta(hours=1)}",
        "order_delivered_carrier_date": f"{at + timedelta(days=2)}",
        "order_delivered_customer_date": f"{at + timedelta(days=5 + number % 9)}",
        "order_estimated_delivery_date": f"{(at + timedelta(days=10)).date()} 00:00:00",
    }
    return {**row, **changes}


def marketplace(orders: int = 12) -> Feeds:
    """A consistent marketplace: two items every third order, one review every order but each fifth, four persons share."""
    feeds: Feeds = {name: [] for name in FILES}
    for state, prefix in (("SP", "01037"), ("RJ", "20040"), ("MG", "30110")):
        place = {"geolocation_zip_code_prefix": prefix, "geolocation_city": "são paulo" if state == "SP" else "centro"}
        feeds["geolocation"] += [
            {**place, "geolocation_lat": f"-23.{i}", "geolocation_lng": "-46.5", "geolocation_state": state} for i in (1, 5, 7)
        ]
        feeds["sellers"].append(
            {"seller_id": ident("seller", state), "seller_zip_code_prefix": prefix, "seller_city": "sao paulo / sp", "seller_state": state}
        )
    feeds["category_translation"] = [{"product_category_name": "beleza_saude", "product_category_name_english": "health_beauty"}]
    for number in range(5):
        sizes = dict.fromkeys(("product_weight_g", "product_length_cm", "product_height_cm", "product_width_cm"), str(10 + number))
        feeds["products"].append(
            {
                "product_id": ident("product", number),
                "product_category_name": "beleza_saude" if number < 3 else "pc_gamer",
                "product_name_lenght": "40",
                "product_description_lenght": "200",
                "product_photos_qty": "1",
                **sizes,
            }
        )
    for number in range(orders):
        add_order(feeds, number)
    return feeds


def add_order(feeds: Feeds, number: int) -> None:
    """Add order `number` with its customer, items, payment and review."""
    placed = order(number)
    feeds["orders"].append(placed)
    feeds["customers"].append(
        {
            "customer_id": placed["customer_id"],
            "customer_unique_id": ident("person", number % 8),
            "customer_zip_code_prefix": ("01037", "20040", "30110")[number % 3],
            "customer_city": "sao paulo",
            "customer_state": ("SP", "RJ", "MG")[number % 3],
        }
    )
    lines = 2 if number % 3 == 0 else 1
    for line in range(1, lines + 1):
        feeds["order_items"].append(
            {
                "order_id": placed["order_id"],
                "order_item_id": str(line),
                "product_id": ident("product", (number + line) % 5),
                "seller_id": ident("seller", ("SP", "RJ", "MG")[(number + line) % 3]),
                "shipping_limit_date": placed["order_delivered_carrier_date"],
                "price": f"{10 + number}.90",
                "freight_value": "5.01",
            }
        )
    total = lines * (10 + number + 0.90 + 5.01)
    feeds["order_payments"].append(
        {
            "order_id": placed["order_id"],
            "payment_sequential": "1",
            "payment_type": "credit_card" if number % 2 else "boleto",
            "payment_installments": "1",
            "payment_value": f"{total:.2f}",
        }
    )
    if number % 5:
        created = datetime.fromisoformat(placed["order_delivered_customer_date"]) + timedelta(days=1)
        feeds["order_reviews"].append(
            {
                "review_id": ident("review", number),
                "order_id": placed["order_id"],
                "review_score": str(1 + number % 5),
                "review_comment_title": "",
                "review_comment_message": 'linha 1\r\nlinha 2, com virgula e "aspas" 😀' if number % 2 else "",
                "review_creation_date": f"{created.date()} 00:00:00",
                "review_answer_timestamp": f"{created + timedelta(days=2)}",
            }
        )


def write_feeds(folder: Path, feeds: Feeds) -> None:
    """Write each feed that has rows as its CSV file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in feeds.items():
        if rows:
            write_csv(folder / FILES[name], rows)


def write_csv(path: Path, rows: list[dict[str, str]], **dialect: str) -> None:
    """Write rows as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator=dialect.get("lineterminator", "\n"))
        writer.writeheader()
        writer.writerows(rows)
