"""The generator: same seed same bytes, the source's dialect and quirks, drops that add up, faults where the manifest says."""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from lake.generator import generate
from lake.generator.feeds import FEEDS
from lake.generator.kinds import KINDS, all_kinds

Row = dict[str, str]
SCALE = 0.01


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("plain") / "out"
    generate(out, SCALE)
    return out


@pytest.fixture(scope="module")
def tenth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tenth") / "out"
    generate(out, 0.1)
    return out


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("daily") / "out"
    generate(out, SCALE, days=6)
    return out


@pytest.fixture(scope="module", params=[0, 6])
def faulty(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("faulty") / "out"
    generate(out, SCALE, days=request.param, faults=all_kinds(request.param))
    return out


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def feed_rows(folder: Path, feed: str) -> list[Row]:
    return [row for path in sorted(folder.glob(f"{FEEDS[feed].stem}*.csv")) for row in read(path)]


def manifest(out: Path) -> dict:
    return json.loads((out / "_manifest.json").read_text(encoding="utf-8"))


def greatest(order: Row) -> str:
    return max(value for name, value in order.items() if name.endswith(("_timestamp", "_at", "carrier_date", "customer_date")))


def final_state(out: Path) -> dict[str, Counter[tuple[str, ...]]]:
    """The newest version of every key over all drops."""
    state = {}
    for name, feed in FEEDS.items():
        newest: dict[tuple[str, ...], Row] = {}
        for drop in ["initial", *sorted(path.name for path in out.iterdir() if path.name.startswith("2"))]:
            for row in feed_rows(out / drop, name):
                key = tuple(row.values()) if name == "geolocation" else tuple(row[column] for column in feed.key)
                if name != "orders" or key not in newest or greatest(row) > greatest(newest[key]):
                    newest[key] = row
        state[name] = Counter(tuple(row.values()) for row in newest.values())
    return state


def test_same_seed_same_bytes_other_seed_others(plain: Path, faulty: Path, tmp_path: Path) -> None:
    generate(tmp_path / "again", SCALE)
    assert bytes_below(tmp_path / "again") == bytes_below(plain)
    days = manifest(faulty)["days"]
    generate(tmp_path / "faulty again", SCALE, days=days, faults=all_kinds(days))
    assert bytes_below(tmp_path / "faulty again") == bytes_below(faulty)
    generate(tmp_path / "other", SCALE, seed=7)
    other = bytes_below(tmp_path / "other")
    assert [name for name, content in bytes_below(plain).items() if content == other[name]] == ["product_category_name_translation.csv"]


def test_final_state_of_the_drops_is_what_no_days_write(plain: Path, daily: Path) -> None:
    state = final_state(daily)
    for name in FEEDS:
        rows = Counter(tuple(row.values()) for row in feed_rows(plain, name))
        assert state[name] == (Counter(set(rows)) if name == "geolocation" else rows), name
    assert {key: manifest(daily)[key] for key in ("rows", "money")} == {key: manifest(plain)[key] for key in ("rows", "money")}


def test_drops_hold_only_what_their_day_knows(daily: Path) -> None:
    drops = sorted(path.name for path in daily.iterdir() if path.name.startswith("2"))
    assert len(drops) == 6 and drops[-1] == "2018-08-29"
    assert all(path.read_bytes().count(b"\n") > 1 for path in daily.rglob("*.csv"))
    known = {row["order_id"]: greatest(row) for row in feed_rows(daily / "initial", "orders")}
    assert max(known.values()) < drops[0]
    for drop in drops:
        orders = feed_rows(daily / drop, "orders")
        for row in orders:
            # A later version is later by its greatest date: the order that the lake goes by.
            assert greatest(row) > known.get(row["order_id"], "")
            known[row["order_id"]] = greatest(row)
        if drop != drops[-1]:
            assert all(greatest(row)[:10] <= drop for row in orders)
        for feed in ("order_items", "order_payments", "order_reviews"):
            assert {row["order_id"] for row in feed_rows(daily / drop, feed)} <= known.keys()
    changed = {feed: sum(len(feed_rows(daily / drop, feed)) for drop in drops) for feed in ("sellers", "products")}
    assert min(changed.values()) > 3


def test_dialect_is_the_sources(tenth: Path) -> None:
    for name, feed in FEEDS.items():
        raw = (tenth / f"{feed.stem}.csv").read_bytes()
        if name == "category_translation":
            assert raw.startswith(b"\xef\xbb\xbfproduct_category_name,product_category_name_english\r\n")
            assert raw.count(b"\r\n") == raw.count(b"\n") == 71 and not raw.endswith(b"\n")
            continue
        assert raw.startswith((",".join(f'"{column}"' for column in feed.columns) + "\n").encode()) and raw.endswith(b"\n")
        lines = [",".join(f'"{column}"' for column in feed.columns)]
        for row in read(tenth / f"{feed.stem}.csv"):
            cells = []
            for column, value in row.items():
                quoted = column not in feed.plain and re.search(r'^[0-9]|[,"\r\n]', value)
                cells.append('"' + value.replace('"', '""') + '"' if quoted else value)
            lines.append(",".join(cells))
        assert ("\n".join(lines) + "\n").encode() == raw, name
    assert "\r\n" in "".join(row["review_comment_message"] for row in feed_rows(tenth, "order_reviews"))


@pytest.mark.parametrize("source", ["plain", "tenth"])
def test_every_row_keeps_the_rules(source: str, request: pytest.FixtureRequest) -> None:
    out = request.getfixturevalue(source)
    rows = {name: feed_rows(out, name) for name in FEEDS}
    keys = {name: {row[FEEDS[name].key[0]] for row in rows[name]} for name in FEEDS}
    money = re.compile(r"\d+\.\d\d")
    for name in FEEDS:
        if name != "geolocation":
            assert len({tuple(row[column] for column in FEEDS[name].key) for row in rows[name]}) == len(rows[name])
        for row in rows[name]:
            for column, value in row.items():
                assert not column.endswith("_id") or column == "order_item_id" or re.fullmatch(r"[0-9a-f]{32}", value)
                assert not column.endswith("zip_code_prefix") or re.fullmatch(r"[0-9]{5}", value)
                assert column not in ("price", "freight_value", "payment_value") or money.fullmatch(value)
    statuses = {"created", "approved", "invoiced", "processing", "shipped", "delivered", "unavailable", "canceled"}
    for order in rows["orders"]:
        bought = order["order_purchase_timestamp"]
        assert order["order_status"] in statuses and order["customer_id"] in keys["customers"]
        assert all(not order[name] or order[name] >= bought for name in ("order_approved_at", "order_delivered_customer_date"))
    for item in rows["order_items"]:
        assert item["order_id"] in keys["orders"] and item["product_id"] in keys["products"] and item["seller_id"] in keys["sellers"]
    assert {item["product_id"] for item in rows["order_items"]} == keys["products"]
    assert {item["seller_id"] for item in rows["order_items"]} == keys["sellers"]
    assert {row["payment_type"] for row in rows["order_payments"]} <= {"credit_card", "boleto", "voucher", "debit_card", "not_defined"}
    for review in rows["order_reviews"]:
        assert review["order_id"] in keys["orders"] and review["review_score"] in "12345"
        assert review["review_answer_timestamp"] >= review["review_creation_date"]
    assert {row["customer_state"] for row in rows["customers"]} <= {row["geolocation_state"] for row in rows["geolocation"]}
    assert all(re.fullmatch(r"[a-z0-9_]+", row["product_category_name"] or "none") for row in rows["products"])


def test_manifest_counts_what_is_there(plain: Path) -> None:
    written = manifest(plain)
    assert written["rows"] == {name: len(feed_rows(plain, name)) for name in written["rows"]} and len(written["rows"]) == 9
    for column, feed in (("price", "order_items"), ("freight_value", "order_items"), ("payment_value", "order_payments")):
        assert Decimal(written["money"][column]) == sum(Decimal(row[column]) for row in feed_rows(plain, feed))
    assert written["faults"] == [] and written["totals"] == {}


def test_rates_are_near_the_facts(tenth: Path) -> None:
    rows = {name: feed_rows(tenth, name) for name in FEEDS}
    sizes = {"orders": 99_441, "order_items": 112_650, "order_payments": 103_886, "order_reviews": 99_224, "products": 32_951}
    for name, size in (sizes | {"geolocation": 1_000_163, "sellers": 3_095}).items():
        assert len(rows[name]) == pytest.approx(size / 10, rel=0.02), name
    assert len({row["customer_unique_id"] for row in rows["customers"]}) == pytest.approx(9_610, rel=0.01)
    scores = Counter(row["review_score"] for row in rows["order_reviews"])
    assert sum(int(score) * count for score, count in scores.items()) / scores.total() == pytest.approx(4.086, abs=0.12)
    arrived = [row for row in rows["orders"] if row["order_status"] == "delivered" and row["order_delivered_customer_date"]]
    late = {row["order_id"] for row in arrived if row["order_delivered_customer_date"] > row["order_estimated_delivery_date"]}
    assert len(arrived) == pytest.approx(9_647, rel=0.01) and 0.06 < len(late) / len(arrived) < 0.105
    by_lateness = defaultdict(list)
    for row in rows["order_reviews"]:
        by_lateness[row["order_id"] in late].append(int(row["review_score"]))
    assert sum(by_lateness[True]) / len(by_lateness[True]) < 3 < 4 < sum(by_lateness[False]) / len(by_lateness[False])
    days = Counter(row["order_purchase_timestamp"][:10] for row in rows["orders"])
    assert days.most_common(1)[0] == ("2017-11-24", pytest.approx(118, abs=2))
    for column, feed, mean in (
        ("price", "order_items", 120.65),
        ("freight_value", "order_items", 19.99),
        ("payment_value", "order_payments", 154.1),
    ):
        assert sum(float(row[column]) for row in rows[feed]) / len(rows[feed]) == pytest.approx(mean, rel=0.12), column
    written = sum(bool(row["review_comment_message"]) for row in rows["order_reviews"]) / len(rows["order_reviews"])
    assert written == pytest.approx(0.413, abs=0.03)
    itemless = len(rows["orders"]) - len({row["order_id"] for row in rows["order_items"]})
    assert itemless == pytest.approx(77, abs=12)
    types = Counter(row["payment_type"] for row in rows["order_payments"])
    assert types["credit_card"] / types.total() == pytest.approx(0.739, abs=0.02)
    repeated = sum(Counter(tuple(row.values()) for row in rows["geolocation"]).values()) - len(
        {tuple(r.values()) for r in rows["geolocation"]}
    )
    assert repeated / len(rows["geolocation"]) == pytest.approx(0.262, abs=0.02)


def test_some_products_are_bought_together(tenth: Path) -> None:
    baskets = defaultdict(set)
    for row in feed_rows(tenth, "order_items"):
        baskets[row["order_id"]].add(row["product_id"])
    pairs = Counter(tuple(sorted(basket)) for basket in baskets.values() if len(basket) == 2)
    assert pairs.most_common(1)[0][1] >= 3


def parse_around(out: Path, fault: dict) -> str:
    """The physical line that a fault names."""
    return (out / fault["file"]).read_text(encoding="utf-8").split("\n")[fault["line"] - 1]


def test_every_fault_stands_where_the_manifest_says(faulty: Path) -> None:
    written = manifest(faulty)
    assert written["totals"] == dict(Counter(fault["kind"] for fault in written["faults"]))
    expected = all_kinds(written["days"])
    assert written["totals"].keys() == expected.keys()
    assert all(written["totals"][kind] == count for kind, count in expected.items() if kind != "late_parent")
    for fault in written["faults"]:
        path = faulty / fault["file"]
        assert path.is_file() and path.name.startswith(FEEDS[fault["feed"]].stem)
        assert (fault["outcome"], fault["rule"]) == (KINDS[fault["kind"]].outcome, KINDS[fault["kind"]].rule)
        if fault["line"] is None:
            continue
        line = parse_around(faulty, fault)
        assert next(iter(fault["key"].values())) in line
        if fault["kind"] == "unclosed_quote":
            assert line.count('"') % 2 == 1
        elif fault["kind"] in ("truncated_line", "extra_field"):
            assert len(next(csv.reader([line]))) != len(FEEDS[fault["feed"]].columns)


def test_without_its_faults_the_data_is_the_same(faulty: Path, tmp_path: Path) -> None:
    written = manifest(faulty)
    clean = tmp_path / "clean"
    generate(clean, SCALE, days=written["days"])
    mended = tmp_path / "mended"
    shutil.copytree(faulty, mended)
    added = defaultdict(list)
    for fault in written["faults"]:
        if fault["outcome"] in ("refused", "empty", "duplicate_file"):
            (mended / fault["file"]).unlink()
        elif fault["line"] is not None and fault["outcome"] != "resolved":
            added[fault["file"]].append(fault["line"])
    for file, lines in added.items():
        content = (mended / file).read_bytes().split(b"\n")
        for line in sorted(lines, reverse=True):
            # An added record of several lines goes on until its quotes close; an unclosed one is a single line.
            end = line
            broken = any(f["kind"] == "unclosed_quote" and f["file"] == file and f["line"] == line for f in written["faults"])
            while not broken and b"\n".join(content[line - 1 : end]).count(b'"') % 2:
                end += 1
            del content[line - 1 : end]
        (mended / file).write_bytes(b"\n".join(content))
    for name in FEEDS:
        rows: Counter[tuple[tuple[str, str], ...]] = Counter()
        for path in sorted(mended.rglob(f"{FEEDS[name].stem}*.csv*")):
            raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            for row in csv.DictReader(raw.decode("utf-8-sig").replace("\r\n", "\n").splitlines(keepends=True), strict=True):
                row.pop("delivery_channel", None)
                rows[tuple(sorted(row.items()))] += 1
        expected: Counter[tuple[tuple[str, str], ...]] = Counter()
        for path in sorted(clean.rglob(f"{FEEDS[name].stem}*.csv")):
            text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
            expected.update(tuple(sorted(row.items())) for row in csv.DictReader(text.splitlines(keepends=True), strict=True))
        assert rows == expected, name


def test_late_parents_come_one_drop_after_their_items(tmp_path: Path) -> None:
    generate(tmp_path, SCALE, days=6, faults={"late_parent": 2})
    faults = manifest(tmp_path)["faults"]
    orders = {fault["key"]["order_id"] for fault in faults}
    assert len(orders) == 2 and {fault["feed"] for fault in faults} == {"order_items", "order_payments"}
    drops = ["initial", *sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("2"))]
    first = {}
    for number, drop in enumerate(drops):
        for row in feed_rows(tmp_path / drop, "orders"):
            first.setdefault(row["order_id"], number)
    assert all(drops.index(fault["file"].split("/")[0]) == first[fault["key"]["order_id"]] - 1 for fault in faults)


def test_superseded_versions_lose(faulty: Path) -> None:
    newest = defaultdict(str)
    for path in faulty.rglob("olist_orders_dataset*.csv"):
        for line in path.read_text(encoding="utf-8").splitlines():
            cells = line.replace('"', "").split(",")
            if len(cells) == 8 and cells[2] in ("shipped", "delivered"):
                newest[cells[0]] = max(newest[cells[0]], *cells[3:7])
    for fault in manifest(faulty)["faults"]:
        if fault["outcome"] == "superseded":
            cells = parse_around(faulty, fault).replace('"', "").split(",")
            assert cells[2] == "shipped" and max(cells[3:7]) < newest[cells[0]]
