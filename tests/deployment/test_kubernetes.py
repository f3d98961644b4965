"""The pod template, put together by the code of KubernetesExecutor itself, and the settings that go with it."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "include" / "production" / "pod_template.yaml"


@pytest.fixture(scope="module")
def pod() -> Any:
    """The pod of a mapped task as the executor asks Kubernetes for it."""
    from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator

    return PodGenerator.construct_pod(
        dag_id="license_chargeback",
        task_id="extract_consumption",
        pod_id="extract-consumption-7",
        try_number=1,
        kube_image="registry.example.com/license-chargeback:2",
        date=datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC),
        args=["airflow", "tasks"],
        pod_override_object=None,
        base_worker_pod=PodGenerator.deserialize_model_file(str(TEMPLATE)),
        namespace="airflow",
        scheduler_job_id="1",
        run_id="scheduled__2026-11-24T04:00:00+00:00",
        map_index=7,
    )


def test_the_task_runs_in_the_configured_image_with_the_settings_of_the_secret(pod: Any) -> None:
    [container] = pod.spec.containers

    assert container.name == "base"
    assert container.image == "registry.example.com/license-chargeback:2"
    assert [source.secret_ref.name for source in container.env_from] == ["license-chargeback"]
    assert pod.metadata.namespace == "airflow"
    assert pod.spec.restart_policy == "Never"


def test_the_task_has_no_more_rights_than_it_needs(pod: Any) -> None:
    [container] = pod.spec.containers

    assert pod.spec.security_context.run_as_non_root
    assert pod.spec.automount_service_account_token is False
    assert container.security_context.allow_privilege_escalation is False
    assert container.security_context.read_only_root_filesystem is True
    assert container.security_context.capabilities.drop == ["ALL"]


def test_the_template_holds_no_field_that_kubernetes_does_not_know(pod: Any) -> None:
    from kubernetes.client import ApiClient

    read = ApiClient().sanitize_for_serialization(
        ApiClient()._ApiClient__deserialize(yaml.safe_load(TEMPLATE.read_text()), "V1Pod")
    )

    assert read == yaml.safe_load(TEMPLATE.read_text())


def test_every_setting_that_production_names_is_one_that_airflow_or_a_provider_has() -> None:
    from airflow.configuration import conf
    from airflow.providers_manager import ProvidersManager

    ProvidersManager().initialize_providers_configuration()
    known = {
        f"AIRFLOW__{section}__{option}".upper()
        for section, options in conf.configuration_description.items()
        for option in options["options"]
    }
    named = set(
        re.findall(r"AIRFLOW__[A-Z_]+", (ROOT / "docs" / "production.md").read_text(encoding="utf-8"))
    )

    assert {name.split("__")[1] for name in named} >= {"KUBERNETES_EXECUTOR", "LOGGING"}
    assert named - known == set()
