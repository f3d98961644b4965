"""What a load has published, in the one line that `make run`, the log of the publish task and the notice show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chargeback.plain_text import plain
from chargeback.selection import LicenseFilter
from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection, Row

_SHOWN_LICENSES = 3
_SIZE = """
select
    loads.org_id,
    loads.snapshot_date,
    loads.license_count,
    loads.row_count,
    loads.filters,
    (
        select count(*) from ops.load_licenses
        where load_licenses.load_id = loads.load_id and load_licenses.is_selected
    ) as selected_count
from ops.loads
where loads.load_id = %(load_id)s
"""
_TOTALS = """
select
    upper(currency) as currency,
    sum(recharged_cost) as cost
from mart.fct_chargeback
where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
group by upper(currency)
having sum(abs(recharged_cost)) <> 0
order by sum(abs(recharged_cost)) desc, upper(currency)
"""
_CARRIED_FORWARD = """
select
    load_licenses.license_name,
    load_licenses.license_id,
    attempts.error
from mart.fct_license_positions
inner join ops.load_licenses
    on
        fct_license_positions.load_id = load_licenses.load_id
        and fct_license_positions.license_id = load_licenses.license_id
inner join ops.loads on fct_license_positions.load_id = loads.load_id
left join lateral (
    select extractions.error from ops.extractions
    where
        extractions.load_id in (loads.load_id, loads.pages_load_id)
        and extractions.license_id = load_licenses.license_id
    order by extractions.extraction_id desc
    limit 1
) as attempts on true
where
    fct_license_positions.load_id = %(load_id)s
    and fct_license_positions.snapshot_date = %(snapshot_date)s
    and fct_license_positions.status = 'carried_forward'
order by load_licenses.position
"""
_DELETED = """
select
    load_licenses.license_name,
    load_licenses.license_id,
    null as error
from ops.load_licenses
inner join ops.extractions on load_licenses.extraction_id = extractions.extraction_id
where load_licenses.load_id = %(load_id)s and extractions.status = 'deleted'
order by load_licenses.position
"""
_QUARANTINED = """
select
    count(*) as row_count,
    count(distinct license_id) as license_count,
    min(coalesce(column_name || ' ', '') || reason) as reason
from ops.quarantined_rows
where load_id = %(load_id)s
"""
_WARNINGS = """
select
    check_name,
    failing_row_count
from ops.check_results
where load_id = %(load_id)s and severity = 'warn' and not is_passed and check_name <> 'quarantine_is_empty'
order by check_name
"""


def of_load(connection: Connection, load_id: int) -> str:
    """Date, licenses, rows and total of a published load, and every warning with its count."""
    size = execute(connection, _SIZE, load_id=load_id).one()
    key = {"load_id": load_id, "snapshot_date": size.snapshot_date}
    warnings = _warnings(connection, key)
    told = f"{_counted(len(warnings), 'warning')}: {'; '.join(warnings)}" if warnings else "No warnings"
    where = " See bi.data_quality and ops.check_results." if warnings else ""
    totals = execute(connection, _TOTALS, **key).all()
    return (
        f"Snapshot {size.snapshot_date} of organization {size.org_id} (load {load_id}): {_licenses(size)}, "
        f"{_counted(size.row_count, 'row')}, {_money(totals)}. {told}.{where}"
    )


def of_run(connection: Connection, dag_run_id: str) -> str | None:
    """The summary of what a run has published last; None if it has published nothing."""
    load_id = execute(
        connection,
        "select max(load_id) from ops.loads where dag_run_id = %(dag_run_id)s and status = 'published'",
        dag_run_id=dag_run_id,
    ).scalar_one()
    return None if load_id is None else of_load(connection, load_id)


def _licenses(size: Row[Any]) -> str:
    licenses = _counted(size.license_count, "license")
    if not size.filters:
        return licenses
    return f"{licenses} ({size.selected_count:,} read, by the filter {plain(LicenseFilter.from_params(size.filters))})"


def _money(totals: Sequence[Row[Any]]) -> str:
    """One figure for each currency, never their sum."""
    return (
        " + ".join(f"{total.cost:,.2f} {total.currency or 'without a currency'}" for total in totals)
        or "no cost"
    )


def _warnings(connection: Connection, key: dict[str, Any]) -> list[str]:
    told = [
        f"{_counted(len(found), 'license')} {what}: {_named(found)}"
        for what, statement in (("carried forward", _CARRIED_FORWARD), ("deleted meanwhile", _DELETED))
        if (found := execute(connection, statement, **key).all())
    ]
    quarantined = execute(connection, _QUARANTINED, **key).one()
    if quarantined.row_count:
        told.append(
            f"{_counted(quarantined.row_count, 'row')} of {_counted(quarantined.license_count, 'license')} could not "
            f"be read and are charged to nobody: {plain(quarantined.reason)}"
        )
    checks = execute(connection, _WARNINGS, **key).all()
    return [*told, *(f"{check.check_name}: {_counted(check.failing_row_count, 'row')}" for check in checks)]


def _named(licenses: Sequence[Row[Any]]) -> str:
    named = [
        plain(each.license_name or each.license_id) + (f" ({plain(each.error)})" if each.error else "")
        for each in licenses[:_SHOWN_LICENSES]
    ]
    more = len(licenses) - len(named)
    return ", ".join(named) + (f" and {more:,} more" if more else "")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
