"""The lake's silver and gold tables by DuckDB (the tests' independent computation), written by delta-rs."""

import sys
from pathlib import Path

from deltalake import write_deltalake

from tests.oracle import open_oracle

if __name__ == "__main__":
    landing, lake = Path(sys.argv[1]), Path(sys.argv[2])
    db = open_oracle(landing)
    for (table,) in db.execute("select table_name from information_schema.tables where table_name ~ '^(silver|gold)_'").fetchall():
        layer, name = table.split("_", 1)
        write_deltalake(lake / layer / name, db.execute(f"select * from {table}").to_arrow_table())
