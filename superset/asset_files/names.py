"""What an asset is called: by its file here, by a UUID in Superset."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

KINDS = ("databases", "datasets", "charts", "dashboards")
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "lakehouse/superset")


def made(kind: str, name: str) -> str:
    """The UUID of an asset whose file names none."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}/{name}"))


class Names:
    """Both ways between a file's name and a UUID, for each kind of asset."""

    def __init__(self, assets: dict[tuple[str, str], dict]) -> None:
        self._uuids = {(kind, name): held.get("uuid") or made(kind, name) for (kind, name), held in assets.items()}
        self._files = {(kind, id_): name for (kind, name), id_ in self._uuids.items()}

    def uuid(self, kind: str, name: str) -> str:
        """Raises KeyError: there is no such file."""
        return self._uuids[kind, name]

    def name(self, kind: str, id_: str) -> str:
        """Raises KeyError: there is no such asset."""
        return self._files[kind, id_]

    def add(self, kind: str, id_: str, title: str) -> None:
        """An asset that was made in the page gets a name of its title, and its UUID goes into its file."""
        if (kind, id_) in self._files:
            return
        plain = re.sub(r"\W+", "_", title.lower()).strip("_") or kind
        name = plain if (kind, plain) not in self._uuids else f"{plain}_{id_[:8]}"
        self._uuids[kind, name], self._files[kind, id_] = id_, name


def path(folder: Path, kind: str, name: str) -> Path:
    return folder / kind / f"{name}.yaml"
