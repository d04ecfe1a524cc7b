"""landing -> bronze: every odd file has a defined result, no row is lost, no value shifts to another column."""

from __future__ import annotations

import gzip

import pytest

from lake.errors import BadInput, LawBroken
from lake.ingest import ingest
from lake.pipeline import run_on
from tests.marketplace import ident, marketplace

HEADER = "review_id,order_id,review_score,review_comment_title,review_comment_message,review_creation_date,review_answer_timestamp\n"
TAIL = "2018-01-01 00:00:00,2018-01-02 10:00:00"


def review(number: int, message: str = "") -> str:
    return f"{ident('r', number)},{ident('o', number)},5,,{message},{TAIL}\n"


def load(world) -> list[str]:
    with run_on(world.lake) as run:
        return ingest(world.lake, run)


def put(world, name: str, text: str | bytes) -> None:
    (world.landing / name).write_bytes(text.encode() if isinstance(text, str) else text)


def test_a_name_is_a_name_whatever_addresses_and_patterns_make_of_it(world):
    names = ["olist_order_reviews_dataset (1).csv", "olist_order_reviews_dataset [a-z] {b,c} 100%25 #1 é+&*?.csv"]
    for number, name in enumerate(names):
        put(world, name, HEADER + review(2 * number, '"a\nb"') + review(2 * number + 1))
    # What the second name means as a pattern.
    meant = "olist_order_reviews_dataset d b 100%25 #1 é+&xy.csv"
    put(world, meant, HEADER + review(9))
    assert load(world) == []
    rows = world.sql("select _file, count(*), max(_line) from bronze_order_reviews group by 1 order by 1")
    assert rows == [*((name, 2, 4) for name in names), (meant, 1, 2)]


def test_a_line_break_inside_quotes_does_not_end_a_record(world):
    message = '"linha 1\r\nlinha 2, com virgula e ""aspas"""'
    put(world, "olist_order_reviews_dataset.csv", HEADER + review(1) + review(2, message) + review(3, "fim"))
    assert load(world) == []
    rows = world.sql("select _line, review_comment_message, _raw, review_answer_timestamp from bronze_order_reviews order by 1")
    assert rows == [
        (2, None, None, "2018-01-02 10:00:00"),
        (3, 'linha 1\r\nlinha 2, com virgula e "aspas"', None, "2018-01-02 10:00:00"),
        (5, "fim", None, "2018-01-02 10:00:00"),
    ]


@pytest.mark.parametrize("at_end", [True, False])
def test_an_unclosed_quote_breaks_its_own_line_and_no_other(world, at_end):
    broken = f'{ident("r", 9)},{ident("o", 9)},1,,"nunca fechou,{TAIL}\n'
    good = review(1, '"duas\nlinhas"') + review(2, '"tres\n\nlinhas"')
    put(world, "olist_order_reviews_dataset.csv", HEADER + (good + broken if at_end else broken + good) + ("" if at_end else review(4)))
    load(world)
    rows = world.sql("select review_id, review_comment_message, _raw from bronze_order_reviews order by _line")
    assert [r for r in rows if r[2]] == [(None, None, broken.rstrip("\n"))]
    assert {(r[0], r[1]) for r in rows if not r[2]} >= {(ident("r", 1), "duas\nlinhas"), (ident("r", 2), "tres\n\nlinhas")}


def test_lines_of_the_wrong_length_are_kept_whole(world):
    short, long = f"{ident('r', 1)},{ident('o', 1)},5\n", review(2).rstrip("\n") + ",noch,mehr\n"
    put(world, "olist_order_reviews_dataset.csv", HEADER + short + review(3) + long)
    load(world)
    assert world.sql("select _line, review_id, _raw from bronze_order_reviews order by 1") == [
        (2, None, short.rstrip("\n")), (3, ident("r", 3), None), (4, None, long.rstrip("\n")),
    ]  # fmt: skip


