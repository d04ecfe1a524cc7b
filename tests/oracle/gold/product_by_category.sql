select
    category,
    count(distinct product_id) as products,
    count(distinct seller_id) as sellers,
    count(distinct order_id) as orders,
    count(*) as items,
    sum(price_brl)::decimal(18, 2) as price_brl,
    sum(freight_brl)::decimal(18, 2) as freight_brl,
    sum(revenue_brl)::decimal(18, 2) as revenue_brl,
    coalesce(sum(revenue_brl) filter (order_status = 'delivered'), 0)::decimal(18, 2) as revenue_delivered_brl,
    mean_money(sum(price_brl), count(*))::decimal(12, 2) as price_mean_brl,
    min(price_brl) as price_min_brl,
    max(price_brl) as price_max_brl
from gold_fact_order_items
group by category
