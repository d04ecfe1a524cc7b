-- One address per person and moment: of orders placed in the same second the larger order_id speaks.
with moments as (
    select
        customer_unique_id, customer_zip_code_prefix, customer_city, customer_state,
        order_purchase_timestamp as moment
    from known_orders
    qualify row_number() over (
        partition by customer_unique_id, order_purchase_timestamp order by order_id desc
    ) = 1
),
-- Only a moment whose address differs from the one before starts a period; a return to an old address starts one too.
starts as (
    select *
    from moments
    window person as (partition by customer_unique_id order by moment)
    qualify lag(moment) over person is null
        or (customer_zip_code_prefix, customer_city, customer_state) is distinct from (
            lag(customer_zip_code_prefix) over person, lag(customer_city) over person, lag(customer_state) over person
        )
)
select
    customer_unique_id,
    customer_zip_code_prefix,
    customer_city,
    customer_state,
    moment as valid_from,
    lead(moment) over person as valid_to,
    lead(moment) over person is null as is_current
from starts
window person as (partition by customer_unique_id order by moment)
