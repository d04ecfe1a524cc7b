"""gold -> recommendations: train ALS, measure it, write the top 5 of each person."""

from lake.cli import parser, writing_job
from lake.pipeline import run_steps
from lake.recommend import nothing_to_learn

if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--retrain", action="store_true", help="train whatever has changed")
    # Most days nothing is trained: then the lake is not waited for, and Great Expectations not imported.
    writing_job(
        arguments,
        lambda lake, run, args: run_steps(lake, run, ("recommend",), retrain=args.retrain),
        judges=False,
        idle=lambda lake, args: None if args.retrain else nothing_to_learn(lake),
    )
