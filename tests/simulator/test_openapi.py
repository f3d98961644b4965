"""The description agrees with what is served."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator


@pytest.fixture(scope="module")
def document(caller):
    return caller.http.get("/openapi.json").json()


def validator(document, name):
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    )


def test_every_license_and_every_kind_of_row_is_as_described(caller, document):
    check_license, check_page = validator(document, "License"), validator(document, "ConsumptionPage")
    for found in caller.get().json():
        check_license.validate(found)
        check_page.validate(caller.consumption(found["id"], limit=40).json())


def test_errors_and_tokens_are_as_described(caller, document):
    validator(document, "Error").validate(caller.consumption(1).json())
    fields = {"grant_type": "refresh_token", "refresh_token": "demo-refresh-token"}
    validator(document, "Token").validate(caller.http.post("/oidc/token", data=fields).json())


def test_the_load_tenant_is_as_described(call, document):
    other = call()
    for found in other.get().json():
        validator(document, "License").validate(found)
        validator(document, "ConsumptionPage").validate(other.consumption(found["id"]).json())
