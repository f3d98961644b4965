-- One row per license and candidate method: how well it gives what the API recharges, whether it is chosen.
-- Licenses taken over come with the rows of the earlier load.
with

fits as (
    select
        terms.license_id,
        terms.method_id,
        fits.consumer_count,
        fits.matching_count,
        fits.deviation,
        fits.recharged_consumption,
        fits.derived_consumption,
        fits.unallocated_consumption,
        fits.is_chosen
    from intermediate.int_method_fits as fits
    inner join intermediate.int_license_terms as terms
        on
            fits.load_id = terms.load_id
            and fits.term_number = terms.term_number
    where fits.load_id = %(load_id)s
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
