"""Airflow as one process to start and stop: its three parts, each started again where it ends.

`airflow standalone` does less with more: it leaves a part that died dead, and starts servers of logs, which listen beyond this
machine, and a triggerer, which nothing here needs.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time

PARTS = {"api-server": (), "scheduler": ("--skip-serve-logs",), "dag-processor": ()}
PAUSE = 2.0


def main() -> int:
    """Runs until SIGTERM; returns 1 where the database can't be brought up to date."""
    if subprocess.run(["airflow", "db", "migrate"]).returncode:
        return 1
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    parts = {name: _start(name) for name in PARTS}
    while not stopping:
        time.sleep(PAUSE)
        for name, part in parts.items():
            if part.poll() is not None and not stopping:
                print(f"{name} ended with {part.returncode} and is started again", flush=True)
                parts[name] = _start(name)
    for part in parts.values():
        part.terminate()
    for part in parts.values():
        part.wait()
    return 0


def _start(name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["airflow", name, *PARTS[name]])


if __name__ == "__main__":
    sys.exit(main())
