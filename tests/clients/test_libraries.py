"""Programs that read the warehouse: SQLAlchemy, pandas, DuckDB and psql get what SQL says, to the cent."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pytest
import sqlalchemy
from psycopg2 import errors
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine
    from warehouse_home import Home

pytestmark = pytest.mark.timeout(600)  # the nights are run once, by whichever test comes first
TOTAL = "select sum(recharged_cost) from bi.chargeback_current"


@pytest.fixture
def engine(home: Home) -> Iterator[Engine]:
    return sqlalchemy.create_engine(home.reader, poolclass=NullPool)


def reflected(engine: Engine, view: str) -> sqlalchemy.Table:
    return sqlalchemy.Table(view, sqlalchemy.MetaData(), schema="bi", autoload_with=engine)


def test_sqlalchemy_finds_every_view_with_its_comments(engine: Engine, home: Home) -> None:
    found = sqlalchemy.inspect(engine)
    views = found.get_view_names(schema="bi")

    assert len(views) == home.value("select count(*) from pg_views where schemaname = 'bi'") > 0
    for view in views:
        assert found.get_table_comment(view, schema="bi")["text"], view
        for column in found.get_columns(view, schema="bi"):
            assert column["comment"], (view, column["name"])


def test_sqlalchemy_selects_from_a_reflected_view_and_gets_decimals(engine: Engine, home: Home) -> None:
    view = reflected(engine, "chargeback_current")
    with engine.connect() as connection:
        total = connection.execute(sqlalchemy.select(sqlalchemy.func.sum(view.c.recharged_cost))).scalar_one()
        rows = connection.execute(sqlalchemy.select(view.c.recharged_cost)).scalars().all()

    assert isinstance(view.c.recharged_cost.type, sqlalchemy.Numeric)
    assert isinstance(total, Decimal)
    assert total == sum(cost for cost in rows if cost is not None) == home.value(TOTAL)


def test_the_analyst_reads_bi_and_nothing_else(engine: Engine) -> None:
    for table in ("mart.fct_chargeback", "ops.loads", "staging.license_pages", "intermediate.int_licenses"):
        with engine.connect() as connection, pytest.raises(sqlalchemy.exc.ProgrammingError) as refused:
            connection.exec_driver_sql(f"select 1 from {table}")
        assert isinstance(refused.value.orig, errors.InsufficientPrivilege)


def test_pandas_reads_floats_unless_it_is_told_to_keep_decimals(engine: Engine, home: Home) -> None:
    statement = "select recharged_cost from bi.chargeback_current where recharged_cost is not null"
    with engine.connect() as connection:
        exact = pd.read_sql(sqlalchemy.text(statement), connection, coerce_float=False)
        floats = pd.read_sql(sqlalchemy.text(statement), connection)

    assert set(exact["recharged_cost"].map(type)) == {Decimal}
    assert sum(exact["recharged_cost"]) == home.value(TOTAL)
    assert floats["recharged_cost"].dtype == "float64"


@pytest.fixture
def duck(home: Home) -> Iterator[Any]:
    """DuckDB with the warehouse attached; its extension comes as a package, so nothing is downloaded."""
    folder = files("duckdb_extension_postgres_scanner") / "extensions" / f"v{duckdb.__version__}"
    url = home.reader
    with duckdb.connect() as connection:
        connection.load_extension(str(folder / "postgres_scanner.duckdb_extension"))
        connection.execute(
            f"attach 'host={url.host} port={url.port} dbname={url.database} user={url.username} "
            f"password={url.password}' as warehouse (type postgres, schema 'bi', read_only)"
        )
        yield connection


def test_duckdb_reads_the_views_and_a_cast_keeps_every_digit(duck: Any, home: Home) -> None:
    [(kind,)] = duck.execute(
        "select distinct typeof(recharged_cost) from warehouse.bi.chargeback_current"
    ).fetchall()
    [(exact,)] = duck.execute(
        "select sum(cost::decimal(38, 10)) from postgres_query('warehouse', "
        "'select recharged_cost::text as cost from bi.chargeback_current')"
    ).fetchall()
    [(rounded,)] = duck.execute("select sum(recharged_cost) from warehouse.bi.chargeback_current").fetchall()

    assert kind == "DOUBLE"  # a numeric without a scale becomes a float there: hence the cast
    assert exact == home.value(TOTAL)
    assert rounded == pytest.approx(float(exact))


def test_duckdb_joins_two_views_of_the_warehouse(duck: Any, home: Home) -> None:
    joined = """
        select count(*)
        from warehouse.bi.chargeback as chargeback
        inner join warehouse.bi.license_position as positions using (snapshot_date, org_id, license_id)
    """
    assert duck.execute(joined).fetchone() == (home.value("select count(*) from bi.chargeback"),)


def test_psql_prints_what_sql_says(home: Home) -> None:
    printed = home.local("psql", f"\\pset tuples_only on\n\\pset format unaligned\n{TOTAL};\n")

    assert printed.split()[-1] == str(home.value(TOTAL))


def test_a_filter_on_the_date_reads_one_night_of_two(engine: Engine, home: Home) -> None:
    nights = pd.read_sql("select snapshot_date, recharged_cost from bi.snapshot", engine, coerce_float=False)
    view = reflected(engine, "chargeback")
    cost = sqlalchemy.select(sqlalchemy.func.sum(view.c.recharged_cost))
    with engine.connect() as connection:
        for night in nights.itertuples():
            one_night = connection.execute(cost.where(view.c.snapshot_date == night.snapshot_date))
            assert one_night.scalar_one() == night.recharged_cost
    assert len(nights) == 2
