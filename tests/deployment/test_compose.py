"""docker-compose.yaml, the Dockerfile and .env.example against the specification and against the code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_TEXT = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict = COMPOSE["services"]
ENVIRONMENT: dict = COMPOSE["x-airflow"]["environment"]
ENV_EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
INIT = (ROOT / "include" / "production" / "init.sh").read_text(encoding="utf-8")
PROJECT = "/opt/license-chargeback"
REFERENCE = re.compile(r"(?<!\$)\$\{(\w+)(?:(:[?-])((?:[^{}]|\$\{[^}]*\})*))?\}")


def references(text: str) -> list[tuple[str, str, str]]:
    """Every `${NAME:?text}` or `${NAME:-default}`, those inside a default included."""
    found = []
    for name, operator, rest in REFERENCE.findall(text):
        found += [(name, operator, rest), *references(rest)]
    return found


def test_the_file_keeps_to_the_compose_specification() -> None:
    command = [
        Path(sys.executable).with_name("check-jsonschema"),
        "--builtin-schema",
        "vendor.compose-spec",
        ROOT / "docker-compose.yaml",
    ]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout


def test_every_part_of_the_product_is_a_service() -> None:
    assert set(SERVICES) == {
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


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"init"}))
def test_a_service_that_stays_tells_its_health_and_comes_back(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


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


def test_only_the_ui_and_the_warehouse_are_published_and_only_to_this_machine_by_default() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {
        "warehouse": ["${WAREHOUSE_BIND:-127.0.0.1}:${WAREHOUSE_PORT:-5432}:5432"],
        "api-server": ["${AIRFLOW_BIND:-127.0.0.1}:${AIRFLOW_PORT:-8080}:8080"],
    }


def test_every_variable_is_explained_in_the_example_and_none_is_explained_in_vain() -> None:
    used = {name for name, _, _ in references(COMPOSE_TEXT)}
    explained = set(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", ENV_EXAMPLE, flags=re.MULTILINE))

    assert used == explained


def test_no_secret_has_a_default_and_each_is_demanded() -> None:
    secrets = set(re.findall(r"^([A-Z_]+)=$", ENV_EXAMPLE, flags=re.MULTILINE))
    demanded = {name for name, operator, _ in references(COMPOSE_TEXT) if operator == ":?"}
    defaulted = {name for name, operator, _ in references(COMPOSE_TEXT) if operator == ":-"}

    assert {name for name in demanded | defaulted if re.search("PASSWORD|SECRET|KEY|FLEXERA$", name)} == secrets
    assert secrets == demanded
    assert not secrets & defaulted


def test_the_example_shows_the_defaults_that_hold() -> None:
    shown = dict(re.findall(r"^# ([A-Z_]+)=(.+)$", ENV_EXAMPLE, flags=re.MULTILINE))
    held = {name: rest for name, operator, rest in references(COMPOSE_TEXT) if operator == ":-"}

    assert {name: held[name] for name in shown} == shown


def test_every_airflow_setting_is_one_that_airflow_has() -> None:
    from airflow.configuration import conf

    known = {
        (section.lower(), option.lower())
        for section, options in conf.configuration_description.items()
        for option in options["options"]
    }
    for provider_section in ("celery", "fab"):
        known |= {(provider_section, option) for option in conf.getsection(provider_section) or {}}
    settings = [name.split("__")[1:] for name in ENVIRONMENT if name.startswith("AIRFLOW__")]

    assert settings
    for section, option in settings:
        assert (section.lower(), option.lower()) in known, f"{section}.{option}"


def airflow_commands() -> list[list[str]]:
    services = [
        service["command"]
        for service in SERVICES.values()
        if service.get("image", "").startswith("license-chargeback") and service["command"][0] != "bash"
    ]
    checks = re.findall(r"airflow (jobs check [^\"']+)", COMPOSE_TEXT)
    init = INIT.replace("\\\n", " ")
    scripted = re.findall(r"^airflow (.+)$", init, flags=re.MULTILINE)
    return services + [[*check.split(), "host"] for check in checks] + [line.split() for line in scripted]


@pytest.mark.parametrize("arguments", airflow_commands(), ids=lambda arguments: " ".join(arguments[:3]))
def test_every_airflow_command_is_one_that_airflow_knows(arguments: list[str], monkeypatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", ENVIRONMENT["AIRFLOW__CORE__EXECUTOR"])
    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", ENVIRONMENT["AIRFLOW__CORE__AUTH_MANAGER"])
    from airflow.cli import cli_parser

    cli_parser.get_parser.cache_clear()
    words = ["4" if "SLOTS" in argument else argument.strip('"') for argument in arguments]
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


def test_the_image_copies_only_what_is_there_and_keeps_what_it_copies() -> None:
    copied = [words[-2] for words in map(str.split, re.findall(r"^COPY (.+)$", DOCKERFILE, flags=re.MULTILINE))]
    copied += ["pyproject.toml", "requirements.txt", "README.md"]
    kept = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), flags=re.MULTILINE))

    assert copied
    for name in copied:
        assert (ROOT / name).exists(), name
        assert name in kept, name


@pytest.mark.parametrize("name", ["AIRFLOW__CORE__DAGS_FOLDER", "AIRFLOW__CORE__PLUGINS_FOLDER"])
def test_the_folders_airflow_reads_are_copied_into_the_image(name: str) -> None:
    folder = ENVIRONMENT[name].removeprefix(f"{PROJECT}/")

    assert f" {folder} {PROJECT}/{folder}" in DOCKERFILE


def test_the_script_that_prepares_the_system_is_in_the_image_and_is_sound_shell() -> None:
    script = SERVICES["init"]["command"][-1]

    assert (ROOT / script.removeprefix(f"{PROJECT}/")).is_file()
    subprocess.run(["bash", "-n", ROOT / script.removeprefix(f"{PROJECT}/")], check=True)


def test_the_image_is_of_the_airflow_that_is_locked() -> None:
    [version] = re.findall(r"^FROM apache/airflow:([\d.]+)-python3\.12$", DOCKERFILE, flags=re.MULTILINE)

    assert f"\napache-airflow=={version} " in (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_the_pool_of_the_dag_is_the_one_that_is_made() -> None:
    assert "airflow pools set flexera_api " in INIT
    assert 'pool="flexera_api"' in (ROOT / "dags" / "license_chargeback.py").read_text(encoding="utf-8")
