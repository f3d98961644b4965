-- What is derived beside each charge: the method that fits best, its figures, and why the API's figure differs.

create table mart.delta_reasons (
    delta_reason text primary key,
    meaning text not null
);
comment on table mart.delta_reasons is
'One row per reason why a charge may differ from the one derived; the list is closed.';

insert into mart.delta_reasons (delta_reason, meaning) values
('rule_unknown', 'No rule is known for the license type: the figure is Flexera''s own and was not derived.'),
('override', 'Somebody overrode the consumption in Flexera.'),
('allocation_without_install', 'The license is allocated to the device, though the software is not installed on it.'),
('oracle_rounding', 'Oracle rounds up each row, but the license once per core factor.'),
('pvu_peak_vs_current', 'The license counts the peak of the reporting period, its rows what is in use now.'),
('tier', 'The license is priced in tiers over all devices, so no figure of a single row is exact.'),
('owner_unallocated', 'A part of the license has no device or user that owes it.'),
('access_filter', 'The service account may not see all that the license counts.'),
('price_missing', 'Flexera gives no price, so that no cost can be derived.'),
('unexplained', 'No known reason explains the difference: a person should look.');

create table mart.recharge_methods (
    method_id text primary key,
    family text not null,
    measure text not null,
    weight text not null,
    explanation text not null,
    source text not null
);
comment on table mart.recharge_methods is
'One row per method of include/config/methods.yaml that a load was ever derived with.';

create table mart.fct_method_fits (
    load_id bigint not null,
    snapshot_date date not null,
    org_id text not null,
    license_id text not null,
    method_id text not null references mart.recharge_methods (method_id),
    consumer_count bigint not null,
    matching_count bigint not null,
    deviation numeric not null,
    recharged_consumption numeric not null,
    derived_consumption numeric not null,
    unallocated_consumption numeric not null,
    is_chosen boolean not null,
    primary key (load_id, license_id, method_id, snapshot_date)
) partition by range (snapshot_date);
comment on table mart.fct_method_fits is
'One row per load, license and candidate method: how well it gives what the API recharges, and whether it is chosen.';

alter table mart.fct_chargeback
add column derived_weight numeric,
add column derived_weight_total numeric,
add column derived_parent_id text,
add column derived_parent_consumption numeric;

select ops.ensure_partitions(load_id, snapshot_date) from ops.loads where levels_dropped_at is null;

create view bi.method as
select
    method_id,
    explanation,
    source
from mart.recharge_methods
where
    method_id in (
        select facts.method_id
        from mart.fct_method_fits as facts
        inner join ops.snapshots
            on facts.load_id = snapshots.load_id and facts.snapshot_date = snapshots.snapshot_date
    );
comment on view bi.method is 'One row per recharge method: what it does, and where the rule is from.';
comment on column bi.method.method_id is 'Name and version of the method, as in bi.chargeback.method_id.';
comment on column bi.method.explanation is 'The rule in a paragraph.';
comment on column bi.method.source is 'Where the rule is from.';

create view bi.method_fit as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_id,
    facts.method_id,
    facts.is_chosen,
    facts.consumer_count,
    facts.matching_count,
    case when facts.consumer_count > 0 then round(facts.matching_count::numeric / facts.consumer_count, 4) end as fit,
    facts.deviation,
    facts.recharged_consumption,
    facts.derived_consumption,
    facts.unallocated_consumption,
    facts.is_chosen and facts.matching_count < facts.consumer_count as needs_review
from ops.snapshots
inner join mart.fct_method_fits as facts
    on snapshots.load_id = facts.load_id and snapshots.snapshot_date = facts.snapshot_date;
