-- One row per day of the year of the snapshot, and of every year up to those that are there.
with

years as (
    select
        least(min(calendar_date), date_trunc('year', %(snapshot_date)s::timestamp)) as first_day,
        greatest(
            max(calendar_date), date_trunc('year', %(snapshot_date)s::timestamp) + interval '1 year - 1 day'
        ) as last_day
    from mart.dim_dates
),

days as (
    select days.day
    from years
    cross join lateral generate_series(years.first_day, years.last_day, interval '1 day') as days (day)
)

select
    day::date as calendar_date,
    extract(year from day) as year,
    extract(quarter from day) as quarter,
    extract(month from day) as month,
    to_char(day, 'FMMonth') as month_name,
    to_char(day, 'YYYY-MM') as year_month,
    date_trunc('month', day)::date as month_start,
    extract(week from day) as iso_week,
    extract(day from day) as day_of_month,
    extract(isodow from day) as day_of_week,
    to_char(day, 'FMDay') as day_name,
    extract(isodow from day) > 5 as is_weekend,
    day = date_trunc('month', day) + interval '1 month - 1 day' as is_month_end
from days
