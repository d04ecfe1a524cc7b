"""Typed places become standard places: pure column functions over conf/reference/places.yml."""

from __future__ import annotations

import re
from functools import cache

import yaml
from pyspark.sql import Column
from pyspark.sql import functions as F

from lake.settings import CONF

ACCENTED = "áàâãäåéèêëíìîïóòôõöúùûüçñýÁÀÂÃÄÅÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇÑÝ´`’"
PLAIN = "aaaaaaeeeeiiiiooooouuuucnyAAAAAAEEEEIIIIOOOOOUUUUCNY'''"


@cache
def _places() -> dict:
    return yaml.safe_load((CONF / "reference" / "places.yml").read_text(encoding="utf-8"))


@cache
def _state_of_prefix() -> list[str | None]:
    """The state of each first three digits, 000 to 999."""
    of = {
        number: state
        for state, ranges in _places()["states"].items()
        for first, last in ranges
        for number in range(int(first), int(last) + 1)
    }
    return [of.get(number) for number in range(1000)]


def state(typed: Column, zip_prefix: Column) -> Column:
    """The state of the postal code range, as typed (upper case) where the prefix lies in none."""
    # An array of literals is folded once and indexed; a map of literals would be searched from its start for each row.
    states = F.array(*[F.lit(state) for state in _state_of_prefix()])
    return F.coalesce(F.get(states, F.substring(zip_prefix, 1, 3).try_cast("int")), F.upper(typed))


def city(typed: Column, typed_state: Column, zip_prefix: Column) -> Column:
    """The city in lower case without accents or decoration; the steps are described in places.yml."""
    places = _places()
    codes = "|".join(code.lower() for code in places["states"])
    # An accent is part of the letter or a combining mark behind it.
    text = F.translate(F.regexp_replace(F.lower(typed), r"\p{M}", ""), ACCENTED, PLAIN)
    text = F.regexp_replace(text, r"\s*[/\\,(].*$", "")
    text = F.regexp_replace(text, rf"\s*-\s*({codes})\s*$", "")
    text = F.trim(F.regexp_replace(text, r"[\s'\-]+", " "))
    # Nearly all cities are plain already; one look spares them the four above.
    text = F.when(typed.rlike(r"^[a-z]+( [a-z]+)*\z"), typed).otherwise(text)
    # "sao paulo sp" in SP loses its code; "santa fe do sul" in any state keeps its last word.
    own_code = F.concat(F.lit(" "), F.lower(typed_state))
    text = F.when(text.endswith(own_code), F.left(text, F.length(text) - F.lit(3))).otherwise(text)
    aliases = F.create_map(*[F.lit(part) for pair in places["aliases"].items() for part in pair])
    text = F.when(text.isin(*places["aliases"]), F.element_at(aliases, text)).otherwise(text)
    not_a_city = set(places["not_cities"]) | set(places["state_names"]) | {code.lower() for code in places["states"]}
    in_range = F.coalesce(*[F.when(zip_prefix.between(c["from"], c["to"]), F.lit(c["city"])) for c in places["cities"]])
    meaningless = text.isin(*sorted(not_a_city)) | text.rlike(r"^[0-9 ]*$") | text.contains("@")
    return F.when(meaningless, F.coalesce(in_range, text)).otherwise(text)


DERIVATIONS = {"city": city, "state": state}


def derive(expression: str, columns: dict[str, Column]) -> Column:
    """The column that a contract's `derived: "name(column, ...)"` describes."""
    match = re.fullmatch(r"(\w+)\(([\w, ]+)\)", expression)
    if not match or match[1] not in DERIVATIONS:
        raise ValueError(f"unknown derivation {expression!r}: expected one of {', '.join(DERIVATIONS)}(column, ...)")
    return DERIVATIONS[match[1]](*[columns[name.strip()] for name in match[2].split(",")])
