"""Servers on this machine without Docker: python -m infra.local up | down | status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.local import environment, launch
from infra.local.server import Server
from infra.local.servers import SERVERS
from lake.errors import LakeError
from lake.settings import ROOT


def main() -> int:
    """Does what the command line says; returns the exit code."""
    arguments = _arguments()
    os.umask(0o077)
    try:
        os.environ["NO_PROXY"] = environment.load()["NO_PROXY"]
        return arguments.action(_chosen(arguments), arguments.data)
    except LakeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    actions = parser.add_subparsers(required=True, metavar="up|down|status")
    for name, action, text in (
        ("up", up, "fetch what is missing, start, and wait until it answers"),
        ("down", down, "stop; the data stay"),
        ("status", status, "what runs and answers; exit code 1 if something does not"),
    ):
        command = actions.add_parser(name, help=text, description=text)
        command.set_defaults(action=action)
        command.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(SERVERS)}; without any: all that are for every day")
        command.add_argument("--data", type=Path, default=_folder(), help="folder of data, logs and pid files (default: %(default)s)")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in SERVERS]
    if unknown:
        parser.error(f"there is no server {', '.join(unknown)}; there are {', '.join(SERVERS)}")
    return arguments


def _chosen(arguments: argparse.Namespace) -> list[Server]:
    """The named servers. Without names: `down` means all, the others leave out what is started by name only and was not."""
    if arguments.names:
        return [SERVERS[name] for name in arguments.names]
    servers = list(SERVERS.values())
    if arguments.action is down:
        return servers
    started = [s for s in servers if arguments.action is status and launch.was_started(s, arguments.data)]
    return [s for s in servers if not s.by_name_only or s in started]


def _folder() -> Path:
    return Path(os.environ.get("LAKEHOUSE_SERVERS") or ROOT / "data" / "servers")


def up(servers: list[Server], folder: Path) -> int:
    """Starts the servers side by side. Nothing is started where a port or a tool of one of them is missing."""
    environment.create()
    settings = environment.load()
    with launch.alone(folder):
        places = {server.name: launch.place(server, folder, settings) for server in servers}
        for server in servers:
            if not launch.running(places[server.name]):
                launch.check(server, places[server.name])
        return _side_by_side(servers, lambda server: launch.start(server, places[server.name], _say))


def down(servers: list[Server], folder: Path) -> int:
    """Stops the servers side by side."""
    settings = environment.load()
    if not folder.exists():
        return 0
    with launch.alone(folder):
        return _side_by_side(servers, lambda server: launch.stop(server, launch.place(server, folder, settings), _say))


def status(servers: list[Server], folder: Path) -> int:
    """Prints a table; returns 0 if all servers are healthy, else 1."""
    from rich.console import Console
    from rich.table import Table

    settings = environment.load()
    table = Table("server", "state", "address", "version", "health", "memory", "what is missing")
    with ThreadPoolExecutor(len(servers)) as pool:
        states = list(pool.map(lambda server: launch.state(server, launch.place(server, folder, settings)), servers))
    for server, state in zip(servers, states, strict=True):
        memory = "-" if state.memory_mb is None else f"{state.memory_mb} MB"
        table.add_row(server.name, state.state, server.address(settings), state.version, state.health, memory, state.missing)
    console = Console(width=None if sys.stdout.isatty() else 180)
    console.print(table)
    return 0 if all(state.healthy for state in states) else 1


def _side_by_side(servers: list[Server], action: Callable[[Server], None]) -> int:
    """Every server is tried, whatever becomes of the others; returns the exit code of the first that failed."""
    with ThreadPoolExecutor(len(servers)) as pool:
        tries = [pool.submit(action, server) for server in servers]
    errors = [error for error in (one.exception() for one in tries) if error]
    for error in errors:
        if not isinstance(error, LakeError):
            raise error
        print(f"error: {error}", file=sys.stderr)
    return errors[0].exit_code if errors else 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
