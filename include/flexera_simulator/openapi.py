"""The OpenAPI description of what the simulator serves."""

from __future__ import annotations

from typing import Any

from flexera_simulator.envelope import ERROR_TYPE

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
WHOLE = {"type": "integer"}
FLAG = {"type": "boolean"}


def description() -> dict[str, Any]:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Simulated Flexera One IT Asset Management API",
            "version": "1.0",
            "description": "Field names of the charge back figures are a proposal; check them with yours.",
        },
        "paths": {
            "/oidc/token": {"post": _token_operation()},
            "/fnms/v1/orgs/{orgId}/licenses": {"get": _licenses_operation()},
            "/fnms/v1/orgs/{orgId}/licenses/{licenseId}/consumption": {"get": _consumption_operation()},
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas() -> dict[str, Any]:
    return {
        "Error": _object(name=TEXT, id=TEXT, message=TEXT, timeout=FLAG, temporary=FLAG, fault=FLAG),
        "Token": _object(
            {"refresh_token": TEXT},
            access_token=TEXT,
            expires_in={"type": ["integer", "string"]},
            token_type=TEXT,
        ),
        "License": _object(
            id=WHOLE,
            name=TEXT,
            type=TEXT,
            company=_object(name=TEXT),
            status=TEXT,
            edition=_or_null(TEXT),
            version=_or_null(TEXT),
            expiryDate=_or_null(TEXT),
            compliance=_object(
                status=TEXT, purchasedEntitlementCount=NUMBER, consumedEntitlementCount=NUMBER
            ),
        ),
        "LicensePage": _page("License"),
        "ConsumptionPage": _page("ConsumptionRow"),
        "ConsumptionRow": _consumption_row(),
        **_consumer_schemas(),
    }


def _consumption_row() -> dict[str, Any]:
    return _object(
        {
            "instances": {"type": "array", "items": _object(name=TEXT)},
            "products": {"type": "array", "items": _object(name=TEXT, isSupplementary=FLAG)},
            "eligibleForSubCapacity": FLAG,
            "allocated": FLAG,
        },
        device=_nullable_reference("Device"),
        user=_nullable_reference("User"),
        host=_nullable_reference("Host"),
        cluster=_nullable_reference("Cluster"),
        consumingInstallations=WHOLE,
        consumption=NUMBER,
        hostConsumption=_or_null(NUMBER),
        chargeback=_object(
            costPerRight=_or_null(NUMBER), consumption=NUMBER, cost=_or_null(NUMBER), approach=TEXT
        ),
    )


def _consumer_schemas() -> dict[str, Any]:
    owner = {"location": _or_null(TEXT), "costCenter": _or_null(TEXT), "corporateUnit": _or_null(TEXT)}
    cores = {"cores": WHOLE, "installedCores": NUMBER, "consumingCores": NUMBER}
    pools = {"type": "array", "items": _object(name=TEXT, cappedCores=NUMBER)}
    capacity = {"processors": WHOLE, "cappedCores": NUMBER, "resourcePools": pools}
    return {
        "Device": _object(capacity, id=WHOLE, name=TEXT, type=TEXT, cores=WHOLE, **owner),
        "User": _object(id=WHOLE, name=TEXT, **owner),
        "Host": _object({"pointsPerCore": NUMBER}, id=WHOLE, name=TEXT, **cores),
        "Cluster": _object(id=WHOLE, name=TEXT, **cores),
    }


def _token_operation() -> dict[str, Any]:
    fields = dict.fromkeys(("grant_type", "client_id", "client_secret", "refresh_token"), TEXT)
    body = {"schema": {"type": "object", "properties": fields, "required": ["grant_type"]}}
    content = {"application/x-www-form-urlencoded": body, "application/json": body}
    return {
        "operationId": "createToken",
        "security": [],
        "requestBody": {"required": True, "content": content},
        "responses": _answers(_reference("Token"), 400, 401),
    }


def _licenses_operation() -> dict[str, Any]:
    array = {"type": "array", "items": _reference("License")}
    return {
        "operationId": "listLicenses",
        "security": [{"bearer": []}],
        "parameters": [_parameter("path", "orgId", TEXT), _parameter("query", "skipToken", TEXT)],
        "responses": _answers({"oneOf": [array, _reference("LicensePage")]}, 400, 401, 403, 405, 429),
    }


def _consumption_operation() -> dict[str, Any]:
    return {
        "operationId": "listConsumption",
        "security": [{"bearer": []}],
        "parameters": [
            _parameter("path", "orgId", TEXT),
            _parameter("path", "licenseId", TEXT),
            _parameter("query", "limit", WHOLE | {"minimum": 1}),
            _parameter("query", "skipToken", TEXT),
        ],
        "responses": _answers(_reference("ConsumptionPage"), 400, 401, 403, 404, 405, 429),
    }


def _answers(schema: dict[str, Any], *errors: int) -> dict[str, Any]:
    good = {"description": "as asked", "content": {"application/json": {"schema": schema}}}
    bad = {"description": "refused", "content": {ERROR_TYPE: {"schema": _reference("Error")}}}
    return {"200": good} | {str(status): bad for status in errors}


def _page(item: str) -> dict[str, Any]:
    following = {"nextPage": {"type": ["string", "null"]}}
    return _object(following, values={"type": "array", "items": _reference(item)})


def _object(optional: dict[str, Any] | None = None, /, **required: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def _parameter(place: str, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"in": place, "name": name, "required": place == "path", "schema": schema}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": [schema["type"], "null"]}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _nullable_reference(name: str) -> dict[str, Any]:
    return {"oneOf": [_reference(name), {"type": "null"}]}
