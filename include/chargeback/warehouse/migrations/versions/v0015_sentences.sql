-- Sentences that are joined to their charges exactly, not by names: two devices may have one name, and a device no id.

create or replace view bi.explanation with (security_invoker = true) as
with

charges as (
    select
        facts.snapshot_date,
        facts.org_id,
        facts.license_id,
        dim_licenses.license_name,
        dim_consumers.consumer_type,
        dim_consumers.device_id,
        dim_consumers.device_name,
        dim_consumers.user_id,
        dim_consumers.user_name,
        dim_consumers.identity_key as consumer_identity_key,
        cost_centers.path as cost_center,
        facts.method_id,
        facts.recharged_consumption,
        facts.recharged_cost,
        facts.derived_consumption,
        facts.derived_cost,
        facts.delta,
        facts.delta_reason,
        facts.is_reconciled,
        facts.cores,
        facts.derived_weight,
        facts.derived_weight_total,
        facts.derived_parent_id,
        facts.derived_parent_consumption,
        coalesce(facts.derived_price, facts.cost_per_right) as price,
        coalesce(' ' || facts.currency, '') as currency,
        coalesce(currency_units.currency_scale, 2) as currency_scale,
        'FM999,999,999,999,999,990'
        || case when currency_units.currency_scale = 0 then '' else rpad('.', 1 + coalesce(currency_units.currency_scale, 2), '0') end
            as money,
        coalesce(license_types.unit, 'units') as units,
        recharge_methods.family,
        recharge_methods.measure,
        recharge_methods.weight as weight_name,
        delta_reasons.meaning,
        case when facts.host_key is null then 'Device ' else 'VM ' end as device_kind,
        coalesce(dim_consumers.device_name, dim_consumers.device_id, 'without a name') as device,
        coalesce(dim_consumers.user_name, dim_consumers.user_id) as person,
        'host ' || coalesce(dim_hosts.host_name, dim_hosts.host_id, 'without a name') as host,
        ' on host ' || dim_hosts.host_identity as host_ending,
        'cluster ' || coalesce(dim_clusters.cluster_name, dim_clusters.cluster_id, 'without a name') as cluster,
        -- What stands under the license or a core factor weighs what it counts there; what stands lower, what it has.
        facts.derived_parent_id = '' or facts.derived_parent_id like 'factor %' as is_topmost
    from ops.snapshots
    inner join mart.fct_chargeback as facts on snapshots.load_id = facts.load_id
    left join mart.dim_licenses on facts.license_key = dim_licenses.license_key
    left join mart.dim_consumers on facts.consumer_key = dim_consumers.consumer_key
    left join mart.dim_organization_units as cost_centers on facts.cost_center_key = cost_centers.unit_key
    left join mart.dim_hosts on facts.host_key = dim_hosts.host_key
    left join mart.dim_clusters on facts.cluster_key = dim_clusters.cluster_key
    left join mart.license_types on lower(dim_licenses.license_type) = lower(license_types.license_type)
    left join mart.recharge_methods on facts.method_id = recharge_methods.method_id
    left join mart.delta_reasons on facts.delta_reason = delta_reasons.delta_reason
    left join mart.currency_units on upper(facts.currency) = currency_units.currency
),

-- Six decimals, or all of them where six would miss the last digit of the share or of the cost.
measured as (
    select
        *,
        case
            when
                abs(
                    round(derived_weight, 6) * round(derived_parent_consumption, 6)
                    / nullif(round(derived_weight_total, 6), 0) - derived_consumption
                ) <= 0.000001
                and coalesce(
                    round(round(derived_consumption, 6) * price, currency_scale)
                    = round(derived_consumption * price, currency_scale),
                    true
                )
                then 6
            else 18
        end as digits,
        round(derived_consumption * price, currency_scale) as exact_cost
    from charges
),

