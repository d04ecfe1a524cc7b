"""Waivers: whose rule may fail until when, and what is none."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lake.errors import BadConfiguration
from lake.suites import waived_rules

RIGHT = '{table: gold.fact_orders, rule: "between:items", owner: ana, reason: "supplier test orders", until: 2018-12-31}'


def written(folder: Path, waiver: str) -> Path:
    path = folder / "waivers.yml"
    path.write_text(f"- {waiver}\n")
    return path


@pytest.mark.parametrize(
    ("table", "today", "waived"),
    [
        ("gold.fact_orders", date(2018, 12, 31), {"between:items"}),
        ("gold.fact_orders", date(2019, 1, 1), set()),
        ("gold.fact_payments", date(2018, 12, 31), set()),
    ],
)
def test_a_waiver_holds_for_its_table_through_its_last_day(tmp_path: Path, table: str, today: date, waived: set[str]) -> None:
    assert waived_rules(table, today, written(tmp_path, RIGHT)) == waived


@pytest.mark.parametrize(
    ("given", "instead"),
    [
        (" owner: ana,", ""),
        ("owner: ana", "owner: ''"),
        ("2018-12-31", "2018-12-31 00:00:00"),
        ("2018-12-31", "someday"),
        ("until", "unitl"),
    ],
)
def test_a_waiver_that_lacks_something_is_refused(tmp_path: Path, given: str, instead: str) -> None:
    with pytest.raises(BadConfiguration, match="each waiver has table, rule, owner, reason, until"):
        waived_rules("gold.fact_orders", date(2018, 1, 1), written(tmp_path, RIGHT.replace(given, instead)))


def test_no_waivers_are_none(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yml"
    path.write_text("# none\n")
    assert waived_rules("gold.fact_orders", date(2018, 1, 1), path) == set()