comment on view bi.method_fit is
'One row per snapshot, license and method tried: how many of its consumers the method charges as Flexera does.';
comment on column bi.method_fit.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.method_fit.org_id is 'Flexera One organization the figures come from.';
comment on column bi.method_fit.license_id is 'Flexera''s id of the license.';
comment on column bi.method_fit.method_id is 'The method tried; bi.method says what it does.';
comment on column bi.method_fit.is_chosen is 'Whether this is the method shown with the charges: the one that fits best.';
comment on column bi.method_fit.consumer_count is 'Consumers of the license.';
comment on column bi.method_fit.matching_count is
'Consumers whose derived consumption is the one Flexera recharges, to the fifth decimal.';
comment on column bi.method_fit.fit is 'matching_count as a share of consumer_count, 0 to 1.';
comment on column bi.method_fit.deviation is 'What derived and recharged consumption differ by, over all consumers.';
comment on column bi.method_fit.recharged_consumption is 'What Flexera recharges to the consumers, in units of the license.';
comment on column bi.method_fit.derived_consumption is 'What the method makes of the license, in the same units.';
comment on column bi.method_fit.unallocated_consumption is
'The part of derived_consumption that no listed consumer has a weight for.';
comment on column bi.method_fit.needs_review is
'Whether the best method does not fit every consumer, so that a person should look.';

create view bi.explanation as
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
        facts.recharged_consumption - facts.derived_consumption as delta,
        facts.delta_reason,
        facts.is_reconciled,
        coalesce(license_types.unit, 'units') as unit,
        recharge_methods.weight as weight_name,
        recharge_methods.family,
        coalesce(facts.currency, '') as currency,
        delta_reasons.meaning as delta_meaning,
        facts.derived_parent_id,
        trim_scale(round(facts.derived_weight, 6)) as weight,
        trim_scale(round(facts.derived_weight_total, 6)) as weight_total,
        trim_scale(round(facts.derived_parent_consumption, 6)) as parent_consumption,
        trim_scale(round(facts.derived_consumption, 6)) as derived,
        trim_scale(round(facts.recharged_consumption, 6)) as recharged,
        to_char(facts.cost_per_right, 'FM999,999,999,990.00999999') as price,
        to_char(facts.derived_cost, 'FM999,999,999,990.00') as derived_cost_text,
        to_char(facts.recharged_cost, 'FM999,999,999,990.00') as recharged_cost_text,
        case
            when dim_consumers.consumer_type = 'user' then 'User ' || coalesce(dim_consumers.user_name, dim_consumers.user_id)
            when facts.host_key is not null
                then 'VM ' || coalesce(dim_consumers.device_name, dim_consumers.device_id, 'without a name')
            when dim_consumers.consumer_type = 'device'
                then 'Device ' || coalesce(dim_consumers.device_name, dim_consumers.device_id)
            else 'The unallocated part'
        end as consumer,
        case
            when facts.derived_parent_id like 'host %' then 'host ' || coalesce(dim_hosts.host_name, dim_hosts.host_id)
            when facts.derived_parent_id like 'cluster %' then 'cluster ' || coalesce(dim_clusters.cluster_name, dim_clusters.cluster_id)
            when facts.derived_parent_id like 'pool %' or facts.derived_parent_id like 'outer pool %'
                then 'resource ' || facts.derived_parent_id
            when facts.derived_parent_id like 'factor %' then 'all machines of core ' || facts.derived_parent_id
            else 'the license'
        end as parent
    from ops.snapshots
    inner join mart.fct_chargeback as facts
        on snapshots.load_id = facts.load_id and snapshots.snapshot_date = facts.snapshot_date
    inner join mart.dim_licenses on facts.license_key = dim_licenses.license_key
    inner join mart.dim_consumers on facts.consumer_key = dim_consumers.consumer_key
    inner join mart.dim_organization_units as cost_centers on facts.cost_center_key = cost_centers.unit_key
    left join mart.dim_hosts on facts.host_key = dim_hosts.host_key
    left join mart.dim_clusters on facts.cluster_key = dim_clusters.cluster_key
    left join mart.license_types on lower(dim_licenses.license_type) = lower(license_types.license_type)
    left join mart.recharge_methods on facts.method_id = recharge_methods.method_id
    left join mart.delta_reasons on facts.delta_reason = delta_reasons.delta_reason
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
    case
        when method_id is null or family = 'as_recharged' or derived is null
            then consumer || ' is charged ' || coalesce(recharged::text, 'no') || ' ' || unit || ' as Flexera recharges them'
            || coalesce(' for ' || recharged_cost_text || ' ' || currency, '') || '.'
        when weight_total is null or weight_total = weight or derived_parent_id = '' and weight_name = 'quantity'
            then consumer || ' counts ' || derived || ' ' || unit
            || coalesce('; ' || derived || ' x ' || price || ' ' || currency || ' = ' || derived_cost_text || ' ' || currency, '')
            || '.'
        else
            consumer || ' has ' || weight || ' of the ' || weight_total || ' '
            || case weight_name
                when 'cores' then 'cores with installations'
                when 'capped_cores' then 'cores that may be used'
                when 'equal' then 'equal parts'
                when 'users' then 'users'
                when 'installations' then 'installations'
                else 'parts'
            end
            || ' in ' || parent || '; ' || parent || ' consumes ' || parent_consumption || ' ' || unit || '; '
            || weight || '/' || weight_total || ' x ' || parent_consumption || ' = ' || derived
            || coalesce(' x ' || price || ' ' || currency || ' = ' || derived_cost_text || ' ' || currency, '') || '.'
    end
    || case
        when is_reconciled or family = 'as_recharged' or method_id is null then ''
        else
            ' Flexera recharges ' || coalesce(recharged::text, 'nothing')
            || coalesce(' for ' || recharged_cost_text || ' ' || currency, '') || '. '
            || coalesce(delta_meaning, '')
    end as explanation
