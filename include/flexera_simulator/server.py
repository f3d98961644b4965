"""The web application and the server that runs it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route

from flexera_simulator.admin import admin_routes
from flexera_simulator.api import api_routes, other_routes
from flexera_simulator.compression import GzipWhenAccepted
from flexera_simulator.json_text import encode
from flexera_simulator.openapi import description
from flexera_simulator.wire import OpenConnection

if TYPE_CHECKING:
    from starlette.requests import Request

    from flexera_simulator.simulator import Simulator


def application(simulator: Simulator) -> Starlette:
    """The simulator as an ASGI application."""
    return Starlette(
        routes=[
            *api_routes(simulator),
            *admin_routes(simulator),
            Route("/openapi.json", openapi),
            *other_routes(simulator),
        ],
        middleware=[Middleware(GzipWhenAccepted, simulator=simulator)],
    )


async def openapi(_request: Request) -> Response:
    """What the simulator serves, described."""
    return Response(encode(description()), media_type="application/json")


def bound_socket(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one."""
    return socket.create_server((host, port), backlog=256)


def server_for(simulator: Simulator) -> uvicorn.Server:
    """A server that logs nothing but disasters."""
    config = uvicorn.Config(
        application(simulator),
        http=OpenConnection,
        log_level="critical",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)
