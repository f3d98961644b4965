-- What was charged on one night, all of it? One row per charge, for another system.
with

asked as not materialized (
    select
        '12345' as org_id,
        date '2026-11-24' as snapshot_date
)

select chargeback.*
from asked
inner join bi.chargeback
    on asked.org_id = chargeback.org_id and asked.snapshot_date = chargeback.snapshot_date
