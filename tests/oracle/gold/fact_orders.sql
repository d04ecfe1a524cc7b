-- Items, payments and reviews are each brought to one row per order first: joining two of them as they are would
-- multiply rows and money.
with items as (
    select
        order_id,
        count(*) as items,
        count(distinct seller_id) as sellers,
        string_agg(distinct coalesce(product_category_name_english, product_category_name, 'unknown'), '|' order by
            coalesce(product_category_name_english, product_category_name, 'unknown')) as categories,
        sum(price) as price_brl,
        sum(freight_value) as freight_brl
    from silver_order_items
    left join silver_products using (product_id)
    group by order_id
),
payments as (
    select order_id, count(*) as payments, sum(payment_value) as payment_brl
    from silver_order_payments
    group by order_id
),
reviews as (
    select
        order_id,
        count(*) as reviews,
        max_by(review_score, (review_answer_timestamp, review_id)) as review_score
    from silver_order_reviews
    group by order_id
)
select
    o.order_id,
    o.customer_id,
    o.customer_unique_id,
    o.customer_city,
    o.customer_state,
    o.order_status,
    o.order_purchase_timestamp,
    o.purchase_date,
    o.purchase_month,
    o.order_approved_at,
    o.order_delivered_carrier_date,
    o.order_delivered_customer_date,
    o.order_estimated_delivery_date::date as order_estimated_delivery_date,
    date_diff('second', o.order_purchase_timestamp, o.order_approved_at) / 3600.0::double as approval_hours,
    date_diff('second', o.order_approved_at, o.order_delivered_carrier_date) / 3600.0::double as handling_hours,
    date_diff('second', o.order_delivered_carrier_date, o.order_delivered_customer_date) / 3600.0::double as transit_hours,
    (o.order_delivered_customer_date::date - o.purchase_date)::integer as delivery_days,
    (o.order_delivered_customer_date::date - o.order_estimated_delivery_date::date)::integer as delay_days,
    o.is_on_time,
    coalesce(i.items, 0)::integer as items,
    coalesce(i.sellers, 0)::integer as sellers,
    i.categories,
    coalesce(i.price_brl, 0)::decimal(12, 2) as price_brl,
    coalesce(i.freight_brl, 0)::decimal(12, 2) as freight_brl,
    coalesce(i.price_brl + i.freight_brl, 0)::decimal(12, 2) as revenue_brl,
    coalesce(p.payments, 0)::integer as payments,
    coalesce(p.payment_brl, 0)::decimal(12, 2) as payment_brl,
    -- Null when either side is missing: an order without items is not underpaid.
    (p.payment_brl - i.price_brl - i.freight_brl)::decimal(12, 2) as payment_gap_brl,
    coalesce(r.reviews, 0)::integer as reviews,
    r.review_score
from known_orders o
left join items i using (order_id)
left join payments p using (order_id)
left join reviews r using (order_id)
