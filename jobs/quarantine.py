"""Rows in quarantine: list, fix, release, replay. Without --table, --rule, --file and --line all rows of all tables are meant."""

from lake import quarantine
from lake.cli import parser, writing_job
from lake.ledger import say
from lake.program import pair


def listed(lake, args):
    """What `list` says; it only reads and waits for nobody."""
    if args.command != "list":
        return None
    rows = quarantine.chosen(lake, args.table, args.rule, args.file, args.line)
    columns = ("table", "file", "line", "rules", "row_key", "status", "reason")
    rows.select(*columns).orderBy("table", "file", "line").show(args.limit, False)
    number = rows.count()
    return f"{min(number, args.limit)} of {number} rows"


def work(lake, run, args):
    """One of the commands that write."""
    rows = quarantine.chosen(lake, args.table, args.rule, args.file, args.line)
    would = "would be " if args.dry_run else ""
    if args.command == "fix":
        say(f"{quarantine.fix(lake, run, rows, dict(args.set), args.reason, args.dry_run)} row {would}fixed; replay it")
    elif args.command == "release":
        say(f"{quarantine.release(lake, run, rows, args.reason, args.dry_run)} rows {would}released; replay them")
    else:
        for table, counts in quarantine.replay(lake, run, rows, args.dry_run).items():
            bad = ", ".join(f"{n} {rule}" for rule, n in counts.items() if rule != "good") or "none"
            say(f"{table}: {counts['good']} {would}taken into silver; still bad: {bad}")


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("command", choices=("list", "fix", "release", "replay"))
    arguments.add_argument("--table", help="silver table, e.g. silver.orders")
    arguments.add_argument("--rule", help="a rule that the rows broke, e.g. type:price")
    arguments.add_argument("--file", help="path of the file below the landing folder")
    arguments.add_argument("--line", type=int, help="line of the file")
    arguments.add_argument("--set", nargs="+", type=pair, default=[], metavar="COLUMN=VALUE", help="fix: corrected values by bronze column")
    arguments.add_argument("--reason", default="", help="fix, release: why (kept in ops.quarantine)")
    arguments.add_argument("--limit", type=int, default=50, help="list: at most so many rows (default: 50)")
    arguments.add_argument("--dry-run", action="store_true", help="say what would happen, change nothing")
    writing_job(arguments, work, idle=listed)
