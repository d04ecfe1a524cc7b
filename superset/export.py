"""Writes what was changed in the page back to the files: python superset/export.py, with Superset running."""

from __future__ import annotations

import io
import os
import sys
import zipfile
from pathlib import Path
from urllib.error import URLError

from asset_files import bundle, imported, write
from infra.local import environment
from infra.local.superset_server import FOLDER, SERVER, Session
from lake.errors import BadEnvironment, BadInput, LakeError
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


def export(folder: Path = FOLDER / "assets") -> list[Path]:
    """Make the files of a folder those of the running Superset; which ones changed.

    Raises:
        BadInput: files say what Superset has not imported, which would be lost.
        BadEnvironment: Superset does not answer.
    """
    try:
        archive = Session(environment.load(), "ADMIN").read("/api/v1/assets/export/")
    except (URLError, OSError) as error:
        raise BadEnvironment(f"Superset does not answer: {error}", "`make superset` starts it") from error
    record = Path(os.environ.get("LAKEHOUSE_SERVERS") or ROOT / "data" / "servers") / SERVER.name / imported.RECORD
    if changed := sorted(imported.changed(bundle(folder), record)):
        raise BadInput(
            f"Superset has not imported what these files say, and an export would undo it: {', '.join(changed)}",
            "`make superset-down superset` imports them, in the place of what was changed in the page under their names",
        )
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        written = write(folder, {name.partition("/")[2]: files.read(name).decode() for name in files.namelist()})
    imported.remember(bundle(folder), record)
    return written


if __name__ == "__main__":
    sys.exit(main())
