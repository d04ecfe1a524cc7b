select
    customer_state,
    count(*) as orders,
    count(distinct customer_unique_id) as customers,
    sum(items)::bigint as items,
    sum(price_brl)::decimal(18, 2) as price_brl,
    sum(freight_brl)::decimal(18, 2) as freight_brl,
    sum(revenue_brl)::decimal(18, 2) as revenue_brl,
    coalesce(sum(revenue_brl) filter (order_status = 'delivered'), 0)::decimal(18, 2) as revenue_delivered_brl,
    sum(payment_brl)::decimal(18, 2) as payment_brl,
    -- Orders without items bring no revenue and are not in the basket's denominator; nothing to divide by gives null.
    mean_money(sum(revenue_brl), nullif(count(*) filter (items > 0), 0))::decimal(12, 2) as average_basket_brl,
    round(avg(review_score), 4) as review_score_mean
from gold_fact_orders
group by customer_state
