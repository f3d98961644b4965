-- Reasons that say what to do, sentences that say who, and nothing that nobody reads.

-- Only what the API recharges is owed as it is: what any other family counts is shared.
alter table intermediate.int_recharge_quantities alter column is_direct set default false;

-- The star sums the charges of hosts and clusters itself.
alter table intermediate.int_hosts drop column recharged_consumption, drop column recharged_cost;
alter table intermediate.int_clusters drop column recharged_consumption, drop column recharged_cost;

alter table mart.fct_chargeback add column derived_price numeric;
comment on column mart.fct_chargeback.derived_price is
'Price per right that derived_cost is worked out with, the license''s; null without one, and for loads of an older
version.';

-- Nights derived before the column was there: what the view worked out so far.
update mart.fct_chargeback
set delta = coalesce(recharged_consumption, 0) - coalesce(derived_consumption, 0)
where delta is null and method_id is not null;
comment on column mart.fct_chargeback.delta is
'recharged_consumption minus derived_consumption, in units of the license; null where nothing is derived.';

insert into mart.residue_reasons (residue_reason, meaning) values
('override', 'Somebody overrode the consumption of rows in Flexera, by as much as the license and its rows differ.'),
('allocation_without_install',
'Rows are allocated to devices without the software, by as much as the license and its rows differ.'),
('access_filter', 'The rows share as the license does, but less than it: the service account may not see the rest.');
comment on column bi.license_position.residue_reason is
'Why there is a residue; empty where there is none. One of:
oracle_rounding: Oracle rounds up each row, but the license only once per core factor;
oracle_nup_minimum: the license counts the contract''s minimum of users, more than its rows have;
pvu_peak_vs_current: the license counts the peak of the period, its rows what is in use now;
rvu_tier: the license is priced in tiers over all devices, which no single row can show;
owner_unallocated: consumption typed in or bought as a whole, part of which has no device or user;
override: somebody overrode the consumption of rows, by just so much;
allocation_without_install: rows are allocated to devices without the software, by just so much;
access_filter: the rows share as the license does, but less: the service account may not see the rest;
consumption_without_rows: the license has consumption, but no device or user is listed for it;
consumption_unknown: Flexera gives no consumption for the license;
rows_quarantined: rows of the license could not be read;
license_deleted: the license was deleted in Flexera while the snapshot was taken;
not_loaded: the license could not be read, and no earlier snapshot holds it;
unexplained: none of these; a person should look.';

-- A user may have added it, as the check of types asks for.
insert into mart.license_types (license_type, consumes_by, unit) values ('VMware Core', 'device', 'Cores')
on conflict do nothing;

alter table mart.delta_reasons
add column precedence smallint unique,
add column remedy text;
update mart.delta_reasons
set precedence = reasons.precedence, meaning = reasons.meaning, remedy = reasons.remedy
from (
    values
    (
        1,
        'rule_unknown',
        'No rule is known for the license type: the figure is Flexera''s own and was not derived.',
        'Name a method for the license or its type in include/config/methods.yaml, or accept Flexera''s figure.'
    ),
    (
        2,
        'override',
        'Somebody overrode the consumption in Flexera.',
        'Ask who set the overridden consumption of the row in Flexera, and whether it still holds.'
    ),
    (
        3,
        'allocation_without_install',
        'The license is allocated to the device, though the software is not installed on it.',
        'End the allocation in Flexera where the device needs no right.'
    ),
    (
        4,
        'oracle_rounding',
        'Oracle rounds up each row, but the license once per core factor.',
        'Nothing: rows of a license may add up to a little more than it consumes.'
    ),
    (
        5,
        'pvu_peak_vs_current',
        'The rows share the peak of the reporting period, not what is in use now.',
        'Nothing, unless the peak itself is wrong: look at the peak of the license in Flexera.'
    ),
    (
        6,
        'access_filter',
        'The license consumes what the rule gives, but its rows show only a part of it: the service account may not '
        'see all of them.',
        'Give the service account the right to read all devices and users; the next night has the missing rows.'
    ),
    (
        7,
        'tier',
        'The license is priced in tiers over all devices, so no figure of a single row is exact.',
        'Compare the license''s rows together with what it consumes, not each row by itself.'
    ),
    (
        8,
        'key_missing',
        'The license is split by a key that Flexera does not give, such as hours of use, and none is set for it.',
        'Set the key in include/config/seeds/allocation_keys.csv and run make migrate.'
    ),
    (
        9,
        'owner_unallocated',
        'A part of the license has no device or user that owes it.',
        'Name its device or user in Flexera, or give it a key in include/config/seeds/allocation_keys.csv.'
    ),
    (
        10,
        'price_missing',
        'Flexera gives no price, so that no cost can be derived.',
        'Set the price in Flexera: the amount of the financial tab, an override unit price, or a linked purchase.'
    ),
    (
        11,
        'unexplained',
        'No known reason explains the difference: a person should look.',
        'Compare bi.method_fit with the contract; correct the data in Flexera, or name another method for the license '
        'in include/config/methods.yaml.'
    )
) as reasons (precedence, delta_reason, meaning, remedy)
where delta_reasons.delta_reason = reasons.delta_reason;
alter table mart.delta_reasons
alter column precedence set not null,
alter column remedy set not null;
comment on column mart.delta_reasons.precedence is 'Where several reasons hold, the one with the smallest number is given.';
comment on column mart.delta_reasons.remedy is 'What to do about it.';

create or replace view bi.delta_reason as
select
    delta_reason,
    meaning,
    precedence,
    remedy
from mart.delta_reasons;
comment on column bi.delta_reason.precedence is 'Where several reasons hold for a charge, the one with the smallest number is given.';
comment on column bi.delta_reason.remedy is 'What to do about it.';

create or replace view bi.explanation as
with

charges as (
    select
        facts.snapshot_date,
        facts.org_id,
        facts.license_id,
        dim_licenses.license_name,
        dim_consumers.consumer_type,
        dim_consumers.device_name,
        dim_consumers.user_name,
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
        when form = 'given' or is_reconciled then ''
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
    || coalesce(' ' || meaning, '') as explanation
from priced;
comment on column bi.explanation.explanation is
'The charge in a sentence: who has how much of what, what that comes to, and, where Flexera recharges something else, why.';
