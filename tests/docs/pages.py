"""The documentation as text: its pages, code blocks, code spans and tables."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
}


def blocks(page: str, language: str) -> list[str]:
    """The fenced code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGES[page], flags=re.MULTILINE | re.DOTALL)


def spans(page: str) -> list[str]:
    """The code spans of a page's prose."""
    prose = re.sub(r"^```.*?^```$", "", PAGES[page], flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", prose)


def table(page: str, first_header: str) -> list[list[str]]:
    """The rows of every table of a page whose first column has this header."""
    rows: list[list[str]] = []
    is_inside = False
    for line in PAGES[page].splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and cells[0] == first_header:
            is_inside = True
        elif not cells:
            is_inside = False
        elif is_inside and set(cells[0]) != {"-"}:
            rows.append(cells)
    return rows


@cache
def source_texts() -> tuple[str, ...]:
    """Every text in the Python and shell sources; what an f-string fills in is `…`."""
    texts: list[str] = [path.read_text(encoding="utf-8") for path in (ROOT / "include").rglob("*.sh")]
    for path in [*(ROOT / "include").rglob("*.py"), *(ROOT / "plugins").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
                texts.append("".join(map(str, parts)))
    return tuple(texts)
