select
    purchase_month,
    payment_type,
    count(*) as payments,
    count(distinct order_id) as orders,
    sum(payment_brl)::decimal(18, 2) as payment_brl,
    round(avg(payment_installments), 4) as installments_mean
from gold_fact_payments
group by purchase_month, payment_type
