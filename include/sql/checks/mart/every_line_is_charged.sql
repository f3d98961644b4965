-- severity: fail
-- dimension: conservation
-- What the API recharges to a consumer for a license is what the star recharges to it, to the last digit; and
-- what is taken over from an earlier load is what it was there.
with

taken_over as (
    select * from ops.taken_over_licenses
    where load_id = %(load_id)s
),

expected as (
    select
        license_id,
        consumer_identity,
        coalesce(sum(recharged_consumption), 0) as recharged_consumption,
        coalesce(sum(recharged_cost), 0) as recharged_cost,
        count(*) as line_count
    from intermediate.int_consumer_lines
    where load_id = %(load_id)s
    group by
        license_id,
        consumer_identity
    union all
    select
        previous.license_id,
        dim_consumers.consumer_identity,
        coalesce(previous.recharged_consumption, 0) as recharged_consumption,
        coalesce(previous.recharged_cost, 0) as recharged_cost,
        previous.line_count
    from taken_over
    inner join mart.fct_chargeback as previous
        on
            taken_over.from_load_id = previous.load_id
            and taken_over.from_snapshot_date = previous.snapshot_date
            and taken_over.license_id = previous.license_id
    inner join mart.dim_consumers on previous.consumer_key = dim_consumers.consumer_key
),

found as (
    select
        facts.license_id,
        dim_consumers.consumer_identity,
        coalesce(sum(facts.recharged_consumption), 0) as recharged_consumption,
        coalesce(sum(facts.recharged_cost), 0) as recharged_cost,
        sum(facts.line_count) as line_count
    from mart.fct_chargeback as facts
    left join mart.dim_consumers on facts.consumer_key = dim_consumers.consumer_key
    where facts.load_id = %(load_id)s and facts.snapshot_date = %(snapshot_date)s
    group by
        facts.license_id,
        dim_consumers.consumer_identity
)

select
    coalesce(expected.license_id, found.license_id) as license_id,
    coalesce(expected.consumer_identity, found.consumer_identity) as consumer,
    coalesce(
        expected.recharged_consumption || ' for ' || expected.recharged_cost || ' in '
        || expected.line_count || ' lines',
        'nothing'
    ) as expected,
    coalesce(
        found.recharged_consumption || ' for ' || found.recharged_cost || ' in '
        || found.line_count || ' lines',
        'nothing'
    ) as found
from expected
full outer join found
    on
        expected.license_id = found.license_id
        and expected.consumer_identity = found.consumer_identity
where
    expected.license_id is null
    or found.license_id is null
    or expected.recharged_consumption <> found.recharged_consumption
    or expected.recharged_cost <> found.recharged_cost
    or expected.line_count <> found.line_count
order by
    coalesce(expected.license_id, found.license_id),
    coalesce(expected.consumer_identity, found.consumer_identity)
