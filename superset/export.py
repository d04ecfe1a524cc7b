"""Writes what was changed in the page back to the files: python superset/export.py, with Superset running."""

from __future__ import annotations

import io
import sys
import zipfile
from urllib.error import URLError

from asset_files import write
from infra.local import environment
from infra.local.superset_server import FOLDER, Session
from lake.errors import BadEnvironment, LakeError
from lake.settings import ROOT


def main() -> int:
    """Prints which files changed; returns the exit code."""
    try:
        changed = export()
    except LakeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print("\n".join(str(file.relative_to(ROOT)) for file in sorted(changed)) or "the files say what Superset has")
    return 0


def export(folder=FOLDER / "assets") -> list:
    """Make the files of a folder those of the running Superset; which ones changed.

    Raises:
        BadEnvironment: Superset does not answer.
    """
    try:
        archive = Session(environment.load(), "ADMIN").read("/api/v1/assets/export/")
    except (URLError, OSError) as error:
        raise BadEnvironment(f"Superset does not answer: {error}", "`make superset` starts it") from error
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        return write(folder, {name.partition("/")[2]: files.read(name).decode() for name in files.namelist()})


if __name__ == "__main__":
    sys.exit(main())
