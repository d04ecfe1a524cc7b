"""What all tests share: whose lake it is, the published lake, and how two processes share the work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.published import published, servers  # noqa: F401

# A lake named in the caller's environment (`make` exports one) is not the tests'.
for name in ("LAKE", "LAKE_PATH"):
    os.environ.pop(name, None)

# Folders whose tests share servers that are slow to start stay in one process.
TOGETHER = {"superset": "e2e"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `-n 2 --dist loadgroup` each process takes whole folders."""
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        item.add_marker(pytest.mark.xdist_group(TOGETHER.get(folder, folder)))
