"""The contract of each table: conf/tables/<layer>/<table>.yml, loaded once, validated, frozen."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from functools import cache, cached_property
from typing import TYPE_CHECKING

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from lake.errors import BadConfiguration, BadInput
from lake.settings import CONF

if TYPE_CHECKING:
    from pyspark.sql import types as T

LAYERS = ("bronze", "silver", "gold", "ops")
STORES = ("mongodb", "clickhouse", "neo4j")
# The day of drops that have none: what their files say was so from the beginning.
BEGINNING = "1900-01-01"
# The same as yaml.SafeLoader, in C: every task of Airflow reads all contracts.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Only types that Spark, Trino, ClickHouse, MongoDB and Neo4j all hold exactly.
TYPES = re.compile(r"string|int|bigint|double|boolean|date|timestamp|decimal\((\d+),(\d+)\)|array<string>")


def spark_type(name: str) -> T.DataType:
    """The Spark type of a contract's type, without a JVM."""
    # Here and not above: Airflow reads contracts too, and its environment has no Spark.
    from pyspark.sql import types as T

    decimal = TYPES.fullmatch(name)
    if decimal and decimal[1]:
        return T.DecimalType(int(decimal[1]), int(decimal[2]))
    return {
        "string": T.StringType(),
        "int": T.IntegerType(),
        "bigint": T.LongType(),
        "double": T.DoubleType(),
        "boolean": T.BooleanType(),
        "date": T.DateType(),
        "timestamp": T.TimestampType(),
        "array<string>": T.ArrayType(T.StringType()),
    }[name]


BRONZE_TECHNICAL = {
    "_file_id": ("string", "SHA-256 of the file's bytes"),
    "_file": ("string", "Path of the file below the landing folder"),
    "_line": ("bigint", "Line of the file where the record starts (the header is line 1)"),
    "_drop_date": ("date", "Date in the path of the file"),
    "_batch": ("bigint", "Batch of the feed that loaded the row"),
    "_raw": ("string", "The record as it came, where it does not fit the header"),
    "_extra": ("string", "JSON of columns that the contract does not know"),
}
SILVER_TECHNICAL = {
    "_file_id": ("string", "SHA-256 of the file's bytes"),
    "_file": ("string", "Path of the file below the landing folder"),
    "_line": ("bigint", "Line of the file where the record starts"),
    "_drop_date": ("date", "Date in the path of the file"),
    "_batch": ("bigint", "Batch of the feed that brought this version"),
}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Frozen):
    """One column: its type, meaning and unit; `from` names the bronze column where it differs, `few_values` says that it is
    made for filters and groups (a state, a category)."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    type: str
    about: str
    nullable: bool = False
    unit: str | None = None
    personal: bool = False
    source: str | None = None
    derived: str | None = None
    looked_up: bool = False
    few_values: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from(cls, values: dict) -> dict:
        # `from` is a keyword of Python but the right word in the file.
        return {"source" if name == "from" else name: value for name, value in values.items()}

    @field_validator("type")
    @classmethod
    def _known(cls, value: str) -> str:
        match = TYPES.fullmatch(value)
        if not match:
            raise ValueError(f"type {value!r} can't be held exactly by Trino, ClickHouse, MongoDB and Neo4j")
        if match[1] and not 0 <= int(match[2]) <= int(match[1]) <= 38:
            raise ValueError(f"type {value!r}: precision at most 38, scale at most precision")
        return value


class Feed(_Frozen):
    """Which files belong to a bronze table (a pattern of names, which may end in .gz too) and which columns they must have."""

    files: str
    required: tuple[str, ...]

    def claims(self, name: str) -> bool:
        """Whether a file of this name belongs to it. One that somebody is still writing (.part, .filepart, .tmp) does not."""
        return fnmatch(name.removesuffix(".gz"), self.files)


class Parent(_Frozen):
    """A reference: child column -> parent column, and how long a child may wait for its parent."""

    table: str
    columns: dict[str, str]
    wait_days: int


class Lookup(_Frozen):
    """A silver table that `looked_up` columns come from: own column -> its column."""

    table: str
    columns: dict[str, str]


class Contract(_Frozen):
    """A table. `name` is layer.table; `key` the business key; `newer` the columns whose greatest value says which of two
    versions of a key is newer; `grain` the column whose touched values gold recomputes (or full, or model)."""

    name: str
    about: str
    owner: str
    columns: dict[str, Column]
    key: tuple[str, ...] = ()
    feed: Feed | None = None
    source: str | None = None
    sources: tuple[str, ...] = ()
    newer: tuple[str, ...] = ()
    event_time: str | None = None
    parents: tuple[Parent, ...] = ()
    lookup: Lookup | None = None
    history: str | None = None
    history_of: str | None = None
    money: tuple[str, ...] = ()
    grain: str | None = None
    cluster_by: tuple[str, ...] = ()
    freshness_days: int | None = None
    publish: tuple[str, ...] = ()

    @property
    def layer(self) -> str:
        return self.name.split(".")[0]

    @property
    def table(self) -> str:
        return self.name.split(".")[1]

    @model_validator(mode="after")
    def _consistent(self) -> Contract:
        named = [*self.key, *self.newer, *self.cluster_by, *self.money, *([self.event_time] if self.event_time else [])]
        named += [column for parent in self.parents for column in parent.columns]
        named += self.feed.required if self.feed else []
        unknown = [name for name in named if name not in self.columns]
        if unknown:
            raise ValueError(f"names columns it does not have: {', '.join(unknown)}")
        if self.layer != "bronze" and not self.key:
            raise ValueError("has no key")
        if self.freshness_days is not None and not self.event_time:
            raise ValueError("promises freshness but names no event_time")
        if any(self.columns[name].nullable for name in self.key):
            raise ValueError("has a nullable key")
        if self.layer == "bronze" and not self.feed:
            raise ValueError("is bronze but has no feed")
        if unpublishable := [store for store in self.publish if store not in STORES]:
            raise ValueError(f"is published to unknown stores: {', '.join(unpublishable)}")
        if self.publish and any(column.type.startswith("array") for column in self.columns.values()):
            raise ValueError("is published but has an array, which Spark can't send by JDBC")
        return self

    @cached_property
    def technical(self) -> dict[str, tuple[str, str]]:
        """Technical columns: name -> (type, meaning)."""
        if self.layer == "bronze":
            return BRONZE_TECHNICAL
        return SILVER_TECHNICAL if self.layer == "silver" and self.source else {}

    @cached_property
    def schema(self) -> T.StructType:
        """The table's schema with comments; contract columns first, technical ones behind."""
        from pyspark.sql import types as T

        fields = [T.StructField(name, spark_type(column.type), True, {"comment": column.about}) for name, column in self.columns.items()]
        fields += [T.StructField(name, spark_type(type_), True, {"comment": about}) for name, (type_, about) in self.technical.items()]
        return T.StructType(fields)


