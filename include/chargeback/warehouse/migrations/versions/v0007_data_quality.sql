-- Quality at publish: what a check watches over and says, the lists and limits that checks look up, and the view.

alter table ops.check_results
add column dimension text,
add column description text;
comment on column ops.check_results.dimension is
'What the check watches over: freshness, completeness, uniqueness, referential, accepted values, conservation or change.';
comment on column ops.check_results.description is 'The rule in words: the comment at the top of the check''s file.';

-- Results of earlier releases: their checks, by what they watch over, and their names as words.
update ops.check_results
set
    dimension = case
        when check_name in ('a_load_has_licenses', 'every_selected_license_is_complete', 'pages_are_gapless', 'load_is_not_empty', 'quarantine_is_empty')
            then 'completeness'
        when check_name in ('licenses_have_not_shrunk', 'tenant_has_not_shrunk')
            then 'change'
        when check_name in ('no_page_without_its_extraction', 'keys_are_whole')
            then 'referential'
        when check_name in ('grain_is_unique', 'host_figures_agree', 'rows_repeated_across_pages')
            then 'uniqueness'
        when check_name in ('one_currency_is_used')
            then 'accepted values'
        else 'conservation'
    end,
    description = initcap(left(check_name, 1)) || replace(substr(check_name, 2), '_', ' ') || '.';

alter table ops.check_results
alter column dimension set not null,
alter column description set not null,
add constraint check_results_dimension check (
    dimension in (
        'freshness', 'completeness', 'uniqueness', 'referential', 'accepted values', 'conservation', 'change'
    )
);

create table mart.currencies (
    currency text primary key check (currency ~ '^[A-Z]{3}$')
);
comment on table mart.currencies is 'One row per currency of ISO 4217 that people pay with.';
comment on column mart.currencies.currency is 'The code, e.g. EUR.';

insert into mart.currencies (currency) values
('AED'), ('AFN'), ('ALL'), ('AMD'), ('ANG'), ('AOA'), ('ARS'), ('AUD'), ('AWG'), ('AZN'), ('BAM'), ('BBD'),
('BDT'), ('BGN'), ('BHD'), ('BIF'), ('BMD'), ('BND'), ('BOB'), ('BRL'), ('BSD'), ('BTN'), ('BWP'), ('BYN'),
('BZD'), ('CAD'), ('CDF'), ('CHF'), ('CLF'), ('CLP'), ('CNY'), ('COP'), ('CRC'), ('CUP'), ('CVE'), ('CZK'),
('DJF'), ('DKK'), ('DOP'), ('DZD'), ('EGP'), ('ERN'), ('ETB'), ('EUR'), ('FJD'), ('FKP'), ('GBP'), ('GEL'),
('GHS'), ('GIP'), ('GMD'), ('GNF'), ('GTQ'), ('GYD'), ('HKD'), ('HNL'), ('HTG'), ('HUF'), ('IDR'), ('ILS'),
('INR'), ('IQD'), ('IRR'), ('ISK'), ('JMD'), ('JOD'), ('JPY'), ('KES'), ('KGS'), ('KHR'), ('KMF'), ('KPW'),
('KRW'), ('KWD'), ('KYD'), ('KZT'), ('LAK'), ('LBP'), ('LKR'), ('LRD'), ('LSL'), ('LYD'), ('MAD'), ('MDL'),
('MGA'), ('MKD'), ('MMK'), ('MNT'), ('MOP'), ('MRU'), ('MUR'), ('MVR'), ('MWK'), ('MXN'), ('MYR'), ('MZN'),
('NAD'), ('NGN'), ('NIO'), ('NOK'), ('NPR'), ('NZD'), ('OMR'), ('PAB'), ('PEN'), ('PGK'), ('PHP'), ('PKR'),
('PLN'), ('PYG'), ('QAR'), ('RON'), ('RSD'), ('RUB'), ('RWF'), ('SAR'), ('SBD'), ('SCR'), ('SDG'), ('SEK'),
('SGD'), ('SHP'), ('SLE'), ('SOS'), ('SRD'), ('SSP'), ('STN'), ('SVC'), ('SYP'), ('SZL'), ('THB'), ('TJS'),
('TMT'), ('TND'), ('TOP'), ('TRY'), ('TTD'), ('TWD'), ('TZS'), ('UAH'), ('UGX'), ('USD'), ('UYU'), ('UZS'),
('VED'), ('VES'), ('VND'), ('VUV'), ('WST'), ('XAF'), ('XCD'), ('XCG'), ('XOF'), ('XPF'), ('YER'), ('ZAR'),
('ZMW'), ('ZWG');

create table mart.check_limits (
    limit_name text primary key,
    limit_value numeric not null check (limit_value >= 0),
    meaning text not null
);
comment on table mart.check_limits is
'One row per limit that a check of severity warn goes by; change limit_value to have more or fewer warnings.';
comment on column mart.check_limits.limit_name is 'Name of the limit, as the checks look it up.';
comment on column mart.check_limits.limit_value is 'The limit.';
comment on column mart.check_limits.meaning is 'What is compared with it, and its unit.';

insert into mart.check_limits (limit_name, limit_value, meaning) values
('moved_percent', 50, 'By how many percent a cost center or license may move from one snapshot to the next.'),
('moved_cost', 1000, 'Moves of less cost than this are left alone, in the currency of the costs.'),
('moved_units', 10, 'Moves of less consumption than this are left alone, in units of the license.'),
('page_age_days', 1, 'Days that a page may be received before or after the date of its snapshot.'),
('snapshot_gap_days', 7, 'Days that may pass from one published snapshot to the next.');

create view bi.data_quality as
select
    snapshots.snapshot_date,
    snapshots.org_id,
    results.check_name,
    results.dimension,
    results.severity,
    results.description,
    results.is_passed,
    results.failing_row_count,
    (
        select string_agg(shown.line, E'\n' order by shown.position)
        from
            (
                select
                    failing.position,
                    (
                        select
                            string_agg(
                                replace(fields.name, '_', ' ') || ' ' || fields.value,
                                ', ' order by fields.name <> 'license_id', fields.name
                            )
                        from jsonb_each_text(failing.fields) as fields (name, value)
                        where fields.value is not null
                    ) as line
                from jsonb_array_elements(results.sample) with ordinality as failing (fields, position)
            ) as shown
    ) as failing_rows,
    results.checked_at
from ops.snapshots
inner join ops.check_results as results on snapshots.load_id = results.load_id;
comment on view bi.data_quality is
'One row per published snapshot and check: what was checked, whether it held, and the rows that broke it.
Key: snapshot_date, org_id, check_name.
A check of severity fail that does not hold keeps a snapshot from being published, so what fails here is a warning.';
comment on column bi.data_quality.snapshot_date is 'The date the figures speak of: the tenant as it was that night.';
comment on column bi.data_quality.org_id is 'Flexera One organization the figures come from.';
comment on column bi.data_quality.check_name is 'Name of the check; docs/runbook.md says what to do about it.';
comment on column bi.data_quality.dimension is
'What the check watches over: freshness, completeness, uniqueness, referential, accepted values, conservation or change.';
comment on column bi.data_quality.severity is 'fail: a snapshot that breaks the rule is not published; warn: it is.';
comment on column bi.data_quality.description is 'The rule in words.';
comment on column bi.data_quality.is_passed is 'Whether no row broke the rule.';
comment on column bi.data_quality.failing_row_count is 'How many rows broke it.';
comment on column bi.data_quality.failing_rows is
'The first rows that broke it, at most 20, one a line; empty where none did.';
comment on column bi.data_quality.checked_at is 'When the check ran (UTC).';
