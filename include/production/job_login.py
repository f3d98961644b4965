"""Make the login that the tasks have in the bundled warehouse; WAREHOUSE_JOB_PASSWORD is its password."""

from __future__ import annotations

import os

from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from chargeback import hooks

LOGIN = "nightly"


def main() -> None:
    """A member of chargeback_loader and of nothing else; made again, it has the password of now."""
    connection = hooks.database().raw_connection()
    # The server gets no password, only what it checks one with: none can reach its log.
    verifier = encrypt_password(os.environ["WAREHOUSE_JOB_PASSWORD"], LOGIN, connection, "scram-sha-256")
    login = sql.Identifier(LOGIN)
    with connection.cursor() as cursor:
        cursor.execute("select 1 from pg_roles where rolname = %s", (LOGIN,))
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("create role {}").format(login))
        cursor.execute(sql.SQL("alter role {} login password {}").format(login, sql.Literal(verifier)))
        cursor.execute(sql.SQL("grant chargeback_loader to {}").format(login))
    connection.close()
    print(f"The tasks sign in to the warehouse as {LOGIN}.")


if __name__ == "__main__":
    main()
