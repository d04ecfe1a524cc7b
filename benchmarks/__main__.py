"""Whole runs, each in processes of its own, on the same files in one go: CPU seconds, wall seconds, peak memory.

python -m benchmarks full --landing DIR             our run against DuckDB + delta-rs and against the straightforward way
python -m benchmarks day --scale 1 --scale 10       the same day's increment on lakes of these scales (generated)
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


@dataclass
class Cost:
    """CPU seconds (user + system, with children), wall seconds, peak memory of the largest process in MiB."""

    cpu: float
    wall: float
    peak: float


def run(commands: list[list[str]]) -> Cost:
    """Run commands one after the other and add up what they cost.

    Raises:
        SystemExit: a command failed; its last lines of output are in the message.
    """
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    peak = 0.0
    for command in commands:
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)
            peak = max(peak, usage.ru_maxrss / 1024)
            if status:
                output.seek(0)
                sys.exit(f"{' '.join(command)} failed:\n" + "".join(output.readlines()[-15:]))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, time.perf_counter() - clock, peak)


def spark_submit(job: str, *arguments: str) -> list[str]:
    """A spark-submit of one of the project's files."""
    return [str(BIN / "spark-submit"), str(ROOT / job), *arguments]


def ours(landing: Path, lake: Path, *more: str) -> list[list[str]]:
    """Our run: gates, quarantine, history, ledger, gold and recommendations."""
    return [spark_submit("jobs/pipeline.py", "--lake", str(lake), "--landing", str(landing), *more)]


def duckdb_and_delta_rs(landing: Path, lake: Path) -> list[list[str]]:
    """The same silver and gold tables (no recommendations, gates, quarantine, history) by DuckDB, written by delta-rs."""
    return [[sys.executable, "-m", "benchmarks.duckdb_delta", str(landing), str(lake)]]


def straightforward(landing: Path, lake: Path) -> list[list[str]]:
    """A pandas script cleans, then one spark-submit a job, with Spark's and Delta's own settings; no gates, no increments."""
    clean = [sys.executable, "-m", "benchmarks.straightforward.clean", str(landing), str(lake / "clean")]
    return [clean, *[spark_submit(f"benchmarks/straightforward/{job}.py", str(lake)) for job in ("facts", "marts", "segments")]]


def straightforward_als(lake: Path) -> list[list[str]]:
    """The recommendations on top of it: Spark's own, each person against each product, for half an hour at most."""
    return [["timeout", "--signal=KILL", "30m", *spark_submit("benchmarks/straightforward/recommend.py", str(lake))]]


class Report:
    """A table that grows by a row with each measurement, with ratios to the first, so that a run of an hour shows what it has found."""

    def __init__(self) -> None:
        self.first: Cost | None = None
        print(f"{'what':<44}{'cpu s':>9}{'wall s':>9}{'peak MiB':>10}{'cpu x':>8}{'wall x':>8}", flush=True)

    def measure(self, name: str, commands: list[list[str]]) -> None:
        """Run commands and print what they cost."""
        cost = run(commands)
        first = self.first = self.first or cost
        print(
            f"{name:<44}{cost.cpu:>9.1f}{cost.wall:>9.1f}{cost.peak:>10.0f}{cost.cpu / first.cpu:>8.2f}{cost.wall / first.wall:>8.2f}",
            flush=True,
        )


def full(landing: Path, work: Path) -> None:
    """The three ways to the same tables, from cold processes."""
    report = Report()
    for folder in (lakes := [work / name for name in ("ours", "duckdb", "straightforward")]):
        shutil.rmtree(folder, ignore_errors=True)
    report.measure("ours: one session, all tables, gates, ALS", ours(landing, lakes[0]))
    report.measure("DuckDB + delta-rs, no gates, no ALS", duckdb_and_delta_rs(landing, lakes[1]))
    report.measure("straightforward: a submit a job, no ALS", straightforward(landing, lakes[2]))
    try:
        report.measure("straightforward: its ALS job", straightforward_als(lakes[2]))
    except SystemExit as why:
        # From a million orders on it has no end, which is a result too.
        print(f"straightforward: its ALS job: no result: {why}")


def thin(day: Path, share: float) -> None:
    """Leave a share of a day's orders, with what belongs to them; products and sellers stay."""

    def keep(name: str, wanted: Callable[[dict[str, str]], bool]) -> list[dict[str, str]]:
        path = day / f"olist_{name}_dataset.csv"
        if not path.exists():
            return []
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows, header = [row for row in reader if wanted(row)], reader.fieldnames or []
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, header, quoting=csv.QUOTE_ALL)
            writer.writeheader()
            writer.writerows(rows)
        return rows

    orders = keep("orders", lambda row: zlib.crc32(row["order_id"].encode()) < share * 2**32)
    customers, kept = {row["customer_id"] for row in orders}, {row["order_id"] for row in orders}
    keep("customers", lambda row: row["customer_id"] in customers)
    for name in ("order_items", "order_payments", "order_reviews"):
        keep(name, lambda row: row["order_id"] in kept)


def day(scales: list[float], work: Path) -> None:
    """The same day's drop on lakes of several scales: first all that came before, then the day alone is measured, with as many orders as
    it has at scale 1."""
    report = Report()
    for scale in scales:
        landing, lake, dropped = work / f"landing{scale:g}", work / f"lake{scale:g}", work / f"day{scale:g}"
        if not landing.exists():
            run([[sys.executable, "-m", "lake.generator", str(landing), "--scale", str(scale), "--days", "2"]])
            # The last drop brings all that happened afterwards too, months of it: the one before is a day.
            first, last = sorted(folder for folder in landing.iterdir() if folder.is_dir() and folder.name != "initial")
            shutil.rmtree(last)
            dropped.mkdir()
            shutil.move(first, dropped)
            if scale > 1:
                thin(dropped / first.name, 1 / scale)
        for old in (lake, *(landing / folder.name for folder in dropped.iterdir())):
            shutil.rmtree(old, ignore_errors=True)
        report.measure(f"all before the day, scale {scale:g}", ours(landing, lake))
        shutil.copytree(dropped, landing, dirs_exist_ok=True)
        report.measure(f"a day on a lake of scale {scale:g}", ours(landing, lake))
        report.measure(f"nothing new on a lake of scale {scale:g}", ours(landing, lake))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("full", "day"))
    parser.add_argument("--landing", type=Path, help="full: folder with the nine CSV files (default: a generated marketplace of --scale)")
    parser.add_argument("--scale", type=float, action="append", help="scale of generated marketplaces, may be repeated (default: 1)")
    parser.add_argument("--work", type=Path, help="where lakes and generated files go (default: a temporary folder)")
    args = parser.parse_args()
    work = args.work or Path(tempfile.mkdtemp(prefix="benchmark"))
    work.mkdir(parents=True, exist_ok=True)
    if args.what == "day":
        day(args.scale or [1], work)
    for scale in [0.0] if args.landing else args.scale or [1.0] if args.what == "full" else []:
        landing = args.landing or work / f"whole{scale:g}"
        if not landing.exists():
            run([[sys.executable, "-m", "lake.generator", str(landing), "--scale", str(scale)]])
        print(f"on {landing}")
        full(landing, work)
    if not args.work:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