worded as (
    select
        *,
        trim_scale(round(derived_weight, digits)) as weight,
        trim_scale(round(derived_weight_total, digits)) as weight_total,
        trim_scale(round(derived_parent_consumption, digits)) as parent_consumption,
        trim_scale(round(derived_consumption, digits)) as derived,
        trim_scale(recharged_consumption) as recharged,
        regexp_replace(units, 's$', '') as one_unit,
        case
            when consumer_type = 'unallocated' then 'The part that names no device or user'
            when consumer_type = 'user' then 'User ' || coalesce(person, 'without a name')
            when person is null then device_kind || device
            when measure = 'users' then 'User ' || person || ' on ' || replace(device_kind, 'Device', 'device') || device
            else device_kind || device || ' of user ' || person
        end as consumer,
        case
            when derived_parent_id like 'host %' then host
            when derived_parent_id like 'cluster %' then cluster
            when derived_parent_id like 'server %' then 'server ' || device
            when derived_parent_id like '%pool %' and right(derived_parent_id, length(host_ending)) = host_ending
                then 'resource ' || left(derived_parent_id, -length(host_ending)) || ' on ' || host
            when derived_parent_id like '%pool %' then 'resource ' || derived_parent_id
            when derived_parent_id like 'factor %' then 'the group of core ' || derived_parent_id
            else 'the license'
        end as parent,
        case
            when family = 'tiers' and weight_name = 'quantity' then measure
            when family in ('capacity', 'cluster', 'host_cores') and is_topmost then 'points'
            when family = 'host_cores' and weight_name = 'quantity' then 'least'
            when weight_name = 'quantity' then 'points'
            else weight_name
        end as shared_by,
        case
            when method_id is null or family = 'as_recharged' then 'given'
            when derived_consumption is null or derived_weight_total = 0 then 'nothing'
            when is_topmost and derived_weight = derived_consumption then 'own'
            else 'shared'
        end as form,
        case when family in ('consumers', 'host_cores') and measure = 'cores' then trim_scale(cores) end as own_cores
    from measured
),

-- Each sentence up to its quantity.
counted as (
    select
        *,
        case form
            when 'given'
                then
                    consumer || ' is charged '
                    || coalesce(recharged::text, 'no') || ' ' || case recharged when 1 then one_unit else units end
                    || coalesce(' for ' || to_char(recharged_cost, money) || currency, ' without a cost')
                    || ', as Flexera recharges it'
            when 'nothing' then consumer || ' counts no ' || units
            when 'own'
                then
                    consumer
                    || coalesce(' has ' || own_cores || case own_cores when 1 then ' core and' else ' cores and' end, '')
                    || ' counts ' || derived || ' ' || case derived when 1 then one_unit else units end
            else
                consumer || ' has ' || weight || ' of the ' || weight_total || ' '
                || case shared_by
                    when 'cores' then 'cores with installations'
                    when 'capped_cores' then 'cores that may be used'
                    when 'equal' then 'equal parts'
                    when 'least' then 'cores, or the least that counts,'
                    when 'larger' then 'users, or their minimum,'
                    when 'configured' then 'parts of the key'
                    else shared_by
                end
                || case
                    when shared_by = 'equal' then ' of '
                    when not is_topmost then ' in '
                    when shared_by in ('points', 'users', 'percent', 'configured') then ' of '
                    else ' under '
                end
                || parent
                || '; ' || parent || ' consumes ' || parent_consumption || ' '
                || case parent_consumption when 1 then one_unit else units end
                || case
                    when family = 'named_users' and shared_by = 'users' and derived_parent_consumption > derived_weight_total
                        then ', the minimum of its servers'
                    else ''
                end
                || '; ' || weight || '/' || weight_total || ' x ' || parent_consumption || ' = ' || derived
        end as sentence
    from worded
),

