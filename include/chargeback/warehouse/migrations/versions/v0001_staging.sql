-- Schema staging: answers of the API, verbatim. One partition per load: old nights are dropped, not deleted.
create schema staging;
comment on schema staging is 'Raw pages of the API, exactly as received.';

create table staging.license_pages (
    load_id bigint not null,
    page_number integer not null check (page_number > 0),
    body text not null,
    received_at timestamptz not null default clock_timestamp(),
    primary key (load_id, page_number)
) partition by list (load_id);
comment on table staging.license_pages is 'One row per load and page of the license list.';

create table staging.consumption_pages (
    load_id bigint not null,
    extraction_id bigint not null,
    license_id text not null,
    page_number integer not null check (page_number > 0),
    row_count integer not null check (row_count >= 0),
    body text not null,
    received_at timestamptz not null default clock_timestamp(),
    primary key (load_id, extraction_id, page_number)
) partition by list (load_id);
comment on table staging.consumption_pages is 'One row per extraction and page of a license''s consumption.';

do $$
begin
    alter table staging.license_pages alter column body set compression lz4;
    alter table staging.consumption_pages alter column body set compression lz4;
exception
    when feature_not_supported then
        raise notice 'This server has no lz4: pages are compressed with its default method.';
end
$$;
