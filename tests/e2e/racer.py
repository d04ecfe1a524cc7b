"""A driver that appends to one table of the bucket at the same moments as another: name, rounds, table, folder to meet in."""

import sys
import time
from pathlib import Path

from pyspark.sql import functions as F

from lake.session import open_lake
from lake.settings import load_settings


def meet(folder: Path, name: str, number: int) -> None:
    """Go on when both drivers have come this far."""
    (folder / f"{number}-{name}").touch()
    until = time.monotonic() + 120
    while len(list(folder.glob(f"{number}-*"))) < 2:
        if time.monotonic() > until:
            sys.exit("the other driver did not come")
        time.sleep(0.001)


if __name__ == "__main__":
    name, rounds, table, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    spark = open_lake(load_settings("minio"), f"racer {name}").spark
    if name == "left":
        # Of two that create a table at the same moment Delta refuses one, as it should.
        spark.createDataFrame([], "driver string, round int").write.format("delta").save(table)
    meet(folder, name, -1)
    for number in range(rounds):
        row = spark.range(1).select(F.lit(name).alias("driver"), F.lit(number).alias("round"))
        meet(folder, name, number)
        row.write.format("delta").mode("append").save(table)
