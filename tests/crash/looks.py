"""A look into a database that may be gone at this moment."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extras import RealDictCursor

Statement = str | sql.Composable
GONE = (psycopg2.OperationalError, psycopg2.InterfaceError)


class Looks:
    """One connection for many looks, opened anew where it was lost; an outage is raised as one of `GONE`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection: Any = None

    def rows(self, statement: Statement, **parameters: object) -> list[dict[str, Any]]:
        try:
            return self._rows(statement, parameters)
        except GONE:  # the server may have been restarted since the last look
            self.close()
            return self._rows(statement, parameters)

    def value(self, statement: str, **parameters: object) -> Any:
        """The first column of the only row."""
        [row] = self.rows(statement, **parameters)
        return next(iter(row.values()))

    def close(self) -> None:
        if self._connection is not None:
            with suppress(*GONE):
                self._connection.close()
            self._connection = None

    def _rows(self, statement: Statement, parameters: dict[str, object]) -> list[dict[str, Any]]:
        with self._cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []

    def _cursor(self) -> Any:
        if self._connection is None:
            self._connection = psycopg2.connect(self.url, connect_timeout=10)
            self._connection.autocommit = True
        return self._connection.cursor(cursor_factory=RealDictCursor)
