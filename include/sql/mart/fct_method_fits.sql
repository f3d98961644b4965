-- One row per license and candidate method: how well it gives what the API recharges, whether it is chosen.
-- The method that gives most consumers what they are recharged is chosen; of two, the one that is nearer in
-- sum, then the likelier by the catalog. Licenses taken over come with the rows of the earlier load.
with

terms as (
    select * from intermediate.int_license_terms
    where load_id = %(load_id)s
),

consumers as (
    select
        license_id,
        node_id,
        coalesce(recharged_consumption, 0) as recharged_consumption
    from intermediate.int_capacity_nodes
    where load_id = %(load_id)s and level = 0
),

shares as (
    select
        term_number,
        node_id,
        derived_consumption
    from intermediate.int_recharge_shares
    where load_id = %(load_id)s
),

compared as (
    select
        terms.term_number,
        count(consumers.node_id) as consumer_count,
        count(consumers.node_id) filter (
            where abs(consumers.recharged_consumption - coalesce(shares.derived_consumption, 0)) <= 0.00001
        ) as matching_count,
        coalesce(sum(abs(consumers.recharged_consumption - coalesce(shares.derived_consumption, 0))), 0)
            as deviation,
        coalesce(sum(consumers.recharged_consumption), 0) as recharged_consumption,
        coalesce(sum(shares.derived_consumption), 0) as consumers_consumption
    from terms
    left join consumers on terms.license_id = consumers.license_id
    left join shares
        on
            terms.term_number = shares.term_number
            and consumers.node_id = shares.node_id
    group by terms.term_number
),

totals as (
    select
        term_number,
        sum(derived_consumption) as derived_consumption
    from shares
    group by term_number
),

fits as (
    select
        terms.license_id,
        terms.method_id,
        compared.consumer_count,
        compared.matching_count,
        compared.deviation,
        compared.recharged_consumption,
        coalesce(totals.derived_consumption, 0) as derived_consumption,
        coalesce(totals.derived_consumption, 0) - compared.consumers_consumption as unallocated_consumption,
        row_number() over (
            partition by terms.license_id
            order by
                terms.family = 'as_recharged' asc,
                compared.matching_count desc,
                compared.deviation asc,
                terms.term_number asc
        ) = 1 as is_chosen
    from terms
    inner join compared on terms.term_number = compared.term_number
    left join totals on terms.term_number = totals.term_number
),

taken_over as (
    select * from ops.taken_over_licenses
    where load_id = %(load_id)s
),

all_fits as (
    select * from fits
    where license_id not in (select taken_over.license_id from taken_over)
    union all
    select
        fct_method_fits.license_id,
        fct_method_fits.method_id,
        fct_method_fits.consumer_count,
        fct_method_fits.matching_count,
        fct_method_fits.deviation,
        fct_method_fits.recharged_consumption,
        fct_method_fits.derived_consumption,
        fct_method_fits.unallocated_consumption,
        fct_method_fits.is_chosen
    from taken_over
    inner join mart.fct_method_fits
        on
            taken_over.from_load_id = fct_method_fits.load_id
            and taken_over.from_snapshot_date = fct_method_fits.snapshot_date
            and taken_over.license_id = fct_method_fits.license_id
)

select
    %(load_id)s::bigint as load_id,
    %(snapshot_date)s::date as snapshot_date,
    %(org_id)s as org_id,
    license_id,
    method_id,
    consumer_count,
    matching_count,
    deviation,
    recharged_consumption,
    derived_consumption,
    unallocated_consumption,
    is_chosen
from all_fits
