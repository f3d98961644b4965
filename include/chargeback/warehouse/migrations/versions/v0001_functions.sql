-- Rules that several tables share, each written once.
create schema mart;
comment on schema mart is 'The star: dimensions and facts of every load, published or not.';

create function mart.filled(value text) returns text
language sql immutable parallel safe
return nullif(btrim(value, E' \t\r\n\u00A0'), '');
comment on function mart.filled is 'A text without surrounding blanks; null where nothing is left.';

create function mart.normalized_path(path text) returns text
language sql immutable parallel safe
return coalesce(
    nullif(
        btrim(regexp_replace(path, E'[\\s\u00A0]*/[\\s\u00A0/]*', '/', 'g'), E'/ \t\r\n\u00A0'),
        ''
    ),
    'Unassigned'
);
comment on function mart.normalized_path is
'A group''s path as "Top/Middle/Leaf": no blank names, no slash at either end; "Unassigned" for none.';

create function mart.device_identity(
    device_id text, device_name text, host_identity text, cluster_identity text
) returns text
language sql immutable parallel safe
return case
    when device_id is not null then 'id:' || device_id
    when device_name is not null then
        'name:' || device_name
        || coalesce(' host ' || host_identity, '')
        || coalesce(' cluster ' || cluster_identity, '')
end;
comment on function mart.device_identity is
'What makes two rows the same device: its id, or else its name within its host and cluster.';

create function mart.named_identity(id text, name text) returns text
language sql immutable parallel safe
return coalesce('id:' || id, 'name:' || name);
comment on function mart.named_identity is
'What makes two rows the same user, host or cluster: the id, or else the name.';

create function mart.row_identity(
    device_identity text, user_identity text, host_identity text, cluster_identity text
) returns text
language sql immutable parallel safe
return coalesce(
    'device ' || device_identity || ' user ' || user_identity,
    'device ' || device_identity,
    'user ' || user_identity,
    'host ' || host_identity || coalesce(' cluster ' || cluster_identity, ''),
    'cluster ' || cluster_identity
);
comment on function mart.row_identity is
'What makes two rows of a license the same: their device and user, or else their host; null for neither.';

create function mart.version_key(variadic attributes text[]) returns uuid
language sql stable parallel safe
return md5(attributes::text)::uuid;
comment on function mart.version_key is
'The key of a dimension row: the same attributes give the same key in every load.';

create function mart.organization_unit_key(org_id text, hierarchy text, path text) returns uuid
language sql stable parallel safe
return mart.version_key(org_id, hierarchy, path);
comment on function mart.organization_unit_key is 'The key of a cost center, corporate unit or location.';

create table mart.residue_reasons (
    residue_reason text primary key,
    meaning text not null
);
comment on table mart.residue_reasons is
'One row per reason why a license''s rows may not add up to its consumption; the list is closed.';

insert into mart.residue_reasons (residue_reason, meaning) values
('oracle_rounding', 'Oracle rounds up each row, but the license once per core factor.'),
('oracle_nup_minimum', 'The license counts the contract''s minimum of users, more than its rows have.'),
('pvu_peak_vs_current', 'The license counts the peak of the reporting period, its rows what is in use now.'),
('rvu_tier', 'The license is priced in tiers over all devices, so no figure of a single row is exact.'),
('owner_unallocated', 'Consumption typed in or bought as a whole, part of which has no device or user.'),
('consumption_without_rows', 'The license has consumption, but no device or user is listed for it.'),
('consumption_unknown', 'Flexera gives no consumption for the license, so that its rows cannot be compared.'),
('rows_quarantined', 'Rows of the license could not be read; they are in ops.quarantined_rows.'),
('license_deleted', 'The license was deleted in Flexera while the snapshot was taken.'),
('not_loaded', 'The license could not be read, and no earlier snapshot holds it.'),
('unexplained', 'None of the above; an override in Flexera or a restricted account are usual causes.');

create table mart.license_types (
    license_type text primary key,
    consumes_by text not null check (consumes_by in ('device', 'user')),
    unit text not null,
    residue_reason text references mart.residue_reasons (residue_reason)
);
comment on table mart.license_types is
'One row per license type we know: who consumes it, its unit, and why its rows may differ from its total.';
comment on column mart.license_types.consumes_by is
'Whom a row charges that names both a device and a user. Types that are not listed are taken as device.';
create unique index license_types_lower on mart.license_types (lower(license_type));

insert into mart.license_types (license_type, consumes_by, unit, residue_reason) values
('Oracle Processor', 'device', 'Processor Licenses', 'oracle_rounding'),
('Oracle Named User Plus', 'device', 'Users', 'oracle_nup_minimum'),
('Oracle Application User', 'user', 'Users', null),
('IBM PVU', 'device', 'PVUs', 'pvu_peak_vs_current'),
('IBM RVU', 'device', 'RVUs', 'rvu_tier'),
('IBM UVU', 'user', 'UVUs', 'rvu_tier'),
('IBM VPC', 'device', 'VPCs', null),
('IBM Cloud Pak', 'device', 'VPCs', null),
('IBM Authorized User', 'user', 'Users', null),
('IBM Concurrent User', 'user', 'Users', 'owner_unallocated'),
('IBM Floating User', 'user', 'Users', 'owner_unallocated'),
('Microsoft Device CAL', 'device', 'Devices', null),
('Microsoft User CAL', 'user', 'Users', null),
('Microsoft SCCM Client User', 'user', 'Users', null),
('Microsoft Server Core', 'device', 'Cores', null),
('Microsoft Server/Management Core', 'device', 'Cores', null),
('Microsoft Server Processor', 'device', 'Processors', null),
('SAP Package', 'device', 'Packages', 'owner_unallocated'),
('SAP Named User', 'user', 'Users', null),
('Named User', 'user', 'Users', null),
('User', 'user', 'Users', null),
('SaaS User', 'user', 'Users', null),
('Concurrent User', 'user', 'Users', 'owner_unallocated'),
('Device', 'device', 'Devices', null),
('Device (Core-Limited)', 'device', 'Devices', null),
('Device (Processor-Limited)', 'device', 'Devices', null),
('Processor', 'device', 'Processors', null),
('Processor Points', 'device', 'Points', null),
('Core Points', 'device', 'Points', null),
('Custom Metric', 'device', 'Units', 'owner_unallocated'),
('CAL Legacy', 'device', 'Access Licenses', 'owner_unallocated'),
('Enterprise', 'device', 'Licenses', 'owner_unallocated'),
('Site', 'device', 'Sites', 'owner_unallocated'),
('OEM', 'device', 'Devices', null),
('Appliance', 'device', 'Devices', null),
('Node Locked', 'device', 'Devices', null),
('Evaluation', 'device', 'Devices', null),
('Run-Time', 'device', 'Devices', null),
('Client Server', 'device', 'Devices', null),
('Tiered Device', 'device', 'Devices', null);
