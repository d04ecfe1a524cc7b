select
    s.seller_id,
    s.seller_zip_code_prefix,
    s.seller_city_std as seller_city,
    s.seller_state_std as seller_state,
    l.latitude,
    l.longitude
from silver_sellers s
left join gold_dim_location l on s.seller_zip_code_prefix = l.zip_code_prefix
