-- severity: fail
-- dimension: conservation
-- What the API recharges for a license is what the star recharges for it, to the last digit.
with

lines as (
    select
        license_id,
        coalesce(sum(recharged_consumption), 0) as recharged_consumption,
        coalesce(sum(recharged_cost), 0) as recharged_cost,
        count(*) as line_count
    from intermediate.int_consumer_lines
    where load_id = %(load_id)s
    group by license_id
),

facts as (
    select
        license_id,
        coalesce(sum(recharged_consumption), 0) as recharged_consumption,
        coalesce(sum(recharged_cost), 0) as recharged_cost,
        sum(line_count) as line_count
    from mart.fct_chargeback
    where
        load_id = %(load_id)s
        and snapshot_date = %(snapshot_date)s
        and license_id not in (
            select taken_over_licenses.license_id from ops.taken_over_licenses
            where taken_over_licenses.load_id = %(load_id)s
        )
    group by license_id
),

taken_over as (
    select
        taken_over_licenses.license_id,
        coalesce(sum(previous.recharged_consumption), 0) as recharged_consumption,
        coalesce(sum(previous.recharged_cost), 0) as recharged_cost,
        count(previous.license_id) as line_count
    from ops.taken_over_licenses
    left join mart.fct_chargeback as previous
        on
            taken_over_licenses.from_load_id = previous.load_id
            and taken_over_licenses.from_snapshot_date = previous.snapshot_date
            and taken_over_licenses.license_id = previous.license_id
    where taken_over_licenses.load_id = %(load_id)s
    group by taken_over_licenses.license_id
),

taken_over_facts as (
    select
        taken_over_licenses.license_id,
        coalesce(sum(fct_chargeback.recharged_consumption), 0) as recharged_consumption,
        coalesce(sum(fct_chargeback.recharged_cost), 0) as recharged_cost,
        count(fct_chargeback.license_id) as line_count
    from ops.taken_over_licenses
    left join mart.fct_chargeback
        on
            taken_over_licenses.license_id = fct_chargeback.license_id
            and fct_chargeback.load_id = %(load_id)s
            and fct_chargeback.snapshot_date = %(snapshot_date)s
    where taken_over_licenses.load_id = %(load_id)s
    group by taken_over_licenses.license_id
),

expected as (
    select * from lines
    union all
    select * from taken_over
),

found as (
    select * from facts
    union all
    select * from taken_over_facts
)

select
    coalesce(expected.license_id, found.license_id) as license_id,
    coalesce(expected.recharged_consumption, 0) || ' for ' || coalesce(expected.recharged_cost, 0)
    || ' in ' || coalesce(expected.line_count, 0) || ' lines' as expected,
    coalesce(found.recharged_consumption, 0) || ' for ' || coalesce(found.recharged_cost, 0)
    || ' in ' || coalesce(found.line_count, 0) || ' lines' as found
from expected
full outer join found on expected.license_id = found.license_id
where
    coalesce(expected.recharged_consumption, 0) <> coalesce(found.recharged_consumption, 0)
    or coalesce(expected.recharged_cost, 0) <> coalesce(found.recharged_cost, 0)
    or coalesce(expected.line_count, 0) <> coalesce(found.line_count, 0)
