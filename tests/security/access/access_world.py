"""A warehouse with a published night in it, and people who sign in to it over TCP, each with rights of their own."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2 import sql
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import URL

PASSWORD = "a password of the tests"


class NotRefusedError(AssertionError):
    """A statement that had to fail did not."""


@dataclass(frozen=True)
class Person:
    """A login of the warehouse; every question is asked on a connection of its own."""

    name: str
    url: URL

    @contextmanager
    def session(self) -> Iterator[Any]:
        """A psycopg2 cursor in autocommit mode."""
        connection = psycopg2.connect(
            self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        )
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.session() as cursor:
            cursor.execute(statement, parameters or None)
            return list(cursor.fetchall())

    def value(self, statement: str, *parameters: object) -> Any:
        [[value]] = self.rows(statement, *parameters)
        return value

    def run(self, statement: str, *parameters: object) -> None:
        with self.session() as cursor:
            cursor.execute(statement, parameters or None)

    def error(self, statement: str, *parameters: object) -> str:
        """What the server answers to a statement that must fail: message, detail, hint and context."""
        try:
            self.run(statement, *parameters)
        except psycopg2.Error as error:
            return str(error)
        raise NotRefusedError(f"{self.name} was not refused: {statement}")

    def plan(self, statement: str, *parameters: object, options: str = "") -> list[str]:
        """The lines of EXPLAIN."""
        return [line for (line,) in self.rows(f"explain {options} {statement}", *parameters)]


@dataclass
class AccessWorld:
    """One warehouse, its administrator, and the logins a test asks for."""

    url: URL
    admin: Person
    _people: dict[str, Person] = field(default_factory=dict)
    _mark: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def person(self, name: str, *roles: str) -> Person:
        """A login of this name that is a member of `roles`; the same one again where there is one."""
        if name not in self._people:
            self._people[name] = self._create(name, *roles)
        return self._people[name]

    def group(self, name: str) -> str:
        """A role without login, to be granted to people; returns its real name."""
        if name not in self._people:
            self._create(name, login=False)
        return self._people[name].name

    def _create(self, name: str, *roles: str, login: bool = True) -> Person:
        real_name = f"{name}_{self._mark}"
        statement = sql.SQL("create role {} {}").format(
            sql.Identifier(real_name),
            sql.SQL("login password {}").format(sql.Literal(PASSWORD)) if login else sql.SQL("nologin"),
        )
        with self.admin.session() as cursor:
            cursor.execute(statement)
            for role in roles:
                cursor.execute(
                    sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(real_name))
                )
        created = Person(real_name, self.url.set(username=real_name, password=PASSWORD))
        self._people[name] = created
        return created

    def grant(self, grantee: Person | str, hierarchy: str, path: str, org_id: str | None = None) -> None:
        """One row of ops.access_grants."""
        name = grantee if isinstance(grantee, str) else grantee.name
        self.admin.run(
            "insert into ops.access_grants (grantee, org_id, hierarchy, path, note) values (%s, %s, %s, %s, 'test')",
            name,
            org_id or self.org_id,
            hierarchy,
            path,
        )

    def revoke(self, grantee: Person | str) -> None:
        """All grants of one name."""
        name = grantee if isinstance(grantee, str) else grantee.name
        self.admin.run("delete from ops.access_grants where grantee = %s", name)

    @property
    def org_id(self) -> str:
        return str(self.admin.value("select org_id from ops.snapshots limit 1"))

    def views(self) -> list[str]:
        """Every relation of bi, as the catalog has them."""
        return [
            name
            for (name,) in self.admin.rows(
                "select relname from pg_class where relnamespace = 'bi'::regnamespace "
                "and relkind in ('r', 'p', 'v', 'm', 'f') order by relname"
            )
        ]

    def drop_people(self) -> None:
        """Take every login and group away again."""
        with self.admin.session() as cursor:
            for person in reversed(self._people.values()):
                name = sql.Identifier(person.name)
                cursor.execute(sql.SQL("drop owned by {} cascade").format(name))
                cursor.execute(sql.SQL("drop role {}").format(name))


@contextmanager
def access_world(postgres_url: str, template: str, on_server: Callable[[str], None]) -> Iterator[AccessWorld]:
    """A migrated warehouse without a night in it; its people are taken away with it."""
    name = f"access_{uuid.uuid4().hex}"
    on_server(f"create database {name} template {template} strategy file_copy")
    url = make_url(postgres_url).set(drivername="postgresql+psycopg2", database=name)
    world = AccessWorld(url, Person("admin", url))
    try:
        yield world
    finally:
        world.drop_people()
        on_server(f"drop database {name} with (force)")


def lines(person: Person, view: str) -> list[str]:
    """Every row of a view of bi as text, in an order of its own."""
    return [line for (line,) in person.rows(f"select visible::text from bi.{view} as visible order by 1")]
