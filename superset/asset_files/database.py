"""A database's file: which store it is. Address and account are the environment's (superset_config.py)."""

from __future__ import annotations

from asset_files.form import tidy, without
from asset_files.names import Names

FIRST = ("uuid", "database_name", "sqlalchemy_uri")
DEFAULTS = {
    "expose_in_sqllab": True, "allow_run_async": False, "allow_ctas": False, "allow_cvas": False, "allow_dml": False,
    "allow_csv_upload": False, "impersonate_user": False, "is_managed_externally": False, "configuration_method": "sqlalchemy_form",
}  # fmt: skip
DERIVED = ("version", "password")


def pack(asset: dict, names: Names) -> dict:
    """The file's content -> what Superset imports."""
    return DEFAULTS | {"extra": {}} | asset


def unpack(asset: dict, names: Names) -> dict:
    """What Superset exports -> the file's content."""
    return tidy(without(asset, DEFAULTS, DERIVED), FIRST)
