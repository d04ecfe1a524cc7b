"""Read the nine files with pandas, drop duplicates, convert types, write Parquet."""

import sys
from pathlib import Path

import pandas as pd

NAMES = ("customers", "geolocation", "order_items", "order_payments", "order_reviews", "orders", "products", "sellers")

if __name__ == "__main__":
    landing, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        files = sorted(landing.rglob(f"olist_{name}_dataset*.csv"))
        frame = pd.concat(
            [pd.read_csv(file, dtype={c: str for c in ("customer_zip_code_prefix", "seller_zip_code_prefix")}) for file in files]
        )
        frame = frame.drop_duplicates()
        for column in frame.columns:
            if column.endswith(("_timestamp", "_date", "_at")):
                frame[column] = pd.to_datetime(frame[column], errors="coerce").astype("datetime64[us]")
        frame.to_parquet(out / f"{name}.parquet", index=False)
    pd.read_csv(next(landing.rglob("product_category_name_translation*.csv")), encoding="utf-8-sig").to_parquet(out / "translation.parquet")
