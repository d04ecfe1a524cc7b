"""Has come what was promised? Looked at before Spark is started.

python -m lake.arrivals --as-of 2018-08-29
"""

from __future__ import annotations

from datetime import date, timedelta

from lake.contracts import Contract, Feed, contract, layer
from lake.errors import BadInput
from lake.files import drop_date, listing
from lake.program import main_of, of_landing, parser
from lake.settings import Settings


def promised() -> list[Contract]:
    """Silver tables whose contract promises freshness."""
    return [c for c in layer("silver") if c.freshness_days is not None and c.source]


def newest_drop(files: list[str], feed: Feed) -> date | None:
    """The newest date in the paths of a feed's files."""
    dates = [drop_date(file) for file in files if feed.claims(file.rsplit("/", 1)[-1])]
    return max(filter(None, dates), default=None)


def check(settings: Settings, as_of: date | None) -> list[str]:
    """One line for each feed that has a promise.

    Raises:
        BadInput: there is nothing at all, or a feed's newest drop is older than its contract promises.
    """
    files = listing(settings.landing)
    if not files:
        raise BadInput(f"no files in {settings.landing}", "has the source delivered? LANDING says where to look")
    said, late = [f"{len(files)} files in {settings.landing}"], []
    for silver in promised():
        newest = newest_drop(files, contract(silver.source).feed)
        said.append(f"{silver.source}: newest drop {newest}, at most {silver.freshness_days} days old is promised")
        if as_of and (newest is None or newest < as_of - timedelta(days=silver.freshness_days)):
            has = f"nothing newer than {newest}" if newest else "no file with a date in its path (2018-08-29/...)"
            late.append(f"{silver.source} has {has}, promised for {as_of} is {silver.freshness_days} days at most")
    if late:
        raise BadInput("; ".join(late), "ask the source; when it has delivered, clear this task")
    return said


def main() -> None:
    """Command line."""
    made = of_landing(parser("lake.arrivals", __doc__))
    made.add_argument("--as-of", type=date.fromisoformat, metavar="YYYY-MM-DD", help="the day that promises are held against")
    main_of(made, lambda settings, args: print("\n".join(check(settings, args.as_of))))


if __name__ == "__main__":
    main()
