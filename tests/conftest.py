"""What all tests share: whose lake it is, and the published lake."""

from __future__ import annotations

import os

from tests.published import published, servers  # noqa: F401

# A lake named in the caller's environment (`make` exports one) is not the tests'.
for name in ("LAKE", "LAKE_PATH"):
    os.environ.pop(name, None)
