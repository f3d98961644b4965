"""The simulator's own endpoints under /simulator, which Flexera One does not have."""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flexera_simulator import faults, settings
from flexera_simulator.envelope import ApiError, error_response
from flexera_simulator.json_text import encode
from flexera_simulator.profiles import PROFILES

if TYPE_CHECKING:
    from flexera_simulator.simulator import Simulator

Endpoint = Callable[[Request], Awaitable[Response]]
Answer = Callable[[Request], Awaitable[Any]]


def admin_routes(simulator: Simulator) -> list[Route]:
    """Every endpoint a test or a person may steer the simulator with."""
    admin = Admin(simulator)
    answers: dict[tuple[str, str], Answer] = {
        ("GET", "health"): admin.health,
        ("GET", "date"): admin.date,
        ("PUT", "date"): admin.set_date,
        ("GET", "settings"): admin.settings,
        ("PUT", "settings"): admin.set_settings,
        ("GET", "requests"): admin.requests,
        ("GET", "totals"): admin.totals,
        ("GET", "faults"): admin.faults,
        ("POST", "faults"): admin.add_fault,
        ("DELETE", "faults"): admin.clear_faults,
        ("GET", "profiles"): admin.profiles,
        ("POST", "profiles"): admin.use_profile,
        ("DELETE", "profiles"): admin.drop_profiles,
        ("POST", "revoke-tokens"): admin.revoke_tokens,
        ("POST", "expire-cursors"): admin.expire_cursors,
        ("POST", "reset"): admin.reset,
    }
    return [
        Route(f"/simulator/{path}", _endpoint(answer), methods=[method])
        for (method, path), answer in answers.items()
    ]


class Admin:
    """The answers, as plain JSON values."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def health(self, _request: Request) -> Any:
        return {"status": "ok", "tenant": self._simulator.settings.tenant} | await self.date(_request)

    async def date(self, _request: Request) -> Any:
        return {"date": self._simulator.settings.day.isoformat()}

    async def set_date(self, request: Request) -> Any:
        values = await _object_in(request)
        self._simulator.set(date=values.get("date", ""))
        return await self.date(request)

    async def settings(self, _request: Request) -> Any:
        return settings.shown(self._simulator.settings)

    async def set_settings(self, request: Request) -> Any:
        self._simulator.set(**await _object_in(request))
        return await self.settings(request)

    async def requests(self, _request: Request) -> Any:
        return self._simulator.counters()

    async def totals(self, request: Request) -> Any:
        day, org_id = request.query_params.get("date"), request.query_params.get("org")
        if org_id is not None and org_id not in self._simulator.settings.org:
            raise ValueError(f"no such organization: {org_id}")
        return self._simulator.totals(datetime.date.fromisoformat(day) if day else None, org_id)

    async def faults(self, _request: Request) -> Any:
        with self._simulator.lock:
            return [faults.shown(fault) for fault in self._simulator.faults]

    async def add_fault(self, request: Request) -> Any:
        fault = faults.fault_from(await _object_in(request))
        with self._simulator.lock:
            self._simulator.faults.append(fault)
        return faults.shown(fault)

    async def clear_faults(self, request: Request) -> Any:
        with self._simulator.lock:
            self._simulator.faults.clear()
        return await self.faults(request)

    async def profiles(self, _request: Request) -> Any:
        with self._simulator.lock:
            return [
                {
                    "name": profile.name,
                    "group": profile.group,
                    "does": profile.does,
                    "on": profile.name in self._simulator.profiles,
                    "struck": sum(
                        fault.struck_count for fault in self._simulator.profiles.get(profile.name, ())
                    ),
                }
                for profile in PROFILES.values()
            ]

    async def use_profile(self, request: Request) -> Any:
        values = await _object_in(request)
        if unknown := sorted(set(values) - {"name", "license"}):
            raise ValueError(f"a profile is ordered by name and license, not by {', '.join(unknown)}")
        license_id = values.get("license")
        found = self._simulator.use_profile(
            str(values.get("name", "")), None if license_id is None else str(license_id)
        )
        return {"name": values["name"], "faults": [faults.shown(fault) for fault in found]}

    async def drop_profiles(self, request: Request) -> Any:
        """The one named in the query, else all of them."""
        name = request.query_params.get("name")
        for each in list(self._simulator.profiles) if name is None else [name]:
            self._simulator.drop_profile(each)
        return list(self._simulator.profiles)

    async def expire_cursors(self, _request: Request) -> Any:
        self._simulator.expire_cursors()
        return {"status": "ok"}

    async def revoke_tokens(self, _request: Request) -> Any:
        self._simulator.tokens.revoke_all()
        return {"status": "ok"}

    async def reset(self, request: Request) -> Any:
        self._simulator.reset()
        return await self.settings(request)


def _endpoint(answer: Answer) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            return Response(encode(await answer(request)), media_type="application/json")
        except (ValueError, TypeError, msgspec.DecodeError) as error:
            return error_response(400, str(error))
        except ApiError as error:
            return error_response(error.status, error.message)

    return endpoint


async def _object_in(request: Request) -> dict[str, Any]:
    values: Any = msgspec.json.decode(await request.body())
    if not isinstance(values, dict):
        raise TypeError("the body must be a JSON object")
    return values
