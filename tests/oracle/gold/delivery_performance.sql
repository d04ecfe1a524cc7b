with delivered as (
    select * from gold_fact_orders where order_delivered_customer_date is not null
),
-- An order of two sellers in one state takes that route once.
routes as (
    select distinct order_id, seller_state from gold_fact_order_items where seller_state is not null
),
durations as (
    select 'stage' as dimension, 'approval' as member, approval_hours / 24 as days, is_on_time from delivered
    union all
    select 'stage', 'handling', handling_hours / 24, is_on_time from delivered
    union all
    select 'stage', 'transit', transit_hours / 24, is_on_time from delivered
    union all
    select 'stage', 'total', delivery_days, is_on_time from delivered
    union all
    select 'state', customer_state, delivery_days, is_on_time from delivered
    union all
    select 'route', r.seller_state || '>' || d.customer_state, d.delivery_days, d.is_on_time
    from delivered d
    inner join routes r using (order_id)
),
grouped as (
    select
        dimension,
        member,
        count(*) as orders,
        round(avg(days), 4) as mean_days,
        round(median(days), 4) as median_days,
        round(quantile_cont(days, 0.9), 4) as p90_days,
        -- Lateness is judged for the whole way, not for a part of it.
        case when dimension <> 'stage' or member = 'total' then count(*) filter (not is_on_time) end as late_orders
    from durations
    where days is not null
    group by dimension, member
)
select *, round(late_orders / orders, 6) as late_share
from grouped