def test_every_dialect_of_a_good_file_gives_the_same_rows(world):
    lines = ["seller_id,seller_zip_code_prefix,seller_city,seller_state"] + [f"{ident('s', i)},0103{i},sao paulo,SP" for i in range(3)]
    text = "\n".join(lines) + "\n"
    swapped = "\n".join(",".join(reversed(line.split(","))) for line in lines) + "\n"
    more = "\n".join(line + (",note" if i == 0 else f",n{i}") for i, line in enumerate(lines)) + "\n"
    for folder, content in {
        "plain": text, "bom": "\ufeff" + text, "crlf": text.replace("\n", "\r\n"), "nonl": text + "\n\n", "swapped": swapped, "more": more,
        "quoted": "\n".join(",".join(f'"{v}"' for v in line.split(",")) for line in lines),
    }.items():  # fmt: skip
        (world.landing / folder).mkdir()
        put(world, f"{folder}/olist_sellers_dataset.csv", content)
    put(world, "olist_sellers_dataset_9.csv.gz", gzip.compress(text.encode() + b"\n" + text.encode().split(b"\n")[1] + b"\n"))
    assert load(world) == []
    rows = world.sql(
        "select _file, count(*), sum(length(seller_zip_code_prefix)), min(seller_id), min(_line) from bronze_sellers group by 1"
    )
    assert len(rows) == 8
    assert {r[1:] for r in rows if not r[0].endswith("gz")} == {(3, 15, min(ident("s", i) for i in range(3)), 2)}
    assert world.sql("select distinct _extra from bronze_sellers where _extra is not null order by 1")[0] == ('{"note":"n1"}',)
    details = dict(world.sql("select file, detail from ops_files where detail is not null"))
    assert details == {"more/olist_sellers_dataset.csv": "extra columns note"}


def test_files_that_can_not_be_read_are_refused_and_the_others_loaded(world):
    good = marketplace(3)
    world.deliver("", good)
    put(world, "olist_sellers_dataset_semicolon.csv", "seller_id;seller_zip_code_prefix;seller_city;seller_state\na;b;c;d\n")
    put(world, "olist_sellers_dataset_missing.csv", "seller_id,seller_city,seller_state\na,b,SP\n")
    put(
        world,
        "olist_sellers_dataset_latin1.csv",
        "seller_id,seller_zip_code_prefix,seller_city,seller_state\na,01037,são paulo,SP\n".encode("latin-1"),
    )
    put(world, "olist_sellers_dataset_empty.csv", "")
    put(world, "olist_sellers_dataset_header.csv", "seller_id,seller_zip_code_prefix,seller_city,seller_state\n")
    put(world, "olist_sellers_dataset_zip.csv", gzip.compress(b"seller_id"))
    put(world, "sales.csv", "a,b\n1,2\n")
    put(world, "_SUCCESS", "")
    (world.landing / "again").mkdir()
    put(world, "again/olist_sellers_dataset.csv", (world.landing / "olist_sellers_dataset.csv").read_bytes())
    refused = load(world)
    assert len(refused) == 5
    assert any("delimiter is a semicolon" in line for line in refused)
    assert any("lacks seller_zip_code_prefix" in line for line in refused)
    assert any("not UTF-8" in line for line in refused)
    status = dict(world.sql("select file, status from ops_files"))
    assert status["olist_sellers_dataset_empty.csv"] == status["olist_sellers_dataset_header.csv"] == "empty"
    assert sorted([status["again/olist_sellers_dataset.csv"], status["olist_sellers_dataset.csv"]]) == ["duplicate", "loaded"]
    assert world.sql("select count(*) from bronze_sellers") == [(3,)]
    # A refused file speaks again in every run, and nothing is loaded twice.
    assert len(load(world)) == 5
    assert world.sql("select count(*) from bronze_sellers") == [(3,)]
    assert world.sql("select count(*), count(distinct (file, file_id)) from ops_files") == [(17, 17)]


def test_a_file_that_is_spoilt_again_is_refused_again(world):
    sellers = "seller_id,seller_zip_code_prefix,seller_city,seller_state\n" + f"{'0' * 32},01037,são paulo,SP\n"
    for content in (sellers.encode("latin-1"), sellers.encode(), sellers.encode("latin-1"), sellers.encode("latin-1")):
        put(world, "olist_sellers_dataset.csv", content)
        load(world)
    assert world.sql("select status from ops_files order by found_at") == [("refused",), ("loaded",), ("refused",)]


def test_rows_that_were_not_counted_are_not_committed(world, monkeypatch):
    from lake import ingest as module

    read = module._rows
    world.deliver("", {"sellers": marketplace(3)["sellers"]})
    monkeypatch.setattr(module, "_rows", lambda *given: read(*given).union(read(*given)))
    with pytest.raises(LawBroken, match="bronze.sellers: 3 rows were counted and 6 were read; nothing was committed"):
        load(world)
    assert not world.versions("bronze")


