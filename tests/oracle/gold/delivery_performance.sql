with delivered as (
    select * from gold_fact_orders where order_delivered_customer_date is not null
),
-- An order of two sellers in one state takes that route once.
routes as (
    select distinct order_id, seller_state from gold_fact_order_items where seller_state is not null
),
durations as (
    select
        'stage' as dimension,
        'approval' as member,
        date_diff('second', order_purchase_timestamp, order_approved_at) as seconds,
        is_on_time
    from delivered
    union all
    select 'stage', 'handling', date_diff('second', order_approved_at, order_delivered_carrier_date), is_on_time from delivered
    union all
    select 'stage', 'transit', date_diff('second', order_delivered_carrier_date, order_delivered_customer_date), is_on_time from delivered
    union all
    select 'stage', 'total', 86400 * delivery_days::bigint, is_on_time from delivered
    union all
    select 'state', customer_state, 86400 * delivery_days::bigint, is_on_time from delivered
    union all
    select 'route', r.seller_state || '>' || d.customer_state, 86400 * d.delivery_days::bigint, d.is_on_time
    from delivered d
    inner join routes r using (order_id)
),
grouped as (
    select
        dimension,
        member,
        count(*) as orders,
        round(sum(seconds) / (86400 * count(*)), 4) as mean_days,
        round(median(seconds) / 86400, 4) as median_days,
        round(quantile_cont(seconds, 0.9) / 86400, 4) as p90_days,
        -- Lateness is judged for the whole way, not for a part of it.
        case when dimension <> 'stage' or member = 'total' then count(*) filter (not is_on_time) end as late_orders
    from durations
    where seconds is not null
    group by dimension, member
)
select *, round(late_orders / orders, 6) as late_share
from grouped
