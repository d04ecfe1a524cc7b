with bounds as (
    select
        min(least(purchase_date, order_estimated_delivery_date, order_delivered_customer_date::date)) as first_day,
        max(greatest(purchase_date, order_estimated_delivery_date, order_delivered_customer_date::date)) as last_day
    from gold_fact_orders
),
days as (
    select unnest(generate_series(first_day::timestamp, last_day::timestamp, interval 1 day))::date as date
    from bounds
)
select
    date,
    year(date)::integer as year,
    quarter(date)::integer as quarter,
    month(date)::integer as month,
    month_of(date) as month_start,
    date_trunc('week', date)::date as week_start,
    isodow(date)::integer as day_of_week,
    isodow(date) >= 6 as is_weekend
from days
