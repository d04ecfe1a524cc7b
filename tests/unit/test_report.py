"""The report's payment mix, keys of refused rows and duplicate files, on tiny lakes written by delta-rs."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

from lake.figures import collect
from lake.figures.mask import masked_key
from lake.report import write_report
from tests.unit.tiny_lake import at, quarantined, write


def report(root: Path) -> str:
    return Path(write_report(str(root), root / "out")).read_text(encoding="utf-8")


def paid(month: date, kind: str, amount: str) -> dict:
    return {"purchase_month": month, "payment_type": kind, "payment_brl": Decimal(amount), "payments": 1}


def test_the_payment_mix_is_drawn_by_month(tmp_path: Path) -> None:
    october, december = date(2017, 10, 1), date(2017, 12, 1)
    rows = [paid(october, "boleto", "25.00"), paid(october, "credit_card", "75.00"), paid(december, "credit_card", "10.00")]
    write(tmp_path, "gold.payment_mix", *rows, paid(december, "not_defined", "0.00"))
    found = [(r["payment_type"], r["purchase_month"], float(r["share"])) for r in collect(str(tmp_path)).business.payment_months]
    assert found == [("credit_card", october, 0.75), ("credit_card", december, 1.0), ("boleto", october, 0.25)]
    drawn = re.search(r'aria-label="Payment mix by month.*?</svg>', report(tmp_path), re.DOTALL)[0]
    assert "credit card" in drawn and "2017-11" in drawn and "not defined" not in drawn


def test_without_any_amount_there_is_no_mix(tmp_path: Path) -> None:
    write(tmp_path, "gold.payment_mix", paid(date(2017, 10, 1), "not_defined", "0.00"))
    assert 'aria-label="Payment mix' not in report(tmp_path)


def test_a_key_is_shown_unless_it_is_personal_or_may_be() -> None:
    key, raw = json.dumps({"order_id": "o9"}), json.dumps({"order_id": "o9"})
    assert masked_key("silver.orders", key, raw) == [("order_id", "o9")]
    assert masked_key("silver.orders", json.dumps({"order_id": None}), raw) == [("order_id", "(empty)")]
    assert masked_key("silver.orders", json.dumps({"order_id": "ana@example.org"}), raw) == [("order_id", "••• (15 characters)")]
    assert masked_key("silver.customers", json.dumps({"customer_id": "c-secret"}), raw) == [("customer_id", "••• (8 characters)")]
    assert masked_key("silver.orders", json.dumps({"order_id": "Maria Silva"}), "o9,Maria Silva") == []


def test_examples_name_the_row_and_are_at_most_ten(tmp_path: Path) -> None:
    raw = json.dumps({"order_id": "o9", "order_status": "lost"})
    rows = [quarantined(n, "silver.orders", ["in_set:order_status"], raw) | {"row_key": f'{{"order_id": "key-{n:02}"}}'} for n in range(30)]
    write(tmp_path, "ops.quarantine", *rows)
    page = report(tmp_path)
    assert set(re.findall(r"key-\d\d", page)) == {f"key-{n:02}" for n in range(10)}
    assert ">2018-04-01/f.csv:0<" in page


def test_duplicate_files_are_listed(tmp_path: Path) -> None:
    copies = [{"file": f"copy{n:02}.csv", "status": "duplicate", "detail": "same content as good.csv", "bytes": 1} for n in range(12)]
    write(tmp_path, "ops.files", *[copy | {"found_at": at("2018-04-01 06:00:00")} for copy in copies])
    page = report(tmp_path)
    assert "The newest 10 of 12." in page and "same content as good.csv" in page
    assert "copy09.csv" in page and "copy10.csv" not in page
