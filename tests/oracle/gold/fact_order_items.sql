select
    i.order_id,
    i.order_item_id,
    (select count(*) from silver_order_items e where e.order_id = i.order_id)::integer as order_items,
    o.customer_unique_id,
    o.customer_state,
    i.product_id,
    i.seller_id,
    s.seller_state_std as seller_state,
    (
        select 1 + count(*)
        from silver_order_items e
        where e.order_id = i.order_id and e.seller_id = i.seller_id and e.order_item_id < i.order_item_id
    )::integer as seller_item_id,
    coalesce(p.product_category_name_english, p.product_category_name, 'unknown') as category,
    o.order_status,
    o.order_purchase_timestamp,
    o.purchase_date,
    o.purchase_month,
    i.shipping_limit_date,
    o.is_on_time,
    (o.order_delivered_customer_date::date - o.purchase_date)::integer as delivery_days,
    (
        select max_by(r.review_score, (r.review_answer_timestamp, r.review_id))
        from silver_order_reviews r
        where r.order_id = i.order_id
    ) as review_score,
    i.price as price_brl,
    i.freight_value as freight_brl,
    (i.price + i.freight_value)::decimal(12, 2) as revenue_brl
from silver_order_items i
inner join known_orders o using (order_id)
-- Products and sellers may come later than the item: the item is sold all the same.
left join silver_products p using (product_id)
left join silver_sellers s using (seller_id)
