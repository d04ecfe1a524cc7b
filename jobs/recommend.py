"""gold -> recommendations: train ALS, measure it, write the top 5 of each person."""

from lake.cli import parser, writing_job
from lake.pipeline import run_steps

if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--retrain", action="store_true", help="train whatever has changed")
    # Most days nothing is trained: Great Expectations is not imported before a gate asks for it.
    writing_job(arguments, lambda lake, run, args: run_steps(lake, run, ("recommend",), retrain=args.retrain), judges=False)
