-- severity: fail
-- dimension: referential
-- Every consumption page belongs to an attempt in the ledger, for the same load and license.
select
    consumption_pages.license_id,
    'extraction ' || consumption_pages.extraction_id || ' of this license in the ledger' as expected,
    coalesce('extraction of license ' || extractions.license_id, 'none') as found
from staging.consumption_pages
left join ops.extractions on consumption_pages.extraction_id = extractions.extraction_id
where
    consumption_pages.load_id = %(pages_load_id)s
    and (
        extractions.extraction_id is null
        or extractions.license_id <> consumption_pages.license_id
        or extractions.load_id <> consumption_pages.load_id
    )
