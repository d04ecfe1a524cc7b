"""landing -> bronze: load what is new in the landing folder."""

from lake.cli import parser, writing_job
from lake.pipeline import run_steps

if __name__ == "__main__":
    arguments = parser(__doc__)
    writing_job(arguments, lambda lake, run, args: run_steps(lake, run, ("ingest",)), judges=False, founds=True)
