-- severity: warn
-- dimension: uniqueness
-- A host's figures are the same on each of its rows; where they are not, the most frequent one counts.
with

lines as (
    select * from intermediate.int_consumer_lines
    where load_id = %(load_id)s and host_identity is not null
),

-- Most hosts agree, and only those that do not are counted figure by figure.
disagreeing as (
    select
        license_id,
        host_identity
    from lines
    group by
        license_id,
        host_identity
    having
        min(host_consumption) <> max(host_consumption)
        or min(host_cores) <> max(host_cores)
        or min(host_installed_cores) <> max(host_installed_cores)
        or min(host_consuming_cores) <> max(host_consuming_cores)
),

figures as (
    select
        lines.license_id,
        lines.host_identity,
        figures.name,
        figures.value,
        count(*) as line_count
    from lines
    inner join disagreeing
        on
            lines.license_id = disagreeing.license_id
            and lines.host_identity = disagreeing.host_identity
    cross join
        lateral (
            values
            ('consumption', lines.host_consumption),
            ('cores', lines.host_cores),
            ('installed cores', lines.host_installed_cores),
            ('consuming cores', lines.host_consuming_cores)
        ) as figures (name, value)
    where figures.value is not null
    group by
        lines.license_id,
        lines.host_identity,
        figures.name,
        figures.value
)

select
    license_id,
    host_identity as host,
    'one ' || name as expected,
    string_agg(value || ' on ' || line_count || ' rows', ', ' order by line_count desc, value desc) as found
from figures
group by
    license_id,
    host_identity,
    name
having count(*) > 1
order by
    license_id,
    host_identity,
    name
