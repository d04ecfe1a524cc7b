"""python -m lake.report: write the report of the newest run and print where it is."""

from __future__ import annotations

from lake import report
from lake.program import main_of, of_lake, parser, run


def main() -> None:
    """Command line."""
    made = of_lake(parser("lake.report", report.__doc__))
    made.add_argument("--out", default="reports", help="folder for report.html and report.json (default: reports)")
    made.add_argument("--in-lake", action="store_true", help="write to reports/<run> in the lake instead")
    made.add_argument("--run-id", help="the run to report on (default: the newest)")
    main_of(made, lambda settings, args: print(report.write_report(settings.lake, None if args.in_lake else args.out, args.run_id)))


if __name__ == "__main__":
    run(main)
