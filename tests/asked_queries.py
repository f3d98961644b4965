"""The queries of include/bi_queries with other values than the examples that stand in them."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "include" / "bi_queries"
QUERIES = sorted(path.stem for path in FOLDER.glob("*.sql"))
_ASKED = re.compile(r"(?<=^asked as not materialized \(\n)(.*?)(?=^\))", flags=re.DOTALL | re.MULTILINE)


def query(name: str, **asked: object) -> str:
    """The text of a query, each value given by name in place of the example; KeyError for a name it does not ask."""
    text = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    [examples] = _ASKED.findall(text)
    for column, value in asked.items():
        examples, count = re.subn(
            rf"(?:date '[^']*'|'[^']*'|null::text)(?= as {column}\b)",
            lambda _, value=value: _literal(value),
            examples,
        )
        if count != 1:
            raise KeyError(f"{name} does not ask for {column}")
    return _ASKED.sub(lambda _: examples, text)


def _literal(value: object) -> str:
    if value is None:
        return "null::text"
    text = "'" + str(value).replace("'", "''") + "'"
    return f"date {text}" if isinstance(value, date) else text
