-- What analysts could not tell from the comments: when a figure is empty, in which currency a sum is, that a unit which moves
-- is another one, and that the latest day of all need not be the latest of each organization.
do $$
declare
    change record;
begin
    for change in
        select
            pg_attribute.attrelid::regclass as view_name,
            pg_attribute.attname as column_name,
            replace(pg_description.description, changes.old_text, changes.new_text) as comment
        from (
            values
            ('publisher', 'is bought from.', 'is bought from; empty where Flexera names none.'),
            ('device_name', 'or virtual machine.', 'or virtual machine; empty where the row names none.'),
            ('user_name', 'of the user.', 'of the user; empty where the row names none.'),
            ('cluster_name', 'the host belongs to.', 'the host belongs to; empty where it belongs to none.'),
            ('cores', 'cores of the device.', 'cores of the device; empty where Flexera gives none.'),
            ('host_installed_cores', 'is installed.', 'is installed; empty where Flexera gives none.'),
            ('host_consuming_cores', 'for the license.', 'for the license; empty where Flexera gives none.'),
            ('cluster_installed_cores', 'is installed.', 'is installed; empty where Flexera gives none.'),
            ('cluster_consuming_cores', 'for the license.', 'for the license; empty where Flexera gives none.'),
            ('cost_per_right', 'as kept in Flexera.', 'as kept in Flexera; empty where none is kept.'),
            ('recharged_cost', 'beside it. Adds', 'beside it; empty without a price. Adds'),
            (
                'recharged_cost', 'of their rows in bi.chargeback.',
                'of their rows in bi.chargeback, which names the currency; empty without a price.'
            ),
            ('recharged_cost', ', added up.', ', added up; bi.chargeback names the currency.'),
            ('recharged_cost', 'in money.', 'in money, empty without a price; bi.chargeback names the currency.'),
            ('own_cost', 'below it.', 'below it; bi.chargeback names the currency.'),
            ('total_cost', 'add up to the snapshot.', 'add up to the snapshot. bi.chargeback names the currency.'),
            ('purchased', 'as Flexera counts them.', 'as Flexera counts them; empty where it tells none.'),
            ('consumed', 'as Flexera counts it.', 'as Flexera counts it; empty where it tells none.'),
            (
                'is_latest_snapshot', 'published snapshot.',
                'published snapshot. An organization without one of that day has no rows there.'
            ),
            (
                'is_last_snapshot_of_month', 'published snapshot.',
                'published snapshot, of any organization; bi.month names the day of each.'
            )
        ) as changes (column_name, old_text, new_text)
        inner join pg_catalog.pg_attribute on changes.column_name = pg_attribute.attname
        inner join pg_catalog.pg_class on pg_attribute.attrelid = pg_class.oid
        inner join pg_catalog.pg_description
            on
                pg_class.oid = pg_description.objoid
                and pg_description.classoid = 'pg_catalog.pg_class'::regclass
                and pg_attribute.attnum = pg_description.objsubid
        where
            pg_class.relnamespace = 'bi'::regnamespace
            and position(changes.old_text in pg_description.description) > 0
        order by 1, 2
    loop
        execute format('comment on column %s.%I is %L', change.view_name, change.column_name, change.comment);
    end loop;
    for change in
        select
            dimensions.view_name,
            obj_description(dimensions.view_name, 'pg_class') || E'\n' || dimensions.line as comment
        from (
            values
            (
                'bi.dim_date'::regclass,
                'Where organizations have their latest night on different days, either flag shows the later of them '
                'only: filter by org_id and by the day that bi.month or bi.snapshot names.'
            ),
            (
                'bi.dim_cost_center'::regclass,
                'Told apart by its path: one that is renamed or moved in the tree is another row from then on, and '
                'nights of before keep the old path.'
            ),
            (
                'bi.dim_corporate_unit'::regclass,
                'Told apart by its path: one that is renamed or moved in the tree is another row from then on, and '
                'nights of before keep the old path.'
            ),
            (
                'bi.dim_location'::regclass,
                'Told apart by its path: one that is renamed or moved in the tree is another row from then on, and '
                'nights of before keep the old path.'
            )
        ) as dimensions (view_name, line)
    loop
        execute format('comment on view %s is %L', change.view_name, change.comment);
    end loop;
end
$$;
