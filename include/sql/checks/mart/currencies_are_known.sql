-- severity: warn
-- dimension: accepted values
-- Every currency that is named is one of ISO 4217: another text, such as a sign, is a wrong field map or a
-- wrong default. It is kept as it is, as $ may be several currencies.
select
    facts.license_id,
    'a currency of ISO 4217' as expected,
    facts.currency || ' on ' || count(*) || ' rows' as found
from mart.fct_chargeback as facts
left join mart.currencies on facts.currency = currencies.currency
where
    facts.load_id = %(load_id)s
    and facts.snapshot_date = %(snapshot_date)s
    and facts.currency is not null
    and currencies.currency is null
group by facts.license_id, facts.currency
order by facts.license_id
