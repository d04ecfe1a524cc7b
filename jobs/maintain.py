"""Maintenance: compact and cluster tables of many files, vacuum what no reader needs."""

from dataclasses import astuple, fields

from lake.cli import parser, writing_job
from lake.maintain import Report, maintain


def work(lake, run, args):
    """Maintain and print what happened, as comma-separated values."""
    reports = maintain(lake, run, args.retention_days, args.dry_run, args.table)
    print(",".join(field.name for field in fields(Report)))
    for report in reports:
        print(",".join(map(str, astuple(report))))
    print(f"total,,,,,,,,{sum(r.bytes_before for r in reports)},{sum(r.bytes_after for r in reports)}")


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--table", help="only this table")
    arguments.add_argument("--retention-days", type=float, default=30, help="keep files of versions younger than this (default: 30)")
    arguments.add_argument("--dry-run", action="store_true", help="say what would happen, write nothing but its rows in ops.runs")
    writing_job(arguments, work)
