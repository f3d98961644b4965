"""Tells Airflow of the connection type `flexera`, and of the form its UI shows for it."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """The provider's description; from it Airflow builds the form without importing the hook."""
    return {
        "package-name": "license-chargeback",
        "name": "License Chargeback",
        "description": "Reads license consumption and charge back from Flexera One IT Asset Management.",
        "connection-types": [
            {
                "connection-type": "flexera",
                "hook-class-name": "chargeback.hooks.FlexeraHook",
                "hook-name": "Flexera One",
                "ui-field-behaviour": {
                    "hidden-fields": ["host", "port", "schema"],
                    "relabeling": {"login": "Client ID", "password": "Client secret, or refresh token"},
                    "placeholders": {"login": "of the service account; empty with a refresh token"},
                },
                "conn-fields": _EXTRAS,
            }
        ],
    }


def _extra(label: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": schema}


_EXTRAS = {
    "org_id": _extra(
        "Organization",
        "Id of the Flexera One organization: the number in the address of its pages. Required.",
        type=["string", "null"],
    ),
    "zone": _extra(
        "Zone",
        "Where the organization is hosted: us (flexera.com), eu (flexera.eu) or au (flexera.au).",
        type=["string", "null"],
        enum=["us", "eu", "au"],
        default="us",
    ),
    "grant_type": _extra(
        "Grant type",
        "client_credentials for a service account; refresh_token for a user, as the password.",
        type=["string", "null"],
        enum=["client_credentials", "refresh_token"],
        default="client_credentials",
    ),
    "api_url": _extra(
        "API address",
        "In place of the zone's, for example that of a simulator: https://host:port.",
        type=["string", "null"],
    ),
    "token_url": _extra(
        "Token address",
        "In place of the zone's, for example that of a simulator: https://host:port/oidc/token.",
        type=["string", "null"],
    ),
    "requests_per_minute": _extra(
        "Requests per minute",
        "The tenant's limit for the IT Asset Management API, shared by all tasks and workers. Set it lower "
        "where other integrations use the same API; 0 leaves the pace to the server.",
        type=["integer", "null"],
        minimum=0,
        default=50,
    ),
    "page_size": _extra(
        "Page size",
        "Consumption rows asked for per page, sent as limit. Empty: the server decides.",
        type=["integer", "null"],
        minimum=1,
    ),
    "timeout": _extra(
        "Timeout",
        "Seconds one request may take as a whole.",
        type=["integer", "null"],
        minimum=1,
        default=60,
    ),
    "max_answer_mb": _extra(
        "Largest answer",
        "Megabytes that one answer may have. A larger one is not read to its end.",
        type=["integer", "null"],
        minimum=1,
        default=256,
    ),
    "max_pages": _extra(
        "Most pages",
        "Pages that one list may have. A longer one is taken for a list without an end.",
        type=["integer", "null"],
        minimum=1,
        default=10_000,
    ),
    "verify": _extra(
        "Trusted certificates",
        "Path of a bundle of certificates to trust, where a proxy of your network puts in its own. "
        "Certificates are always checked.",
        type=["string", "null"],
    ),
}
