"""The generator's command: what it refuses, and what it leaves as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lake.generator.__main__ import main
from lake.generator.manifest import NAME, UNDER_WAY


def test_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    assert main([out, "--scale", "0.005", "--faults", "bad_zip=2", "empty_file"]) == 0
    assert json.loads((tmp_path / "out" / NAME).read_text())["totals"] == {"bad_zip": 2, "empty_file": 1}
    for arguments, complaint in [
        ([out], "--force"),
        ([out, "--force", "--scale", "0"], "scale"),
        ([out, "--force", "--faults", "gremlins"], "gremlins"),
        ([out, "--force", "--faults", "bad_zip=x"], "whole number"),
        ([out, "--force", "--faults", "stale_version"], "--days"),
        ([out, "--force", "--scale", "0.01", "--days", "5000"], "too many"),
    ]:
        assert main(arguments) == 2
        assert complaint in capsys.readouterr().err
        if "5000" not in arguments:
            assert (tmp_path / "out" / NAME).exists()
    (tmp_path / "out" / NAME).touch()
    (tmp_path / "out" / "thesis.doc").touch()
    assert main([out, "--force"]) == 2 and (tmp_path / "out" / NAME).exists()
    assert "thesis.doc" in capsys.readouterr().err


@pytest.mark.parametrize("mine", ["2031-01-05/olist_orders_dataset.csv", "initial/notes.txt", "2031-01-05"])
def test_what_somebody_put_beside_the_drops_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str], mine: str) -> None:
    out = tmp_path / "out"
    again = [str(out), "--scale", "0.005", "--days", "1", "--force"]
    assert main(again) == 0 and main(again) == 0
    path = out / mine
    path.parent.mkdir(exist_ok=True)
    path.touch() if path.suffix else path.mkdir()
    assert main(again) == 2 and path.exists() and (out / "initial").exists()
    assert "not from the generator" in capsys.readouterr().err


def test_files_of_the_same_names_that_no_run_has_written_are_left_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "olist_orders_dataset.csv"
    mine.write_text("precious")
    assert main([str(tmp_path), "--scale", "0.005", "--force"]) == 2
    assert mine.read_text() == "precious" and "not from the generator" in capsys.readouterr().err
    (tmp_path / UNDER_WAY).touch()
    assert main([str(tmp_path), "--scale", "0.005", "--force"]) == 0
    assert mine.read_text() != "precious" and not (tmp_path / UNDER_WAY).exists()
