"""Whatever the product may say when something is wrong has its line in the runbook."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest
from pages import ROOT, table

from chargeback import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUNBOOK = "docs/runbook.md"
SOURCES = [*(ROOT / "include" / "chargeback").rglob("*.py"), *(ROOT / "plugins").glob("*.py")]
ERRORS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.ChargebackError)
}
LOGGED = {"warning", "error", "exception"}


class Said(NamedTuple):
    """A text of the sources, what is filled in as `…`, and where it stands."""

    text: str
    place: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def listed(header: str) -> list[re.Pattern[str]]:
    """What the first column of a table of the runbook stands for."""
    texts = [re.findall(r"`([^`]+)`", row[0])[0] for row in table(RUNBOOK, header)]
    return [
        re.compile(".*".join(re.escape(part.strip()) for part in text.split("…")), re.DOTALL)
        for text in texts
    ]


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def raised() -> Iterator[Said]:
    """The messages of errors, where they are written."""
    for place, call in calls():
        if isinstance(call.func, ast.Name) and call.func.id in ERRORS:
            yield Said(text_of(call.args[0]), place)


def logged() -> Iterator[Said]:
    """What is told in a log and should not have happened."""
    for place, call in calls():
        is_log = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "log"
        if is_log and call.func.attr in LOGGED:  # type: ignore[attr-defined]
            yield Said(text_of(call.args[0]).replace("%s", "…"), place)


def noticed() -> Iterator[Said]:
    """The titles of messages to people."""
    for place, call in calls():
        if isinstance(call.func, ast.Name) and call.func.id == "Notice":
            yield Said(text_of(call.args[1]), place)


def text_of(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return "…"


def has_words(said: Said) -> bool:
    """Whether the text is one of its own, not one that comes from elsewhere."""
    return re.search(r"[A-Za-z]{3,} [a-z]{2,}", said.text) is not None


@pytest.mark.parametrize(
    ("header", "said"),
    [
        pytest.param("message", raised, id="errors"),
        pytest.param("message", logged, id="logs"),
        pytest.param("notice", noticed, id="notices"),
    ],
)
def test_everything_that_is_said_is_found_in_the_runbook(
    header: str, said: Callable[[], Iterator[Said]]
) -> None:
    patterns = listed(header)
    texts = [each for each in said() if has_words(each)]

    assert len(texts) > 5
    assert [str(each) for each in texts if not any(pattern.search(each.text) for pattern in patterns)] == []
