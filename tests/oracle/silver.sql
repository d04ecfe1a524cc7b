-- Silver from the raw_* views (text, as delivered, with _arrival = order of delivery): typed, standardised,
-- one row per key. Among rows of one key the contract's `newer` columns decide (null is oldest), then the later arrival.
-- A row that the types or the required columns refuse belongs to the quarantine and is left out.

-- A nullable column is fine when it is empty or can be read; try_cast alone would turn rubbish into an empty value.
create macro fine(raw_text, typed) as (raw_text is null) = (typed is null);
create macro as_time(raw_text) as try_cast(raw_text as timestamp);
create macro as_int(raw_text) as try_cast(raw_text as integer);
create macro as_money(raw_text) as try_cast(raw_text as decimal(12, 2));
create macro month_of(moment) as cast(date_trunc('month', moment) as date);
-- Exact mean of money, half up: in whole cents, because a division of decimals would go through a double.
create macro mean_money(total, n) as
    cast((2 * cast(total * 100 as hugeint) + n) // (2 * n) as decimal(18, 0)) * 0.01::decimal(3, 2);

create table silver_category_translation as
select product_category_name, product_category_name_english
from raw_category_translation
where product_category_name is not null and product_category_name_english is not null
qualify row_number() over (partition by product_category_name order by _arrival desc) = 1;

create table silver_customers as
select
    r.customer_id, r.customer_unique_id, r.customer_zip_code_prefix, r.customer_city, r.customer_state,
    p.city_std as customer_city_std,
    p.state_std as customer_state_std
from raw_customers r
inner join standard_places p
    on r.customer_city = p.city and r.customer_state = p.state and r.customer_zip_code_prefix = p.zip
where r.customer_id is not null and r.customer_unique_id is not null
qualify row_number() over (partition by r.customer_id order by r._arrival desc) = 1;

create table silver_sellers as
select
    r.seller_id, r.seller_zip_code_prefix, r.seller_city, r.seller_state,
    p.city_std as seller_city_std,
    p.state_std as seller_state_std
from raw_sellers r
inner join standard_places p on r.seller_city = p.city and r.seller_state = p.state and r.seller_zip_code_prefix = p.zip
where r.seller_id is not null
qualify row_number() over (partition by r.seller_id order by r._arrival desc) = 1;

-- The key is every delivered column, so distinct rows are the table.
create table silver_geolocation as
with typed as (
    select distinct
        geolocation_zip_code_prefix,
        try_cast(geolocation_lat as double) as geolocation_lat,
        try_cast(geolocation_lng as double) as geolocation_lng,
        geolocation_city,
        geolocation_state
    from raw_geolocation
)
select t.*, p.city_std as geolocation_city_std, p.state_std as geolocation_state_std
from typed t
inner join standard_places p
    on t.geolocation_city = p.city and t.geolocation_state = p.state and t.geolocation_zip_code_prefix = p.zip
where t.geolocation_lat is not null and t.geolocation_lng is not null;

create table silver_products as
with typed as (
    select
        product_id, product_category_name,
        as_int(product_name_lenght) as product_name_length,
        as_int(product_description_lenght) as product_description_length,
        as_int(product_photos_qty) as product_photos_qty,
        as_int(product_weight_g) as product_weight_g,
        as_int(product_length_cm) as product_length_cm,
        as_int(product_height_cm) as product_height_cm,
        as_int(product_width_cm) as product_width_cm
    from raw_products
    where product_id is not null
        and fine(product_name_lenght, as_int(product_name_lenght))
        and fine(product_description_lenght, as_int(product_description_lenght))
        and fine(product_photos_qty, as_int(product_photos_qty))
        and fine(product_weight_g, as_int(product_weight_g))
        and fine(product_length_cm, as_int(product_length_cm))
        and fine(product_height_cm, as_int(product_height_cm))
        and fine(product_width_cm, as_int(product_width_cm))
    qualify row_number() over (partition by product_id order by _arrival desc) = 1
)
select
    typed.*,
    t.product_category_name_english,
    t.product_category_name_english is not null as category_is_translated
from typed
left join silver_category_translation t using (product_category_name);

create table silver_orders as
with typed as (
    select
        order_id, customer_id, order_status,
        as_time(order_purchase_timestamp) as order_purchase_timestamp,
        as_time(order_approved_at) as order_approved_at,
        as_time(order_delivered_carrier_date) as order_delivered_carrier_date,
        as_time(order_delivered_customer_date) as order_delivered_customer_date,
        as_time(order_estimated_delivery_date) as order_estimated_delivery_date,
        _arrival
    from raw_orders
    where fine(order_approved_at, as_time(order_approved_at))
        and fine(order_delivered_carrier_date, as_time(order_delivered_carrier_date))
        and fine(order_delivered_customer_date, as_time(order_delivered_customer_date))
)
select * exclude (_arrival)
from typed
where order_id is not null and customer_id is not null and order_status is not null
    and order_purchase_timestamp is not null and order_estimated_delivery_date is not null
qualify row_number() over (
    partition by order_id
    order by
        order_delivered_customer_date desc nulls last,
        order_delivered_carrier_date desc nulls last,
        order_approved_at desc nulls last,
        order_purchase_timestamp desc,
        _arrival desc
) = 1;

create table silver_order_items as
with typed as (
    select
        order_id,
        as_int(order_item_id) as order_item_id,
        product_id, seller_id,
        as_time(shipping_limit_date) as shipping_limit_date,
        as_money(price) as price,
        as_money(freight_value) as freight_value,
        _arrival
    from raw_order_items
    where fine(shipping_limit_date, as_time(shipping_limit_date))
)
select * exclude (_arrival)
from typed
where order_id is not null and order_item_id is not null and product_id is not null and seller_id is not null
    and price is not null and freight_value is not null
qualify row_number() over (
    partition by order_id, order_item_id order by shipping_limit_date desc nulls last, _arrival desc
) = 1;

create table silver_order_payments as
with typed as (
    select
        order_id,
        as_int(payment_sequential) as payment_sequential,
        payment_type,
        as_int(payment_installments) as payment_installments,
        as_money(payment_value) as payment_value,
        _arrival
    from raw_order_payments
    where fine(payment_installments, as_int(payment_installments))
)
select * exclude (_arrival)
from typed
where order_id is not null and payment_sequential is not null and payment_type is not null and payment_value is not null
qualify row_number() over (partition by order_id, payment_sequential order by _arrival desc) = 1;

create table silver_order_reviews as
with typed as (
    select
        review_id, order_id,
        as_int(review_score) as review_score,
        review_comment_title, review_comment_message,
        as_time(review_creation_date) as review_creation_date,
        as_time(review_answer_timestamp) as review_answer_timestamp,
        _arrival
    from raw_order_reviews
)
select * exclude (_arrival)
from typed
where review_id is not null and order_id is not null and review_score is not null
    and review_creation_date is not null and review_answer_timestamp is not null
qualify row_number() over (partition by review_id, order_id order by review_answer_timestamp desc, _arrival desc) = 1;

-- What every fact starts from: orders whose customer is known, with the person and the standard address of that order.
create view known_orders as
select
    o.*,
    c.customer_unique_id,
    c.customer_zip_code_prefix,
    c.customer_city_std as customer_city,
    c.customer_state_std as customer_state,
    o.order_purchase_timestamp::date as purchase_date,
    month_of(o.order_purchase_timestamp) as purchase_month,
    -- Null without a delivery date: no date is invented for the 8 orders "delivered" without one.
    o.order_delivered_customer_date::date <= o.order_estimated_delivery_date::date as is_on_time
from silver_orders o
inner join silver_customers c using (customer_id);
