-- severity: warn
-- dimension: accepted values
-- No price, quantity or cost is below zero: nobody is owed money for a license. Flexera's figures are charged
-- all the same.
with

figures as (
    select
        facts.license_id,
        figures.figure,
        figures.value
    from mart.fct_chargeback as facts
    cross join
        lateral (
            values
            ('cost_per_right', facts.cost_per_right),
            ('recharged_consumption', facts.recharged_consumption),
            ('recharged_cost', facts.recharged_cost)
        ) as figures (figure, value)
    where facts.load_id = %(load_id)s and facts.snapshot_date = %(snapshot_date)s
    union all
    select
        positions.license_id,
        figures.figure,
        figures.value
    from mart.fct_license_positions as positions
    cross join
        lateral (
            values
            ('purchased', positions.purchased),
            ('consumed', positions.consumed)
        ) as figures (figure, value)
    where positions.load_id = %(load_id)s and positions.snapshot_date = %(snapshot_date)s
)

select
    license_id,
    figure,
    'zero or more' as expected,
    count(*) || ' below, lowest ' || min(value) as found
from figures
where value < 0
group by license_id, figure
order by license_id, figure
