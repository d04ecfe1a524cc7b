"""What all tests share: a lake named in the caller's environment (`make` exports one) is not theirs."""

from __future__ import annotations

import os

from tests.published import published, servers  # noqa: F401

for name in ("LAKE", "LAKE_PATH"):
    os.environ.pop(name, None)
