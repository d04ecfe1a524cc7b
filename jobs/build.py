"""silver -> gold: facts, dimensions and marts of what has changed."""

from lake.cli import parser, writing_job
from lake.gold import BUILDERS
from lake.pipeline import run_steps

if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--full", action="store_true", help="from all of silver instead of from what changed")
    arguments.add_argument("--tables", nargs="+", choices=sorted(BUILDERS), help="only these and the gold tables they are built from")
    writing_job(
        arguments, lambda lake, run, args: run_steps(lake, run, ("build",), full=args.full, only=set(args.tables) if args.tables else None)
    )
