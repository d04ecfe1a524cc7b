"""A query whose generated code has parts with parameters; prints its rows, and how often code was compiled for it."""

from __future__ import annotations

import json
import sys

from pyspark.sql import functions as F

from lake.session import open_lake
from lake.settings import load_settings

NUMBERS = ["id % 7 as key", "nullif(id % 5, 0) as a", "id % 11 as b", "cast(id as decimal(12, 2)) as c", "id % 3 = 0 as d"]
SUMS = ["sum(if(d, a - b, b * {n}))", "sum(if(a > b, c, -{n} * c))", "max(case when d and a < {n} then c when b > a then a end)"]

if __name__ == "__main__":
    spark = open_lake(load_settings(lake=sys.argv[1]), "compiled").spark
    # The driver's loader is the one under which all code is kept, that of the tasks is another.
    system = spark._jvm.java.lang.ClassLoader.getSystemClassLoader()
    spark._jvm.java.lang.Thread.currentThread().setContextClassLoader(system)
    sums = [F.expr(one.format(n=n)).cast("string") for n in range(4) for one in SUMS]
    rows = spark.range(0, 1000, 1, 2).selectExpr(*NUMBERS).groupBy("key").agg(*sums).orderBy("key").collect()
    times = spark._jvm.org.apache.spark.metrics.source.CodegenMetrics.METRIC_COMPILATION_TIME().getCount()
    print(json.dumps({"compiled": times, "rows": [list(row) for row in rows]}))
