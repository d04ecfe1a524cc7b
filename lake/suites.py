"""Suites of Great Expectations, as they are written: expectations/<layer>/<table>.json, and the waivers in conf/waivers.yml.

A suite is written once. Its row rules become column conditions here, so that one projection finds every broken rule of every row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import Column
from pyspark.sql import functions as F

from lake.contracts import Contract
from lake.errors import BadConfiguration, GateFailed
from lake.settings import CONF, EXPECTATIONS

Kwargs = dict[str, Any]


def _outside(kwargs: Kwargs, value: Column) -> Column:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    below = F.lit(False) if low is None else (value <= low if kwargs.get("strict_min") else value < low)
    above = F.lit(False) if high is None else (value >= high if kwargs.get("strict_max") else value > high)
    return below | above


def _to_the_end(regex: str) -> str:
    """The same for Java, whose `$` matches before a last line break too."""
    return regex[:-1] + r"\z" if regex.endswith("$") and not regex.endswith(r"\$") else regex


def _before(kwargs: Kwargs, value: Column, other: Column) -> Column:
    return value < other if kwargs.get("or_equal") else value <= other


# Row rules: expectation -> (short name, condition under which a row breaks it). A null breaks only the first.
ROW_RULES: dict[str, tuple[str, Callable[[Kwargs], Column]]] = {
    "expect_column_values_to_not_be_null": ("not_null", lambda k: F.col(k["column"]).isNull()),
    "expect_column_values_to_be_in_set": ("in_set", lambda k: ~F.col(k["column"]).isin(*k["value_set"])),
    "expect_column_values_to_be_between": ("between", lambda k: _outside(k, F.col(k["column"]))),
    "expect_column_values_to_match_regex": ("regex", lambda k: ~F.col(k["column"]).rlike(_to_the_end(k["regex"]))),
    "expect_column_value_lengths_to_be_between": ("length", lambda k: _outside(k, F.length(k["column"]))),
    "expect_column_pair_values_a_to_be_greater_than_b": ("not_before", lambda k: _before(k, F.col(k["column_A"]), F.col(k["column_B"]))),
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


@dataclass(frozen=True)
class Rule:
    """One expectation of a suite. `name` is short and unique in the suite, as it stands in the quarantine; `by_day` compares two
    times by their days, where one of them says no more."""

    name: str
    expectation: str
    kwargs: Kwargs
    quarantines: bool
    by_day: bool = False


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
            rules.append(Rule(_name(kind, kwargs), kind, kwargs, bool(meta.get("quarantine")), bool(meta.get("by_day"))))
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
    if rule.by_day:
        return _before(rule.kwargs, F.to_date(rule.kwargs["column_A"]), F.to_date(rule.kwargs["column_B"]))
    return ROW_RULES[rule.expectation][1](rule.kwargs)


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
        # A time of day would be an instance of date too, which no day can be compared with.
        if any(not (w.owner and w.reason and type(w.until) is date) for w in waivers):
            raise ValueError("owner, reason and until (a date) are required")
    except (OSError, TypeError, ValueError, yaml.YAMLError) as error:
        raise BadConfiguration(f"{path} can't be read: {error}", "each waiver has table, rule, owner, reason, until") from error
    return {w.rule for w in waivers if w.table == table and today <= w.until}
