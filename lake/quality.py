"""The gate before each table: one Spark job measures the rows about to be written for their suite (lake/suites.py), and the
verdict is Great Expectations' own. What can't be measured or evaluated is a failure.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.errors import GateFailed
from lake.suites import ROW_RULES, TABLE_RULES, Rule, Suite, broken

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

# A measurement: sum, max or min of a column.
Aggregate = tuple[str, Column]
COMBINE: dict[str, Callable[[list[Any]], Any]] = {"sum": sum, "max": max, "min": min}


@dataclass(frozen=True)
class Measured:
    """What was measured: `values` for the suite, and by group the rows and the further measurements."""

    values: dict[str, Any]
    groups: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Result:
    """What one rule found."""

    table: str
    rule: str
    expectation: str
    success: bool
    waived: bool
    observed: str


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