def test_a_file_that_grows_while_it_is_read_is_refused_alone_until_it_is_whole(world, monkeypatch):
    from lake import ingest as module

    feeds, read = marketplace(3), module._rows
    world.deliver("", feeds)
    world.deliver("2018-01-01", {"sellers": [{**feeds["sellers"][0], "seller_id": ident("seller", 8)}]})
    path = world.landing / "olist_sellers_dataset.csv"

    def rows(lake, feed, *rest):
        if feed.name == "bronze.sellers" and len(rest[0]) == 2:
            path.write_text(path.read_text(encoding="utf-8") + f"{ident('seller', 9)},01037,osasco,SP\n", encoding="utf-8")
        return read(lake, feed, *rest)

    monkeypatch.setattr(module, "_rows", rows)
    assert load(world) == ["olist_sellers_dataset.csv: somebody wrote to it while it was read"]
    monkeypatch.undo()
    assert world.sql("select _file, count(*) from bronze_sellers group by 1") == [("2018-01-01/olist_sellers_dataset.csv", 1)]
    told = "select file, status, batch from ops_files where feed = 'bronze.sellers' order by 2, 3"
    drop, first = "2018-01-01/olist_sellers_dataset.csv", "olist_sellers_dataset.csv"
    assert world.sql(told) == [(drop, "loaded", 1), (first, "refused", None)]
    assert load(world) == []
    assert world.sql("select count(*) from bronze_sellers") == [(5,)]
    assert world.sql(told) == [(drop, "loaded", 1), (first, "loaded", 2), (first, "refused", None)]
    assert world.run("conform").finished


def test_a_file_that_is_still_being_written_belongs_to_no_feed(world):
    world.deliver("", marketplace(3))
    for name in ("olist_sellers_dataset.csv.filepart", "olist_sellers_dataset.csv.gz.tmp"):
        put(world, name, "seller_id,seller_zip_code_prefix,seller_city,seller_state\na,0")
    refused = load(world)
    assert len(refused) == 2 and all("no feed claims this name" in line for line in refused)


def test_lines_that_end_in_cr_lf_behind_a_header_that_ends_in_lf_lose_nothing_but_that(world):
    put(world, "olist_sellers_dataset.csv", f"seller_zip_code_prefix,seller_city,seller_state,seller_id\n01037,osasco,SP,{ident('s')}\r\n")
    load(world)
    assert world.sql("select seller_id from bronze_sellers") == [(ident("s"),)]


def test_the_same_bytes_are_loaded_again_only_where_another_file_came_between(world):
    sellers = marketplace(2)["sellers"]
    world.deliver("", marketplace(2))

    def deliver(day, city):
        world.deliver(day, {"sellers": [{**sellers[0], "seller_city": city}]})
        load(world)
        return dict(world.sql("select drop_date::text, status from ops_files where feed = 'bronze.sellers' and drop_date is not null"))

    assert deliver("2018-01-01", "osasco") == {"2018-01-01": "loaded"}
    assert deliver("2018-01-04", "osasco")["2018-01-04"] == "duplicate"
    assert deliver("2018-01-05", "santos")["2018-01-05"] == "loaded"
    assert deliver("2018-01-06", "osasco")["2018-01-06"] == "loaded"
    # What is older than all that said it, and what a late file makes say something: osasco, campinas, osasco.
    assert deliver("2017-12-31", "osasco")["2017-12-31"] == "loaded"
    deliver("2018-01-02", "campinas")
    fourth = world.sql("select status from ops_files where drop_date = '2018-01-04' order by 1")
    assert fourth == [("duplicate",), ("loaded",)]
    assert world.sql("select count(*), count(distinct _file) from bronze_sellers where seller_city = 'osasco'") == [(4, 4)]
    before = world.versions("bronze")
    load(world)
    assert world.versions("bronze") == before


def test_an_ingest_that_died_before_it_noted_its_files_loads_nothing_twice(world):
    world.deliver("", marketplace(3))
    with run_on(world.lake) as run:
        ingest(world.lake, run)
        run.rows.pop("ops.files")
    assert world.sql("select count(*) from information_schema.tables where table_name = 'ops_files'") == [(0,)]
    load(world)
    assert world.sql("select count(*) from bronze_orders") == [(3,)]
    assert world.sql("select count(*) from ops_files where status = 'loaded'") == [(9,)]


def test_an_empty_or_missing_landing_folder_says_what_to_do(world):
    with pytest.raises(BadInput, match="no files in"):
        load(world)
    world.landing.rmdir()
    with pytest.raises(BadInput, match="there is no folder"):
        load(world)
