"""What can go wrong, with the exit code that each kind ends the process with (documented in README.md)."""

from __future__ import annotations


class LakeError(Exception):
    """An error that a person can act on: says what, where, and what to do.

    Attributes:
        exit_code: what the process ends with.
        hint: what to do, printed below the message.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.args[0]}\n  -> {self.hint}" if self.hint else str(self.args[0])


class GateFailed(LakeError):
    """A suite did not hold, could not be read or could not be evaluated: nothing was written behind it."""

    exit_code = 3


class BadInput(LakeError):
    """The landing folder or files in it are not what was promised, or what somebody named is not there."""

    exit_code = 4


def no_lake(root: str) -> BadInput:
    """What is said where a lake should be."""
    return BadInput(f"there is no lake at {root}", "run `make demo` or `make pipeline LANDING=<folder>`, or say --lake")


class BadConfiguration(LakeError):
    """A profile, contract or suite is wrong, or contradicts the table in the lake."""

    exit_code = 5


class BadEnvironment(LakeError):
    """Java, jars, disk, permissions or a server are missing."""

    exit_code = 6


class NotSet(BadEnvironment):
    """What a server needs was not given (settings, a connector); trying again would not find it."""


class LakeBusy(LakeError):
    """Another run holds the lake, is not through with it, or was faster."""

    exit_code = 7


class LakeTooNew(LakeError):
    """The lake was written by newer code."""

    exit_code = 8


class LawBroken(LakeError):
    """Rows or money got lost or doubled: a bug of ours, never of the data."""

    exit_code = 9


def of_system(error: OSError) -> str:
    """What the system said, and of which file: libraries raise errors of this kind that know neither."""
    said = error.strerror or str(error) or type(error).__name__
    return f"{said}: {error.filename}" if error.filename else said
