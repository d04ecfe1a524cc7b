"""The real data set from Kaggle, with the user's own token (python -m lake.download FOLDER)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lake.contracts import layer
from lake.errors import BadEnvironment, BadInput
from lake.program import parser, told

DATASET = "olistbr/brazilian-ecommerce"


def _has_token() -> bool:
    named = [Path(os.environ["KAGGLE_CONFIG_DIR"])] if os.environ.get("KAGGLE_CONFIG_DIR") else []
    folders = [*named, Path.home() / ".kaggle", Path.home() / ".config/kaggle"]
    told = os.environ.get("KAGGLE_API_TOKEN") or (os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY"))
    return bool(told) or any((folder / name).exists() for folder in folders for name in ("kaggle.json", "access_token"))


def download(folder: Path) -> list[Path]:
    """Fetch what is missing or has another size than Kaggle says; files of the right size are left alone.

    Returns:
        The files that were fetched.

    Raises:
        BadEnvironment: no token, or Kaggle can't be reached.
        BadInput: a file came with another size than announced.
    """
    if not _has_token():
        raise BadEnvironment(
            "Kaggle needs your own token and there is none",
            "make one at kaggle.com > Settings > API, then put it into ~/.kaggle/kaggle.json (mode 600) or KAGGLE_USERNAME and KAGGLE_KEY",
        )
    # The client reads the token while it is imported and ends the process where there is none.
    from kaggle.api.kaggle_api_extended import KaggleApi

    api = KaggleApi()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        api.authenticate()
        listed = {file.name: file.total_bytes for file in api.dataset_list_files(DATASET).files}
    except Exception as error:
        raise BadEnvironment(f"Kaggle can't be reached: {error}", "check the network and the token") from error
    fetched = []
    for name, size in sorted(listed.items()):
        path = folder / name
        if path.exists() and path.stat().st_size == size:
            print(f"  {name}: there already", file=sys.stderr)
            continue
        print(f"  {name}: {size:,} bytes", file=sys.stderr)
        try:
            api.dataset_download_file(DATASET, name, path=str(folder), force=True, quiet=False)
            _unpacked(path)
        except Exception as error:
            raise BadEnvironment(f"{name} did not come whole: {error}", "run the command again: it goes on from there") from error
        if path.stat().st_size != size:
            raise BadInput(f"{name} has {path.stat().st_size:,} bytes, Kaggle announced {size:,}", "run the command again")
        fetched.append(path)
    if not any(path.name.startswith("olist_") for path in folder.iterdir()):
        raise BadInput(f"the data set has none of the feeds {', '.join(c.feed.files for c in layer('bronze'))}", "has it moved?")
    return fetched


def _unpacked(path: Path) -> None:
    """Kaggle sends large files zipped."""
    import zipfile

    packed = path.with_name(path.name + ".zip")
    if packed.exists():
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(path.parent)
        packed.unlink()


def main() -> None:
    """Command line."""
    made = parser("lake.download", __doc__)
    made.add_argument("folder", type=Path, help="where the CSV files go")
    with told():
        print(f"{len(download(made.parse_args().folder))} files fetched")


if __name__ == "__main__":
    main()
