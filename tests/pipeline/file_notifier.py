"""A notifier as a user may configure one: it appends each message to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.sdk import BaseNotifier


class FileNotifier(BaseNotifier):
    template_fields = ("line",)

    def __init__(self, *, path: str, line: str) -> None:
        super().__init__()
        self.path = path
        self.line = line

    def notify(self, context: Any) -> None:  # noqa: ARG002 - the notifier's own form
        with Path(self.path).open("a", encoding="utf-8") as file:
            file.write(f"{self.line}\n")
