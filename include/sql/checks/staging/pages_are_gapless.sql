-- severity: fail
-- dimension: completeness
-- Every complete extraction has its pages 1 to n, and n and the rows on them are what the ledger counted.
select
    extractions.license_id,
    'pages 1 to ' || extractions.page_count || ' with ' || extractions.row_count || ' rows' as expected,
    pages.page_count || ' pages, ' || pages.first_page || ' to ' || pages.last_page
    || ', with ' || pages.row_count || ' rows' as found
from ops.load_licenses
inner join ops.extractions on load_licenses.extraction_id = extractions.extraction_id
-- Lateral, so that the pages of one load are read and not those of all loads.
cross join
    lateral (
        select
            count(*) as page_count,
            coalesce(min(consumption_pages.page_number), 0) as first_page,
            coalesce(max(consumption_pages.page_number), 0) as last_page,
            coalesce(sum(consumption_pages.row_count), 0) as row_count
        from staging.consumption_pages
        where
            consumption_pages.load_id = extractions.load_id
            and consumption_pages.extraction_id = extractions.extraction_id
            and consumption_pages.license_id = extractions.license_id
    ) as pages
where
    load_licenses.load_id = %(load_id)s
    and extractions.status = 'complete'
    and (
        extractions.page_count = 0
        or extractions.page_count <> pages.page_count
        or pages.first_page <> 1
        or pages.last_page <> pages.page_count
        or extractions.row_count <> pages.row_count
    )
order by load_licenses.position
