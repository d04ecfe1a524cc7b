"""What a publication is made of: a snapshot of gold, and what a store remembers of the one it holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from secrets import token_hex

from lake import tables
from lake.contracts import Contract, layer
from lake.errors import GateFailed, LakeBusy
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
        travelled: how it came in the place of the snapshot before, and leads back to it: `all`, or `changes`.
        fingerprints: of each view.
        after: the id of the snapshot in whose place this one is to come, None if there is none; not part of the marker.
        restored: brought back in the place of a newer one.
        claim: under which the store has been told that this one comes; not part of the marker.
    """

    snapshot: Snapshot
    shape: str
    travelled: str
    fingerprints: Mapping[str, Fingerprint]
    after: str | None = field(default=None, compare=False)
    restored: bool = False
    claim: str = field(default_factory=token_hex, compare=False)

    def require_place(self, store: str, shown: Held | None, claimed: str | None) -> None:
        """Require that a store shows what this was made to take the place of, and that what is staged there is still ours, right
        before it is shown.

        Raises:
            LakeBusy: another publication has begun or shown a snapshot meanwhile: that of another lake, or of a run that took this
                one for dead.
        """
        hint = "publish again, from one lake at a time"
        if (shown.snapshot.id if shown else None) != self.after:
            said = f"another publication has shown snapshot {shown.snapshot.id if shown else 'none'} meanwhile"
            raise LakeBusy(f"{store}: {said}; readers see that one", hint)
        if claimed != self.claim:
            raise LakeBusy(f"{store}: another publication has begun meanwhile; readers see what they saw", hint)

    def renews(self, shown: Held | None) -> bool:
        """Whether it takes the place of the same snapshot in the same shape. A store still leads back to the one before then."""
        return shown is not None and (shown.snapshot.id, shown.shape) == (self.snapshot.id, self.shape)

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
        return Held(snapshot, said["shape"], said["travelled"], fingerprints, restored=said.get("restored", False))


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


def snapshot_to_publish(lake: Lake) -> Snapshot:
    """The newest snapshot, whose tables are all of one state.

    Raises:
        GateFailed: a table has not been built.
        LakeBusy: some are behind others, since not all has been built, or another run is still about to.
    """
    if behind := _behind(lake):
        raise LakeBusy(f"gold is between two states: {', '.join(behind)}", "run jobs/build.py to its end, for all tables; then publish")
    return newest_snapshot(lake)


def _behind(lake: Lake) -> list[str]:
    """Published tables that were built from an older state of a source than others were, or than it has now."""
    # The recommender leaves small changes for later on purpose.
    notes = {c.name: note for c in published_tables() if c.grain != "model" and (note := tables.note(lake, c.name))}

    # By our own commits, since maintenance makes versions too.
    @cache
    def sequence(source: str, at: int) -> int:
        found = tables.note(lake, source, at)
        return found.sequence if found else 0

    newest = {name: note.sequence for name, note in notes.items()}
    for note in notes.values():
        for source, at in note.inputs.items():
            newest[source] = max(newest.get(source, 0), sequence(source, at))
    return [
        f"{name} (behind {source})"
        for name, note in notes.items()
        for source, at in note.inputs.items()
        if sequence(source, at) < newest[source] or tables.made_anew(lake, source, note)
    ]
