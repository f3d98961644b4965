-- Indexes for a warehouse of hundreds of nights, by which a query finds one night of a month, and what makes a consumer
-- the same in two of them. Views that use them come with the next revision: it locks views, this one tables, and a
-- revision that held both would stand in the way of readers that it waits for.
create index fct_chargeback_date on mart.fct_chargeback (snapshot_date);
create index fct_vm_consumption_date on mart.fct_vm_consumption (snapshot_date);
create index fct_host_consumption_date on mart.fct_host_consumption (snapshot_date);
create index fct_cluster_consumption_date on mart.fct_cluster_consumption (snapshot_date);
create index fct_unit_totals_date on mart.fct_unit_totals (snapshot_date, hierarchy);
create index fct_license_positions_date on mart.fct_license_positions (snapshot_date);
create index fct_method_fits_date on mart.fct_method_fits (snapshot_date);
create index dim_consumers_device on mart.dim_consumers (device_id);

-- What stays the same of a consumer when its name changes, so that two nights can be compared.
alter table mart.dim_consumers
add column identity_key uuid not null generated always as (md5(consumer_type || ' ' || consumer_identity)::uuid) stored;
comment on column mart.dim_consumers.identity_key is 'The same for all versions of a consumer.';
