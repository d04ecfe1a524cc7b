"""What a person wants to see in the terminal after a run, on one screen.

python -m lake.summary --lake data/lake
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from lake.figures import Figures, collect
from lake.figures.operations import Operations
from lake.figures.text import NOTHING, brl, count, moment, number, seconds, share
from lake.program import main_of, of_lake, parser, run

WIDTH = 100
REPORT = Path("reports") / "report.html"
LISTED = 5
LAYERS = ("bronze", "silver", "gold")
STATUS = {"done": "bold green", "unchanged": "bold green", "failed": "bold red", "died": "bold red"}


def print_summary(root: str, run_id: str | None = None, report: str | Path = REPORT) -> None:
    """Print the figures of a lake and of one run (the newest, unless one is named), 100 columns wide, under 45 lines.

    Args:
        report: where the report is, if it was written.

    Raises:
        BadInput: there is no such folder, or no such run.
    """
    figures = collect(root, run_id)
    console = Console(width=WIDTH, highlight=False)
    parts = [_head(figures), _key(figures), _tables(figures.operations), _steps(figures.operations), _concerns(figures.operations, report)]
    for part in parts:
        console.print(part)
        console.print()


def _head(figures: Figures) -> Text:
    run = figures.operations.run
    if not run:
        return Text.assemble(("Lake ", "bold"), figures.root, "  no run yet")
    status = (run.status, STATUS.get(run.status, "bold yellow"))
    when = f"  {moment(run.started_at)} UTC, {seconds(run.seconds)}\n"
    return Text.assemble(("Run ", "bold"), run.run_id, "  ", status, when, ("Lake ", "bold"), figures.root)


def _grid(columns: int) -> Table:
    grid = Table.grid(padding=(0, 2))
    for _ in range(columns):
        grid.add_column()
    return grid


def _key(figures: Figures) -> Table | Text:
    key = figures.business.key
    if not key:
        return Text("No orders yet", style="dim")
    span = f"{key.first_purchase:%Y-%m-%d} to {key.last_purchase:%Y-%m-%d}"
    cells = [
        ("Revenue", brl(key.revenue_brl), "Orders", count(key.orders)),
        ("Average basket", brl(key.average_basket_brl), "Persons", count(key.persons)),
        ("On time", share(key.on_time_share), "Review score", f"{number(key.review_score_mean)} of 5"),
        ("Purchases", span, "Reviews", count(key.reviews)),
    ]
    grid = _grid(4)
    for name, value, other, more in cells:
        grid.add_row(Text(name, "dim"), Text(value, "bold"), Text(other, "dim"), Text(more, "bold"))
    return grid


def _tables(operations: Operations) -> Table:
    """Rows by layer, and each table's as far as a few lines go."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column()
    for layer in LAYERS:
        tables = operations.tables[layer]
        rows = sum(n for _, n in tables)
        largest = sorted(tables, key=lambda table: (-table[1], table[0]))
        listed = ", ".join(f"{name.partition('.')[2]} {n:,}" for name, n in largest[:LISTED])
        more = f" and {len(tables) - LISTED} more" if len(tables) > LISTED else ""
        grid.add_row(Text(layer, "bold"), f"{count(len(tables))} tables, {count(rows)} rows", Text(listed + more, "dim"))
    return grid


def _steps(operations: Operations) -> Table | Text:
    if not operations.steps:
        return Text("No step has run yet", style="dim")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("step")
    for name in ("time", "tables", "unchanged", "read", "written", "quarantined", "duplicate", "superseded"):
        table.add_column(name, justify="right")
    for step in operations.steps:
        sums = [count(step[f"rows_{name}"]) for name in ("read", "written", "quarantined", "duplicate", "superseded")]
        failed = Text(f"{step['step']} ({step['failed']} failed)", "bold red") if step["failed"] else Text(step["step"], "bold")
        table.add_row(failed, seconds(step["seconds"]), str(step["tables"]), str(step["unchanged"]), *sums)
    return table


def _concerns(operations: Operations, report: str | Path) -> Group:
    """What may need somebody: gates, quarantine, waiting rows, files; then where to read on."""
    failed = operations.rules("failed")
    gates = f"{count(operations.rules('passed'))} rules passed, {failed} failed, {operations.rules('waived')} waived"
    waiting = f"{count(operations.children)} wait for a parent, {count(sum(w['overdue'] for w in operations.waiting))} overdue"
    files = ", ".join(f"{count(row['files'])} {row['status']}" for row in operations.files) or NOTHING
    grid = _grid(2)
    grid.add_row(Text("Gates", "dim"), Text(gates if operations.quality else NOTHING, "bold red" if failed else "bold"))
    for row in [row for row in operations.broken if not row["waived"]][:3]:
        grid.add_row("", Text(f"{row['table']}  {row['rule']}  {row['observed']}", "red"))
    grid.add_row(Text("Quarantine", "dim"), f"{count(operations.quarantined)} rows{_commonest(operations)}")
    grid.add_row(Text("Waiting", "dim"), waiting)
    grid.add_row(Text("Files", "dim"), files)
    for row in operations.refused[:3]:
        grid.add_row("", Text(f"refused {row['file']}: {row['detail']}", "yellow", overflow="ellipsis", no_wrap=True))
    for message in (operations.run.messages if operations.run else [])[:2]:
        grid.add_row(Text("Message", "dim"), Text(message.splitlines()[0], "yellow", overflow="ellipsis", no_wrap=True))
    where = Path(report)
    grid.add_row(Text("Report", "dim"), Text(str(where.resolve()) if where.exists() else "not written yet: make report", overflow="fold"))
    grid.add_row(Text("Next", "dim"), Text('make sql Q="select * from gold.sales_by_state"    make tables'))
    return Group(grid)


def _commonest(operations: Operations) -> str:
    rows = [row for row in operations.quarantine if row["status"] != "replayed"][:3]
    return f": {', '.join(f'''{row['table']} {row['rule']} {row['rows']:,}''' for row in rows)}" if rows else ""


def main() -> None:
    """Command line."""
    made = of_lake(parser("lake.summary", __doc__))
    made.add_argument("--run-id", help="the run to tell of (default: the newest)")
    made.add_argument("--report", default=str(REPORT), help=f"where the report is (default: {REPORT})")
    main_of(made, lambda settings, args: print_summary(settings.lake, args.run_id, args.report))


if __name__ == "__main__":
    run(main)
