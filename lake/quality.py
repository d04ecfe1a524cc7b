"""Suites of Great Expectations: the row rules that fill the quarantine, and the gate before each table.

A suite is written once, in expectations/<layer>/<table>.json. Its row rules become column conditions here (one projection
finds every broken rule of every row); its verdict is Great Expectations' own, on measurements that one Spark job takes of
the rows about to be written. What can't be measured or evaluated is a failure.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, reduce
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.contracts import Contract
from lake.errors import BadConfiguration, GateFailed
from lake.settings import CONF, EXPECTATIONS

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

Kwargs = dict[str, Any]


def _outside(kwargs: Kwargs, value: Column) -> Column:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    below = F.lit(False) if low is None else (value <= low if kwargs.get("strict_min") else value < low)
    above = F.lit(False) if high is None else (value >= high if kwargs.get("strict_max") else value > high)
    return below | above


# Row rules: expectation -> (short name, condition under which a row breaks it). A null breaks only the first.
ROW_RULES: dict[str, tuple[str, Callable[[Kwargs], Column]]] = {
    "expect_column_values_to_not_be_null": ("not_null", lambda k: F.col(k["column"]).isNull()),
    "expect_column_values_to_be_in_set": ("in_set", lambda k: ~F.col(k["column"]).isin(*k["value_set"])),
    "expect_column_values_to_be_between": ("between", lambda k: _outside(k, F.col(k["column"]))),
    "expect_column_values_to_match_regex": ("regex", lambda k: ~F.col(k["column"]).rlike(k["regex"])),
    "expect_column_value_lengths_to_be_between": ("length", lambda k: _outside(k, F.length(k["column"]))),
    "expect_column_pair_values_a_to_be_greater_than_b": (
        "not_before",
        lambda k: (F.col(k["column_A"]) < F.col(k["column_B"])) if k.get("or_equal") else (F.col(k["column_A"]) <= F.col(k["column_B"])),
    ),
}
TABLE_RULES = {
    "expect_column_values_to_be_unique": "unique",
    "expect_compound_columns_to_be_unique": "unique",
    "expect_table_row_count_to_be_between": "volume",
    "expect_column_sum_to_be_between": "sum",
    "expect_column_max_to_be_between": "max",
    "expect_column_min_to_be_between": "min",
}
_RANGE = {"min_value", "max_value", "strict_min", "strict_max"}
# What an expectation can be told: what it needs, and what else it may say. Great Expectations takes more (a `row_condition`),
# which would have no part in what is measured here.
ARGUMENTS: dict[str, tuple[set[str], set[str]]] = {
    "expect_column_values_to_not_be_null": ({"column"}, {"mostly"}),
    "expect_column_values_to_be_in_set": ({"column", "value_set"}, {"mostly"}),
    "expect_column_values_to_be_between": ({"column"}, {"mostly", *_RANGE}),
    "expect_column_values_to_match_regex": ({"column", "regex"}, {"mostly"}),
    "expect_column_value_lengths_to_be_between": ({"column"}, {"mostly", *_RANGE}),
    "expect_column_pair_values_a_to_be_greater_than_b": ({"column_A", "column_B"}, {"mostly", "or_equal", "ignore_row_if"}),
    "expect_column_values_to_be_unique": ({"column"}, {"mostly"}),
    "expect_compound_columns_to_be_unique": ({"column_list"}, {"mostly"}),
    "expect_table_row_count_to_be_between": (set(), _RANGE),
    "expect_column_sum_to_be_between": ({"column"}, _RANGE),
    "expect_column_max_to_be_between": ({"column"}, _RANGE),
    "expect_column_min_to_be_between": ({"column"}, _RANGE),
}


# A measurement: sum, max or min of a column.
Aggregate = tuple[str, Column]
COMBINE: dict[str, Callable[[list[Any]], Any]] = {"sum": sum, "max": max, "min": min}


@dataclass(frozen=True)
class Measured:
    """What was measured: `values` for the suite, and by group the rows and the further measurements."""

    values: dict[str, Any]
    groups: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Rule:
    """One expectation of a suite. `name` is short and unique in the suite, as it stands in the quarantine."""

    name: str
    expectation: str
    kwargs: Kwargs
    quarantines: bool


@dataclass(frozen=True)
class Suite:
    """The rules of one table. At most `quarantine_max_share` of the rows read by one run may go to quarantine, unless they
    are no more than `quarantine_free_rows`."""

    table: str
    rules: tuple[Rule, ...]
    quarantine_max_share: float
    quarantine_free_rows: int

    def row_rules(self) -> list[Rule]:
        """Rules that send a row to quarantine."""
        return [rule for rule in self.rules if rule.quarantines]


@dataclass(frozen=True)
class Result:
    """What one rule found."""

    table: str
    rule: str
    expectation: str
    success: bool
    waived: bool
    observed: str


def _name(expectation: str, kwargs: Kwargs) -> str:
    short = ROW_RULES[expectation][0] if expectation in ROW_RULES else TABLE_RULES[expectation]
    columns = [kwargs[k] for k in ("column", "column_A", "column_B") if k in kwargs] or kwargs.get("column_list", [])
    return ":".join([short, ",".join(columns)]) if columns else short


@cache
def suite(table: str) -> Suite:
    """The suite of a table.

    Raises:
        GateFailed: there is none, or it can't be read.
    """
    path = EXPECTATIONS / f"{table.replace('.', '/')}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["name"] != table:
            raise ValueError(f"is named {content['name']!r}")
        rules = []
        for entry in content["expectations"]:
            kind, kwargs, meta = entry["type"], entry["kwargs"], entry.get("meta", {})
            _require_arguments(kind, kwargs)
            rules.append(Rule(_name(kind, kwargs), kind, kwargs, bool(meta.get("quarantine"))))
        if not rules or len({rule.name for rule in rules}) < len(rules):
            raise ValueError("has no rules, or two of one name")
        if sum(TABLE_RULES.get(rule.expectation) == "unique" for rule in rules) > 1:
            raise ValueError("more than one rule of uniqueness, of which one is measured")
        meta = content.get("meta", {})
        return Suite(table, tuple(rules), float(meta.get("quarantine_max_share", 0)), int(meta.get("quarantine_free_rows", 0)))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GateFailed(f"the suite of {table} can't be read: {error}", f"mend {path.relative_to(EXPECTATIONS.parent)}") from error


def _require_arguments(kind: str, kwargs: Kwargs) -> None:
    if kind not in ARGUMENTS:
        raise ValueError(f"{kind} is not known to this lake")
    needed, more = ARGUMENTS[kind]
    if lacks := sorted(needed - set(kwargs)):
        raise ValueError(f"{kind} lacks {', '.join(lacks)}")
    if unknown := sorted(set(kwargs) - needed - more):
        raise ValueError(f"{kind} is told {', '.join(unknown)}, which is not measured here")
    if more & _RANGE and kwargs.get("min_value") is None and kwargs.get("max_value") is None:
        raise ValueError(f"{kind} has neither min_value nor max_value")
    if len(kwargs.get("column_list", "ab")) < 2:
        raise ValueError(f"{kind} is for two columns or more; expect_column_values_to_be_unique is for one")


def check_suites(tables: Sequence[Contract]) -> None:
    """Read every suite and hold it against its contract, before Spark starts.

    Raises:
        GateFailed: a suite is missing or unreadable.
        BadConfiguration: a rule names an unknown column, or a column that may not be null has no rule against nulls.
    """
    for contract in tables:
        rules = suite(contract.name).rules
        for rule in rules:
            named = [rule.kwargs[k] for k in ("column", "column_A", "column_B") if k in rule.kwargs]
            if unknown := [c for c in [*named, *rule.kwargs.get("column_list", [])] if c not in contract.columns]:
                raise BadConfiguration(f"suite {contract.name}: rule {rule.name} names {unknown}", "mend the suite")
        guarded = {rule.name for rule in rules}
        open_ = [n for n, c in contract.columns.items() if not c.nullable and f"not_null:{n}" not in guarded]
        if open_:
            raise BadConfiguration(f"suite {contract.name} does not guard {', '.join(open_)} against nulls", "mend the suite")


def broken(rule: Rule) -> Column:
    """Whether a row breaks a row rule; null where the value is null and the rule is about something else."""
    return ROW_RULES[rule.expectation][1](rule.kwargs)


# ---------------------------------------------------------------------------------------------------------- measuring


def _flags(rules: Sequence[Rule]) -> dict[str, Column]:
    """What must be counted for the row rules: `bad <rule>`, `null <column>`, `both <rule>` (both columns of a pair given)."""
    flags: dict[str, Column] = {}
    for rule in rules:
        kwargs = rule.kwargs
        if rule.expectation in ROW_RULES:
            flags[f"bad {rule.name}"] = broken(rule)
            if "column" in kwargs:
                flags[f"null {kwargs['column']}"] = F.col(kwargs["column"]).isNull()
            else:
                flags[f"both {rule.name}"] = F.col(kwargs["column_A"]).isNotNull() & F.col(kwargs["column_B"]).isNotNull()
    return flags


def _aggregates(rules: Sequence[Rule]) -> dict[str, Aggregate]:
    """What must be summed, or found the largest or smallest of, for the rules about a column as a whole."""
    found: dict[str, Aggregate] = {}
    for rule in rules:
        how = TABLE_RULES.get(rule.expectation)
        if how in COMBINE:
            found[f"column.{how} {rule.kwargs['column']}"] = (how, F.col(rule.kwargs["column"]))
    return found


def _masks(flags: Sequence[Column]) -> list[Column]:
    """Flags as bits of whole numbers."""
    blocks = [flags[at : at + 60] for at in range(0, len(flags), 60)]
    return [reduce(Column.__add__, [F.when(flag, F.lit(1 << bit)).otherwise(F.lit(0)) for bit, flag in enumerate(b)]) for b in blocks]


def measure(
    frame: DataFrame, suite_: Suite, judged: Column | None = None, by: str | None = None, extra: Mapping[str, Aggregate] | None = None
) -> Measured:
    """Measure a frame for its suite in one Spark job.

    Which rules a row breaks is one number (a bit a rule), and rows are counted by that number: dozens of rules cost one
    aggregation with a handful of groups. Rows that share a key count as breaking what any of them breaks.

    Args:
        judged: which rows the suite is about; all if None.
        by: a column of which the rows and the `extra` measurements are wanted for each value.
        extra: further measurements of all rows that ride along: name -> (sum, max or min; column).
    """
    judged = F.lit(True) if judged is None else judged
    of_rules = {name: (how, F.when(judged, column)) for name, (how, column) in _aggregates(suite_.rules).items()}
    flags, aggregates = _flags(suite_.rules), {**of_rules, **(extra or {})}
    masks = {f"mask{i}": F.when(judged, mask).otherwise(F.lit(0)).cast("bigint") for i, mask in enumerate(_masks(list(flags.values())))}
    names = {name: f"a{i}" for i, name in enumerate(aggregates)}
    group = (F.col(by) if by else F.lit("")).alias("group"), judged.alias("judged")
    unique = [r.kwargs.get("column_list") or [r.kwargs["column"]] for r in suite_.rules if TABLE_RULES.get(r.expectation) == "unique"]
    # First by key, which finds those that come twice, then by what they break.
    of_key = frame.groupBy(*group, *([F.col(name) for name in unique[0]] if unique else masks.values())).agg(
        F.count(F.lit(1)).alias("rows"),
        *[F.bit_or(mask).alias(name) for name, mask in masks.items()],
        *[getattr(F, how)(column).alias(names[name]) for name, (how, column) in aggregates.items()],
    )
    rows = (
        of_key.groupBy("group", "judged", *masks)
        .agg(
            F.sum("rows").alias("rows"),
            F.sum(F.when(F.col("judged") & (F.col("rows") > 1), F.col("rows"))).alias("doubled"),
            *[getattr(F, how)(names[name]).alias(names[name]) for name, (how, _) in aggregates.items()],
        )
        .collect()
    )
    found: dict[str, Any] = {"table.row_count": sum(r["rows"] for r in rows if r["judged"])}
    for bit, name in enumerate(flags):
        found[name] = sum(r["rows"] for r in rows if r[f"mask{bit // 60}"] >> (bit % 60) & 1)
    found["doubled"] = sum(r["doubled"] or 0 for r in rows)
    groups: dict[str, dict[str, Any]] = {}
    for row in rows:
        of = groups.setdefault(row["group"], {"rows": 0})
        of["rows"] += row["rows"]
        for name, (how, _) in aggregates.items():
            value = row[names[name]]
            if value is not None:
                of[name] = COMBINE[how]([of[name], value]) if name in of else value
    for name, (how, _) in of_rules.items():
        given = [of[name] for of in groups.values() if name in of]
        found[name] = COMBINE[how](given) if given else None
    return Measured(found, groups)


# ----------------------------------------------------------------------------------------------------------- judging


def _metric(name: str, rule: Rule, measured: dict[str, Any]) -> Any:
    """The value of one of Great Expectations' metrics for a rule; KeyError where we did not measure it."""
    if name == "table.row_count":
        volume = rule.expectation == "expect_table_row_count_to_be_between"
        return measured["rows in table"] if volume else measured["table.row_count"]
    if name == "column_values.nonnull.unexpected_count":
        return measured[f"null {rule.kwargs['column']}"]
    if name.endswith("unique.unexpected_count"):
        return measured["doubled"]
    if name.endswith(".unexpected_count"):
        return measured[f"bad {rule.name}"]
    if name.endswith(".filtered_row_count"):
        return measured.get(f"both {rule.name}", measured["table.row_count"])
    return measured[f"{name} {rule.kwargs['column']}"]


