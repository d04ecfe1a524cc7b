"""gold -> MongoDB, ClickHouse and Neo4j: the newest snapshot, staged, compared with the lake, then shown to readers."""

from lake.cli import parser, publishing_job
from lake.publish import STORES, publish, restore

if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--stores", nargs="+", choices=list(STORES), default=list(STORES), help="which stores (default: all)")
    arguments.add_argument("--again", action="store_true", help="publish even if a store holds the snapshot already")
    arguments.add_argument("--restore", action="store_true", help="bring the previous snapshot back instead")
    publishing_job(
        arguments, lambda lake, run, args: restore(run, args.stores) if args.restore else publish(lake, run, args.stores, args.again)
    )
