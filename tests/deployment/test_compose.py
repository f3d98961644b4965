"""docker-compose.yaml and .env.example against the specification and against the code."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from compose_file import (
    COMPOSE,
    COMPOSE_TEXT,
    ENV_EXAMPLE,
    ENVIRONMENT,
    PROJECT,
    ROOT,
    SERVICES,
    VariableMissingError,
    explained,
    references,
    resolved,
    secret_names,
)
from pages import blocks

from chargeback.settings import FlexeraSettings
from flexera_simulator.settings import Settings

INIT = (ROOT / "include" / "production" / "init.sh").read_text(encoding="utf-8")
FILLED = {name: f"made{number}" for number, name in enumerate(sorted(secret_names()))}
SECRET = re.compile("PASSWORD|SECRET|KEY|FLEXERA$")


def command_of(name: str) -> str:
    """The command that .env.example gives for making a secret."""
    return explained()[name][0].rpartition(": ")[2]


def made(command: str) -> str:
    """What a command prints."""
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def validated(document: Any, folder: Path) -> subprocess.CompletedProcess[str]:
    """A document checked against the Compose specification's own schema."""
    path = folder / "docker-compose.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    checker = Path(sys.executable).with_name("check-jsonschema")
    command = [checker, "--builtin-schema", "vendor.compose-spec", path]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_file_keeps_to_the_compose_specification(tmp_path: Path) -> None:
    checked = validated(COMPOSE, tmp_path)

    assert checked.returncode == 0, checked.stdout


def test_the_schema_would_notice_a_mistake(tmp_path: Path) -> None:
    checked = validated({**COMPOSE, "services": {"worker": {"helthcheck": {}}}}, tmp_path)

    assert checked.returncode == 1
    assert "helthcheck" in checked.stdout


def test_a_filled_in_example_resolves_to_a_file_that_keeps_to_the_specification(tmp_path: Path) -> None:
    document = resolved(COMPOSE, FILLED)

    assert not {name for name, _, _ in references(json.dumps(document))} - {"HOSTNAME"}
    assert validated(document, tmp_path).returncode == 0


def test_docker_reads_the_file_as_we_do_where_it_is_installed(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    compose = [docker, "compose"] if docker else []
    has_compose = (
        compose and subprocess.run([*compose, "version"], capture_output=True, check=False).returncode == 0
    )
    env_file = tmp_path / "env"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in FILLED.items()), encoding="utf-8")
    if has_compose:
        command = [
            *compose,
            "--env-file",
            env_file,
            "--file",
            ROOT / "docker-compose.yaml",
            "config",
            "--quiet",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)

        assert done.returncode == 0, done.stderr


