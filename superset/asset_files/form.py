"""How an asset looks in a file: nothing that is empty, a default or derived; a fixed order; one short thing a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

LINE = 120


class _Dumper(yaml.SafeDumper):
    """On one line what fits on one, text of several lines as it is written, and lists set in from what they belong to."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.Node:
        return super().represent_mapping(tag, mapping, _is_short(dict(mapping).values(), mapping))

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.Node:
        return super().represent_sequence(tag, sequence, _is_short(sequence, sequence))


def _is_short(values: Iterable[Any], whole: Any) -> bool:
    return len(str(whole)) <= LINE and not any(isinstance(value, dict | list) or "\n" in str(value) for value in values)


class _File(dict):
    """The whole of a file, which is never on one line."""


_Dumper.add_representer(
    _File, lambda dumper, file: yaml.SafeDumper.represent_mapping(dumper, "tag:yaml.org,2002:map", file, flow_style=False)
)
_Dumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)
)


def dump(asset: Mapping[str, Any]) -> str:
    """The text of a file."""
    return yaml.dump(_File(asset), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)


def tidy(value: Any, first: Iterable[str] = ()) -> Any:
    """Without what is empty, at any depth; keys in the order of `first`, then by name. A text loses the blanks that end its
    lines, with which YAML could not write it as it is."""
    if isinstance(value, Mapping):
        names = [name for name in first if name in value] + sorted(value.keys() - set(first), key=str)
        kept = {name: tidy(value[name]) for name in names}
        return {name: held for name, held in kept.items() if held not in (None, "", {}, [])}
    if isinstance(value, list):
        return [tidy(held, first) for held in value]
    if isinstance(value, str) and "\n" in value:
        return "".join(f"{line.rstrip()}\n" for line in value.strip("\n").splitlines())
    return value


def without(asset: Mapping[str, Any], defaults: Mapping[str, Any], derived: Iterable[str] = ()) -> dict[str, Any]:
    """An asset less what its kind always has, and what is made anew at the import."""
    return {name: held for name, held in asset.items() if name not in derived and not (name in defaults and defaults[name] == held)}