priced as (
    select
        *,
        case
            when form not in ('own', 'shared') then ''
            when derived_cost is null or price is null
                then case form when 'shared' then ' ' || case derived when 1 then one_unit else units end else '' end
            else
                case form when 'own' then '; ' || derived else '' end
                || ' x ' || to_char(price, 'FM999,999,999,999,999,990.0099999999') || currency
                || ' = ' || to_char(exact_cost, money) || currency
                || case
                    when derived_cost = exact_cost then ''
                    else
                        ', and ' || to_char(abs(derived_cost - exact_cost), money) || currency
                        || case when derived_cost > exact_cost then ' more' else ' less' end
                        || ', so that the license adds up: ' || to_char(derived_cost, money) || currency
                end
        end as cost
    from counted
)

select
    snapshot_date,
    org_id,
    license_id,
    license_name,
    consumer_type,
    device_name,
    user_name,
    cost_center,
    method_id,
    recharged_consumption,
    recharged_cost,
    derived_consumption,
    derived_cost,
    delta,
    delta_reason,
    is_reconciled,
    sentence || cost || '.'
    || case
        when form = 'given' or (is_reconciled and coalesce(recharged_cost = derived_cost, true)) then ''
        when is_reconciled
            then
                ' Flexera recharges ' || to_char(recharged_cost, money) || currency || ', '
                || to_char(abs(recharged_cost - derived_cost), money) || currency
                || case when recharged_cost > derived_cost then ' more' else ' less' end || ' by rounding.'
        else
            ' Charged is what Flexera recharges: '
            || coalesce(recharged || ' ' || case recharged when 1 then one_unit else units end, 'no ' || units)
            || coalesce(' for ' || to_char(recharged_cost, money) || currency, ' without a cost')
            || case
                when recharged_cost > derived_cost
                    then ', ' || to_char(recharged_cost - derived_cost, money) || currency || ' more'
                when recharged_cost < derived_cost
                    then ', ' || to_char(derived_cost - recharged_cost, money) || currency || ' less'
                else ''
            end
            || '.'
    end
    || coalesce(' ' || meaning, '') as explanation,
    device_id,
    user_id,
    consumer_identity_key
from priced;
comment on view bi.explanation is
'One row per charge of bi.chargeback: a sentence that says where it comes from.
Key: snapshot_date, org_id, license_id, consumer_identity_key, by which each row finds its one charge in bi.chargeback.
Made for the statement a cost center gets: one sentence for each charge.';
comment on column bi.explanation.device_id is 'Flexera''s id of the device, where the row names one.';
comment on column bi.explanation.user_id is 'Flexera''s id of the user, where the row names one.';
comment on column bi.explanation.consumer_identity_key is
'The consumer, as in bi.chargeback: joins a sentence to its charge, with snapshot_date, org_id and license_id.';

comment on view bi.chargeback is
'One row per snapshot, license and consumer: who is charged how much for which license, and why.
Key: snapshot_date, org_id, license_id, consumer_identity_key, which stands for consumer_type with device_id, device_name, user_id, user_name. A device without an id is told apart by its host and cluster.
Adds up: recharged_consumption, recharged_cost, consuming_installations, machine_consumption.
The core counts and consumption of host and cluster are repeated on each of their rows.';

comment on column bi.chargeback.is_reconciled is
'Whether the derived figures are those that Flexera recharges: the quantity to 0.00001, the cost to one minor unit, such as a cent.';
comment on column bi.chargeback_current.is_reconciled is
'Whether the derived figures are those that Flexera recharges: the quantity to 0.00001, the cost to one minor unit, such as a cent.';
comment on column bi.fact_chargeback.is_reconciled is
'Whether the derived figures are those that Flexera recharges: the quantity to 0.00001, the cost to one minor unit, such as a cent.';
comment on column bi.explanation.is_reconciled is
'Whether the derived figures are those that Flexera recharges: the quantity to 0.00001, the cost to one minor unit, such as a cent.';
comment on column mart.fct_chargeback.is_reconciled is
'Whether the derived figures are those that Flexera recharges: the quantity to 0.00001, the cost to one minor unit, such as a cent.';
