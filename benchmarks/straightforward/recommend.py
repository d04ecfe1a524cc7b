"""The straightforward way's job: recommend."""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

spark = (
    SparkSession.builder.appName("recommend")
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .getOrCreate()
)
lake = sys.argv[1]


def clean(name):
    """A cleaned table."""
    return spark.read.parquet(f"{lake}/clean/{name}.parquet")


def fact(name):
    """A fact written by the first job."""
    return spark.read.format("delta").load(f"{lake}/{name}")


def save(frame, name):
    """Write a Delta table and count it, as such jobs do."""
    frame.write.format("delta").mode("overwrite").save(f"{lake}/{name}")
    print(name, spark.read.format("delta").load(f"{lake}/{name}").count())


from pyspark.ml.evaluation import RegressionEvaluator  # noqa: E402
from pyspark.ml.feature import StringIndexer  # noqa: E402
from pyspark.ml.recommendation import ALS  # noqa: E402

score = F.col("review_score") * (1 + F.log1p("price") / 10)
ratings = fact("fact_items").join(clean("order_reviews").select("order_id", "review_score"), "order_id")
ratings = ratings.groupBy("customer_unique_id", "product_id").agg(F.avg(score).alias("rating"))
for column in ("customer_unique_id", "product_id"):
    ratings = StringIndexer(inputCol=column, outputCol=f"{column}_index").fit(ratings).transform(ratings)
train, test = ratings.randomSplit([0.8, 0.2], seed=42)
model = ALS(userCol="customer_unique_id_index", itemCol="product_id_index", ratingCol="rating", coldStartStrategy="drop", seed=42).fit(
    train
)
print("rmse", RegressionEvaluator(labelCol="rating").evaluate(model.transform(test)))
save(model.recommendForAllUsers(5), "recommendations")
spark.stop()
