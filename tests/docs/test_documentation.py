"""What the documentation says, held against the code."""

from __future__ import annotations

import ast
import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy
import yaml
from pages import PAGES, ROOT, blocks, source_texts, spans, table
from sqlalchemy.pool import NullPool

from asked_queries import QUERIES, query
from chargeback import errors, metrics
from chargeback.examples import cases, runner
from chargeback.examples import file as examples_file
from chargeback.provider import get_provider_info
from chargeback.settings import FlexeraSettings
from chargeback.steps import figures
from chargeback.warehouse import model_page, scripts
from chargeback.warehouse.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Connection


COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
ENV_EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
DECISIONS = sorted(page for page in PAGES if re.match(r"docs/decisions/\d", page))


def sql_blocks() -> list[Any]:
    return [
        pytest.param(block, id=f"{page}-{number}")
        for page in PAGES
        for number, block in enumerate(blocks(page, "sql"), start=1)
    ]


def shell_lines() -> list[str]:
    return [
        line
        for page in PAGES
        for block in blocks(page, "sh")
        for line in block.splitlines()
        if line and not line.startswith("#")
    ]


@pytest.fixture(scope="module")
def warehouse(module_warehouse_url: str) -> Iterator[Connection]:
    engine = sqlalchemy.create_engine(module_warehouse_url, poolclass=NullPool)
    with engine.connect() as connection:
        yield connection.execution_options(no_parameters=True)


@pytest.fixture(scope="module")
def dag() -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(ROOT / "dags").dags["license_chargeback"]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file(page: str) -> None:
    folder = (ROOT / page).parent
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", PAGES[page])
    missing = [target for target in targets if "://" not in target and not (folder / target).exists()]

    assert missing == []


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_exists(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))
    code = [
        *spans(page),
        *(line.partition("#")[0] for block in blocks(page, "sh") for line in block.splitlines()),
    ]
    named = {name for text in code for name in re.findall(r"(?:^|[|;&] ?)make (?:-s )?([a-z]+)", text)}

    assert named <= targets


@pytest.mark.parametrize("page", PAGES)
def test_every_path_of_the_project_exists(page: str) -> None:
    named = {
        span
        for span in spans(page)
        if re.match(r"(include|tests|docs|dags|plugins|sql|steps)/[\w/.]*$", span)
    }
    folders = (ROOT, ROOT / "include", ROOT / "include" / "chargeback")

    assert [path for path in sorted(named) if not any((folder / path).exists() for folder in folders)] == []


@pytest.mark.parametrize("block", sql_blocks())
def test_every_query_runs_on_a_new_warehouse(warehouse: Connection, block: str) -> None:
    with warehouse.begin() as transaction:
        for statement in block.split(";\n"):
            if statement.strip():
                warehouse.exec_driver_sql(statement)
        transaction.rollback()


def test_the_readme_lists_the_params_of_the_dag_with_their_defaults(dag: Any) -> None:
    listed = {
        name: default
        for names, default, _ in table("README.md", "param")
        for name in re.findall(r"`(\w+)`", names)
    }
    params = dag.params.dump()

    assert set(listed) == set(params)
    for name, default in listed.items():
        if params[name] is not None:
            assert default.startswith(f"`{json.dumps(params[name]).strip(chr(34))}`"), name


def test_the_readme_lists_the_extras_of_the_connection_with_their_defaults() -> None:
    [connection_type] = get_provider_info()["connection-types"]
    fields = connection_type["conn-fields"]
    listed = {
        name: default
        for names, default, _ in table("README.md", "extra of `flexera`")
        for name in re.findall(r"`(\w+)`", names)
    }

    assert set(listed) == set(fields)
    for name, field in fields.items():
        if "default" in field["schema"]:
            assert listed[name] == f"`{field['schema']['default']}`"


def test_the_connection_in_the_readme_is_one_that_the_product_takes() -> None:
    [text] = re.findall(r"AIRFLOW_CONN_FLEXERA='(.+?)'", PAGES["README.md"], flags=re.DOTALL)
    fields = json.loads(text)
    settings = FlexeraSettings.from_connection(fields["login"], fields["password"], fields["extra"])

    assert (settings.org_id, settings.zone) == ("12345", "eu")


@pytest.mark.parametrize("page", ["README.md", "docs/runbook.md"])
def test_every_message_that_is_explained_is_one_that_the_code_has(page: str) -> None:
    messages = [re.findall(r"`([^`]+)`", row[0])[0] for row in table(page, "message")]
    unknown = [
        message
        for message in messages
        if not any(
            re.search(
                ".*".join(re.escape(part.strip()) for part in message.split("…")), text, flags=re.DOTALL
            )
            for text in source_texts()
        )
    ]

    assert messages
    assert unknown == []


def test_the_runbook_lists_every_check_with_its_severity_and_dimension() -> None:
    listed = {row[0].strip("`"): (row[1], row[2]) for row in table("docs/runbook.md", "check")}

    assert listed == {
        check.name: (check.severity, check.dimension)
        for layer in ("staging", "mart")
        for check in scripts.checks(layer)
    }


