select
    review_month,
    count(*) as reviews,
    round(avg(review_score), 4) as score_mean,
    count(*) filter (review_score = 1) as score_1,
    count(*) filter (review_score = 2) as score_2,
    count(*) filter (review_score = 3) as score_3,
    count(*) filter (review_score = 4) as score_4,
    count(*) filter (review_score = 5) as score_5,
    round(count(*) filter (review_score >= 4) / count(*), 6) as satisfied_share,
    round(count(*) filter (review_score <= 2) / count(*), 6) as dissatisfied_share,
    count(review_comment_message) as with_message,
    round(sum(date_diff('second', review_creation_date, review_answer_timestamp)) / (3600 * count(*)), 4) as answer_hours_mean
from gold_fact_reviews
group by review_month
