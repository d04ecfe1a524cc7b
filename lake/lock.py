"""One run at a time writes tables; publications may run beside each other, one at a time for each store.

In a local folder a lock is the operating system's (flock): it goes with the process, however that ends. On an object store it
is a lease, one for everything: the holder is who made the object of the highest number, which only one can (conditional put),
and who is silent for too long has lost it. A driver that lost its lease and commits late is refused (lake/commits.py).
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from py4j.protocol import Py4JJavaError

from lake import storage
from lake.errors import BadEnvironment, LakeBusy
from lake.ledger import say
from lake.session import Lake

LEASE_SECONDS = 60
# Writing the ledger takes a second; who waits longer waits for something that has gone wrong.
LEDGER_SECONDS = 120
AT_ONCE = "a run that began at the same moment"


@contextmanager
def exclusive(lake: Lake, run_id: str, wait: float = 0.0) -> Iterator[None]:
    """Hold the lake; wait up to `wait` seconds for other runs to end.

    Raises:
        LakeBusy: another run still holds it; says which.
        BadEnvironment: the folder can't be written to.
    """
    holder = _holder(run_id)
    with _lease(lake, holder, wait) if _in_bucket(lake) else _flock(lake.root, holder, wait):
        yield


@contextmanager
def publishing(lake: Lake, run_id: str, wait: float, stores: Collection[str]) -> Iterator[None]:
    """Hold some stores, and keep the lake from being held meanwhile. In a bucket hold the lake.

    Raises:
        LakeBusy: another run still holds one of them, or the lake; says which.
        BadEnvironment: the folder can't be written to.
    """
    if _in_bucket(lake):
        with exclusive(lake, run_id, wait):
            yield
        return
    with ExitStack() as held:
        held.enter_context(_flock(lake.root, _holder(run_id), wait, fcntl.LOCK_SH))
        for store in sorted(stores):
            held.enter_context(_flock(lake.root, _holder(run_id), wait, part=store))
        yield


@contextmanager
def ledger(lake: Lake, run_id: str) -> Iterator[None]:
    """Hold the ops tables for the moment that a publication needs to write what it did: others may do so too."""
    if _in_bucket(lake):
        yield
        return
    with _flock(lake.root, _holder(run_id), LEDGER_SECONDS, part="ledger"):
        yield


def _in_bucket(lake: Lake) -> bool:
    """Whether the lake is on an object store."""
    return "://" in lake.root


def _holder(run_id: str) -> str:
    return json.dumps({"run": run_id, "process": os.getpid(), "host": platform.node()})


def _patiently(what: str, attempt: Callable[[], str | None], wait: float) -> None:
    """Call `attempt` until it no longer names another holder."""
    until, told = time.monotonic() + wait, False
    while owner := attempt():
        if time.monotonic() >= until:
            raise LakeBusy(f"{what} is held by {owner}", "wait for it, or say --wait SECONDS")
        if not told:
            say(f"  waiting for {owner}")
            told = True
        time.sleep(0.2)


@contextmanager
def _flock(root: str, holder: str, wait: float, how: int = fcntl.LOCK_EX, part: str = "") -> Iterator[None]:
    path = Path(root) / "ops" / (f"_lock_{part}" if part else "_lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise BadEnvironment(f"can't write to {root}: {error.strerror}", "check the path, its permissions and the disk") from error

    def attempt() -> str | None:
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return path.read_text(encoding="utf-8") or "another process"
        return None

    with handle:
        _patiently(f"{part} of {root}" if part else root, attempt, wait)
        handle.truncate(0)
        handle.write(holder)
        handle.flush()
        try:
            yield
        finally:
            handle.truncate(0)


@contextmanager
def _lease(lake: Lake, holder: str, wait: float) -> Iterator[None]:
    folder = f"{lake.root}/ops/_lock"
    mine = ""

    def attempt() -> str | None:
        nonlocal mine
        newest = max(storage.files(lake, folder), key=lambda entry: entry.path, default=None)
        try:
            if newest and time.time() - newest.modified / 1000 < LEASE_SECONDS and (owner := storage.read_text(lake, newest.path)):
                return owner
        except Py4JJavaError as error:
            if "FileNotFoundException" not in str(error):
                raise
            return AT_ONCE
        mine = f"{folder}/{int(newest.path[-12:]) + 1 if newest else 1:012d}"
        if not storage.create_text(lake, mine, holder):
            return AT_ONCE
        if newest:
            storage.delete(lake, newest.path)
        return None

    _patiently(lake.root, attempt, wait)
    done = Event()

    def renew() -> None:
        while not done.wait(LEASE_SECONDS / 4):
            # A store that is away for a moment must not end the lease.
            with suppress(Py4JJavaError):
                storage.write_text(lake, mine, holder)

    renewing = Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield
    finally:
        done.set()
        renewing.join()
        # Left empty, not deleted: the numbers must go on. If the store is away, the lease ends by itself.
        with suppress(Py4JJavaError):
            storage.write_text(lake, mine, "")
