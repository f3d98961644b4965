"""The simulated endpoints under /oidc and /fnms."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from flexera_simulator import rows, walks
from flexera_simulator.envelope import ApiError, error_response
from flexera_simulator.forms import formed
from flexera_simulator.json_text import encode
from flexera_simulator.paging import (
    Position,
    array_body,
    envelope_body,
    next_page_json,
    position_of,
    requested_size,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.requests import Request

    from flexera_simulator.faults import Fault
    from flexera_simulator.simulator import Simulator

JSON = "application/json"
LICENSES = "licenses"  # the name of the license list in its cursors


def api_routes(simulator: Simulator) -> list[Route]:
    """Every endpoint a client of Flexera One may call."""
    api = Api(simulator)
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return [
        Route("/oidc/token", api.token, methods=["POST"]),
        Route("/fnms/v1/orgs/{org}/licenses", api.licenses, methods=methods),
        Route("/fnms/v1/orgs/{org}/licenses/{license}/consumption", api.consumption, methods=methods),
        Route("/fnms/{rest:path}", api.anything_else, methods=methods),
    ]


def other_routes(simulator: Simulator) -> list[Route]:
    """What is left when no other route fits: a write anywhere is refused and remembered."""
    api = Api(simulator)
    return [Route("/{rest:path}", api.elsewhere, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])]


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
        return await self._spoil(request, response, fault)

    async def licenses(self, request: Request) -> Response:
        return await self._answer(request, self._licenses_page)

    async def consumption(self, request: Request) -> Response:
        return await self._answer(request, self._consumption_page)

    async def anything_else(self, request: Request) -> Response:
        return await self._answer(request, _no_such_page)

    async def elsewhere(self, request: Request) -> Response:
        try:
            self._refuse_writes(request)
            return Response(_no_such_page(request))
        except ApiError as error:
            return error_response(error.status, error.message, error.headers)

    async def _answer(self, request: Request, page: Callable[[Request], bytes]) -> Response:
        """Check the caller, count the request, answer it, then let a fault spoil the answer."""
        simulator, path = self._simulator, request.url.path
        org_id, fault = _org_of(request), None
        headers: dict[str, str] = {}
        try:
            self._refuse_writes(request)
            simulator.tokens.check(
                request.headers.get("authorization"), simulator.settings.requests_per_token
            )
            headers = self._take_turn(org_id)
            fault = simulator.take_fault(
                request.method, path, request.path_params.get("license"), _page_number(request)
            )
            self._check_org(org_id)
            response = Response(page(request), headers=headers, media_type=JSON)
        except ApiError as error:
            response = error_response(error.status, error.message, headers | error.headers)
        response = await self._spoil(request, response, fault)
        simulator.count_request(org_id, request.method, path, response.status_code)
        return response

    def _take_turn(self, org_id: str) -> dict[str, str]:
        settings = self._simulator.settings
        remaining = self._simulator.limiter.take(
            org_id,
            settings.requests_per_minute,
            settings.window_seconds,
            other_requests=settings.other_requests,
            retry_after=settings.retry_after,
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
        settings, simulator = self._simulator.settings, self._simulator
        with simulator.lock:
            bodies = simulator.tenant(_org_of(request)).license_bodies(settings.day)
            if delisted := simulator.delisted():
                bodies = [body for body in bodies if str(msgspec.json.decode(body)["id"]) not in delisted]
            position = self._position(request, LICENSES, settings.licenses_page_size or max(len(bodies), 1))
            look = simulator.next_look() if position.number == 1 else simulator.look_count
        if look == 1 and settings.late_licenses:
            bodies = bodies[: -settings.late_licenses]
        if settings.license_totals == "rising":
            bodies = [rows.with_total_raised(body, look) for body in bodies]
        order = walks.served(LICENSES, len(bodies), position.order)
        if settings.licenses_shape == "array":
            return array_body(self._formed(bodies[number] for number in order))
        page = self._formed(bodies[number] for number in walks.on_page(order, position, settings))
        return self._enveloped(request, page, position, walks.is_last(order, position))

    def _consumption_page(self, request: Request) -> bytes:
        settings, license_id = self._simulator.settings, request.path_params["license"]
        tenant = self._simulator.tenant(_org_of(request))
        with self._simulator.lock:
            row_count = tenant.row_count(settings.day, license_id)
            if row_count is None:
                raise ApiError(404, f"license {license_id} does not exist")
            position = self._position(
                request, license_id, requested_size(dict(request.query_params), settings)
            )
            order = walks.served(license_id, row_count, position.order, settings.visible_percent)
            is_array = settings.consumption_shape == "array"
            wanted = order if is_array else walks.on_page(order, position, settings)
            page = self._formed(
                walks.bodies_at(tenant, settings.day, license_id, wanted, row_count), license_id
            )
        if is_array:
            return array_body(page)
        return self._enveloped(request, page, position, walks.is_last(order, position))

    def _position(self, request: Request, list_name: str, size: int) -> Position:
        """Where the page that is asked for starts."""
        simulator, settings = self._simulator, self._simulator.settings
        token = request.query_params.get("skipToken")
        if token is None:
            order = simulator.next_order() if settings.row_order == "other_each_walk" else 0
            return Position(list_name, 0, size, 1, settings.empty_pages, order, simulator.cursor_epoch)
        position = position_of(token, list_name)
        if position.epoch != simulator.cursor_epoch:
            raise ApiError(400, "skipToken has expired")
        return position

    def _formed(self, bodies: Iterable[bytes], license_id: str | None = None) -> list[bytes]:
        """The rows in the forms that are set, where they are set for these."""
        settings = self._simulator.settings
        if not settings.forms or settings.formed_license not in ("", license_id):
            return list(bodies)
        return [formed(body, settings.forms) for body in bodies]

    def _enveloped(self, request: Request, bodies: list[bytes], position: Position, is_last: bool) -> bytes:
        settings = self._simulator.settings
        following = next_page_json(request.url.path, position, is_last, str(request.base_url), settings)
        return envelope_body(bodies, following)

    async def _spoil(self, request: Request, response: Response, fault: Fault | None) -> Response:
        if fault is None:
            return response
        if fault.revoke_tokens:
            self._simulator.tokens.revoke_all()
        if fault.expire_cursors:
            self._simulator.expire_cursors()
        if fault.delay_seconds:
            await asyncio.sleep(fault.delay_seconds)
        return fault.spoil(fault.answer(request.url.path, self._simulator.settings) or response)


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
        return position_of(token, request.path_params.get("license", LICENSES)).number
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
