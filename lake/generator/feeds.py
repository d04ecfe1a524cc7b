"""The nine feeds: file names, columns as the source spells them, and which of them are never quoted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Feed:
    """One feed. `stem` is the file name without `.csv`; `key` the business key; `plain` columns are never quoted."""

    name: str
    stem: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    plain: frozenset[str] = frozenset()

    @property
    def header(self) -> bytes:
        """The header line; the translation's is the source's odd one out: BOM, no quotes, CRLF."""
        if self.name == "category_translation":
            return b"\xef\xbb\xbf" + ",".join(self.columns).encode() + b"\r\n"
        return (",".join(f'"{column}"' for column in self.columns) + "\n").encode()


def _feed(name: str, stem: str, columns: str, key: str, plain: str = "") -> Feed:
    return Feed(name, stem, tuple(columns.split()), tuple(key.split()), frozenset(plain.split()))


_ALL = [
    _feed(
        "orders",
        "olist_orders_dataset",
        "order_id customer_id order_status order_purchase_timestamp order_approved_at order_delivered_carrier_date "
        "order_delivered_customer_date order_estimated_delivery_date",
        "order_id",
        "order_purchase_timestamp order_approved_at order_delivered_carrier_date order_delivered_customer_date "
        "order_estimated_delivery_date",
    ),
    _feed(
        "customers",
        "olist_customers_dataset",
        "customer_id customer_unique_id customer_zip_code_prefix customer_city customer_state",
        "customer_id",
    ),
    _feed(
        "order_items",
        "olist_order_items_dataset",
        "order_id order_item_id product_id seller_id shipping_limit_date price freight_value",
        "order_id order_item_id",
        "order_item_id shipping_limit_date price freight_value",
    ),
    _feed(
        "order_payments",
        "olist_order_payments_dataset",
        "order_id payment_sequential payment_type payment_installments payment_value",
        "order_id payment_sequential",
        "payment_sequential payment_installments payment_value",
    ),
    _feed(
        "order_reviews",
        "olist_order_reviews_dataset",
        "review_id order_id review_score review_comment_title review_comment_message review_creation_date review_answer_timestamp",
        "review_id order_id",
        "review_score review_creation_date review_answer_timestamp",
    ),
    _feed(
        "products",
        "olist_products_dataset",
        "product_id product_category_name product_name_lenght product_description_lenght product_photos_qty "
        "product_weight_g product_length_cm product_height_cm product_width_cm",
        "product_id",
        "product_name_lenght product_description_lenght product_photos_qty product_weight_g product_length_cm "
        "product_height_cm product_width_cm",
    ),
    _feed(
        "sellers",
        "olist_sellers_dataset",
        "seller_id seller_zip_code_prefix seller_city seller_state",
        "seller_id",
    ),
    _feed(
        "geolocation",
        "olist_geolocation_dataset",
        "geolocation_zip_code_prefix geolocation_lat geolocation_lng geolocation_city geolocation_state",
        "geolocation_zip_code_prefix geolocation_lat geolocation_lng geolocation_city geolocation_state",
        "geolocation_lat geolocation_lng",
    ),
    _feed(
        "category_translation",
        "product_category_name_translation",
        "product_category_name product_category_name_english",
        "product_category_name",
    ),
]
FEEDS: dict[str, Feed] = {feed.name: feed for feed in _ALL}
