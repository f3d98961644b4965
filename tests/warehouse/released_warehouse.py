"""A warehouse as the first release left it, a night on top of it, and what is seen of both."""

from __future__ import annotations

import datetime
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from chargeback.flexera import FieldMap, FlexeraClient
from chargeback.methods import METHODS_FILE, Catalog
from chargeback.settings import FlexeraSettings
from chargeback.steps import publish
from chargeback.steps.load_request import LoadRequest
from chargeback.steps.snapshot import build_snapshot
from chargeback.warehouse import migrations, seeds
from chargeback.warehouse.budget import RequestBudget
from chargeback.warehouse.database import Database, execute
from local_runtime.postgres import program

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from flexera_simulator.testing import RunningSimulator

HERE = Path(__file__).resolve().parent
FIELD_MAP = FieldMap.read(HERE.parents[1] / "include" / "config" / "field_map.yaml")
FIRST_RELEASE = "0001"
NIGHTS = (datetime.date(2026, 11, 22), datetime.date(2026, 11, 23))
LICENSES = ("Oracle WebLogic Suite", "Oracle Database on Power*", "SAP PowerDesigner", "Oracle Linux*")
LOADS = {1: NIGHTS[0], 2: NIGHTS[1], 3: NIGHTS[1]}
COLUMNS = """
    select columns.table_name, array_agg(columns.column_name::text order by columns.ordinal_position) as names
    from information_schema.columns
    where columns.table_schema = 'bi'
    group by columns.table_name
"""

View = dict[str, list[str]]


@dataclass(frozen=True)
class Warehouse:
    """A database, whatever its revision."""

    url: URL

    @property
    def database(self) -> Database:
        return Database.connect(self.url)

    def rows(self, statement: str) -> list[Any]:
        with self.database.transaction() as connection:
            return list(execute(connection, statement).all())

    def columns(self) -> View:
        """The views of `bi` and their columns."""
        return {name: list(columns) for name, columns in self.rows(COLUMNS)}

    def visible(self, columns: View) -> dict[str, list[str]]:
        """All rows of these columns of `bi`, as text, in an order of their own."""
        return {
            view: [
                row[0]
                for row in self.rows(
                    f"select shown::text from (select {', '.join(names)} from bi.{view}) as shown order by 1"
                )
            ]
            for view, names in columns.items()
        }

    def schema(self) -> list[str]:
        """Every statement that makes the schema, as pg_dump writes it; grants last, as their order means nothing."""
        done = run("pg_dump", self.url, "--schema-only")
        lines = [line for line in done.splitlines() if not line.startswith(("\\", "--"))]
        return [line for line in lines if not _is_grant(line)] + sorted(filter(_is_grant, lines))


def _is_grant(line: str) -> bool:
    return line.startswith("GRANT ")


def first_release(url: URL) -> Warehouse:
    """The schema of the first release and the rows that its own job wrote."""
    migrations.upgrade(url, FIRST_RELEASE)
    with Database.connect(url).transaction() as connection:
        for load_id, date in LOADS.items():
            execute(connection, f"select ops.ensure_partitions({load_id}, '{date}'::date)")
        execute(connection, "set local session_replication_role = replica")  # rows come by table, not by key
        text = (HERE / "first_release.sql").read_text(encoding="utf-8")
        connection.execution_options(no_parameters=True).exec_driver_sql(text)
    return Warehouse(url)


def night(
    warehouse: Warehouse,
    simulator: RunningSimulator,
    date: datetime.date,
    source: str,
    *,
    catalog: Catalog | None = None,
    **params: Any,
) -> dict[str, Any]:
    """The nightly job on this code's own steps, from the open load to the published one.

    `params` are those of the DAG; without a filter it reads LICENSES. Methods are the product's without a `catalog`.
    """
    database, fields = warehouse.database, simulator.connection()
    settings = FlexeraSettings.from_connection(fields["login"], fields["password"], fields["extra"])
    with database.transaction() as connection:
        seeds.load(connection)
    request = LoadRequest.from_params(
        {
            "snapshot_date": str(date),
            "source": source,
            "license_names": list(LICENSES),
            "allow_partial": True,
            **params,
        },
        org_id=settings.org_id,
        today=datetime.datetime.now(datetime.UTC).date(),
        default_date=date,
    )
    with requests.Session() as session:
        budget = RequestBudget(database.raw_connection, settings.budget_id, 0)
        client = FlexeraClient.over(session, settings, budget)
        load_id = build_snapshot(client, database, FIELD_MAP, catalog or Catalog.read(), request)
    return publish.publish(database, load_id)


def catalog_with(methods: list[str]) -> Catalog:
    """The product's catalog with an override: these methods for every license."""
    entry = f'overrides: [{{publishers: ["*"], methods: [{", ".join(methods)}]}}]'
    return Catalog.parse(METHODS_FILE.read_text(encoding="utf-8").replace("overrides: []", entry))


def run(name: str, url: URL, *options: str) -> str:
    """A program of PostgreSQL on a database; returns what it printed."""
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    done = subprocess.run(
        [str(program(name)), f"--dbname={address}", *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
