"""The figures that report and summary share, and the summary itself, on tiny lakes written by delta-rs."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from lake.figures import collect, text
from lake.figures.mask import masked_row
from lake.summary import print_summary
from tests.unit.tiny_lake import RUN, at, write, write_lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lake")
    write_lake(root)
    return root


def test_masking_shows_only_what_is_known_to_be_harmless() -> None:
    raw = json.dumps({"customer_id": "c1", "order_status": "lost", "cpf": "123.456.789-09"})
    assert masked_row("silver.orders", ["regex:customer_id", "in_set:order_status"], raw) == [
        ("customer_id", "••• (2 characters)"),
        ("order_status", "lost"),
    ]
    assert masked_row("silver.orders", ["regex:cpf"], raw) == [("cpf", "••• (14 characters)")]
    assert masked_row("silver.orders", ["row_shape"], raw) == [("record", f"••• ({len(raw)} characters)")]
    assert masked_row("silver.orders", ["not_null:order_status"], '{"order_status": null}') == [("order_status", "(empty)")]


def test_the_summary_fits_a_screen_and_says_what_matters(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(str(lake))
    lines = capsys.readouterr().out.splitlines()
    said = " ".join(" ".join(lines).split())
    assert len(lines) < 45 and max(map(len, lines)) <= 100
    for figure in (
        RUN,
        "failed",
        "R$ 1,234,588.00",
        "R$ 308,647.00",
        "66.7 %",
        "4.33 of 5",
        "3 rules passed, 1 failed, 1 waived",
        "5 rows",
        "1 wait for a parent, 1 overdue",
        "1 loaded, 1 refused",
        "conform (1 failed) 6.0 s",
    ):
        assert figure in said


def test_the_summary_of_an_empty_lake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(str(tmp_path))
    assert "no run yet" in capsys.readouterr().out


def test_report_and_summary_share_their_figures(lake: Path) -> None:
    figures = collect(str(lake))
    assert figures.operations.run.status == "failed" and figures.operations.run.seconds == 10.0
    assert figures.business.key.revenue_delivered_brl == Decimal("1234568.00")


def test_a_file_is_refused_until_it_is_mended(tmp_path: Path) -> None:
    days = {"mended.csv": ["refused", "loaded"], "emptied.csv": ["refused", "empty"], "spoilt.csv": ["loaded", "refused"]}
    days |= {"bad.csv": ["refused", "refused"], "repeated.csv": ["refused", "duplicate"]}
    rows = [
        {"file": file, "status": status, "detail": "no header", "found_at": at(f"2018-04-0{day} 06:00:00")}
        for file, statuses in days.items()
        for day, status in enumerate(statuses, 1)
    ]
    write(tmp_path, "ops.files", *rows)
    found = collect(str(tmp_path)).operations
    assert [(row["file"], row["found_at"].day) for row in found.refused] == [("bad.csv", 2), ("spoilt.csv", 2)]
    assert {row["status"]: row["files"] for row in found.files} == {"duplicate": 1, "empty": 1, "loaded": 2, "refused": 3}


def test_numbers_are_written_for_people() -> None:
    assert text.brl(Decimal("1234567.885")) == "R$ 1,234,567.89"
    assert (text.share(0.93226), text.month(date(2017, 11, 1)), text.seconds(125), text.days(0.0143)) == (
        "93.2 %",
        "2017-11",
        "2 min 05 s",
        "21 min",
    )
    assert (text.brl(None), text.share(None), text.number(None)) == ("–", "–", "–")