from charges;
comment on view bi.explanation is 'One row per charge of bi.chargeback: a sentence that says where it comes from.';
comment on column bi.explanation.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.explanation.org_id is 'Flexera One organization the figures come from.';
comment on column bi.explanation.license_id is 'Flexera''s id of the license.';
comment on column bi.explanation.license_name is 'Name of the license in Flexera.';
comment on column bi.explanation.consumer_type is 'Who is charged: device, user or unallocated.';
comment on column bi.explanation.device_name is 'Name of the computer or virtual machine.';
comment on column bi.explanation.user_name is 'Name of the user.';
comment on column bi.explanation.cost_center is 'Full path of the cost center that owes the charge.';
comment on column bi.explanation.method_id is 'The method the figures were derived with; bi.method says what it does.';
comment on column bi.explanation.recharged_consumption is 'What Flexera recharges, in units of the license.';
comment on column bi.explanation.recharged_cost is 'What Flexera recharges, in money.';
comment on column bi.explanation.derived_consumption is 'What the method makes of it, in units of the license.';
comment on column bi.explanation.derived_cost is 'What the method makes of it, in money.';
comment on column bi.explanation.delta is 'recharged_consumption minus derived_consumption.';
comment on column bi.explanation.delta_reason is 'Why they differ, from a closed list; null where they do not.';
comment on column bi.explanation.is_reconciled is 'Whether derived and recharged figures are the same, to the cent.';
comment on column bi.explanation.explanation is 'The sentence, with the numbers in it.';

-- The columns that the first release left empty.
comment on column bi.chargeback.derived_consumption is
'Consumption by the method that fits best, beside Flexera''s; empty where the license has no terms.';
comment on column bi.chargeback.derived_cost is
'Cost by the method that fits best, rounded once per license; empty without a price.';
comment on column bi.chargeback.method_id is
'Name and version of the method behind the derived figures; bi.method says what it does.';
comment on column bi.chargeback.delta_reason is
'Why derived and recharged figures differ, from a closed list; empty where they agree.';
comment on column bi.chargeback.is_reconciled is
'Whether the derived figures are those that Flexera recharges, to the cent.';
comment on column bi.chargeback_current.derived_consumption is
'Consumption by the method that fits best, beside Flexera''s; empty where the license has no terms.';
comment on column bi.chargeback_current.derived_cost is
'Cost by the method that fits best, rounded once per license; empty without a price.';
comment on column bi.chargeback_current.method_id is
'Name and version of the method behind the derived figures; bi.method says what it does.';
comment on column bi.chargeback_current.delta_reason is
'Why derived and recharged figures differ, from a closed list; empty where they agree.';
comment on column bi.chargeback_current.is_reconciled is
'Whether the derived figures are those that Flexera recharges, to the cent.';
