"""Work out every license by every method it may be charged by, beside what the API recharges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chargeback.methods import TERM_COLUMNS, Catalog, LicenseFacts
from chargeback.warehouse import recharge, scripts
from chargeback.warehouse.database import Database, copy_rows, execute

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from chargeback.steps.loads import Load
    from chargeback.warehouse.scripts import Parameters


def derive(database: Database, catalog: Catalog, load: Load) -> dict[str, int]:
    """Replace the load's terms, quantities and shares, all or none. Returns rows written by table."""
    with database.transaction() as connection:
        return write(connection, catalog, load.parameters)


def write(connection: Connection, catalog: Catalog, parameters: Parameters) -> dict[str, int]:
    """The same within a transaction that the caller ends."""
    note_methods(connection, catalog)
    load_id = parameters["load_id"]
    terms = catalog.terms(int(str(load_id)), _licenses(connection, load_id))
    execute(
        connection, "delete from intermediate.int_license_terms where load_id = %(load_id)s", load_id=load_id
    )
    copy_rows(connection, "intermediate.int_license_terms", TERM_COLUMNS, terms)
    scripts.analyze(connection, "intermediate.int_license_terms", parameters)
    return {"int_license_terms": len(terms), **recharge.run(connection, parameters)}


def _licenses(connection: Connection, load_id: object) -> list[LicenseFacts]:
    """The licenses the load has rows of, as the catalog sees them."""
    rows = execute(
        connection,
        """
        select licenses.license_id, licenses.license_type, licenses.publisher, licenses.consumed, nodes.features
        from intermediate.int_license_versions as licenses
        inner join (
            select
                license_id,
                array_remove(array[
                    case when bool_or(node_type = 'cluster') then 'clusters' end,
                    case when bool_or(node_type = 'host') then 'hosts' end,
                    case when bool_or(node_type in ('pool', 'outer_pool')) then 'pools' end,
                    case when bool_or(level = 0 and capped_cores is not null) then 'caps' end,
                    case when bool_or(is_cloud) then 'clouds' end,
                    case when bool_or(level = 0 and sockets is not null) then 'processors' end,
                    case when bool_or(level = 0 and host_node_id is null) then 'stand_alone' end,
                    case when bool_or(installations > 1) then 'installations' end,
                    case when bool_or(is_allocated) then 'allocations' end
                ], null) as features
            from intermediate.int_capacity_nodes
            where load_id = %(load_id)s
            group by license_id
        ) as nodes on licenses.license_id = nodes.license_id
        where licenses.load_id = %(load_id)s
        order by licenses.license_id
        """,
        load_id=load_id,
    ).all()
    return [LicenseFacts(**row._mapping) for row in rows]


def note_methods(connection: Connection, catalog: Catalog) -> None:
    """Keep what each method says beside the figures it explains."""
    for method in catalog.methods.values():
        execute(
            connection,
            """
            insert into mart.recharge_methods (method_id, family, measure, weight, explanation, source)
            values (%(method_id)s, %(family)s, %(measure)s, %(weight)s, %(explanation)s, %(source)s)
            on conflict (method_id) do update
            set
                family = excluded.family,
                measure = excluded.measure,
                weight = excluded.weight,
                explanation = excluded.explanation,
                source = excluded.source
            """,
            method_id=method.method_id,
            family=method.family,
            measure=method.measure,
            weight=method.weight,
            explanation=method.explanation,
            source=method.source,
        )
