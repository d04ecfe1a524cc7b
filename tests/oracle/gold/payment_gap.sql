-- payment_gap_brl is null unless the order has both items and payments.
select
    purchase_month,
    count(payment_gap_brl) as orders,
    coalesce(sum(revenue_brl) filter (payment_gap_brl is not null), 0)::decimal(18, 2) as revenue_brl,
    coalesce(sum(payment_brl) filter (payment_gap_brl is not null), 0)::decimal(18, 2) as payment_brl,
    coalesce(sum(payment_gap_brl), 0)::decimal(18, 2) as gap_brl,
    count(*) filter (payment_gap_brl <> 0) as orders_unequal,
    count(*) filter (abs(payment_gap_brl) > 0.01) as orders_over_cent,
    count(*) filter (abs(payment_gap_brl) > 1.00) as orders_over_real,
    count(*) filter (items = 0) as orders_without_items,
    count(*) filter (payments = 0) as orders_without_payments
from gold_fact_orders
group by purchase_month
