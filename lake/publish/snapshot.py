"""What a publication is made of: a snapshot of gold, and what a store remembers of the one it holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lake import tables
from lake.contracts import Contract, layer
from lake.errors import GateFailed
from lake.publish.fingerprint import Fingerprint
from lake.session import Lake


@dataclass(frozen=True)
class Snapshot:
    """The versions of the published gold tables.

    Attributes:
        versions: by table.
        commits: Delta's identifier of the commit that made each, which tells a lake from another that has come to the same versions,
            by runs of the same names perhaps.
    """

    versions: Mapping[str, int]
    commits: Mapping[str, str]

    @property
    def id(self) -> str:
        """The same for the same versions of the same lake."""
        return hashlib.sha256(json.dumps([self.versions, self.commits], sort_keys=True).encode()).hexdigest()[:12]

    def written_at(self, lake: Lake) -> datetime:
        """When the newest of its tables was written (wall clock, UTC, without zone); if nobody knows any more, never."""
        return max((at for name, version in self.versions.items() if (at := tables.written_at(lake, name, version))), default=datetime.max)


@dataclass(frozen=True)
class Held:
    """What a store's marker says.

    Attributes:
        snapshot: what readers see.
        shape: what the store's views looked like (lake.publish.view.shape): another shape means that the store has to be filled anew.
        travelled: `all`, or `changes` since the snapshot before.
        fingerprints: of each view.
        restored: brought back in the place of a newer one.
    """

    snapshot: Snapshot
    shape: str
    travelled: str
    fingerprints: Mapping[str, Fingerprint]
    restored: bool = False

    def to_json(self) -> str:
        return json.dumps(
            {
                "id": self.snapshot.id,
                "versions": dict(self.snapshot.versions),
                "commits": dict(self.snapshot.commits),
                "shape": self.shape,
                "travelled": self.travelled,
                "fingerprints": {name: value.to_json() for name, value in self.fingerprints.items()},
                "restored": self.restored,
            }
        )

    @staticmethod
    def from_json(text: str) -> Held:
        said = json.loads(text)
        fingerprints = {name: Fingerprint.of(**value) for name, value in said["fingerprints"].items()}
        snapshot = Snapshot(said["versions"], said.get("commits", {}))
        return Held(snapshot, said["shape"], said["travelled"], fingerprints, said.get("restored", False))


def published_tables() -> list[Contract]:
    """Gold tables that some store gets."""
    return [c for c in layer("gold") if c.publish]


def newest_snapshot(lake: Lake) -> Snapshot:
    """The snapshot of gold as it is now.

    Raises:
        GateFailed: a table has not been built.
    """
    versions = {c.name: tables.version(lake, c.name) for c in published_tables()}
    if missing := [name for name, at in versions.items() if at is None]:
        raise GateFailed(f"nothing can be published: {', '.join(missing)} do not exist", "run the pipeline with all its steps first")
    return Snapshot(versions, tables.commits_of(lake, versions))