def test_the_recharge_page_lists_every_reason_in_the_order_of_precedence(warehouse: Connection) -> None:
    listed = [row[1].strip("`") for row in table("docs/recharge.md", "")]
    statement = "select delta_reason from bi.delta_reason order by precedence"
    reasons = list(warehouse.exec_driver_sql(statement).scalars())
    warehouse.rollback()

    assert listed == reasons


def test_the_recharge_page_holds_each_law_by_checks_that_exist() -> None:
    rows = table("docs/recharge.md", "law")
    named = [name for row in rows for cell in row[1:] for name in re.findall(r"`(\w+)`", cell)]
    conserving = {check.name for check in scripts.checks("mart") if check.dimension == "conservation"}

    assert [row[0][:2] for row in rows] == [f"L{number}" for number in range(1, 8)]
    assert conserving <= set(named)
    assert set(named) <= {check.name for check in scripts.checks("mart")}


def test_the_runbook_lists_every_error_and_whether_airflow_retries_it() -> None:
    listed = {row[0].strip("`"): row[1] for row in table("docs/runbook.md", "error type")}
    groups = (errors.ChargebackError, errors.TemporaryError, errors.FinalError)
    leaves = {
        name: "yes" if issubclass(kind, errors.TemporaryError) else "no"
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.ChargebackError) and kind not in groups
    }

    assert listed == leaves


def test_the_runbook_lists_every_finding_of_the_doctor() -> None:
    listed = {
        name for row in table("docs/runbook.md", "finding") for name in re.findall(r"`([^`]+)`", row[0])
    }

    assert listed == findings()


