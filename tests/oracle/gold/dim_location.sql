-- Points outside Brazil are typing errors: they would pull a prefix into the sea. A prefix with no other point is left out.
with inside as (
    select
        geolocation_zip_code_prefix as zip_code_prefix,
        geolocation_lat as lat,
        geolocation_lng as lng,
        geolocation_city_std as city,
        geolocation_state_std as state
    from silver_geolocation
    where geolocation_lat between -33.76 and 5.28 and geolocation_lng between -73.99 and -28.83
),
cities as (
    select zip_code_prefix, city
    from inside
    group by zip_code_prefix, city
    qualify row_number() over (partition by zip_code_prefix order by count(*) desc, city) = 1
),
states as (
    select zip_code_prefix, state
    from inside
    group by zip_code_prefix, state
    qualify row_number() over (partition by zip_code_prefix order by count(*) desc, state) = 1
),
middles as (
    select
        zip_code_prefix,
        round(median(lat), 6) as latitude,
        round(median(lng), 6) as longitude,
        count(*)::integer as points
    from inside
    group by zip_code_prefix
)
select m.zip_code_prefix, c.city, s.state, m.latitude, m.longitude, m.points
from middles m
inner join cities c using (zip_code_prefix)
inner join states s using (zip_code_prefix)
