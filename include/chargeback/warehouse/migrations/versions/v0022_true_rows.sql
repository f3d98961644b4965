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
