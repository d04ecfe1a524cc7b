"""gold and what MongoDB, ClickHouse and Neo4j hold, side by side, to the cent; exit code 9 if anything differs."""

import sys

from lake.cli import job, parser
from lake.publish import STORES
from lake.publish.reconcile import reconcile

if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--stores", nargs="+", choices=list(STORES), default=list(STORES), help="which stores (default: all)")
    job(arguments, lambda lake, args: reconcile(lake, args.stores, None if sys.stdout.isatty() else 140))
