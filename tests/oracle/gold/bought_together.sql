-- Quantities are repeated rows: a product counts once per order.
with baskets as (
    select distinct order_id, product_id from gold_fact_order_items
),
frequency as (
    select product_id, count(*) as orders from baskets group by product_id
),
several as (
    select order_id, product_id from baskets qualify count(*) over (partition by order_id) > 1
),
pairs as (
    select a.product_id as product_a, b.product_id as product_b, count(*) as orders
    from several a
    inner join several b on a.order_id = b.order_id and a.product_id < b.product_id
    group by all
),
total as (
    select count(distinct order_id) as orders from baskets
)
select
    p.product_a,
    p.product_b,
    p.orders,
    a.orders as orders_a,
    b.orders as orders_b,
    round(p.orders / total.orders, 9) as support,
    round(p.orders / least(a.orders, b.orders), 6) as confidence,
    round((p.orders * total.orders) / (a.orders * b.orders), 4) as lift
from pairs p
inner join frequency a on p.product_a = a.product_id
inner join frequency b on p.product_b = b.product_id
cross join total
