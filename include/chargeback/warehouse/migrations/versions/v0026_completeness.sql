-- What tells a snapshot that is not whole from one that is.

alter table mart.license_types add column expects_rows boolean not null default true;
comment on column mart.license_types.expects_rows is
'False: the consumption is typed in or bought as a whole, so a license may consume without a device or user listed for it.';
update mart.license_types
set expects_rows = false
where residue_reason = 'owner_unallocated' or license_type in ('Microsoft Device CAL', 'Microsoft User CAL');

alter table ops.loads add column relisted_at timestamptz;
comment on column ops.loads.relisted_at is
'When the license list was last read again, because the API had no consumption of a license it lists; null if never.';
alter table ops.load_licenses add column delisted_at timestamptz;
comment on column ops.load_licenses.delisted_at is
'When the license list, read again, no longer held the license, which makes it a deleted one; null while it is listed.';

alter table intermediate.int_capacity_nodes add column is_exempt boolean not null default false;
comment on column intermediate.int_capacity_nodes.is_exempt is
'True: the consumer owes nothing, as it is allocated and consumes 0, or as another Oracle license counts its cluster.';
