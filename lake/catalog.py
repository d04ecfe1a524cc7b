"""Trino's list of tables: each table of the lake that has a contract, under the contract's name, and no other.

python -m lake.catalog            registers what is new and lets go of what is gone

Trino keeps a list of names and places; all else (columns, types, comments, rows, versions) it reads from the Delta log. So a
table that is there stays registered whatever happens to its rows and columns, and asking again costs one question.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lake.contracts import LAYERS, contracts
from lake.errors import BadEnvironment, NotSet
from lake.program import main_of, of_lake, parser
from lake.settings import ROOT, required
from lake.sql import existing

NEEDED = ("TRINO_PORT", "TRINO_USER", "TRINO_PASSWORD", "TRINO_READER_USER", "TRINO_READER_PASSWORD", "TRINO_CERTIFICATE")


@dataclass(frozen=True)
class Registered:
    """What a call changed: names of tables."""

    catalog: str
    new: list[str]
    gone: list[str]
    kept: list[str]

    def __str__(self) -> str:
        return f"{len(self.new)} new, {len(self.gone)} gone, {len(self.kept)} kept in Trino's catalog {self.catalog}"


@contextmanager
def connected(settings: Mapping[str, str] | None = None, publisher: bool = False) -> Iterator:
    """A cursor of Trino, as the account that reads, or as the one that registers tables.

    Args:
        settings: else the environment's.

    Raises:
        NotSet: no settings, or Trino was never started here.
        trino.exceptions.Error, requests.RequestException: it is away or refuses.
    """
    # Half a second that programs without Trino need not wait.
    import requests
    from trino.auth import BasicAuthentication
    from trino.dbapi import connect

    given = dict(settings) if settings else dict(zip(NEEDED, required("Trino", *NEEDED), strict=True))
    kind = "" if publisher else "READER_"
    user = given[f"TRINO_{kind}USER"]
    session = requests.Session()
    # Else a variable like REQUESTS_CA_BUNDLE, made for other servers, would be taken for our certificate.
    session.trust_env = False
    certificate = ROOT / given["TRINO_CERTIFICATE"]
    if not certificate.exists():
        raise NotSet(f"Trino was never started here: there is no {certificate}", "`make up` starts it")
    session.verify = str(certificate)
    connection = connect(
        host=os.environ.get("TRINO_HOST", "127.0.0.1"),
        port=int(given["TRINO_PORT"]),
        user=user,
        auth=BasicAuthentication(user, given[f"TRINO_{kind}PASSWORD"]),
        http_scheme="https",
        http_session=session,
        timezone="UTC",
        max_attempts=1,
        request_timeout=60,
    )
    try:
        yield connection.cursor()
    finally:
        connection.close()


def catalog_of(root: str) -> tuple[str, str] | None:
    """The catalog for a lake, and how Trino names the lake's root; None for a local lake that Trino was not told of."""
    if "://" in root:
        return "lake", root.replace("s3a://", "s3://", 1)
    known = ROOT / os.environ.get("TRINO_LOCAL_LAKE", "data/lake")
    return ("local", "local:///lake") if Path(root).resolve() == known.resolve() else None


def register(root: str) -> Registered:
    """Make Trino's list of tables that of the lake.

    Raises:
        BadEnvironment: Trino is away or refuses, or it can't see this lake.
    """
    import requests
    from trino.exceptions import Error

    found = catalog_of(root)
    if not found:
        raise BadEnvironment(f"Trino can't see the lake at {root}", "set TRINO_LOCAL_LAKE in .env to its folder; `make down`, `make up`")
    try:
        with connected(publisher=True) as cursor:
            return _register(cursor, *found, set(existing(root, contracts())))
    except (Error, requests.RequestException, OSError) as error:
        raise BadEnvironment(
            f"Trino: {str(error).splitlines()[0][:300]}", "`make status` shows whether it runs; then `make trino-register`"
        ) from error


def _register(cursor, catalog: str, place: str, there: set[str]) -> Registered:
    for layer in LAYERS:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {catalog}.{layer}").fetchall()
    layers = ", ".join(f"'{layer}'" for layer in LAYERS)
    cursor.execute(f"SELECT table_schema || '.' || table_name FROM {catalog}.information_schema.tables WHERE table_schema IN ({layers})")
    listed = {name for (name,) in cursor.fetchall()}
    kept = listed & there
    if kept and not _is_at(cursor, place, f"{catalog}.{min(kept)}"):
        # The list was that of another lake.
        kept = set()
    new, gone = sorted(there - kept), sorted(listed - kept)
    for name in gone:
        schema, table = name.split(".")
        cursor.execute(f"CALL {catalog}.system.unregister_table('{schema}', '{table}')").fetchall()
    for name in new:
        schema, table = name.split(".")
        cursor.execute(f"CALL {catalog}.system.register_table('{schema}', '{table}', '{place}/{schema}/{table}')").fetchall()
    return Registered(catalog, new, gone, sorted(kept))


def _is_at(cursor, place: str, table: str) -> bool:
    from trino.exceptions import TrinoQueryError

    try:
        ((told,),) = cursor.execute(f"SHOW CREATE TABLE {table}").fetchall()
    except TrinoQueryError:
        # Its files are gone, with the lake that it was of.
        return False
    return f"location = '{place}/" in told


def main() -> None:
    """Command line."""
    main_of(of_lake(parser("lake.catalog", __doc__)), lambda settings, _: print(register(settings.lake)))


if __name__ == "__main__":
    main()
