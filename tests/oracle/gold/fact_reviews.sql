select
    r.review_id,
    r.order_id,
    o.customer_unique_id,
    o.customer_state,
    o.order_status,
    c.categories,
    r.review_score,
    r.review_comment_title,
    r.review_comment_message,
    r.review_creation_date,
    r.review_answer_timestamp,
    month_of(r.review_creation_date) as review_month,
    date_diff('second', r.review_creation_date, r.review_answer_timestamp) / 3600.0::double as answer_hours,
    o.is_on_time
from silver_order_reviews r
inner join known_orders o using (order_id)
left join gold_fact_orders c using (order_id)
