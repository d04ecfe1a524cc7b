select
    product_id,
    coalesce(product_category_name_english, product_category_name, 'unknown') as category,
    product_category_name as category_pt,
    category_is_translated,
    product_name_length as name_length,
    product_description_length as description_length,
    product_photos_qty as photos,
    product_weight_g as weight_g,
    product_length_cm as length_cm,
    product_height_cm as height_cm,
    product_width_cm as width_cm,
    try_cast(product_length_cm::hugeint * product_height_cm * product_width_cm as integer) as volume_cm3
from silver_products
