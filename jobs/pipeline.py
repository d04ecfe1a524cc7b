"""All steps in one session: landing -> bronze -> silver -> gold -> recommendations (-> stores)."""

from lake.cli import parser, writing_job
from lake.pipeline import STEPS, TO_GOLD, run_steps

if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--steps", nargs="+", choices=STEPS, default=list(TO_GOLD), help="run only these (default: all to gold)")
    arguments.add_argument("--retrain", action="store_true", help="train the recommender whatever has changed")
    writing_job(arguments, lambda lake, run, args: run_steps(lake, run, tuple(args.steps), retrain=args.retrain), founds=True)
