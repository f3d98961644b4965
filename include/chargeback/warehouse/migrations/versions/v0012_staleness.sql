-- Who is told that the nights of an organization have stopped coming is told once a day, not at every look.
create table ops.staleness_notices (
    org_id text not null,
    told_on date not null default current_date,
    primary key (org_id, told_on)
);
comment on table ops.staleness_notices is
'One row per organization and day on which people were told that its newest snapshot is too old.';
