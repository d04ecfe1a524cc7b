"""`python -m lake.generator OUT`: write synthetic deliveries into a directory."""

from __future__ import annotations

import argparse
import json
import logging
import re
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from lake.generator import generate
from lake.generator.feeds import FEEDS
from lake.generator.kinds import KINDS, all_kinds
from lake.generator.manifest import NAME, UNDER_WAY
from lake.generator.run import check_request


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lake.generator",
        description="Write synthetic CSV deliveries in the shape of the Olist data.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="directory to write into; must be empty or not there")
    parser.add_argument("--scale", type=float, default=1.0, help="size: 1 is Olist's (99,441 orders), 100 ten million orders")
    parser.add_argument("--seed", type=int, default=42, help="the same seed gives the same bytes")
    parser.add_argument("--days", type=int, default=0, metavar="N", help="deliver the last N busy days as drops of their own")
    parser.add_argument(
        "--faults",
        nargs="+",
        default=[],
        metavar="KIND[=COUNT]",
        help=f"faults to add and to list in _manifest.json: all, or some of {', '.join(KINDS)}",
    )
    parser.add_argument("--force", action="store_true", help="remove what an earlier run left in OUT")
    return parser


def _faults(words: Sequence[str], days: int) -> dict[str, int]:
    """What the words order; a later word overrides an earlier one."""
    ordered: dict[str, int] = {}
    for word in words:
        name, separator, count = word.partition("=")
        if name == "all" and not separator:
            ordered |= all_kinds(days)
        elif name not in KINDS:
            raise ValueError(f"unknown fault {name!r}; there are: all, {', '.join(KINDS)}")
        elif separator and not count.isdecimal():
            raise ValueError(f"{word}: the count must be a whole number")
        else:
            ordered[name] = int(count) if separator else KINDS[name].usual
    return ordered


def _empty(out: Path) -> None:
    """Remove an earlier run's files; a directory that holds anything else is left as it is, for it may be precious: so may be files of
    the same names where no run has left its mark, and drops of other days."""
    if not any((out / mark).exists() for mark in (NAME, UNDER_WAY)):
        raise FileExistsError(f"{out} holds no {NAME}, so its files are not from the generator; remove them yourself")
    written = json.loads((out / NAME).read_text() or "{}").get("folders") if (out / NAME).exists() else None
    # A run that was cut off has not said which.
    folders = "|".join(map(re.escape, written)) if written else r"initial|\d{4}-\d\d-\d\d"
    stems = "|".join(feed.stem for feed in FEEDS.values())
    own = re.compile(rf"{NAME}|{UNDER_WAY}|({folders})|(({folders})/)?({stems})[^/]*\.csv(\.gz)?")
    for entry in map(str, sorted(path.relative_to(out) for path in out.rglob("*"))):
        if not own.fullmatch(entry):
            raise FileExistsError(f"{out} holds {entry}, which is not from the generator; remove it yourself")
    for entry in list(out.iterdir()):
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    began = time.perf_counter()
    try:
        faults = _faults(options.faults, options.days)
        check_request(options.scale, options.seed, options.days, faults)
        if options.out.is_dir() and any(options.out.iterdir()):
            if not options.force:
                raise FileExistsError(f"{options.out} is not empty; --force empties it first")
            _empty(options.out)
        manifest = generate(options.out, options.scale, options.seed, options.days, faults)
    except (ValueError, OSError) as error:
        print(f"lake.generator: error: {error}", file=sys.stderr)
        return 2
    rows = sum(manifest.rows.values())
    taken = time.perf_counter() - began
    print(f"{options.out}: {rows:,} rows, {len(manifest.faults)} faults, {taken:.1f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
