"""What programs without Spark share: arguments, and errors that become exit codes."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from lake.errors import BadEnvironment, LakeError
from lake.settings import PROFILES, Settings, load_settings

EXIT_CODES = "exit codes as of the jobs (README.md): 0 done; 3 a gate; 4 input; 5 configuration; 6 a server or a folder is away"


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """A parser with the arguments that every program has."""
    made = argparse.ArgumentParser(
        prog=f"python -m {name}", description=description, epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--profile", choices=PROFILES, help="settings in conf/profiles (default: $LAKE, else embedded)")
    made.add_argument("--lake", help="root of the lake (default: $LAKE_PATH, else the profile's)")
    made.add_argument("--landing", help="folder of the raw files (default: $LANDING, else the profile's)")
    return made


def main_of(arguments: argparse.ArgumentParser, work: Callable[[Settings, argparse.Namespace], None]) -> None:
    """Parse arguments and work; end the process with the code of the error, if there is one."""
    args = arguments.parse_args()
    try:
        work(load_settings(args.profile, args.lake, args.landing), args)
    except LakeError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        _fail(f"{error.strerror}: {error.filename}\n  -> check the path, its permissions and the disk", BadEnvironment.exit_code)


def run(main: Callable[[], None]) -> NoReturn:
    """Call a program's main and end the process with its exit code, without the farewells of libraries: Arrow may be reading ahead what
    a query did not need, and a process that takes its threads down meanwhile dies of a signal."""
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code or 0
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
