"""The simulated endpoints under /oidc and /fnms."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from flexera_simulator.envelope import ApiError, error_response
from flexera_simulator.json_text import encode
from flexera_simulator.paging import Position, envelope_body, next_page_json, position_of, requested

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from flexera_simulator.faults import Fault
    from flexera_simulator.simulator import Simulator

JSON = "application/json"


class CutResponse(Response):
    """A response whose connection breaks before the promised length was sent."""

    def __init__(self, whole: Response, length: int) -> None:
        super().__init__(whole.body, whole.status_code, media_type=whole.media_type)
        self._length = min(length, max(len(bytes(whole.body)) - 1, 0))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(start)
        part = bytes(self.body)[: self._length]
        await send({"type": "http.response.body", "body": part, "more_body": True})


def api_routes(simulator: Simulator) -> list[Route]:
    """Every endpoint a client of Flexera One may call."""
    api = Api(simulator)
    reads = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return [
        Route("/oidc/token", api.token, methods=["POST"]),
        Route("/fnms/v1/orgs/{org}/licenses", api.licenses, methods=reads),
        Route("/fnms/v1/orgs/{org}/licenses/{license}/consumption", api.consumption, methods=reads),
        Route("/fnms/{rest:path}", api.anything_else, methods=reads),
    ]


class Api:
    """The endpoints, over one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def token(self, request: Request) -> Response:
        simulator = self._simulator
        with simulator.lock:
            simulator.token_request_count += 1
        fault = simulator.take_fault("POST", request.url.path, None, 1)
        try:
            answer = simulator.tokens.issue(await _fields_of(request), simulator.settings)
            response = Response(encode(answer), media_type=JSON)
        except ApiError as error:
            response = error_response(error.status, error.message, error.headers)
        return await self._spoil(response, fault)

    async def licenses(self, request: Request) -> Response:
        return await self._answer(request, self._licenses_page)

    async def consumption(self, request: Request) -> Response:
        return await self._answer(request, self._consumption_page)

    async def anything_else(self, request: Request) -> Response:
        return await self._answer(request, _no_such_page)

    async def _answer(self, request: Request, page: Callable[[Request], bytes]) -> Response:
        """Check the caller, count the request, answer it, then let a fault spoil the answer."""
        simulator, path = self._simulator, request.url.path
        org_id, fault = _org_of(request), None
        headers: dict[str, str] = {}
        try:
            simulator.tokens.check(request.headers.get("authorization"))
            headers = self._take_turn(org_id)
            fault = simulator.take_fault(
                request.method, path, request.path_params.get("license"), _page_number(request)
            )
            self._refuse_writes(request)
            self._check_org(org_id)
            response = Response(page(request), headers=headers, media_type=JSON)
        except ApiError as error:
            response = error_response(error.status, error.message, headers | error.headers)
        response = await self._spoil(response, fault)
        simulator.count_request(org_id, path, response.status_code)
        return response

    def _take_turn(self, org_id: str) -> dict[str, str]:
        settings = self._simulator.settings
        remaining = self._simulator.limiter.take(
            org_id, settings.requests_per_minute, settings.window_seconds
        )
        return {} if remaining is None else {"x-ratelimit-remaining": str(remaining)}

    def _refuse_writes(self, request: Request) -> None:
        if request.method not in {"GET", "HEAD"}:
            self._simulator.count_refused_write(request.method, request.url.path)
            raise ApiError(405, "this organization is read only", {"allow": "GET, HEAD"})

    def _check_org(self, org_id: str) -> None:
        if org_id not in self._simulator.settings.org:
            raise ApiError(403, f"the account has no role in organization {org_id}")

    def _licenses_page(self, request: Request) -> bytes:
        settings = self._simulator.settings
        with self._simulator.lock:
            bodies = self._simulator.tenant(_org_of(request)).license_bodies(settings.day)
        if settings.licenses_shape == "array":
            return b"[" + b",".join(bodies) + b"]"
        size = settings.licenses_page_size or max(len(bodies), 1)
        params = dict(request.query_params)
        position = (
            position_of(params["skipToken"], "licenses")
            if "skipToken" in params
            else Position("licenses", 0, size, 1)
        )
        rows = bodies[position.start : position.start + position.size]
        is_last = position.start + position.size >= len(bodies)
        return self._enveloped(request, rows, position, is_last)

    def _consumption_page(self, request: Request) -> bytes:
        settings, license_id = self._simulator.settings, request.path_params["license"]
        tenant = self._simulator.tenant(_org_of(request))
        with self._simulator.lock:
            row_count = tenant.row_count(settings.day, license_id)
            if row_count is None:
                raise ApiError(404, f"license {license_id} does not exist")
            position = requested(dict(request.query_params), license_id, settings)
            repeated = min(settings.repeated_rows, position.start)
            start, count = position.start - repeated, position.size + repeated
            rows = list(tenant.row_bodies(settings.day, license_id, start, count))
        return self._enveloped(request, rows, position, position.start + position.size >= row_count)

    def _enveloped(self, request: Request, rows: list[bytes], position: Position, is_last: bool) -> bytes:
        settings = self._simulator.settings
        following = next_page_json(request.url.path, position, is_last, str(request.base_url), settings)
        return envelope_body(rows, following)

    async def _spoil(self, response: Response, fault: Fault | None) -> Response:
        if fault is None:
            return response
        if fault.revoke_tokens:
            self._simulator.tokens.revoke_all()
        if fault.delay_seconds:
            await asyncio.sleep(fault.delay_seconds)
        response = fault.answer() or response
        if fault.truncate_json:
            body = bytes(response.body)
            response = Response(
                body[: len(body) * 2 // 3], response.status_code, media_type=response.media_type
            )
        if fault.cut_body_after is not None:
            response = CutResponse(response, fault.cut_body_after)
        return response


def _no_such_page(request: Request) -> bytes:
    raise ApiError(404, f"{request.url.path} does not exist")


def _org_of(request: Request) -> str:
    parts = request.url.path.split("/")
    return parts[4] if len(parts) > 4 else ""


def _page_number(request: Request) -> int:
    token = request.query_params.get("skipToken")
    if token is None:
        return 1
    try:
        return position_of(token, request.path_params.get("license", "licenses")).number
    except ApiError:
        return 0


async def _fields_of(request: Request) -> dict[str, str]:
    body = await request.body()
    if "json" not in request.headers.get("content-type", ""):
        return dict(parse_qsl(body.decode("utf-8", "replace")))
    try:
        values: Any = msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise ApiError(400, "the body is not JSON") from None
    if not isinstance(values, dict):
        raise ApiError(400, "the body must be a JSON object")
    return {name: value for name, value in values.items() if isinstance(value, str)}
