"""What the gates cost of silver: bronze -> silver with the suites, and with nothing measured or judged, in turn on one bronze.

python -m benchmarks.gates [--landing DIR] [--rounds 2]     the nine CSV files, or a generated marketplace of Olist's size

Without gates rows are still typed, compared, counted, and sent to quarantine by the row rules: that is silver's own work.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.__main__ import ROOT, Report, run, spark_submit

THIS = str(Path(__file__).relative_to(ROOT))


def without_gates() -> None:
    """Let silver's steps measure no rule and judge nothing."""
    from lake import conform, quality, waiting

    measure = quality.measure

    def unmeasured(frame, suite, *args, **kwargs):
        return measure(frame, replace(suite, rules=()), *args, **kwargs)

    for module in (conform, waiting):
        module.measure, module.judge = unmeasured, lambda *_: []


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--landing", type=Path, help="folder with the nine CSV files")
    parser.add_argument("--rounds", type=int, default=2, help="how often each is measured (default: 2)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        landing = args.landing or folder / "landing"
        if not args.landing:
            run([[sys.executable, "-m", "lake.generator", str(landing)]])
        given = ["--landing", str(landing), "--steps"]
        run([spark_submit("jobs/pipeline.py", "--lake", str(folder / "bronze"), *given, "ingest")])
        report = Report()
        for _ in range(args.rounds):
            for what, job in (("silver, no gates", THIS), ("silver with its gates", "jobs/pipeline.py")):
                shutil.rmtree(folder / "lake", ignore_errors=True)
                shutil.copytree(folder / "bronze", folder / "lake")
                report.measure(what, [spark_submit(job, "--lake", str(folder / "lake"), *given, "conform")])


if __name__ == "__main__":
    if "--lake" in sys.argv:
        without_gates()
        from lake.cli import parser, writing_job
        from lake.pipeline import run_steps

        arguments = parser(__doc__)
        arguments.add_argument("--steps", nargs="+")
        writing_job(arguments, lambda lake, run, args: run_steps(lake, run, tuple(args.steps)), founds=True)
    else:
        main()