@cache
def contracts() -> dict[str, Contract]:
    """Every table's contract by name, in the order of the layers.

    Raises:
        BadConfiguration: a file can't be read, has an unknown key, a type that a store can't hold, or names a table or
            column that does not exist.
    """
    loaded: dict[str, Contract] = {}
    for layer in LAYERS:
        for path in sorted((CONF / "tables" / layer).glob("*.yml")):
            name = f"{layer}.{path.stem}"
            try:
                loaded[name] = Contract(name=name, **yaml.load(path.read_text(encoding="utf-8"), LOADER))
            except (yaml.YAMLError, TypeError, ValidationError, ValueError) as error:
                raise BadConfiguration(f"contract {path} is wrong: {error}", "mend the file; docs/architecture.md") from error
    for contract in loaded.values():
        mentioned = [*contract.sources, *(parent.table for parent in contract.parents)]
        mentioned += [t for t in (contract.source, contract.history, contract.history_of) if t]
        mentioned += [contract.lookup.table] if contract.lookup else []
        if missing := [table for table in mentioned if table not in loaded]:
            raise BadConfiguration(f"contract {contract.name} names unknown tables: {', '.join(missing)}", "mend the file")
        if contract.layer == "gold" and contract.sources:
            _require_grain(contract, [loaded[name] for name in contract.sources])
    return loaded


def _require_grain(gold: Contract, sources: list[Contract]) -> None:
    """Whatever changes in a source must say which values of the grain it touches, by a column or by the key of another source."""
    if gold.grain in ("full", "model"):
        return
    both = [source for source in sources if gold.grain in source.columns]
    apart = [s.name for s in sources if s not in both and not any(set(s.key) <= set(link.columns) for link in both)]
    if gold.grain not in gold.columns or apart:
        lack = f"{' and '.join(apart)} can't be brought to it" if apart else "is none of its columns"
        raise BadConfiguration(
            f"contract {gold.name}: grain {gold.grain}: {lack}",
            "name a column that the table and its sources share, or say grain: full (all is computed whenever a source changes)",
        )


def contract(name: str) -> Contract:
    """One table's contract; raises BadInput for an unknown name: contracts name no unknown tables, people do."""
    if name not in contracts():
        raise BadInput(f"there is no table {name!r}", f"known tables: {', '.join(contracts())}")
    return contracts()[name]


def layer(name: str) -> list[Contract]:
    """The contracts of one layer."""
    return [c for c in contracts().values() if c.layer == name]
