"""docker-compose.yaml and .env.example as Docker Compose reads them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_TEXT = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
ENV_EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ENVIRONMENT: dict[str, str] = COMPOSE["x-environment"]
PROJECT = "/opt/license-chargeback"

# A reference may hold others in its default, and these again others.
_INNER = r"(?:[^{}]|\$\{(?:[^{}]|\$\{[^{}]*\})*\})*"
REFERENCE = re.compile(r"\$\$|\$\{(\w+)(?:(:[?-])(" + _INNER + r"))?\}")


class VariableMissingError(Exception):
    """What Compose says of a `${NAME:?text}` that is not set."""


def references(text: str) -> list[tuple[str, str, str]]:
    """Every `${NAME:?text}` or `${NAME:-default}`, those inside a default included."""
    found = []
    for name, operator, rest in REFERENCE.findall(text):
        if name:
            found += [(name, operator, rest), *references(rest)]
    return found


def resolved(node: Any, variables: dict[str, str]) -> Any:
    """A part of the file with every reference replaced, by Compose's rules."""
    if isinstance(node, dict):
        return {key: resolved(value, variables) for key, value in node.items()}
    if isinstance(node, list):
        return [resolved(value, variables) for value in node]
    if not isinstance(node, str):
        return node

    def value_of(match: re.Match[str]) -> str:
        name, operator, rest = match.groups()
        if name is None:
            return "$"
        if variables.get(name):
            return variables[name]
        if operator == ":-":
            return str(resolved(rest, variables))
        raise VariableMissingError(name)

    return REFERENCE.sub(value_of, node)


def explained() -> dict[str, tuple[str, str]]:
    """The variables of .env.example: name to (comment above it, value shown for it)."""
    found: dict[str, tuple[str, str]] = {}
    comment: list[str] = []
    for line in ENV_EXAMPLE.splitlines():
        if match := re.fullmatch(r"(?:# )?([A-Z][A-Z_]+)=(.*)", line):
            found[match[1]] = (" ".join(comment), match[2])
            comment = []
        elif line.startswith("#") and not line.startswith("# ---"):
            comment.append(line.removeprefix("# "))
        else:
            comment = []
    return found


def secret_names() -> set[str]:
    """The variables that .env.example leaves empty and not commented out."""
    return set(re.findall(r"^([A-Z_]+)=$", ENV_EXAMPLE, flags=re.MULTILINE))
