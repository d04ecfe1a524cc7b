with sales as (
    select
        seller_id,
        -- One seller has one state; any_value passes over nulls.
        any_value(seller_state) as seller_state,
        count(*) as items,
        count(distinct product_id) as products,
        sum(revenue_brl)::decimal(18, 2) as revenue_brl,
        coalesce(sum(revenue_brl) filter (order_status = 'delivered'), 0)::decimal(18, 2) as revenue_delivered_brl
    from gold_fact_order_items
    group by seller_id
),
-- What is true of an order counts once per seller, however many items of the seller are in it.
orders_of_seller as (
    select distinct seller_id, order_id from gold_fact_order_items
),
outcomes as (
    select
        s.seller_id,
        count(*) as orders,
        min(o.order_purchase_timestamp) as first_sale_at,
        max(o.order_purchase_timestamp) as last_sale_at,
        count(o.order_delivered_customer_date) as delivered_orders,
        count(*) filter (not o.is_on_time) as late_orders,
        count(*) filter (o.order_status in ('canceled', 'unavailable')) as canceled_orders,
        round(avg(o.review_score), 4) as review_score_mean
    from orders_of_seller s
    inner join gold_fact_orders o using (order_id)
    group by s.seller_id
)
select
    s.seller_id,
    s.seller_state,
    o.orders,
    s.items,
    s.products,
    s.revenue_brl,
    s.revenue_delivered_brl,
    o.first_sale_at,
    o.last_sale_at,
    o.delivered_orders,
    o.late_orders,
    round(o.late_orders / nullif(o.delivered_orders, 0), 6) as late_share,
    o.canceled_orders,
    o.review_score_mean
from sales s
inner join outcomes o using (seller_id)