def test_every_part_of_the_product_is_a_service() -> None:
    always = {name for name, service in SERVICES.items() if not service.get("profiles")}

    assert always == {
        "metadata",
        "warehouse",
        "broker",
        "init",
        "api-server",
        "scheduler",
        "dag-processor",
        "triggerer",
        "worker",
    }
    assert set(SERVICES) - always == {"simulator"}


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"init"}))
def test_a_service_that_stays_tells_its_health_and_comes_back(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["deploy"]["resources"]["limits"]["memory"]
    assert SERVICES[name]["logging"]["options"]["max-size"]


def test_the_preparation_comes_back_only_where_it_failed() -> None:
    assert SERVICES["init"]["restart"] == "on-failure"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_waits_for_and_joins_only_what_exists(name: str) -> None:
    service = SERVICES[name]

    for dependency, condition in service.get("depends_on", {}).items():
        expected = "service_completed_successfully" if dependency == "init" else "service_healthy"
        assert SERVICES[dependency] is not service
        assert condition["condition"] == expected
    assert set(service["networks"]) <= set(COMPOSE["networks"])
    volumes = {volume.split(":")[0] for volume in service.get("volumes", [])}
    assert volumes <= set(COMPOSE["volumes"])


def test_every_part_of_airflow_waits_for_the_preparation_and_that_for_the_databases() -> None:
    airflow = {"api-server", "scheduler", "dag-processor", "triggerer", "worker"}

    assert all("init" in SERVICES[name]["depends_on"] for name in airflow)
    assert set(SERVICES["init"]["depends_on"]) == {"metadata", "warehouse"}


def test_what_must_outlive_a_container_lies_on_volumes() -> None:
    kept = {name: service["volumes"] for name, service in SERVICES.items() if service.get("volumes")}

    assert kept["metadata"] == ["metadata:/var/lib/postgresql"]
    assert kept["warehouse"] == ["warehouse:/var/lib/postgresql"]
    assert kept["broker"] == ["broker:/data"]
    assert kept["worker"] == kept["api-server"] == ["logs:/opt/airflow/logs"]


def test_only_the_ui_is_published_and_only_to_this_machine_by_default() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {"api-server": ["${AIRFLOW_BIND:-127.0.0.1}:${AIRFLOW_PORT:-8080}:8080"]}


def test_databases_and_broker_are_on_a_network_that_leads_nowhere() -> None:
    assert COMPOSE["networks"]["internal"]["internal"] is True
    for name in ("metadata", "warehouse", "broker", "simulator"):
        assert SERVICES[name]["networks"] == ["internal"]


def test_every_variable_is_explained_in_the_example_and_none_is_explained_in_vain() -> None:
    used = {name for name, _, _ in references(COMPOSE_TEXT)}

    assert used == set(explained())
    assert all(comment for comment, _ in explained().values())


def test_no_secret_has_a_default_and_each_is_demanded() -> None:
    demanded = {name for name, operator, _ in references(COMPOSE_TEXT) if operator == ":?"}
    defaulted = {name for name, operator, _ in references(COMPOSE_TEXT) if operator == ":-"}

    assert {name for name in demanded | defaulted if SECRET.search(name)} == secret_names() == demanded
    assert not demanded & defaulted
    assert not re.search(r"(?<!\$)\$\{\w+\}", COMPOSE_TEXT), (
        "a variable without :? or :- is empty where it is not set"
    )


@pytest.mark.parametrize("name", sorted(secret_names()))
def test_compose_refuses_to_start_without_a_secret(name: str) -> None:
    with pytest.raises(VariableMissingError, match=name):
        resolved(COMPOSE, {key: value for key, value in FILLED.items() if key != name})


# Their defaults lead to the services of the file and hold a secret.
ADDRESSES = {"AIRFLOW_CONN_WAREHOUSE", "WAREHOUSE_OWNER", "METADATA_URL", "BROKER_URL"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_no_right_that_it_does_not_need_and_writes_nowhere_but_on_volumes(name: str) -> None:
    service = SERVICES[name]

    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert "privileged" not in service
    is_ours = service["image"].startswith("license-chargeback")
    own_user = [] if is_ours else ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]
    assert service.get("cap_add", []) == own_user
    assert is_ours <= any(place.startswith("/opt/airflow:uid=50000") for place in service.get("tmpfs", []))


def services_given(secret: str) -> set[str]:
    """Where the value of a variable arrives, be it within an address."""
    told = {**FILLED, secret: "the-secret-that-is-looked-for"}
    return {name for name, service in SERVICES.items() if told[secret] in json.dumps(resolved(service, told))}


@pytest.mark.parametrize(
    ("secret", "services"),
    [
        ("AIRFLOW_CONN_FLEXERA", {"worker"}),
        ("WAREHOUSE_PASSWORD", {"warehouse", "init"}),
        ("WAREHOUSE_JOB_PASSWORD", {"worker", "init"}),
        ("WAREHOUSE_OWNER", {"init"}),
        ("AIRFLOW_ADMIN_PASSWORD", {"init"}),
    ],
)
def test_a_secret_is_given_only_to_those_who_need_it(secret: str, services: set[str]) -> None:
    assert services_given(secret) == services


def test_the_tasks_sign_in_as_the_loader_that_is_made_for_them_and_only_init_as_the_owner() -> None:
    made = runpy.run_path(str(ROOT / "include" / "production" / "job_login.py"))
    tasks = urlsplit(resolved(SERVICES["worker"]["environment"], FILLED)["AIRFLOW_CONN_WAREHOUSE"])

    assert (tasks.username, tasks.password) == (made["LOGIN"], FILLED["WAREHOUSE_JOB_PASSWORD"])
    assert (tasks.hostname, tasks.path) == ("warehouse", "/warehouse")


@pytest.mark.parametrize(
    ("given", "tasks", "owner"),
    [
        ({"AIRFLOW_CONN_WAREHOUSE": "postgres://a@b/c"}, "postgres://a@b/c", "postgres://a@b/c"),
        (
            {"AIRFLOW_CONN_WAREHOUSE": "postgres://a@b/c", "WAREHOUSE_OWNER": "postgres://o@b/c"},
            "postgres://a@b/c",
            "postgres://o@b/c",
        ),
    ],
)
def test_another_warehouse_is_migrated_too_and_gets_no_login_of_ours(
    given: dict[str, str], tasks: str, owner: str
) -> None:
    worker, init = (resolved(SERVICES[name]["environment"], FILLED | given) for name in ("worker", "init"))

    assert worker["AIRFLOW_CONN_WAREHOUSE"] == init["WAREHOUSE_OF_TASKS"] == tasks
    assert init["AIRFLOW_CONN_WAREHOUSE"] == owner
    assert not resolved(SERVICES["init"]["environment"], FILLED)["WAREHOUSE_OF_TASKS"]


def test_images_may_be_pinned_and_the_page_says_how() -> None:
    pinned = {"POSTGRES_IMAGE": "a@sha256:1", "BROKER_IMAGE": "b@sha256:2", "AIRFLOW_IMAGE": "c@sha256:3"}
    services = resolved(SERVICES, FILLED | pinned)
    defaults = {rest for name, _, rest in references(COMPOSE_TEXT) if name in pinned}
    [command] = [block for block in blocks("docs/production.md", "sh") if "imagetools" in block]

    assert {services[name]["image"] for name in ("metadata", "warehouse")} == {"a@sha256:1"}
    assert services["broker"]["image"] == "b@sha256:2"
    assert services["worker"]["build"]["args"]["AIRFLOW_IMAGE"] == "c@sha256:3"
    assert all(image in command for image in defaults)
    assert all(f"{name}=" in command for name in pinned)


def test_no_password_of_a_failed_statement_reaches_the_log_of_a_database() -> None:
    from local_runtime.postgres import SETTINGS

    for name in ("metadata", "warehouse"):
        options = SERVICES[name]["command"][2::2]
        assert options == [
            f"{each}={SETTINGS[each]}" for each in ("log_min_messages", "log_min_error_statement")
        ]


def test_databases_and_broker_may_be_elsewhere() -> None:
    theirs = {
        "METADATA_URL": "postgresql+psycopg2://a:b@db.example.com/airflow?sslmode=require",
        "BROKER_URL": "rediss://:c@valkey.example.com:6379/0",
        "EXECUTION_API_URL": "http://first:8080/execution/",
    }

    environment = resolved(ENVIRONMENT, FILLED | theirs)

    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == theirs["METADATA_URL"]
    assert environment["AIRFLOW__CELERY__RESULT_BACKEND"] == f"db+{theirs['METADATA_URL']}"
    assert environment["AIRFLOW__CELERY__BROKER_URL"] == theirs["BROKER_URL"]
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == theirs["EXECUTION_API_URL"]


def test_the_example_shows_the_defaults_that_hold() -> None:
    held = {
        name: resolved(rest, FILLED) for name, operator, rest in references(COMPOSE_TEXT) if operator == ":-"
    }
    shown = {name: value for name, (_, value) in explained().items() if value}

    assert shown == {name: value for name, value in held.items() if name not in ADDRESSES}


@pytest.mark.parametrize("name", sorted(secret_names() - {"AIRFLOW_CONN_FLEXERA"}))
def test_the_command_beside_a_secret_makes_another_one_each_time(name: str) -> None:
    first, second = made(command_of(name)), made(command_of(name))

    assert first != second
    assert len(first) >= 24
    assert re.fullmatch(r"[A-Za-z0-9]+" if name.endswith("PASSWORD") else r"[A-Za-z0-9_=-]+", first)


def test_the_encryption_key_is_one_that_airflow_takes() -> None:
    from cryptography.fernet import Fernet

    key = Fernet(made(command_of("AIRFLOW_FERNET_KEY")).encode())

    assert key.decrypt(key.encrypt(b"a password")) == b"a password"


def example_connections() -> list[dict[str, Any]]:
    return [json.loads(text) for text in re.findall(r"^# '(\{.+\})'$", ENV_EXAMPLE, flags=re.MULTILINE)]


def test_the_example_connections_are_ones_that_the_product_takes() -> None:
    tenant, simulator = (
        FlexeraSettings.from_connection(fields["login"], fields["password"], fields["extra"])
        for fields in example_connections()
    )

    assert (tenant.zone, tenant.api_url) == ("eu", "https://api.flexera.eu")
    defaults = Settings()
    assert (simulator.client_id, simulator.secret) == (defaults.client_id, defaults.client_secret)
    assert simulator.org_id == defaults.org[0]


def test_the_example_connection_leads_to_the_simulator_of_the_profile() -> None:
    address = urlsplit(example_connections()[1]["extra"]["api_url"])
    command = SERVICES["simulator"]["command"]

    assert address.hostname in SERVICES
    assert command[-1] == str(address.port)
    assert f":{address.port}/simulator/health" in SERVICES["simulator"]["healthcheck"]["test"][-1]


def test_the_bundled_warehouse_and_metadata_are_the_ones_that_airflow_is_sent_to() -> None:
    environment = resolved(ENVIRONMENT, FILLED)
    addresses = {
        "warehouse": resolved(SERVICES["init"]["environment"], FILLED)["AIRFLOW_CONN_WAREHOUSE"],
        "metadata": environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"],
    }

    for name, address in addresses.items():
        parts, server = urlsplit(address), resolved(SERVICES[name]["environment"], FILLED)
        assert parts.hostname == name
        assert parts.username == server["POSTGRES_USER"]
        assert parts.password == server["POSTGRES_PASSWORD"]
        assert parts.path == f"/{server['POSTGRES_DB']}"
    assert f"@{urlsplit(environment['AIRFLOW__CELERY__RESULT_BACKEND']).hostname}/" == "@metadata/"
    broker = urlsplit(environment["AIRFLOW__CELERY__BROKER_URL"])
    assert (broker.hostname, broker.password) == ("broker", FILLED["BROKER_PASSWORD"])


def test_tasks_talk_to_the_api_server_by_its_name_and_port() -> None:
    address = urlsplit(resolved(ENVIRONMENT, FILLED)["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"])

    assert address.hostname in SERVICES
    assert SERVICES[address.hostname]["ports"][0].endswith(f":{address.port}")


def test_every_airflow_setting_is_one_that_airflow_has() -> None:
    from airflow.configuration import conf
    from airflow.providers_manager import ProvidersManager

    ProvidersManager().initialize_providers_configuration()
    known = {
        (section.lower(), option.lower())
        for section, options in conf.configuration_description.items()
        for option in options["options"]
    }
    settings = [name.split("__")[1:] for name in ENVIRONMENT if name.startswith("AIRFLOW__")]

    assert settings
    for section, option in settings:
        assert (section.lower(), option.lower()) in known, f"{section}.{option}"


def airflow_commands() -> list[list[str]]:
    """What Compose, the health checks and the preparation ask of the `airflow` program."""
    services = [
        service["command"]
        for service in SERVICES.values()
        if service.get("image", "").startswith("license-chargeback")
        and service["command"][0] not in {"bash", "python"}
    ]
    checks = re.findall(r"airflow (jobs check [^']+)'", COMPOSE_TEXT)
    scripted = re.findall(r"^airflow (.+)$", INIT.replace("\\\n", " "), flags=re.MULTILINE)
    return services + [shlex.split(line) for line in checks + scripted]


@pytest.mark.parametrize("arguments", airflow_commands(), ids=lambda arguments: " ".join(arguments[:3]))
def test_every_airflow_command_is_one_that_airflow_knows(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", ENVIRONMENT["AIRFLOW__CORE__EXECUTOR"])
    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", ENVIRONMENT["AIRFLOW__CORE__AUTH_MANAGER"])
    from airflow.cli import cli_parser

    cli_parser.get_parser.cache_clear()
    words = ["4" if "SLOTS" in argument else argument for argument in arguments]
    parsed = cli_parser.get_parser().parse_args(words)
    cli_parser.get_parser.cache_clear()

    assert callable(parsed.func)


def test_the_health_of_a_worker_is_asked_of_the_app_that_runs() -> None:
    [app] = re.findall(r"celery --app (\S+)", COMPOSE_TEXT)
    module, _, attribute = app.rpartition(".")

    assert hasattr(__import__(module, fromlist=[attribute]), attribute)


def test_the_health_ports_and_paths_are_those_that_airflow_serves() -> None:
    from airflow.configuration import conf

    assert f"localhost:{conf.get('scheduler', 'scheduler_health_check_server_port')}/health" in COMPOSE_TEXT
    assert f"localhost:{conf.get('api', 'port')}/api/v2/monitor/health" in COMPOSE_TEXT


def test_the_simulator_takes_the_arguments_it_is_started_with() -> None:
    from flexera_simulator.command_line import arguments_parser

    python, module_option, module, *options = SERVICES["simulator"]["command"]

    assert (python, module_option, module) == ("python", "-m", "flexera_simulator")
    assert arguments_parser().parse_args(options).host == "0.0.0.0"  # noqa: S104 - inside its container


def test_the_pool_of_the_dag_is_the_one_that_is_made() -> None:
    assert "airflow pools set flexera_api " in INIT
    assert 'pool="flexera_api"' in (ROOT / "dags" / "license_chargeback.py").read_text(encoding="utf-8")


def test_the_preparation_is_in_the_image_and_is_sound_shell() -> None:
    script = ROOT / SERVICES["init"]["command"][-1].removeprefix(f"{PROJECT}/")

    assert script.is_file()
    subprocess.run(["bash", "-n", script], check=True)
