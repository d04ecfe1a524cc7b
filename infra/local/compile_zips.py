"""Add compiled code to zip files of Python modules, beside their source: what is imported from a zip is compiled each time.

python infra/local/compile_zips.py FILE.zip ...
"""

from __future__ import annotations

import os
import py_compile
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path


def add_compiled(archive: Path) -> None:
    """Add what is not there yet, to all of it or none. Another version of Python finds the source, as before."""
    part = shutil.copy(archive, archive.with_suffix(".part"))
    with zipfile.ZipFile(part, "a", zipfile.ZIP_DEFLATED) as file, tempfile.TemporaryDirectory() as folder:
        names = set(file.namelist())
        for name in sorted(name for name in names if name.endswith(".py") and f"{name}c" not in names):
            source = file.extract(name, folder)
            # A zip's times of two seconds are no measure of what is newer.
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            file.write(py_compile.compile(source, f"{source}c", f"{archive}/{name}", doraise=True, invalidation_mode=mode), f"{name}c")
    os.replace(part, archive)


if __name__ == "__main__":
    for given in sys.argv[1:]:
        add_compiled(Path(given))