def judge(suite_: Suite, measured: dict[str, Any], waived: set[str]) -> list[Result]:
    """Great Expectations' verdict on each rule of a suite.

    Args:
        measured: what `measure` returned, and `rows in table`: rows the table will have after the write.
        waived: names of rules with a waiver.
    """
    import great_expectations.expectations  # noqa: F401  registers the expectations that the next line looks up
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    results = []
    runtime = {"result_format": "BOOLEAN_ONLY"}
    for rule in suite_.rules:
        try:
            expectation = ExpectationConfiguration(type=rule.expectation, kwargs=rule.kwargs).to_domain_obj()
            needed = expectation.get_validation_dependencies(runtime_configuration=runtime).metric_configurations
            values = {name: _metric(name, rule, measured) for name in needed}
            metrics = {needed[name].id: value for name, value in values.items()}
            success = bool(expectation.metrics_validate(metrics=metrics, runtime_configuration=runtime).success)
            observed = json.dumps(values, default=str)
        except Exception as error:
            # A rule that could not be evaluated is a failure, whatever the reason was.
            success, observed = False, json.dumps({"not evaluated": repr(error)})
        results.append(Result(suite_.table, rule.name, rule.expectation, success, rule.name in waived, observed))
    return results


def require(results: Sequence[Result]) -> None:
    """Raise GateFailed if a rule did not hold and has no waiver."""
    failed = [r for r in results if not r.success and not r.waived]
    if failed:
        lines = "; ".join(f"{r.rule} {r.observed}" for r in failed)
        raise GateFailed(
            f"gate of {failed[0].table}: {len(failed)} of {len(results)} rules failed: {lines}",
            "nothing was written behind the gate; see docs/runbooks/gate-failed.md",
        )


# ----------------------------------------------------------------------------------------------------------- waivers


@dataclass(frozen=True)
class Waiver:
    """Lets a run go on past a failed rule, until a day of the data."""

    table: str
    rule: str
    owner: str
    reason: str
    until: date


def waived_rules(table: str, today: date, path: Path = CONF / "waivers.yml") -> set[str]:
    """Rules of a table with a waiver that has not ended on `today` (the newest day in the data, or the run's date).

    Raises:
        BadConfiguration: a waiver lacks an owner, a reason or an end.
    """
    try:
        waivers = [Waiver(**entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8")) or []]
        if any(not (w.owner and w.reason and isinstance(w.until, date)) for w in waivers):
            raise ValueError("owner, reason and until (a date) are required")
    except (OSError, TypeError, ValueError, yaml.YAMLError) as error:
        raise BadConfiguration(f"{path} can't be read: {error}", "each waiver has table, rule, owner, reason, until") from error
    return {w.rule for w in waivers if w.table == table and today <= w.until}
