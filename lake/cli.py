"""What all jobs share: arguments, the session, and errors that become exit codes."""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from importlib import import_module
from threading import Thread

from lake import storage
from lake.errors import BadEnvironment, LakeError, NotSet, no_lake, of_system
from lake.files import require_bucket
from lake.ledger import Run, new_run_id, say
from lake.pipeline import publication_on, run_on
from lake.program import of_landing
from lake.session import Lake, open_lake
from lake.settings import load_settings

EXIT_CODES = """
exit codes: 0 done; 2 wrong arguments; 3 a gate failed; 4 bad input; 5 bad configuration; 6 bad environment; 7 the lake is
held by another run; 8 the lake was written by newer code; 9 rows or money got lost (a bug); 1 anything else
"""


def parser(description: str) -> argparse.ArgumentParser:
    """A parser with the arguments that every job has."""
    made = argparse.ArgumentParser(description=description, epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter)
    return of_landing(made)


def writing(made: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the arguments of jobs that write."""
    made.add_argument("--run-id", help="identifier of the run, e.g. Airflow's (default: time and a random suffix)")
    made.add_argument(
        "--as-of",
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="the day this run is for; freshness and waivers are measured against it (default: the newest day in the data)",
    )
    made.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="wait so long for another run to end (default: 0)")
    return made


def _end_with_the_jvm() -> None:
    """Ask Linux to end this process when the JVM that started it ends. One that waits for the lake asks nothing of the JVM, and
    would not notice that whoever killed it meant both."""
    if "PYSPARK_GATEWAY_PORT" in os.environ and sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


def job(arguments: argparse.ArgumentParser, work: Callable[[Lake, argparse.Namespace], None], judges: bool = True) -> None:
    """Parse arguments, open the lake, work; end the process with the code of the error, if there is one.

    Args:
        judges: whether gates are part of the work.
    """
    _end_with_the_jvm()
    args = arguments.parse_args()
    args.run_id = getattr(args, "run_id", None) or new_run_id()
    try:
        settings = load_settings(args.profile, args.lake, args.landing)
        require_bucket(settings.lake)
        if judges:
            # Importing Great Expectations takes as long as starting the JVM: do both at once.
            Thread(target=import_module, args=("great_expectations.expectations",), daemon=True).start()
        work(open_lake(settings, f"lakehouse {os.path.basename(sys.argv[0]).removesuffix('.py')} {args.run_id}"), args)
    except LakeError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        _fail(f"{of_system(error)}\n  -> check the path, its permissions and the disk", BadEnvironment.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted; nothing is lost, run again", 130)
    except Exception as error:
        if "No space left on device" in str(error):
            _fail("the disk is full\n  -> free some space and run again; nothing is lost", BadEnvironment.exit_code)
        if reason := storage.away(error):
            hint = "`make doctor` tries it; when it is back run again: nothing is lost"
            _fail(f"the bucket went away: {reason}\n  -> {hint}", BadEnvironment.exit_code)
        traceback.print_exc()
        _fail(f"unexpected: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}", 1)


Work = Callable[[Lake, Run, argparse.Namespace], None]
Idle = Callable[[Lake, argparse.Namespace], str | None]


def writing_job(
    arguments: argparse.ArgumentParser, work: Work, judges: bool = True, idle: Idle | None = None, founds: bool = False
) -> None:
    """A job that writes tables: the same, holding the lake and keeping the ledger. Afterwards Trino is told of new tables.

    Args:
        founds: whether it makes a lake where none is.
        idle: what ends the job without holding the lake, so that it waits for nobody, or None: why there is nothing to do, or how much
            was only read.
    """
    _run(arguments, lambda lake, args: run_on(lake, args.run_id, args.as_of, args.wait), work, judges, idle, founds)


def publishing_job(arguments: argparse.ArgumentParser, work: Work) -> None:
    """A job that publishes to the stores of `--stores`: beside others that publish to other stores."""
    _run(arguments, lambda lake, args: publication_on(lake, args.stores, args.run_id, args.wait), work, judges=False)


def _run(
    arguments: argparse.ArgumentParser,
    begun: Callable[[Lake, argparse.Namespace], AbstractContextManager[Run]],
    work: Work,
    judges: bool,
    idle: Idle | None = None,
    founds: bool = False,
) -> None:
    def held(lake: Lake, args: argparse.Namespace) -> None:
        if not founds and not storage.exists(lake, lake.root):
            raise no_lake(lake.root)
        if idle and (why := idle(lake, args)):
            say(why)
            return
        try:
            with begun(lake, args) as run:
                say(f"run {run.run_id} on {lake.root}")
                work(lake, run, args)
        finally:
            # What a run that failed has written is there too. In a bucket Trino shows the profile's lake, not one that --lake names
            # for a trial; on a disk lake/catalog.py knows which.
            if "://" not in lake.root or lake.root == load_settings(args.profile).lake.rstrip("/"):
                _tell_trino(lake.root)

    job(writing(arguments), held, judges)


def _tell_trino(root: str) -> None:
    """What can't be done now is said and can be done later: the lake itself is whole."""
    if not os.environ.get("TRINO_PASSWORD"):
        return
    # DuckDB and delta-rs come with it, which no job needs otherwise.
    from lake import catalog

    if not catalog.catalog_of(root):
        return
    try:
        say(f"  register  {catalog.register(root)}")
    except NotSet:
        # Servers have passwords here, but this one was never started.
        return
    except BadEnvironment as error:
        say(f"  register  left out: {error}")


def _fail(message: str, code: int) -> None:
    say(f"error: {message}")
    sys.stdout.flush()
    # The JVM's own shutdown must not turn the code into another one.
    sys.exit(code)
