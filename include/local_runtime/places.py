"""Where things lie: the project, and `.local` with everything that may be deleted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from local_runtime.problem import Problem

PROJECT = Path(__file__).resolve().parents[2]
LOCAL = PROJECT / ".local"
LOGS = LOCAL / "logs"


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner may enter; close one that was made open."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)
    return path


def private_log(path: Path) -> int:
    """Open a log for appending that only its owner may read; close one that was made open."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.fchmod(file, 0o600)
    return file


def private_file(path: Path, text: str) -> None:
    """Write a file that only its owner may read, all at once."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)


def kept(path: Path, remedy: str) -> dict[str, Any]:
    """The JSON object in a file; where the file is damaged, a Problem that says what to do."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Problem(f"{path} is damaged. {remedy}")
    return found
