"""python -m lake.report: write the report of the newest run and print where it is."""

from __future__ import annotations

import argparse
import sys

from lake import report
from lake.errors import BadEnvironment, LakeError
from lake.program import run
from lake.settings import PROFILES, load_settings


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m lake.report",
        description=report.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="exit codes: 0 done; 4 no lake or no such run; 5 bad configuration; 6 the folder or the bucket can't be reached",
    )
    parser.add_argument("--lake", help="root of the lake (default: $LAKE_PATH, else the profile's)")
    parser.add_argument("--profile", choices=PROFILES, help="settings in conf/profiles (default: $LAKE, else embedded)")
    parser.add_argument("--out", default="reports", help="folder for report.html and report.json (default: reports)")
    parser.add_argument("--in-lake", action="store_true", help="write to reports/<run> in the lake instead")
    parser.add_argument("--run-id", help="the run to report on (default: the newest)")
    args = parser.parse_args()
    try:
        print(report.write_report(load_settings(args.profile, args.lake).lake, None if args.in_lake else args.out, args.run_id))
    except LakeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(f"error: {error.strerror}: {error.filename}\n  -> check the folder given by --out", file=sys.stderr)
        sys.exit(BadEnvironment.exit_code)


if __name__ == "__main__":
    run(main)
