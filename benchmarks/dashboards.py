"""How long people wait for the dashboards: each chart's query in ClickHouse, and each dashboard from its opening until it is complete.

python -m benchmarks.dashboards [--rounds 5]

Of the Superset and the stores that run (`make superset`), with whatever was published to them. Prints medians; what is over its
goal (200 ms a query, 3 s a dashboard, warm) is marked.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import yaml

from infra.local import environment
from infra.local.superset_server import Session
from lake.publish.clickhouse import connected
from lake.settings import ROOT, read_env_file
from tests.superset.browser import DASHBOARDS, browser, charts_of

MOST_MS, MOST_SECONDS = 200, 3
ASSETS = ROOT / "superset" / "assets"


def median(work: Callable[[], object], rounds: int) -> float:
    """Seconds that work takes, once it is warm."""
    work()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def in_clickhouse() -> set[str]:
    """The titles of the charts that ask ClickHouse."""
    charts, datasets = (
        {file.stem: yaml.safe_load(file.read_text()) for file in (ASSETS / kind).glob("*.yaml")} for kind in ("charts", "datasets")
    )
    return {chart["slice_name"] for chart in charts.values() if datasets[chart["dataset"]]["database"] == "clickhouse"}


def queries(session: Session) -> dict[str, str]:
    """The SQL of each of them."""
    charts = {c["slice_name"]: c["id"] for c in session.ask("/api/v1/chart/?q=(page_size:100)")["result"]}
    told = {title: session.ask(f"/api/v1/chart/{charts[title]}/data/?type=query")["result"] for title in sorted(in_clickhouse())}
    return {title: found[0]["query"].strip().rstrip(";") for title, found in told.items()}


def line(what: str, value: str, over: bool) -> None:
    print(f"{what:<44}{value:>12}{'  over the goal' if over else ''}", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (default: 5)")
    rounds = parser.parse_args().rounds
    read_env_file()
    settings = environment.load()
    print(f"{'query in ClickHouse':<44}{'ms':>12}")
    with connected(reader=True) as client:
        for title, text in queries(Session(settings, "VIEWER")).items():
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
