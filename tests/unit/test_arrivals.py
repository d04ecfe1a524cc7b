"""What has come is held against what contracts promise; small files and listings beside it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from lake.arrivals import check, newest_drop, promised
from lake.contracts import Feed, contract
from lake.errors import BadInput
from lake.files import listing, name_of, put_text
from lake.settings import Settings


def deliver(folder, feed: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / contract(feed).feed.files.replace("*", "")).write_text("a\n1\n")


def settings(folder) -> Settings:
    return Settings(profile="embedded", lake=str(folder / "lake"), landing=str(folder / "landing"), spark={})


def test_the_day_of_a_drop_is_in_its_path():
    files = ["initial/orders.csv", "2018-08-28/orders.csv", "2018-08-29/orders.csv", "2018-09-01/items.csv", "2018-08-30_orders.csv"]
    assert newest_drop(files, Feed(files="orders*.csv", required=())) == date(2018, 8, 29)
    assert newest_drop(files, Feed(files="*orders.csv", required=())) == date(2018, 8, 30)
    assert newest_drop(files, Feed(files="reviews*.csv", required=())) is None


def test_a_feed_that_is_older_than_promised_is_named_and_one_that_came_is_not(tmp_path):
    today, (late, *others) = date(2018, 8, 29), promised()
    for silver in others:
        deliver(tmp_path / "landing" / str(today), silver.source)
    deliver(tmp_path / "landing" / str(today - timedelta(days=late.freshness_days + 1)), late.source)
    with pytest.raises(BadInput, match=f"^{late.source} has nothing newer than") as error:
        check(settings(tmp_path), today)
    assert not any(other.source in str(error.value) for other in others)
    assert check(settings(tmp_path), today - timedelta(days=1))
    assert check(settings(tmp_path), None)  # without a day there is no promise to hold it against


def test_an_empty_landing_folder_is_said(tmp_path):
    with pytest.raises(BadInput, match="no files in"):
        check(settings(tmp_path), None)


def test_files_without_a_date_keep_no_promise_and_are_told_why(tmp_path):
    for silver in promised():
        deliver(tmp_path / "landing", silver.source)
    with pytest.raises(BadInput, match="has no file with a date in its path"):
        check(settings(tmp_path), date(2018, 8, 29))


def test_a_listing_goes_into_folders_that_are_linked(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.csv").write_text("x")
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "2018-08-30").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "landing" / "gone.csv").symlink_to(tmp_path / "nowhere")
    assert listing(str(tmp_path / "landing")) == ["2018-08-30/a.csv"]


def test_a_listing_leaves_out_what_is_hidden_and_a_text_is_written_whole(tmp_path):
    path = put_text(f"{tmp_path}/reports/{name_of('scheduled__2018-08-29T06:00:00+00:00')}", "report.json", "ação")
    put_text(path.rsplit("/", 1)[0], "report.json", "new")
    (tmp_path / "_tmp").mkdir()
    (tmp_path / "_tmp" / "half.csv").write_text("x")
    (tmp_path / ".hidden.csv").write_text("x")
    assert listing(str(tmp_path)) == ["reports/scheduled__2018-08-29T06_3A00_3A00_2B00_3A00/report.json"]
    assert Path(path).read_text(encoding="utf-8") == "new"
    assert listing(str(tmp_path / "nothing")) == []
