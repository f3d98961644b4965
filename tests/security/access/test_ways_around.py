"""An owner of one cost center tries to learn what others have, by every way that PostgreSQL has."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from access_world import lines
from owned import FACTS, MEMBERS, REFERENCE, TREES, UNITS, Subtrees, expected, table

if TYPE_CHECKING:
    from access_world import AccessWorld, Person

OWN = "Retail/Stores/CC-4210"
NAMES = (
    "device_id",
    "device_name",
    "user_id",
    "user_name",
    "host_id",
    "host_name",
    "cluster_id",
    "cluster_name",
)
SCHEMAS = ("ops", "staging", "intermediate", "mart")
# To the planner, any of one element costs half of what a comparison does.
COMPARED = (
    "{0} = %(value)s",
    "{0} = any(array[%(value)s])",
    "{0} >= any(array[%(value)s]) and {0} <= any(array[%(value)s])",
)


@pytest.fixture(scope="module")
def owner(world: AccessWorld) -> Person:
    person = world.person("owner_who_tries", "chargeback_owner")
    world.revoke(person)
    world.grant(person, "cost_center", OWN)
    return person


@pytest.fixture(scope="module")
def readable(world: AccessWorld, owner: Person) -> list[tuple[str, str, str]]:
    """View, column and type of all that the owner may ask for."""
    columns = owner.rows(
        "select relname, attname, atttypid::regtype::text "
        "from pg_class inner join pg_attribute on attrelid = pg_class.oid "
        "where relnamespace = 'bi'::regnamespace and attnum > 0 and not attisdropped "
        "and has_table_privilege(pg_class.oid, 'select') order by relname, attnum"
    )
    assert len({view for view, _, _ in columns}) > 5
    return columns


@pytest.fixture(scope="module")
def own_texts(owner: Person, readable: list[tuple[str, str, str]]) -> set[str]:
    """Every value the owner may see, as text."""
    views = {view for view, _, _ in readable}
    return {str(value) for view in views for row in table(owner, view) for value in row.values()}


@pytest.fixture(scope="module")
def hidden_texts(world: AccessWorld) -> set[str]:
    """Names of others: long enough not to stand in a text by chance."""
    names = {
        str(row[name])
        for view in ("chargeback", "vm_consumption", "host_consumption", "cluster_consumption")
        for row in table(world.admin, view)
        for name in (*NAMES, *TREES.values())
        if row.get(name)
    }
    own = "\n".join(
        str(value)
        for view in ("chargeback", "vm_consumption")
        for row in expected(world.admin, view, Subtrees((("cost_center", OWN),)))
        for value in row.values()
    )
    hidden = {name for name in names if len(name) > 4 and name not in own}
    assert len(hidden) > 100
    return hidden


@pytest.fixture(scope="module")
def hidden_keys(world: AccessWorld) -> dict[str, list[object]]:
    """Keys of members of others, by dimension, as somebody may know them from elsewhere."""
    own = Subtrees((("cost_center", OWN),))
    keys = {**MEMBERS, **{view: key for view, (_, key) in UNITS.items()}}
    hidden = {
        view: list(
            {row[key] for row in table(world.admin, view)}
            - {row[key] for row in expected(world.admin, view, own)}
        )
        for view, key in keys.items()
    }
    assert sum(map(len, hidden.values())) > 100
    return hidden


def leaked(text: str, hidden_texts: set[str]) -> list[str]:
    """Names that stand in a text; an id is not found in the digits of a longer number."""
    numbers = set(re.findall(r"(?<![\w.-])\d+(?![\w.])", text))
    return [name for name in hidden_texts if (name in numbers if name.isdigit() else name in text)]


def test_no_name_of_others_stands_in_any_view(own_texts: set[str], hidden_texts: set[str]) -> None:
    assert leaked("\n".join(own_texts), hidden_texts) == []


def test_a_failed_cast_names_own_values_only(
    owner: Person, readable: list[tuple[str, str, str]], own_texts: set[str]
) -> None:
    for view, column, type_ in readable:
        if type_ == "text" and view not in REFERENCE:
            told = _outcome(owner, f"select count(*) from bi.{view} where {column}::integer > 0")
            for value in re.findall(r'invalid input syntax for type integer: "(.*)"', told):
                # A unit that an own charge names has its path told, and so the names of those above it.
                assert value in own_texts or any(text.startswith(f"{value}/") for text in own_texts), (
                    view,
                    column,
                )


def test_a_division_by_zero_finds_no_hidden_amount(
    world: AccessWorld, owner: Person, readable: list[tuple[str, str, str]]
) -> None:
    tried = 0
    for view, column, type_ in readable:
        if type_ != "numeric":
            continue
        own = {row[column] for row in table(owner, view)}
        hidden = {row[column] for row in table(world.admin, view)} - own - {None}
        for value in sorted(hidden)[:3]:
            tried += 1
            owner.run(f"select count(*) from bi.{view} where 1 / ({column} - %s) > 0", value)
    assert tried > 20


def test_a_cheap_function_in_a_condition_is_shown_own_values_only(
    owner: Person, readable: list[tuple[str, str, str]], hidden_texts: set[str]
) -> None:
    with owner.session() as cursor:
        cursor.execute(
            "create function pg_temp.tell(value text) returns boolean language plpgsql cost 0.0000001 as "
            "$$ begin raise notice '%', value; return true; end $$"
        )
        for view, column, _ in readable:
            del cursor.connection.notices[:]
            cursor.execute(f"select count(*) from bi.{view} where pg_temp.tell({column}::text)")
            assert leaked("\n".join(cursor.connection.notices), hidden_texts) == [], (view, column)
            cursor.execute("set enable_hashjoin = off; set enable_mergejoin = off")
            cursor.execute(f"select 1 from bi.{view} where pg_temp.tell({column}::text) limit 1")
            cursor.execute("reset enable_hashjoin; reset enable_mergejoin")
            assert leaked("\n".join(cursor.connection.notices), hidden_texts) == [], (view, column)


def test_the_cheap_function_tells_all_to_an_analyst(world: AccessWorld, hidden_texts: set[str]) -> None:
    """The attempt above is one that works where nothing stops it."""
    with world.person("a_chargeback_analyst", "chargeback_analyst").session() as cursor:
        cursor.execute(
            "create function pg_temp.tell(value text) returns boolean language plpgsql cost 0.0000001 as "
            "$$ begin raise notice '%', value; return true; end $$"
        )
        cursor.execute(
            "select count(*) from bi.chargeback where device_name is not null and pg_temp.tell(device_name)"
        )
        assert leaked("\n".join(cursor.connection.notices), hidden_texts)


def test_copy_gives_own_rows_only(owner: Person, hidden_texts: set[str], world: AccessWorld) -> None:
    assert "cannot copy from view" in owner.error("copy bi.chargeback to stdout")
    for statement in (
        "copy mart.fct_chargeback to stdout",
        "copy (select * from mart.dim_consumers) to stdout",
        "copy (select * from bi.chargeback) to program 'cat'",
        "copy (select * from bi.chargeback) to '/tmp/stolen'",
    ):
        assert "permission denied" in owner.error(statement), statement
    copied = io.StringIO()
    with owner.session() as cursor:
        cursor.copy_expert("copy (select * from bi.chargeback) to stdout", copied)
    assert len(copied.getvalue().splitlines()) == owner.value("select count(*) from bi.chargeback")
    assert leaked(copied.getvalue(), hidden_texts) == []


def test_statistics_are_out_of_sight(world: AccessWorld, owner: Person) -> None:
    world.admin.run("analyze")
    assert world.admin.value("select count(*) from pg_stats where schemaname = 'mart'") > 0

    of_ours = f"schemaname in {SCHEMAS}"
    assert owner.value(f"select count(*) from pg_stats where {of_ours}") == 0
    assert owner.value(f"select count(*) from pg_stats_ext where {of_ours}") == 0
    assert owner.value(f"select count(*) from pg_stats_ext_exprs where {of_ours}") == 0
    assert "permission denied" in owner.error("select * from pg_statistic")


@pytest.mark.parametrize("operator", ["=", "<", ">="])
def test_estimates_do_not_depend_on_the_names_of_others(
    world: AccessWorld, owner: Person, readable: list[tuple[str, str, str]], operator: str
) -> None:
    world.admin.run("analyze")
    tried = 0
    for view, column, _ in readable:
        if column not in NAMES:
            continue
        # The row that stands for no host or cluster is a constant of the view, and weighed as one.
        of_a_table = (
            f" and {view.removeprefix('dim_')}_id is not null" if view in {"dim_host", "dim_cluster"} else ""
        )
        hidden = sorted({str(row[column]) for row in table(world.admin, view) if row[column]})
        estimates = {
            _estimate(owner, f"select 1 from bi.{view} where {column} {operator} %s{of_a_table}", value)
            for value in (*hidden[:: len(hidden) // 5 or 1], "!", "nobody", "zzzz")
        }
        tried += len(hidden)
        assert len(estimates) == 1, (view, column)
    assert tried > 100


@pytest.mark.parametrize("avoided", ["indexscan", "seqscan"])
def test_what_explain_counts_does_not_depend_on_the_names_of_others(
    world: AccessWorld, owner: Person, readable: list[tuple[str, str, str]], avoided: str
) -> None:
    """A cheap comparison that PostgreSQL trusts would come before the policy: whether that was asked would tell."""
    tried = 0
    with owner.session() as cursor:
        cursor.execute(f"set enable_{avoided} = off")
        for view, column, _ in readable:
            if column not in NAMES:
                continue
            names = f"select distinct {column} from bi.{view} where {column} is not null"
            hidden = sorted(set(world.admin.rows(names)) - set(owner.rows(names)))
            tried += len(hidden)
            values = [value for (value,) in hidden[:: len(hidden) // 2 or 1]]
            for condition in COMPARED:
                question = f"select 1 from bi.{view} where {condition.format(column)}"
                counted = {_counted(cursor, question, value) for value in (*values, "nobody")}
                assert len(counted) == 1, (question, counted)
    assert tried > 100


@pytest.mark.parametrize(
    "forbidden",
    [
        "set role chargeback_analyst",
        "set role chargeback_loader",
        "set session authorization postgres",
        "alter role current_user bypassrls",
        "alter role current_user superuser",
        "grant chargeback_analyst to current_user",
        "insert into ops.access_grants (grantee, org_id, hierarchy, path) values (current_user, '1', 'location', 'a')",
        "select * from ops.access_grants",
        "select ops.granted_units('postgres')",
        "select ops.apply_access()",
        "select mart.organization_unit_key('1', 'location', 'a')",
        "alter view bi.chargeback reset (security_invoker)",
        "create or replace view bi.chargeback as select 1 as one",
        "create view bi.mine as select 1 as one",
        "drop policy chargeback_owner on mart.fct_chargeback",
        "alter table mart.fct_chargeback disable row level security",
        "select * from bi.chargeback for update",
        "delete from bi.method",
        "select table_to_xml('mart.dim_consumers', true, false, '')",
        "select query_to_xml('select * from mart.dim_consumers', true, false, '')",
        "select ts_stat('select to_tsvector(user_name) from mart.dim_consumers')",
        "select pg_read_file('PG_VERSION')",
        "select lo_import('/etc/passwd')",
        "create table pg_temp.mine (like mart.dim_consumers)",
        "create temporary table mine () inherits (mart.dim_consumers)",
        "create temporary view mine as select * from mart.dim_consumers",
        "begin; lock table mart.fct_chargeback",
        "analyze bi.chargeback; select * from mart.fct_chargeback",
    ],
)
def test_what_would_open_a_door_is_refused(owner: Person, forbidden: str) -> None:
    error = owner.error(forbidden)

    assert any(
        words in error.lower()
        for words in (
            "permission denied",
            "must be owner",
            "must be superuser",
            "cannot set",
            "only roles with",
        )
    ), error


def test_no_table_behind_bi_can_be_named_partitions_included(world: AccessWorld, owner: Person) -> None:
    relations = world.admin.rows(
        "select relnamespace::regnamespace::text, relname from pg_class where relkind in ('r', 'p', 'v', 'm', 'S') "
        "and relnamespace::regnamespace::text = any(%s)",
        list(SCHEMAS),
    )

    assert len(relations) > 50
    with owner.session() as cursor:
        for schema, name in relations:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="permission denied for schema"):
                cursor.execute(f'select * from {schema}."{name}"')


def test_partitions_and_tables_without_a_rule_are_not_granted_even_by_their_number(
    world: AccessWorld, owner: Person
) -> None:
    granted = {
        name
        for (name,) in world.admin.rows(
            "select pg_class.oid::regclass::text from pg_class "
            "where relnamespace::regnamespace::text = any(%s) and relkind in ('r', 'p', 'v', 'm') "
            "and has_any_column_privilege(%s, pg_class.oid, 'select')",
            list(SCHEMAS),
            owner.name,
        )
    }
    protected = {
        name
        for (name,) in world.admin.rows(
            "select pg_class.oid::regclass::text from pg_class where relrowsecurity and not relispartition "
            "union select 'mart.' || view from unnest("
            "array['published_unit_totals', 'published_methods']) as view"
        )
    }

    assert "mart.fct_chargeback" in granted
    assert granted - protected == set()


def test_no_function_of_the_warehouse_can_be_called(world: AccessWorld, owner: Person) -> None:
    functions = world.admin.rows(
        "select pg_proc.oid::regproc::text, pronargs from pg_proc where pronamespace::regnamespace::text = any(%s) "
        "and prorettype <> 'trigger'::regtype",
        list(SCHEMAS),
    )

    assert len(functions) > 10
    for name, count in functions:
        assert "permission denied for schema" in owner.error(
            f"select {name}({', '.join(['null'] * count)})"
        ), name


def test_row_security_cannot_be_switched_off(owner: Person) -> None:
    with owner.session() as cursor:
        cursor.execute("set row_security = off")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="row-level security"):
            cursor.execute("select count(*) from bi.chargeback")


def test_things_of_the_same_name_in_front_of_the_search_path_change_nothing(owner: Person) -> None:
    before = lines(owner, "chargeback")
    with owner.session() as cursor:
        for statement in (
            "create temporary table access_grants as select current_user::text as grantee, 'x' as org_id",
            "create temporary table pg_roles as select current_user as rolname, 10::oid as oid",
            "create temporary table dim_organization_units (unit_key uuid)",
            "create function pg_temp.pg_has_role(name, oid, text) returns boolean language sql as 'select true'",
            "create function pg_temp.starts_with(text, text) returns boolean language sql as 'select true'",
            "create function pg_temp.granted_units(name) returns setof uuid language sql as 'select null::uuid'",
            "create function pg_temp.always(text, text) returns boolean language sql as 'select true'",
            "create operator pg_temp.= (leftarg = text, rightarg = text, function = pg_temp.always)",
            "set search_path = pg_temp, ops, mart, pg_catalog, bi",
            "select visible::text from bi.chargeback as visible order by 1",
        ):
            cursor.execute(statement)
        assert [line for (line,) in cursor.fetchall()] == before


def test_a_function_or_view_of_the_owners_own_sees_no_more(owner: Person) -> None:
    count = owner.value("select count(*) from bi.chargeback")
    with owner.session() as cursor:
        cursor.execute("create temporary view mine as select * from bi.chargeback")
        cursor.execute(
            "create function pg_temp.counted() returns bigint language sql security definer as "
            "'select count(*) from bi.chargeback'"
        )
        cursor.execute("select (select count(*) from mine), pg_temp.counted()")
        assert cursor.fetchone() == (count, count)


def test_a_key_that_is_known_from_elsewhere_opens_nothing(
    owner: Person, hidden_keys: dict[str, list[object]]
) -> None:
    keys = {**MEMBERS, **{view: key for view, (_, key) in UNITS.items()}}
    with owner.session() as cursor:
        cursor.execute("create temporary table known (known_key uuid)")
        for view, hidden in hidden_keys.items():
            cursor.execute("truncate known")
            cursor.execute("insert into known select unnest(%s::uuid[])", (list(map(str, hidden)),))
            for source in (view, *FACTS):
                cursor.execute(f"select * from bi.{source} limit 0")
                if keys[view] not in {column.name for column in cursor.description}:
                    continue
                for join in ("hashjoin", "mergejoin", "nestloop"):
                    cursor.execute(f"set enable_{join} = off")
                    cursor.execute(
                        f"select count(*) from bi.{source} inner join known on {keys[view]} = known_key"
                    )
                    assert cursor.fetchone() == (0,), (view, source)
                cursor.execute("reset all")


@pytest.mark.parametrize("view", [*MEMBERS, *UNITS, *FACTS])
def test_a_copy_of_the_star_holds_own_rows_only(owner: Person, world: AccessWorld, view: str) -> None:
    count = len(expected(world.admin, view, Subtrees((("cost_center", OWN),))))
    with owner.session() as cursor:
        cursor.execute(f"create temporary table stolen as select * from bi.{view}")
        cursor.execute(
            f"create temporary view mine with (security_invoker = false) as select * from bi.{view}"
        )
        cursor.execute(f"prepare asked as select count(*) from bi.{view}")
        cursor.execute("set plan_cache_mode = force_generic_plan")
        for statement in ("select count(*) from stolen", "select count(*) from mine", "execute asked"):
            cursor.execute(statement)
            assert cursor.fetchone() == (count,), statement
        cursor.execute("set row_security = off")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="row-level security"):
            cursor.execute(f"select count(*) from bi.{view}")


def test_an_operator_of_ones_own_is_shown_own_members_only(owner: Person, hidden_texts: set[str]) -> None:
    """An operator that claims to be an equality, so that it may stand in a join with a dimension."""
    with owner.session() as cursor:
        cursor.execute(
            "create function pg_temp.told(one text, another text) returns boolean language plpgsql "
            "immutable cost 0.0000001 as $$ begin raise notice '% %', one, another; return true; end $$"
        )
        cursor.execute(
            "create operator pg_temp.=== (leftarg = text, rightarg = text, function = pg_temp.told, "
            "commutator = operator(pg_temp.===), restrict = eqsel, join = eqjoinsel)"
        )
        for view, name in (
            *(("dim_consumer", "consumer"), ("dim_host", "host_name"), ("dim_cluster", "cluster_name")),
            *(
                ("dim_cost_center", "cost_center"),
                ("dim_location", "location"),
                ("dim_license", "license_name"),
            ),
        ):
            del cursor.connection.notices[:]
            cursor.execute(f"select count(*) from bi.{view} where {name} operator(pg_temp.===) 'x'")
            cursor.execute(
                f"select count(*) from bi.{view} inner join (values ('x'), ('y')) as given (value) "
                f"on {name} operator(pg_temp.===) value"
            )
            assert cursor.connection.notices, view
            assert leaked("\n".join(cursor.connection.notices), hidden_texts) == [], view


def test_a_grant_and_its_end_count_at_once_for_the_star(world: AccessWorld) -> None:
    person = world.person("owner_for_a_moment", "chargeback_owner")
    star = (*MEMBERS, *UNITS, *FACTS)
    none_yet = dict.fromkeys(star, 0)
    with person.session() as cursor:
        for view in star:
            cursor.execute(f"prepare {view} as select count(*) from bi.{view}")

        def counts() -> dict[str, int]:
            found = {}
            for view in star:
                cursor.execute(f"execute {view}")
                [found[view]] = cursor.fetchone()
            return found

        before = counts()
        world.grant(person, "cost_center", OWN)
        granted = counts()
        world.revoke(person)

        assert before == counts() == none_yet
        assert all(granted.values())


def test_the_star_of_two_groups_is_that_of_both_and_no_more(world: AccessWorld) -> None:
    person = world.person("member_of_two", "chargeback_owner")
    paths = ("Retail/Stores", "Finance/Banking")
    for path in paths:
        group = world.group(f"two_{path}")
        world.admin.run(f'grant "{group}" to {person.name}')
        world.grant(group, "cost_center", path)
    both = Subtrees(tuple(("cost_center", path) for path in paths))

    for view in (*MEMBERS, *UNITS, *FACTS):
        assert sorted(map(str, table(person, view))) == sorted(map(str, expected(world.admin, view, both))), (
            view
        )


def test_a_prepared_query_shows_each_role_its_own(world: AccessWorld) -> None:
    """One login of a BI server, which takes on the role of who asks."""
    roles = {
        world.group("asks_for_stores"): ("chargeback_owner", "Retail/Stores"),
        world.group("asks_for_banking"): ("chargeback_owner", "Finance/Banking"),
        world.group("asks_for_all"): ("chargeback_analyst", None),
    }
    for role, (member_of, path) in roles.items():
        world.admin.run(f"grant {member_of} to {role}")
        if path:
            world.grant(role, "cost_center", path)
    server = world.person("bi_server", *roles)
    counts: dict[str, int] = {}
    with server.session() as cursor:
        for kind in ("force_generic_plan", "force_custom_plan", "auto"):
            cursor.execute(f"set plan_cache_mode = {kind}")
            cursor.execute(f"prepare {kind} as select count(*) from bi.chargeback where cost_center <> $1")
            for role in (*roles, *reversed(roles), *roles):
                cursor.execute(f"set role {role}")
                cursor.execute(f"execute {kind}('')")
                [found] = cursor.fetchone()
                assert counts.setdefault(role, found) == found, (kind, role)
                cursor.execute("reset role")
    stores, banking, everything = counts.values()
    assert 0 < stores < everything
    assert 0 < banking < everything
    assert stores != banking
    assert everything == world.admin.value("select count(*) from bi.chargeback")


def test_many_memberships_add_up_and_open_nothing_else(world: AccessWorld) -> None:
    person = world.person("member_of_many", "chargeback_owner")
    for number in range(60):
        world.admin.run(f"grant {world.group(f'team_{number}')} to {person.name}")
    assert person.value("select count(*) from bi.chargeback") == 0

    world.grant(world.group("team_of_last_hour"), "cost_center", "Retail")
    assert person.value("select count(*) from bi.chargeback") == 0
    world.grant(world.group("team_59"), "cost_center", OWN)
    assert person.value("select array_agg(distinct cost_center) from bi.chargeback") == [OWN]


def _outcome(person: Person, statement: str) -> str:
    try:
        person.run(statement)
    except psycopg2.Error as error:
        return str(error)
    return ""


def _estimate(person: Person, statement: str, value: str) -> tuple[str, ...]:
    """The rows that the planner expects at every node."""
    return tuple(re.findall(r"rows=(\d+)", "\n".join(person.plan(statement, value))))


def _counted(cursor: Any, question: str, value: str) -> str:
    """What EXPLAIN ANALYZE tells of a question, but for the value that is asked for."""
    options = "analyze, costs off, timing off, summary off, buffers off"
    cursor.execute(f"explain ({options}) {question}", {"value": value})
    return re.sub(r"'(?:[^']|'')*'::text", "?", "\n".join(line for (line,) in cursor.fetchall()))
