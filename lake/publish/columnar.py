"""The tables of ClickHouse, as contracts make them: names, types, codecs, order, and how dates and times travel."""

from __future__ import annotations

from pyspark.sql import Column as Expression
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.contracts import Column, Contract, layer
from lake.publish.fingerprint import SIGN
from lake.publish.view import View

# The older system's names where it had them.
RENAMED = {"fact_order_items": "sales_fact"}
TYPES = {
    "string": "String", "int": "Int32", "bigint": "Int64", "double": "Float64", "boolean": "Bool", "date": "Date32",
    "timestamp": "DateTime64(6, 'UTC')",
}  # fmt: skip
# Dates and times travel as whole numbers, of which the server makes what they are: the driver shifts them by the zone of the
# JVM, and counts in nanoseconds, which end in the year 2262.
NUMBERS = {
    "date": ("Int32", F.unix_date, "addDays(toDate32('1970-01-01'), {})"),
    "timestamp": ("Int64", F.unix_micros, "fromUnixTimestamp64Micro({}, 'UTC')"),
}
# A part of a table that is sent again, because a task of Spark was tried again, is known by its checksum and dropped.
PARTS_REMEMBERED = 1000


def published() -> list[Contract]:
    """The gold tables that go to ClickHouse."""
    return [c for c in layer("gold") if "clickhouse" in c.publish]


def name_of(gold: Contract) -> str:
    """The name of a gold table in ClickHouse."""
    return RENAMED.get(gold.table, gold.table)


def view(gold: Contract) -> View:
    """A gold table as it is."""

    def rows(**frames: DataFrame) -> DataFrame:
        return frames[gold.table].select(*gold.columns)

    types = {name: column.type for name, column in gold.columns.items()}
    return View(name_of(gold), types, (gold.table,), rows, ddl(gold, name_of(gold), signed=False))


def ddl(gold: Contract, table: str, signed: bool) -> str:
    """CREATE TABLE from a contract: columns with codecs and comments, sorted by what dashboards filter by, then by the key; and
    columns for the numbers as which dates and times travel, and one for rows that come and go if `signed`."""
    # The driver sends values by their place in the table: columns that the server makes itself are behind those that are sent.
    sent = [_number_column(name, c) if c.type in NUMBERS else _column(name, c) for name, c in gold.columns.items()]
    made = [_column(name, c, made=True) for name, c in gold.columns.items() if c.type in NUMBERS]
    columns = ",\n  ".join([*sent, *([f"`{SIGN}` Int8"] if signed else []), *made])
    filters = [n for n, c in gold.columns.items() if c.few_values and not c.nullable]
    order = ", ".join(dict.fromkeys([*gold.cluster_by, *filters, *gold.key]))
    return (
        f"CREATE TABLE `{table}` (\n  {columns}\n) ENGINE = MergeTree ORDER BY ({order}) "
        f"SETTINGS non_replicated_deduplication_window = {PARTS_REMEMBERED} COMMENT {_quoted(gold.about)}"
    )


def _column(name: str, column: Column, made: bool = False) -> str:
    value = f"MATERIALIZED {NUMBERS[column.type][2].format(f'`{_number(name)}`')}" if made else ""
    return f"`{name}` {_type(column)} {value} COMMENT {_quoted(column.about)} {_codec(column)}"


def _number_column(name: str, column: Column) -> str:
    return f"`{_number(name)}` {_nullable(NUMBERS[column.type][0], column)}"


def _number(name: str) -> str:
    return f"_number_{name}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _type(column: Column) -> str:
    name = TYPES.get(column.type) or column.type.replace("decimal", "Decimal")
    return f"LowCardinality({_nullable(name, column)})" if column.few_values else _nullable(name, column)


def _nullable(type_: str, column: Column) -> str:
    return f"Nullable({type_})" if column.nullable else type_


def _codec(column: Column) -> str:
    return "CODEC(Delta, ZSTD)" if column.type in ("date", "timestamp") and not column.nullable else "CODEC(ZSTD)"


def sent(gold: Contract) -> list[Expression]:
    """What is sent of the columns of a frame, in the order of the table's."""
    return [NUMBERS[c.type][1](name).alias(_number(name)) if c.type in NUMBERS else F.col(name) for name, c in gold.columns.items()]


def finish(gold: Contract, table: str) -> list[str]:
    """The statements by which a table that was filled keeps dates and times instead of the numbers as which they travelled. Only its
    description changes: what was made when the rows came is kept."""
    places = zip(gold.columns, ["FIRST", *(f"AFTER `{name}`" for name in gold.columns)], strict=False)
    numbers = {name: place for name, place in places if gold.columns[name].type in NUMBERS}
    changes = (
        [f"MODIFY COLUMN `{name}` REMOVE MATERIALIZED" for name in numbers],
        [f"DROP COLUMN `{_number(name)}`" for name in numbers],
        [f"MODIFY COLUMN `{name}` {_type(gold.columns[name])} {place}" for name, place in numbers.items()],
    )
    return [f"ALTER TABLE `{table}` {', '.join(change)} SETTINGS mutations_sync = 2" for change in changes if change]
