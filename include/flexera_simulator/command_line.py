"""The simulator's command line."""

from __future__ import annotations

import argparse
import contextlib
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flexera_simulator.profiles import PROFILES
from flexera_simulator.server import bound_socket, server_for
from flexera_simulator.settings import CHOICES, Settings, changed, default_of
from flexera_simulator.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted."""
    parser = arguments_parser()
    options = vars(parser.parse_args(arguments))
    host, port, port_file = options.pop("host"), options.pop("port"), options.pop("port_file")
    profiles, is_list_wanted = options.pop("profile") or [], options.pop("list_profiles")
    if is_list_wanted:
        print(profile_list())
        return 0
    try:
        settings = changed(Settings(), {name: value for name, value in options.items() if value is not None})
        simulator = Simulator(settings, profiles)
    except ValueError as error:
        parser.error(str(error))
    try:
        listener = bound_socket(host, port)
    except OSError as error:
        print(f"cannot listen on {host}:{port}: {error.strerror}", file=sys.stderr)
        return 1
    simulator.prepare()
    _announce(host, listener.getsockname()[1], port_file)
    with contextlib.suppress(KeyboardInterrupt):
        server_for(simulator).run(sockets=[listener])
    return 0


def arguments_parser() -> argparse.ArgumentParser:
    """One option per setting."""
    parser = argparse.ArgumentParser(prog="flexera_simulator", description="A small, faithful Flexera One.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8808, help="port; 0 takes a free one (default: %(default)s)"
    )
    parser.add_argument("--port-file", type=Path, help="file the port is written to once the server listens")
    parser.add_argument(
        "--profile", action="append", metavar="NAME", help="misbehave as this profile says; may be repeated"
    )
    parser.add_argument("--list-profiles", action="store_true", help="show every profile and end")
    for item in fields(Settings):
        parser.add_argument(f"--{item.name.replace('_', '-')}", **_option(item.name, item.metadata["help"]))
    return parser


def profile_list() -> str:
    """Every profile on a line: its group, its name, what it does."""
    width = max(map(len, PROFILES))
    return "\n".join(f"{each.group:>2}  {each.name:<{width}}  {each.does}" for each in PROFILES.values())


def _option(name: str, help_text: str) -> dict[str, Any]:
    default = default_of(name)
    is_list = isinstance(default, tuple)
    text = "today" if name == "date" else (", ".join(default) or "none") if is_list else default
    option: dict[str, Any] = {"help": f"{help_text} (default: {text})".replace("%", "%%"), "default": None}
    if is_list:
        return option | {"action": "append", "metavar": "ID" if name == "org" else "NAME"}
    if isinstance(default, bool):
        return option | {"action": argparse.BooleanOptionalAction}
    if name in CHOICES:
        return option | {"choices": CHOICES[name]}
    return option | {"metavar": "YYYY-MM-DD" if name == "date" else name.upper()}


def _announce(host: str, port: int, port_file: Path | None) -> None:
    if port_file is not None:
        part = port_file.with_name(port_file.name + ".part")
        part.write_text(f"{port}\n")
        part.replace(port_file)
    print(f"listening on http://{host}:{port}", flush=True)
