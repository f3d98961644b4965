-- Two rows are the same row only where they are equal in every member.

alter table intermediate.int_consumption_lines add column content_hash uuid;
comment on column intermediate.int_consumption_lines.content_hash is
'Hash over all members of the row, read by the field map or not; null where an earlier version flattened the row.';

alter table intermediate.int_consumer_lines
drop column row_identity,
drop column ordinal,
add column content_hash uuid,
add column is_possible_repeat boolean not null default false;
comment on table intermediate.int_consumer_lines is
'One row per charged row of the API: all of them but those that the license''s own total shows to be repeats.';
comment on column intermediate.int_consumer_lines.content_hash is
'Hash over all members of the row: equal rows have the same.';
comment on column intermediate.int_consumer_lines.is_possible_repeat is
'True: another page has the same row, or a later row of its consumer, and the license''s total does not tell which is true.';
drop function mart.row_identity;

-- Every amount that is added over charges says its currency, and none is added over two of them.

create function mart.currency_code(value text) returns text
language sql immutable parallel safe
return upper(mart.filled(value));
comment on function mart.currency_code is
'A currency as its code is written: without blanks, in capitals. A sign or a name stays what it is.';

-- From here on readers wait. As a reader does, the views are locked before the tables.
lock table bi.chargeback_by_cost_center in access exclusive mode;
lock table bi.chargeback_by_corporate_unit in access exclusive mode;
lock table bi.chargeback_by_location in access exclusive mode;
lock table bi.license_position in access exclusive mode;
lock table bi.snapshot in access exclusive mode;
alter table mart.fct_unit_totals add column currency text;
alter table mart.fct_license_positions add column currency text;
alter table ops.loads add column currency text;
comment on column mart.fct_unit_totals.currency is 'Currency of the license''s charges.';
comment on column mart.fct_license_positions.currency is 'Currency of the license''s charges; null without a charge.';
comment on column ops.loads.currency is
'Currency of recharged_cost; null, as recharged_cost is, where charges are in several currencies.';

create or replace view mart.published_unit_totals with (security_invoker = true) as
select
    facts.hierarchy,
    facts.snapshot_date,
    facts.org_id,
    facts.license_id,
    dim_licenses.license_name,
    units.path,
    units.parent_path,
    units.depth,
    facts.own_consumption,
    facts.own_cost,
    facts.total_consumption,
    facts.total_cost,
    facts.currency
from ops.snapshots
inner join mart.fct_unit_totals as facts on snapshots.load_id = facts.load_id
left join mart.dim_licenses on facts.license_key = dim_licenses.license_key
left join mart.dim_organization_units as units on facts.unit_key = units.unit_key;
comment on column mart.published_unit_totals.currency is 'Currency of the license''s charges.';

create or replace view bi.chargeback_by_cost_center with (security_invoker = true) as
select
    snapshot_date,
    org_id,
    license_id,
    license_name,
    path,
    parent_path,
    depth,
    own_consumption,
    own_cost,
    total_consumption,
    total_cost,
    currency
from mart.published_unit_totals
where hierarchy = 'cost_center';

create or replace view bi.chargeback_by_corporate_unit with (security_invoker = true) as
select
    snapshot_date,
    org_id,
    license_id,
    license_name,
    path,
    parent_path,
    depth,
    own_consumption,
    own_cost,
    total_consumption,
    total_cost,
    currency
from mart.published_unit_totals
where hierarchy = 'corporate_unit';

create or replace view bi.chargeback_by_location with (security_invoker = true) as
select
    snapshot_date,
    org_id,
    license_id,
    license_name,
    path,
    parent_path,
    depth,
    own_consumption,
    own_cost,
    total_consumption,
    total_cost,
    currency
from mart.published_unit_totals
where hierarchy = 'location';

create or replace view bi.license_position with (security_invoker = true) as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_id,
    dim_licenses.license_name,
    dim_licenses.license_type,
    dim_licenses.publisher,
    facts.purchased,
    facts.consumed,
    facts.machine_consumption,
    facts.recharged_consumption,
    facts.recharged_cost,
    facts.residue,
    facts.residue_reason,
    facts.row_count,
    facts.page_count,
    facts.status,
    facts.currency
