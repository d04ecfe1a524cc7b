with values_of as (
    select
        customer_unique_id,
        customer_state,
        (max(last_purchase_at::date) over () - last_purchase_at::date)::integer as recency_days,
        orders as frequency,
        monetary_brl
    from gold_dim_customer
),
-- rank() - 1 counts the persons strictly before, so equal values get equal scores, however many they are.
scores as (
    select
        *,
        (1 + 5 * (rank() over (order by recency_days desc) - 1) // count(*) over ())::integer as r_score,
        least(frequency, 5)::integer as f_score,
        (1 + 5 * (rank() over (order by monetary_brl) - 1) // count(*) over ())::integer as m_score
    from values_of
)
select
    customer_unique_id,
    customer_state,
    recency_days,
    frequency,
    monetary_brl,
    r_score,
    f_score,
    m_score,
    case
        when r_score >= 4 and f_score >= 2 and m_score >= 4 then 'champion'
        when f_score >= 2 then 'loyal'
        when r_score >= 4 and m_score >= 4 then 'new high value'
        when r_score >= 4 then 'new'
        when r_score <= 2 and m_score >= 4 then 'at risk'
        when r_score <= 2 then 'hibernating'
        else 'regular'
    end as segment
from scores
