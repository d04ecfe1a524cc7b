"""A tiny lake written by delta-rs from the contracts, for tests that need tables and no Spark."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

from lake.contracts import contract

RUN, OLDER, DAY = "20180401T060000-new", "20180301T060000-old", "20180402T060000-day"
ARROW = {
    "string": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "array<string>": pa.list_(pa.string()),
}
EMPTY = {"string": "", "int": 0, "bigint": 0, "double": 0.0, "boolean": False, "array<string>": []}


def arrow_type(name: str) -> pa.DataType:
    return pa.decimal128(*map(int, re.findall(r"\d+", name))) if name.startswith("decimal") else ARROW[name]


def filled(type_: str, nullable: bool) -> object:
    return None if nullable or type_ in ("date", "timestamp") else EMPTY.get(type_, Decimal(0))


def write(root: Path, table: str, *rows: dict, mode: str = "overwrite") -> None:
    """Write rows by the table's contract; columns that a row does not name are null, or zero where they may not be."""
    columns = contract(table).columns
    assert not {name for row in rows for name in row} - set(columns)
    data = {n: [row.get(n, filled(c.type, c.nullable)) for row in rows] for n, c in columns.items()}
    schema = pa.schema([(name, arrow_type(column.type)) for name, column in columns.items()])
    write_deltalake(str(root / table.replace(".", "/")), pa.table(data, schema=schema), mode=mode)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def order(
    order_id: str, person: str, when: str, price: str, status: str = "delivered", on_time: bool | None = True, items: int = 1
) -> dict:
    return {
        "order_id": order_id,
        "customer_unique_id": person,
        "order_purchase_timestamp": at(when),
        "order_status": status,
        "revenue_brl": Decimal(price),
        "items": items,
        "is_on_time": on_time,
    }


def step(run_id: str, name: str, table: str, when: str, seconds: float, **columns: object) -> dict:
    return {
        "run_id": run_id,
        "step": name,
        "table": table,
        "status": "done",
        "inputs": '{"silver.orders": 3}',
        "seconds": seconds,
        "started_at": at(when),
        "code_version": "0.1.0",
        **columns,
    }


def quarantined(line: int, table: str, rules: list[str], raw: str, status: str = "open") -> dict:
    return {
        "table": table,
        "file_id": "f",
        "line": line,
        "file": "2018-04-01/f.csv",
        "rules": rules,
        "row_key": "{}",
        "raw": raw,
        "status": status,
        "run_id": RUN,
    }


def write_lake(root: Path) -> None:
    """Five orders of four persons, two runs, a gate that failed, six rows in quarantine, one that waits, a refused file."""
    _write_gold(root)
    _write_ops(root)


def _write_gold(root: Path) -> None:
    write(
        root,
        "gold.fact_orders",
        order("o1", "ana", "2017-10-15 00:30:00", "1234000.10"),
        order("o2", "ana", "2017-11-03 08:00:00", "567.89"),
        order("o3", "bia", "2018-03-01 12:00:00", "20.00", "shipped", None),
        order("o4", "caio", "2018-03-02 14:00:00", "0.00", "canceled", None, 0),
        order("o5", "dora", "2017-11-04 09:00:00", "0.01", on_time=False),
    )
    write(root, "gold.fact_reviews", {"review_score": 5}, {"review_score": 4}, {"review_score": 4})
    months = [(date(2017, 10, 1), 1, "1234000.10"), (date(2017, 11, 1), 2, "567.90"), (date(2018, 3, 1), 2, "20.00")]
    write(root, "gold.sales_by_month", *[{"purchase_month": m, "orders": n, "revenue_brl": Decimal(r)} for m, n, r in months])
    write(
        root,
        "gold.sales_by_state",
        {"customer_state": "RJ", "revenue_brl": Decimal("30.00")},
        {"customer_state": "SP", "revenue_brl": Decimal("70.00")},
    )
    methods = [("als", 0.1, 1.5, "new"), ("popularity", 0.2, None, "new"), ("als", 0.9, 1.0, "old")]
    write(root, "gold.model_runs", *[{"model_run": r, "method": m, "precision_at_5": p, "rmse": e} for m, p, e, r in methods])
    write(root, "gold.recommendations", {"customer_unique_id": "ana", "rank": 1, "product_id": "p1", "model_run": "new"})


def _write_ops(root: Path) -> None:
    write(
        root,
        "ops.runs",
        step(OLDER, "ingest", "bronze.orders", "2018-03-01 06:00:00", 50.0, rows_read=999),
        step(RUN, "ingest", "bronze.orders", "2018-04-01 06:00:00", 4.0, rows_read=10, rows_written=10),
        step(
            RUN, "conform", "silver.orders", "2018-04-01 06:00:04", 3.0, rows_read=10, rows_written=5, rows_quarantined=4, rows_duplicate=1
        ),
        step(RUN, "conform", "silver.customers", "2018-04-01 06:00:05", 5.0, status="failed", message="gate of silver.customers"),
    )
    results = [
        (OLDER, "silver.orders", "volume", False, False),
        (RUN, "silver.orders", "volume", True, False),
        (RUN, "silver.orders", "unique:order_id", False, True),
        (RUN, "silver.customers", "not_null:customer_id", False, False),
        (OLDER, "gold.dim_date", "volume", True, False),
        # A run for a day judges freshness also of a table that it leaves alone.
        (DAY, "silver.orders", "freshness", True, False),
    ]
    began = {RUN: "2018-04-01 06:00:00", OLDER: "2018-03-01 06:00:00", DAY: "2018-04-02 06:00:00"}
    write(
        root,
        "ops.quality_results",
        *[
            {
                "run_id": r,
                "table": t,
                "rule": rule,
                "success": s,
                "waived": w,
                "observed": '{"column_values.nonnull.unexpected_count": 7}',
                "checked_at": at(began[r]),
            }
            for r, t, rule, s, w in results
        ],
    )
    given = {"order_id": "o9", "customer_id": "secret-customer", "order_status": "lost", "order_purchase_timestamp": "31/12/2017"}
    write(
        root,
        "ops.quarantine",
        quarantined(2, "silver.orders", ["in_set:order_status", "type:order_purchase_timestamp"], json.dumps(given)),
        quarantined(7, "silver.orders", ["regex:customer_id"], json.dumps(given)),
        quarantined(9, "silver.orders", ["in_set:order_status"], json.dumps(given | {"order_status": "maria@example.org"})),
        quarantined(3, "silver.order_reviews", ["row_shape"], 'r1,o1,5,"Maria Silva called'),
        quarantined(
            4, "silver.customers", ["in_set:customer_state"], json.dumps({"customer_city": "secret city", "customer_state": "<XX>"})
        ),
        quarantined(5, "silver.orders", ["in_set:order_status"], json.dumps(given), "replayed"),
    )
    write(
        root,
        "ops.waiting",
        {
            "table": "silver.order_items",
            "parent": "silver.orders",
            "file": "i.csv",
            "line": 8,
            "overdue": True,
            "waiting_since": at("2018-03-02 14:00:00"),
        },
    )
    write(
        root,
        "ops.files",
        {"file": "good.csv", "status": "loaded", "rows": 10, "bytes": 1500, "found_at": at("2018-04-01 06:00:00")},
        {"file": "bad & ugly.csv", "status": "refused", "detail": "the header lacks order_id", "found_at": at("2018-04-01 06:00:00")},
    )
