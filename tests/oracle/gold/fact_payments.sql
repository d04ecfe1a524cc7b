select
    p.order_id,
    p.payment_sequential,
    o.customer_state,
    o.order_status,
    o.purchase_date,
    o.purchase_month,
    p.payment_type,
    p.payment_installments,
    p.payment_value as payment_brl
from silver_order_payments p
inner join known_orders o using (order_id)
