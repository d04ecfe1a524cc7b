-- Only months in which somebody of the cohort bought have a row; month 0 is the cohort itself.
with cohorts as (
    select cohort_month, count(*) as cohort_customers from gold_dim_customer group by cohort_month
),
activity as (
    select
        c.cohort_month,
        date_diff('month', c.cohort_month, o.purchase_month)::integer as months_since,
        count(distinct o.customer_unique_id) as customers,
        count(*) as orders
    from gold_fact_orders o
    inner join gold_dim_customer c using (customer_unique_id)
    group by all
)
select
    a.cohort_month,
    a.months_since,
    c.cohort_customers,
    a.customers,
    a.orders,
    round(a.customers / c.cohort_customers, 6) as retention_share
from activity a
inner join cohorts c using (cohort_month)
