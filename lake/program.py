"""What programs without Spark share: arguments, and errors that become exit codes."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from lake.errors import BadEnvironment, LakeError, of_system
from lake.settings import PROFILES, Settings, load_settings

EXIT_CODES = "exit codes (README.md): 0 done; 2 wrong argument or question; 3 a gate; 4 input; 5 configuration; 6 a server or folder away"


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """A parser of what a program is told."""
    return argparse.ArgumentParser(
        prog=f"python -m {name}", description=description, epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def of_lake(made: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the arguments that say which lake is meant."""
    made.add_argument("--profile", choices=PROFILES, help="settings in conf/profiles (default: $LAKE, else embedded)")
    made.add_argument("--lake", help="root of the lake (default: $LAKE_PATH, else the profile's)")
    return made


def of_landing(made: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the arguments that say which lake and which raw files are meant."""
    of_lake(made).add_argument("--landing", help="folder of the raw files (default: $LANDING, else the profile's)")
    return made


def pair(text: str) -> tuple[str, str]:
    """An argument COLUMN=VALUE."""
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise argparse.ArgumentTypeError(f"{text!r} is not COLUMN=VALUE")
    return name, value


def main_of(
    arguments: argparse.ArgumentParser, work: Callable[[Settings, argparse.Namespace], None], given: list[str] | None = None
) -> None:  # fmt: skip
    """Parse arguments (those of the command line, if none are given) and work; errors end the process as by `told`."""
    args = arguments.parse_args(given)
    with told():
        work(load_settings(args.profile, args.lake, getattr(args, "landing", None)), args)


@contextmanager
def told() -> Iterator[None]:
    """Errors are told in a line or two, and end the process with their code."""
    try:
        yield
    except LakeError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        # `... | head`: the reader has what it wanted.
        pass
    except OSError as error:
        _fail(f"{of_system(error)}\n  -> check the path, its permissions and the disk", BadEnvironment.exit_code)


def run(main: Callable[[], None]) -> NoReturn:
    """Call a program's main and end the process with its exit code, without the farewells of libraries: Arrow may be reading ahead what
    a query did not need, and a process that takes its threads down meanwhile dies of a signal."""
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code or 0
    except KeyboardInterrupt:
        code = 130
    except BaseException:
        traceback.print_exc()
        code = 1
    for stream in (sys.stdout, sys.stderr):
        # `... | head`: the reader may have left.
        with suppress(BrokenPipeError):
            stream.flush()
    os._exit(code)


def _fail(message: str, code: int) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)
