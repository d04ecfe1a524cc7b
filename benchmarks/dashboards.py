"""How long people wait for the dashboards: each chart's query in ClickHouse, and each dashboard from its opening until it is complete.

python -m benchmarks.dashboards [--rounds 5] [--times 10]

Of the Superset and the stores that run (`make superset`), with whatever was published to them. Prints medians; what is over its
goal (200 ms a query, 3 s a dashboard, warm) is marked. With --times the rows in ClickHouse are first multiplied, in place: each copy has
other orders, people, products and sellers. `make publish ARGS="--stores clickhouse --again"` brings back what gold has.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping

import yaml
from clickhouse_connect.driver.client import Client

from infra.local import environment
from infra.local.superset_server import Session
from lake.publish.clickhouse import connected
from lake.publish.columnar import name_of, published
from lake.settings import ROOT, read_env_file
from tests.superset.browser import DASHBOARDS, browser, charts_of

MOST_MS, MOST_SECONDS = 200, 3
IDENTIFIERS = {"order_id", "customer_id", "customer_unique_id", "review_id", "product_id", "seller_id", "product_a", "product_b"}
ASSETS = ROOT / "superset" / "assets"


def multiply(client: Client, times: int) -> None:
    """Add copies of all rows about single orders, people, products or sellers, under other identifiers."""
    for gold in published():
        name, columns = name_of(gold), list(gold.columns)
        if not IDENTIFIERS & set(gold.key):
            continue
        values = ", ".join(f"concat(t.{c}, toString(i.number))" if c in IDENTIFIERS else f"t.{c}" for c in columns)
        copies = f"numbers(1, {times - 1})"
        client.command(f"INSERT INTO {name} ({', '.join(columns)}) SELECT {values} FROM {name} AS t CROSS JOIN {copies} AS i")
        print(f"{name:<44}{client.query(f'SELECT count() FROM {name}').first_row[0]:>12,} rows", flush=True)


def median(work: Callable[[], object], rounds: int) -> float:
    """Seconds that work takes, once it is warm."""
    work()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def assets(kind: str) -> dict[str, dict]:
    """Superset's files of a kind, by name."""
    return {file.stem: yaml.safe_load(file.read_text()) for file in (ASSETS / kind).glob("*.yaml")}


def in_clickhouse() -> dict[str, str | None]:
    """The titles of the charts that ask ClickHouse, each with the column of which its dashboard always has one value chosen."""
    datasets, required = assets("datasets"), {}
    for dashboard in assets("dashboards").values():
        for held in dashboard["filters"]:
            if held.get("controlValues", {}).get("enableEmptyFilter"):
                within = {part["chart"] for row in dashboard["layout"] for part in row["row"]} - set(held["scope"]["excluded"])
                required |= dict.fromkeys(within, held["column"])
    found = {}
    for name, chart in assets("charts").items():
        dataset = datasets[chart["dataset"]]
        if dataset["database"] == "clickhouse":
            column = required.get(name)
            found[chart["slice_name"]] = column if column in {c["column_name"] for c in dataset["columns"]} else None
    return found


def queries(session: Session, first: Mapping[str, str]) -> dict[str, str]:
    """The SQL of each of them.

    Args:
        first: a value of each column of which one must be chosen.
    """
    ids, told = {c["slice_name"]: c["id"] for c in session.ask("/api/v1/chart/?q=(page_size:100)")["result"]}, {}
    for title, column in sorted(in_clickhouse().items()):
        chosen = {column: [first[column]]} if column else {}
        told[title] = session.chart(ids[title], "query", **chosen)["query"].strip().rstrip(";")
    return told


def line(what: str, value: str, over: bool) -> None:
    print(f"{what:<44}{value:>12}{'  over the goal' if over else ''}", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (default: 5)")
    parser.add_argument("--times", type=int, default=1, help="multiply ClickHouse's rows first (default: as they are)")
    args = parser.parse_args()
    rounds = args.rounds
    read_env_file()
    if args.times > 1:
        with connected() as client:
            multiply(client, args.times)
    settings = environment.load()
    print(f"{'query in ClickHouse':<44}{'ms':>12}")
    with connected(reader=True) as client:
        customer = client.query("SELECT customer_unique_id FROM customer_segments ORDER BY frequency DESC LIMIT 1").first_row[0]
        for title, text in queries(Session(settings, "VIEWER"), {"customer_unique_id": customer}).items():
            taken = 1000 * median(lambda text=text: client.query(text), rounds)
            line(title, f"{taken:.0f}", taken > MOST_MS)
    print(f"\n{'dashboard in a browser':<44}{'s':>12}")
    with browser(f"http://127.0.0.1:{settings['SUPERSET_PORT']}") as page:
        page.log_in(settings["SUPERSET_VIEWER_USER"], settings["SUPERSET_VIEWER_PASSWORD"])
        for slug in DASHBOARDS:
            taken = median(lambda slug=slug: page.dashboard(slug, charts_of(slug)), rounds)
            line(slug, f"{taken:.1f}", taken > MOST_SECONDS)


if __name__ == "__main__":
    main()
