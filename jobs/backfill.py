"""Compute one table again, all of it or a period, with a reason that is kept in ops.runs."""

from datetime import date

from lake.backfill import backfill
from lake.cli import parser, writing_job

if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--table", required=True, help="silver or gold table")
    arguments.add_argument("--from", dest="first", type=date.fromisoformat, metavar="YYYY-MM-DD", help="first day (default: the beginning)")
    arguments.add_argument("--to", dest="last", type=date.fromisoformat, metavar="YYYY-MM-DD", help="last day (default: the end)")
    arguments.add_argument("--reason", required=True, help="why")
    writing_job(arguments, lambda lake, run, args: backfill(lake, run, args.table, args.first, args.last, args.reason))
