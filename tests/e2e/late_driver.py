"""A run on the bucket that appends to one table: name, folder. The one named `late` holds the lake until `go` is in the folder."""

import sys
from pathlib import Path

from lake import commits, lock, tables
from lake.contracts import contract
from lake.errors import LakeError
from lake.session import Lake, open_lake
from lake.settings import load_settings
from tests.lakes import until

LAKE = "s3a://lake/late"
TABLE = contract("gold.sales_by_state")


def append(lake: Lake, name: str, sequence: int) -> None:
    values = {"customer_state": f"'{name}'"}
    row = lake.spark.range(1).selectExpr(*[f"cast({values.get(n, '1')} as {c.type}) as {n}" for n, c in TABLE.columns.items()])
    commits.append(lake, TABLE, row, tables.Note(name, "build", sequence, {}, sequence))


if __name__ == "__main__":
    name, folder = sys.argv[1], Path(sys.argv[2])
    lock.LEASE_SECONDS = 4
    lake = open_lake(load_settings("minio", LAKE), name)
    with lock.exclusive(lake, name, wait=60):
        if name == "late":
            append(lake, "before", 1)
        sequence = tables.note(lake, TABLE.name).sequence + 1
        if name == "late":
            (folder / "holds").touch()
            until((folder / "go").exists)
        try:
            append(lake, name, sequence)
        except LakeError as error:
            sys.exit(f"refused: {error}")
