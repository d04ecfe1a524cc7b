"""A second computation of the lake: DuckDB, straight from the delivered CSV files, sharing no code with Spark's.

It knows the contracts (conf/tables), the reference of places (conf/reference/places.yml) and docs/kpis.md only.
Where it and the lake disagree, one of them misreads a definition.
"""

from __future__ import annotations

import re
import tempfile
import unicodedata
from fnmatch import fnmatch
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb
import yaml

HERE = Path(__file__).parent
CONF = HERE.parents[1] / "conf"
SQL = {path.stem: path.read_text(encoding="utf-8") for path in sorted((HERE / "gold").glob("*.sql"))}


def open_oracle(landing: Path) -> duckdb.DuckDBPyConnection:
    """The tables silver_* and gold_* computed from the CSV files anywhere under `landing`.

    A feed without files gives empty tables. Later files (by path) and later lines are newer where the contract's
    `newer` columns tie. Rows that a contract's types or required columns refuse are left out, as quarantined.
    """
    spill = str(Path(tempfile.gettempdir()) / "oracle.duckdb.tmp")
    db = duckdb.connect(config={"memory_limit": "1500MB", "threads": 2, "temp_directory": spill})
    for contract in sorted((CONF / "tables" / "bronze").glob("*.yml")):
        _open_feed(db, contract.stem, yaml.safe_load(contract.read_text(encoding="utf-8")), landing)
    _fill_standard_places(db)
    db.execute((HERE / "silver.sql").read_text(encoding="utf-8"))
    needs = {table: set(re.findall(r"\bgold_(\w+)", sql)) for table, sql in SQL.items()}
    for table in TopologicalSorter(needs).static_order():
        db.execute(f"create table gold_{table} as {SQL[table]}")
    return db


def _open_feed(db: duckdb.DuckDBPyConnection, table: str, contract: dict, landing: Path) -> None:
    """A view raw_<table> with the contract's columns as text, by name, and `_arrival`, the order of delivery."""
    files = sorted(str(path) for path in landing.rglob("*") if fnmatch(path.name.removesuffix(".gz"), contract["feed"]["files"]))
    nothing = ", ".join(f"null::varchar as {name}" for name in contract["columns"])
    view = f"select {nothing}, 0::bigint as _arrival where false"
    if files:
        names = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        # One null string for quoted and bare; RFC 4180 quoting, so line breaks inside quotes stay as they are.
        read = (
            f"read_csv([{names}], all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"', "
            "nullstr = '', union_by_name = true, max_line_size = 4194304)"
        )
        view += f" union all by name select *, row_number() over () as _arrival from {read}"
    db.execute(f"create view raw_{table} as select {', '.join(contract['columns'])}, _arrival from ({view})")


def _fill_standard_places(db: duckdb.DuckDBPyConnection) -> None:
    """A table standard_places: each typed (city, state, zip) that occurs, and its standard city and state."""
    typed = db.execute(
        """
        select customer_city, customer_state, customer_zip_code_prefix from raw_customers
        union select seller_city, seller_state, seller_zip_code_prefix from raw_sellers
        union select geolocation_city, geolocation_state, geolocation_zip_code_prefix from raw_geolocation
        """
    ).fetchall()
    places = Places(yaml.safe_load((CONF / "reference" / "places.yml").read_text(encoding="utf-8")))
    rows = [(*place, places.city(*place), places.state(place[1], place[2])) for place in typed]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * 5
    db.execute("create table standard_places (city text, state text, zip text, city_std text, state_std text)")
    db.execute("insert into standard_places select " + ", ".join(["unnest(?::text[])"] * 5), columns)


class Places:
    """The steps that places.yml describes, in plain Python."""

    def __init__(self, reference: dict) -> None:
        self.ranges = [(first, last, code) for code, parts in reference["states"].items() for first, last in parts]
        self.codes = {code.lower() for code in reference["states"]}
        self.cities = [(part["from"], part["to"], part["city"]) for part in reference["cities"]]
        self.aliases = reference["aliases"]
        self.not_cities = self.codes | set(reference["not_cities"]) | set(reference["state_names"])

    def state(self, typed: str | None, prefix: str | None) -> str | None:
        """The state whose range holds the first three digits, else the typed one in upper case."""
        found = next((code for first, last, code in self.ranges if prefix and first <= prefix[:3] <= last), None)
        return found or (typed and typed.upper())

    def city(self, typed: str | None, state: str | None, prefix: str | None) -> str | None:
        """The standard name of a typed city."""
        if typed is None:
            return None
        text = re.split(r"[/\\,(]", self._plain(typed), maxsplit=1)[0].rstrip()
        head, dash, code = text.rpartition("-")
        if dash and code.strip() in self.codes:
            text = head
        words = re.sub(r"['-]", " ", text).split()
        if len(words) > 1 and state and words[-1] == state.lower():  # "sao paulo sp" in SP
            words.pop()
        name = self.aliases.get(" ".join(words), " ".join(words))
        if name in self.not_cities or "@" in name or not name.replace(" ", "").strip("0123456789"):
            return next((city for first, last, city in self.cities if prefix and first <= prefix <= last), name)
        return name

    @staticmethod
    def _plain(text: str) -> str:
        """Lower case without accents; every kind of apostrophe becomes '."""
        decomposed = unicodedata.normalize("NFD", re.sub("[´`’]", "'", text.lower()))
        return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
