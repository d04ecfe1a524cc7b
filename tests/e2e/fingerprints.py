"""A job for tests: the fingerprint of every table of silver and gold as Spark reads it, and a table that has been through everything.

spark-submit fingerprints.py OUT: writes {table: {"rows", "sums", "checksum"}} to OUT.
"""

import json
import sys
from pathlib import Path

from delta.tables import DeltaTable

from lake import tables
from lake.contracts import layer
from lake.publish.fingerprint import fingerprint
from lake.session import open_lake
from lake.settings import load_settings

WORN = "s3a://lake/worn/table"
WORN_TYPES = {"id": "bigint", "amount_brl": "decimal(12,2)", "word": "string", "added": "string"}


def wear(spark) -> None:
    """A table with deletes, merges, a compaction, deletion vectors, and a column that came later."""
    first = spark.range(2000).selectExpr("id", "cast(id as decimal(12,2)) / 4 as amount_brl", "concat('coração ', id) as word")
    first = first.selectExpr("id", "cast(amount_brl as decimal(12,2)) as amount_brl", "word")
    first.write.format("delta").option("delta.enableDeletionVectors", "true").mode("overwrite").save(WORN)
    table = DeltaTable.forPath(spark, WORN)
    table.delete("id % 10 = 3")
    newer = spark.range(1990, 2010).selectExpr("id", "cast(1.25 as decimal(12,2)) as amount_brl", "'newer' as word")
    table.alias("t").merge(newer.alias("s"), "t.id = s.id").whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
    table.optimize().executeCompaction()
    spark.sql(f"alter table delta.`{WORN}` add column added string comment 'Came later'")
    spark.range(3000, 3010).selectExpr("id", "cast(2 as decimal(12,2)) as amount_brl", "null as word", "'é' as added").write.format(
        "delta"
    ).mode("append").save(WORN)
    table.delete("id = 3005")


if __name__ == "__main__":
    lake = open_lake(load_settings("minio"), "fingerprints")
    frames = {
        contract.name: (tables.read(lake, contract.name), {field.name: field.dataType.simpleString() for field in contract.schema})
        for contract in (*layer("silver"), *layer("gold"))
    }
    wear(lake.spark)
    frames["worn.table"] = (lake.spark.read.format("delta").load(WORN), WORN_TYPES)
    found = {name: fingerprint(frame, types).to_json() | {"types": types} for name, (frame, types) in frames.items()}
    Path(sys.argv[1]).write_text(json.dumps(found))
