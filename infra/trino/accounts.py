"""Trino's accounts as it reads them: TRINO_USER may register tables, TRINO_READER_USER only reads; passwords as PBKDF2 sums.

python accounts.py FOLDER    takes names and passwords from the environment (compose does it so; it needs nothing but Python)
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

ROUNDS = 100_000


def write_accounts(folder: Path, settings: Mapping[str, str]) -> None:
    """Write the files `passwords` and `groups`, for their owner only."""
    users = {settings[f"TRINO_{kind}USER"]: settings[f"TRINO_{kind}PASSWORD"] for kind in ("", "READER_")}
    _write(folder / "passwords", "".join(f"{user}:{_hashed(password)}\n" for user, password in users.items()))
    _write(folder / "groups", f"publishers:{settings['TRINO_USER']}\nreaders:{settings['TRINO_READER_USER']}\n")


def _hashed(password: str) -> str:
    """As Trino's file of passwords has it: rounds, salt and PBKDF2 sum, for which it takes HMAC-SHA1."""
    salt = secrets.token_bytes(16)
    return f"{ROUNDS}:{salt.hex()}:{hashlib.pbkdf2_hmac('sha1', password.encode(), salt, ROUNDS).hex()}"


def _write(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)


if __name__ == "__main__":
    write_accounts(Path(sys.argv[1]), os.environ)
