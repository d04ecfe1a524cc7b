"""One writing run at a time on a lake in a local folder.

The lock is the operating system's (flock): it goes with the process, however that ends. On an object store two drivers are
kept apart by Delta's transaction numbers alone (lake/tables.py): the later commit is refused, nothing is lost or doubled.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lake.errors import BadEnvironment, LakeBusy
from lake.ledger import say


@contextmanager
def exclusive(root: str, run_id: str, wait: float = 0.0) -> Iterator[None]:
    """Hold the lake; wait up to `wait` seconds for another run to end.

    Raises:
        LakeBusy: another run still holds it; says which.
        BadEnvironment: the folder can't be written to.
    """
    if "://" in root:
        yield
        return
    path = Path(root) / "ops" / "_lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise BadEnvironment(f"can't write to {root}: {error.strerror}", "check the path, its permissions and the disk") from error
    with handle:
        until, told = time.monotonic() + wait, False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                owner = path.read_text(encoding="utf-8") or "another process"
                if time.monotonic() >= until:
                    raise LakeBusy(f"{root} is held by {owner}", "wait for it, or say --wait SECONDS") from None
                if not told:
                    say(f"  waiting for {owner}")
                    told = True
                time.sleep(0.2)
        handle.truncate(0)
        handle.write(json.dumps({"run": run_id, "process": os.getpid(), "host": platform.node()}))
        handle.flush()
        try:
            yield
        finally:
            handle.truncate(0)
