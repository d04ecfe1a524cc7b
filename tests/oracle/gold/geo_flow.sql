with flows as (
    select
        seller_state,
        customer_state,
        count(distinct order_id) as orders,
        count(*) as items,
        sum(price_brl)::decimal(18, 2) as price_brl,
        sum(freight_brl)::decimal(18, 2) as freight_brl
    from gold_fact_order_items
    where seller_state is not null
    group by seller_state, customer_state
)
select
    *,
    -- Null when everything was free.
    round(freight_brl::double / nullif(price_brl + freight_brl, 0)::double, 6) as freight_share
from flows
