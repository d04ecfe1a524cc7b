"""All steps in one session: ingest, conform, wait, build, recommend, publish."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import date

from lake import storage
from lake.build import build, check_money
from lake.conform import conform
from lake.contracts import layer
from lake.errors import BadInput
from lake.gold import check_builders
from lake.ingest import ingest
from lake.ledger import Run
from lake.lock import exclusive, ledger, publishing
from lake.recommend import ITEMS, recommend
from lake.session import Lake
from lake.suites import check_suites
from lake.waiting import find_waiting

STEPS = ("ingest", "conform", "build", "recommend", "publish")
TO_GOLD = STEPS[:-1]
# Who reads the end of a log, as Airflow does, must find where the message begins.
REFUSED_TOLD = 10


@contextmanager
def run_on(lake: Lake, run_id: str | None = None, as_of: date | None = None, wait: float = 0.0) -> Iterator[Run]:
    """A run that holds the lake: takes over from dead runs, and writes the ledger whatever its end."""
    run = Run(lake, run_id, as_of)
    with exclusive(lake, run.run_id, wait):
        run.take_over()
        with _open(run):
            yield run


@contextmanager
def publication_on(lake: Lake, stores: Collection[str], run_id: str | None = None, wait: float = 0.0) -> Iterator[Run]:
    """A run that only publishes: it holds these stores, and runs beside those that publish to others."""
    run = Run(lake, run_id)
    # What looks dead may be alive here: the next run that holds the lake takes over.
    with publishing(lake, run.run_id, wait, stores), _open(run, ledger(lake, run.run_id)):
        yield run


@contextmanager
def _open(run: Run, closing: AbstractContextManager[None] | None = None) -> Iterator[None]:
    """Between the marker of a run and its ledger, which is written whatever the end; but not into a bucket that went away: then
    the next run does it, by what the marker says.

    Args:
        closing: what is held while the ledger is written.
    """

    def close(_kind: object, error: BaseException | None, _trace: object) -> None:
        if not (error and storage.away(error)):
            with closing or nullcontext():
                run.close()

    run.open()
    with ExitStack() as ending:
        ending.push(close)
        yield


def run_steps(
    lake: Lake, run: Run, steps: tuple[str, ...] = TO_GOLD, full: bool = False, retrain: bool = False, only: set[str] | None = None
) -> None:
    """Run steps in their order.

    Args:
        full: build gold from all of silver instead of from what changed.
        retrain: train the recommender whatever has changed.
        only: gold tables to build; all if None.

    Raises:
        BadInput: files were refused; raised after all steps, since what could be read is right.
        GateFailed, LawBroken: from the step that found it; nothing behind it was written.
    """
    check_builders()
    check_suites([*layer("silver"), *layer("gold")])
    refused = []
    if "ingest" in steps:
        refused = ingest(lake, run)
    if "conform" in steps:
        conform(lake, run)
        find_waiting(lake, run)
    if "build" in steps:
        build(lake, run, only, full)
        # In every run: a law that was broken must not be forgotten because nothing has changed since.
        check_money(lake)
    if "recommend" in steps:
        if "build" not in steps:
            # By itself it may come before the rest of gold is built, or beside it: what it learns from must be up to date.
            build(lake, run, only={ITEMS})
        recommend(lake, run, retrain)
    if "publish" in steps:
        # The stores' clients take a second to load.
        from lake.publish import publish

        publish(lake, run)
    if refused:
        more = [f"and {len(refused) - REFUSED_TOLD} more: ops.files has all"] if len(refused) > REFUSED_TOLD else []
        raise BadInput(
            f"{len(refused)} file(s) were refused, everything else is loaded:\n    " + "\n    ".join([*refused[:REFUSED_TOLD], *more]),
            "mend or remove them in the landing folder and run again",
        )
