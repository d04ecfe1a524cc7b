-- The newest order of a person: the last purchase, of equal moments the larger order_id.
with newest as (
    select customer_unique_id, customer_zip_code_prefix, customer_city, customer_state
    from known_orders
    qualify row_number() over (
        partition by customer_unique_id order by order_purchase_timestamp desc, order_id desc
    ) = 1
),
totals as (
    select
        customer_unique_id,
        count(*) as orders,
        min(order_purchase_timestamp) as first_purchase_at,
        max(order_purchase_timestamp) as last_purchase_at,
        sum(payment_brl) as monetary_brl
    from gold_fact_orders
    group by customer_unique_id
)
select
    n.customer_unique_id,
    n.customer_zip_code_prefix,
    n.customer_city,
    n.customer_state,
    t.orders::integer as orders,
    t.first_purchase_at,
    t.last_purchase_at,
    month_of(t.first_purchase_at) as cohort_month,
    t.monetary_brl::decimal(12, 2) as monetary_brl
from newest n
inner join totals t using (customer_unique_id)
