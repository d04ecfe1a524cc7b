"""The straightforward way's job: recommend."""

from common import clean, fact, save, spark
from pyspark.ml.evaluation import RegressionEvaluator
from pyspark.ml.feature import StringIndexer
from pyspark.ml.recommendation import ALS
from pyspark.sql import functions as F

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
