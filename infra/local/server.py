"""What the launcher knows about a server: where it comes from, how it is configured, started and asked whether it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

Settings = dict[str, str]


@dataclass(frozen=True)
class Place:
    """One server on this machine.

    Attributes:
        home: the fetched program; shared by all data folders.
        data: this server's own folder, with its data, configuration, log and pid file.
        settings: what environment.load() returned.
    """

    home: Path
    data: Path
    settings: Settings


def nothing(_: Place) -> dict[str, str]:
    """For a server that needs no variables, no configuration or no preparation of its own."""
    return {}


@dataclass(frozen=True)
class Server:
    """A row of the table of servers.

    Attributes:
        name: what it is called on the command line and in the data folder.
        version: of the program that is fetched.
        ports: the settings that hold its ports; the first one is the address that is shown.
        scheme: how the address that is shown begins.
        fetch: fills an empty folder with the program, checked against the pinned sums.
        command: the command line; never holds a secret, since everybody on the machine can read it.
        ready: asks a real question as the publishing user; returns the server's version, raises where that fails.
        fetched_with: programs that fetching needs, with what to do where they are missing.
        runs_on: the same for running.
        configure: writes folders and configuration files; called before every start.
        prepare: makes users, databases and buckets once the server answers; changes nothing the second time.
        variables: what the process gets in its environment, secrets too.
        by_name_only: `up` starts it only where it is named.
        start_seconds: how long it may take to answer.
    """

    name: str
    version: str
    ports: tuple[str, ...]
    scheme: str
    fetch: Callable[[Path], None]
    command: Callable[[Place], list[str]]
    ready: Callable[[Settings], str]
    fetched_with: dict[str, str] = field(default_factory=dict)
    runs_on: dict[str, str] = field(default_factory=dict)
    configure: Callable[[Place], object] = nothing
    prepare: Callable[[Place], object] = nothing
    variables: Callable[[Place], dict[str, str]] = nothing
    by_name_only: bool = False
    start_seconds: int = 120

    def address(self, settings: Settings) -> str:
        """Where clients find it."""
        return f"{self.scheme}://127.0.0.1:{settings[self.ports[0]]}"