def findings() -> set[str]:
    """The names under which the doctor's checks tell what they found."""
    package = ROOT / "include" / "chargeback"
    calls = [
        node
        for path in [package / "deployment.py", *(package / "doctor").glob("*.py")]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    tellers = ("ok", "warning", "problem", "_opened")
    return {
        str(call.args[0].value)
        for call in calls
        if call.func.id in tellers and isinstance(call.args[0], ast.Constant)  # type: ignore[attr-defined]
    }


def test_the_examples_page_lists_every_calculation_with_its_inputs() -> None:
    listed = [
        [re.findall(r"`(\w+)`", names), summary, re.findall(r"`(\w+)`", inputs)]
        for names, summary, inputs in table("docs/examples.md", "calculation")
    ]

    assert listed == [
        [cases.names_of(kind, name), cases.doc_of(kind), [*_inputs(kind)]]
        for name, kind in cases.CALCULATIONS.items()
    ]
    assert [row[0].strip("`") for row in table("docs/examples.md", "input of all calculations")] == [
        *cases.OF_ALL
    ]


def _inputs(kind: type[cases.Calculation]) -> Iterator[str]:
    return (name for name in kind.__struct_fields__ if name not in cases.OF_ALL)


def test_the_examples_of_the_page_are_right(module_warehouse_url: str, tmp_path: Path) -> None:
    [block] = blocks("docs/examples.md", "yaml")
    path = tmp_path / "examples.yaml"
    path.write_text(block, encoding="utf-8")

    outcomes = runner.run(Database.connect(module_warehouse_url), examples_file.read(path))

    assert [outcome.line() for outcome in outcomes if not outcome.is_right] == []


def test_production_lists_every_metric_with_its_meaning() -> None:
    gauges = {row[0].strip("`"): row[1] for row in table("docs/production.md", "gauge")}
    others = {row[0].strip("`") for row in table("docs/production.md", "counter or timer")}

    assert gauges == figures.MEANINGS
    assert others == {*metrics.COUNTERS.values(), metrics.WAITING}
    assert {row[0].strip("`") for row in table("docs/production.md", "counter")} == {
        *metrics.DROPPED.values()
    }
    assert metrics.WAREHOUSE_SIZE in spans("docs/production.md")


def test_the_architecture_lists_the_tasks_in_their_order(dag: Any) -> None:
    listed = [row[0].strip("`") for row in table("docs/architecture.md", "DAG task")]

    assert listed == [task.task_id for task in dag.topological_sort()]


def test_the_architecture_lists_every_status_of_a_load(warehouse: Connection) -> None:
    listed = {row[0].strip("`") for row in table("docs/architecture.md", "status of a load")}
    constraint = warehouse.exec_driver_sql(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'loads_status_check'"
    ).scalar_one()
    warehouse.rollback()

    assert listed == set(re.findall(r"'(\w+)'", constraint))


def test_the_model_is_what_the_database_says(module_warehouse_url: str) -> None:
    with Database.connect(module_warehouse_url).transaction() as connection:
        page = model_page.render(connection)

    assert page == PAGES["docs/model.md"], "docs/model.md is stale: run make model"


def test_the_model_shows_every_view_and_table_with_its_columns(warehouse: Connection) -> None:
    sections = re.split(r"^### ", PAGES["docs/model.md"], flags=re.MULTILINE)
    described = {
        section.partition("\n")[0]: re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
        for section in sections[1:]
    }
    columns: dict[str, list[str]] = {}
    for relation, column in warehouse.exec_driver_sql(
        """
        select table_schema || '.' || table_name, column_name
        from information_schema.columns
        where
            table_schema in ('bi', 'mart')
            and not (
                select pg_class.relispartition from pg_class
                where pg_class.oid = format('%I.%I', table_schema, table_name)::regclass
            )
        order by table_schema, table_name, ordinal_position
        """
    ):
        columns.setdefault(relation, []).append(column)
    warehouse.rollback()

    assert {name: found[: len(columns[name])] for name, found in described.items()} == columns


def test_the_diagrams_of_the_model_name_only_tables_that_exist(warehouse: Connection) -> None:
    diagrams = blocks("docs/model.md", "mermaid")
    named = {
        name for diagram in diagrams for name in re.findall(r"^ {4}(\w+) (?:\|\||\{)", diagram, re.MULTILINE)
    }
    named |= {name for diagram in diagrams for name in re.findall(r"o\{ (\w+) :", diagram)}
    relations = set(warehouse.exec_driver_sql("select relname from pg_class").scalars())
    warehouse.rollback()

    assert len(diagrams) == 2
    assert {"fact_chargeback", "dim_cost_center", "fct_host_consumption"} <= named <= relations


def test_every_query_is_listed_with_what_it_asks_for() -> None:
    listed = {
        name.strip("`").removesuffix(".sql"): re.findall(r"`(\w+)`", asked)
        for name, _, asked in table("docs/queries.md", "file")
    }

    assert sorted(listed) == QUERIES
    for name, asked in listed.items():
        query(name, org_id="12345", **dict.fromkeys(asked))


def test_the_readme_names_every_view(warehouse: Connection) -> None:
    named = " ".join(row[0] for row in table("README.md", "view"))
    views = warehouse.exec_driver_sql(
        "select table_name from information_schema.views where table_schema = 'bi'"
    ).scalars()
    missing = [
        view for view in views if f"bi.{view}" not in named and f"_{view.partition('by_')[2]}" not in named
    ]

    assert missing == []


def test_the_access_page_says_of_every_view_what_owners_see(warehouse: Connection) -> None:
    named = set(re.findall(r"`bi\.(\w+)`", " ".join(row[0] for row in table("docs/access.md", "view"))))

    views = warehouse.exec_driver_sql(
        "select table_name from information_schema.views where table_schema = 'bi'"
    ).scalars()

    assert named == set(views)


def test_every_compose_command_names_services_profiles_and_options_that_exist() -> None:
    commands = [
        line for line in [*shell_lines(), *spans("docs/production.md")] if line.startswith("docker compose")
    ]
    services = COMPOSE["services"]

    assert commands
    for command in commands:
        words = shlex.split(command.partition(" #")[0])
        if "exec" in words:
            assert next(word for word in words[3:] if not word.startswith("-")) in services
        if "--profile" in words:
            assert words[words.index("--profile") + 1] in services["simulator"]["profiles"]
        if "--scale" in words:
            assert words[words.index("--scale") + 1].partition("=")[0] in services


def test_every_airflow_command_is_one_that_airflow_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.cli import cli_parser

    texts = [text for page in PAGES for text in spans(page)] + shell_lines()
    commands = {
        match[1] for text in texts if (match := re.search(r"(?:^|\s)airflow ([a-z-]+ .*|[a-z-]+-key)$", text))
    }

    assert commands
    for command in commands:
        assert callable(cli_parser.get_parser().parse_args(shlex.split(command)).func)


def test_every_variable_of_production_is_in_the_example() -> None:
    named = {span for span in spans("docs/production.md") if re.fullmatch(r"[A-Z][A-Z_]+[A-Z]", span)}

    assert named
    # Airflow's own settings are held against Airflow, in tests/deployment.
    ours = {name for name in named if not name.startswith("AIRFLOW__")}
    assert {name for name in ours if f"{name}=" not in ENV_EXAMPLE} == set()


def test_the_override_that_lets_bi_tools_in_fits_the_file() -> None:
    override = yaml.safe_load(blocks("docs/production.md", "yaml")[0])

    assert set(override["services"]) <= set(COMPOSE["services"])
    for service in override["services"].values():
        assert set(service["networks"]) <= {*COMPOSE["networks"], *override["networks"]}
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@pytest.mark.parametrize("page", DECISIONS)
def test_a_decision_is_a_sentence_and_says_how_it_is_violated(page: str) -> None:
    title = PAGES[page].splitlines()[0]

    assert re.fullmatch(
        rf"# {int(page.split('/')[-1][:4])}\. [A-Z].+ (is|are|has|have|lives|names|sign) .+[a-z]", title
    )
    assert PAGES[page].count("\nA change violates this decision when ") == 1
    assert f"[{title.partition('. ')[2]}]({page.split('/')[-1]})" in PAGES["docs/decisions/README.md"]


@pytest.mark.parametrize("page", PAGES)
def test_the_words_are_those_of_the_code(page: str) -> None:
    foreign = re.findall(
        r"\b(licence|organisation|cost centre|colour|behaviour|TODO|TBD)\w*", PAGES[page], flags=re.IGNORECASE
    )

    assert foreign == []