from ops.snapshots
inner join mart.fct_license_positions as facts on snapshots.load_id = facts.load_id
left join mart.dim_licenses on facts.license_key = dim_licenses.license_key;

create or replace view bi.snapshot with (security_invoker = true) as
select
    snapshots.snapshot_date,
    snapshots.org_id,
    coalesce(loads.status, 'published') as status,
    loads.source,
    loads.license_count,
    loads.row_count,
    loads.page_count,
    loads.request_count,
    loads.recharged_cost,
    loads.started_at,
    snapshots.published_at,
    loads.dag_run_id,
    loads.currency
from ops.snapshots
left join ops.loads on snapshots.load_id = loads.load_id;

do $$
declare
    tree text;
begin
    foreach tree in array array['cost_center', 'corporate_unit', 'location'] loop
        execute format(
            'comment on column bi.chargeback_by_%s.currency is %L',
            tree,
            'Currency of the costs: group by it when you add up licenses. Empty where Flexera names none.'
        );
        execute format(
            'comment on column bi.chargeback_by_%s.own_cost is %L',
            tree,
            'Cost charged to the node itself, without those below it, in the currency beside it.'
        );
        execute format(
            'comment on column bi.chargeback_by_%s.total_cost is %L',
            tree,
            'Cost of the node and everything below it, in the currency beside it; the tops add up to the snapshot.'
        );
    end loop;
end
$$;
comment on column bi.license_position.currency is
'Currency of the cost: group by it when you add up licenses. Empty without charges, or where Flexera names none.';
comment on column bi.license_position.recharged_cost is
'Cost charged to its consumers, added up, in the currency beside it.';
comment on column bi.snapshot.recharged_cost is
'Cost of all charges, in the currency beside it; empty where charges are in several currencies: group bi.chargeback by currency.';
comment on column bi.snapshot.currency is
'Currency of the cost; empty where Flexera names none, or where charges are in several currencies.';

-- What rows of one consumer or host say differently is settled by a rule that no order of rows changes.

create table intermediate.int_contradictions (
    load_id bigint not null,
    license_id text not null,
    member_type text not null check (member_type in ('consumer', 'host')),
    member_identity text not null,
    attribute text not null,
    place integer not null,
    value text not null,
    line_count bigint not null,
    recharged_cost numeric not null,
    primary key (load_id, license_id, member_type, member_identity, attribute, place)
) partition by list (load_id);
comment on table intermediate.int_contradictions is
'One row per value that rows of one consumer or host contradict each other in; the one of place 1 counts.';
comment on column intermediate.int_contradictions.place is
'1 for the value on most rows; of equally many the one that is charged most, then the first in the alphabet.';

create table intermediate.int_consumers (
    load_id bigint not null,
    license_id text not null,
    consumer_identity text not null,
    consumer_key uuid not null,
    host_key uuid,
    cluster_key uuid,
    location_key uuid not null,
    cost_center_key uuid not null,
    corporate_unit_key uuid not null,
    consumer_type text not null check (consumer_type in ('device', 'user', 'unallocated')),
    device_identity text,
    user_identity text,
    device_id text,
    device_name text,
    device_type text,
    user_id text,
    user_name text,
    host_identity text,
    cluster_identity text,
    cost_center text not null,
    is_virtual_machine boolean not null,
    cores numeric,
    host_installed_cores numeric,
    host_consuming_cores numeric,
    cluster_installed_cores numeric,
    cluster_consuming_cores numeric,
    host_consumption numeric,
    cost_per_right numeric,
    currency text,
    recharge_approach text,
    consuming_installations numeric,
    machine_consumption numeric,
    recharged_consumption numeric,
    recharged_cost numeric,
    line_count bigint not null,
    primary key (load_id, license_id, consumer_identity)
) partition by list (load_id);
comment on table intermediate.int_consumers is
'One row per license and consumer: the sums of its rows, and its attributes where they contradict each other.';

alter table intermediate.int_consumer_lines add column user_identity text;
comment on column intermediate.int_consumer_lines.user_identity is 'What makes two rows the same user.';

-- Counted with the facts, which know the settled host of each machine.
alter table intermediate.int_hosts drop column vm_count, drop column cluster_key;
alter table intermediate.int_clusters drop column vm_count;

select ops.ensure_partitions(load_id, snapshot_date) from ops.loads where levels_dropped_at is null;
