"""Flexera One's error envelope."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.responses import Response

from flexera_simulator.json_text import encode

ERROR_TYPE = "application/vnd.goa.error"
NAMES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    429: "too_many_requests",
    500: "internal_error",
    502: "bad_gateway",
    503: "service_unavailable",
    504: "gateway_timeout",
}


class ApiError(Exception):
    """An answer other than a good one."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


def envelope(status: int, message: str) -> dict[str, Any]:
    """The six members of an error body; the three booleans tell a caller whether to try again."""
    return {
        "name": NAMES.get(status, "error"),
        "id": uuid.uuid4().hex[:8],
        "message": message,
        "timeout": status == 504,
        "temporary": status == 429 or status >= 500,
        "fault": status >= 500,
    }


def error_response(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """An error as Flexera One sends it."""
    return Response(encode(envelope(status, message)), status, headers, ERROR_TYPE)
