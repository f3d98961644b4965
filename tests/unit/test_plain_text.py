"""Foreign text as people see it: one line, visible characters, short."""

from __future__ import annotations

import ast
import logging
from pathlib import Path

import pytest

from chargeback.errors import PayloadChanged
from chargeback.plain_text import LONGEST_MESSAGE, plain, plain_logger
from chargeback.steps.notices import Notice

PACKAGE = Path(__file__).resolve().parents[2] / "include" / "chargeback"
HOSTILE = "Visio\x1b[2J\x1b[1;31m\r\nERROR forged\t\u202egnp.exe\u200b\x00"
SHOWN = "Visio ERROR forged gnp.exe\ufffd"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Büro-Lizenz 李 😀 [2019] \\n", "Büro-Lizenz 李 😀 [2019] \\n", id="usual names stay"),
        pytest.param("a\x1b[2Jb\x1b[1;31mc\x1b[?25ld", "abcd", id="screen, color and cursor"),
        pytest.param("a\x1b]0;title\x07b\x1b]8;;http://x\x1b\\c", "abc", id="title and link"),
        pytest.param("a\x1b]52;c;cm0gLXJm", "a", id="clipboard, without an end"),
        pytest.param("a\x1bcb\x1b(0c\x1b", "abc", id="reset, character set, a bare escape"),
        pytest.param("a\x9b2Jb\x85c", "a\ufffd2Jb c", id="controls of 8 bits"),
        pytest.param("ok\r\nERROR forged\nx\u2028y\u2029z\x0bw", "ok ERROR forged x y z w", id="line breaks"),
        pytest.param(" a\t\tb\u00a0\u3000c ", "a b c", id="blanks of every kind"),
        pytest.param("a\u202eb\u202dc\u2066d\u2069e\u200ef\u061cg", "abcdefg", id="direction of writing"),
        pytest.param("a\u200bb\u200dc\ufeffd\u00ade\u2060f\u3164g\U000e0041h", "abcdefgh", id="no width"),
        pytest.param("a\x00b\x07c\x08d\x7fe", "a\ufffdb\ufffdc\ufffdd\ufffde", id="other controls"),
        pytest.param("a\ud800b\udfffc", "a\ufffdb\ufffdc", id="half pairs"),
        pytest.param("x" * 200, "x" * 200, id="just short enough"),
        pytest.param("x" * 9000, "x" * 197 + "...", id="too long"),
        pytest.param("\u200b" * 9000 + "x", "...", id="much that is not seen"),
        pytest.param(4711, "4711", id="not a text"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_text_is_shown_plain(text: object, shown: str) -> None:
    assert plain(text) == shown
    assert plain(shown) == shown


def test_every_code_point_is_printable_or_a_blank() -> None:
    shown = plain("".join(f"{chr(point)}." for point in range(0x3000)), 0x9000)

    assert all(
        character.isprintable() or character == "\ufffd" for character in shown if character < "\u0378"
    )
    assert "\x1b" not in shown


def test_an_error_quotes_plainly_and_not_without_end() -> None:
    assert str(PayloadChanged(f"license {HOSTILE}: no rows")) == f"license {SHOWN}: no rows"
    assert len(str(PayloadChanged("x" * 9000))) == LONGEST_MESSAGE


def test_a_log_line_quotes_plainly(caplog: pytest.LogCaptureFixture) -> None:
    log = plain_logger("chargeback.a_test")

    with caplog.at_level(logging.INFO, "chargeback.a_test"):
        log.info("License %s, %s rows: %s", HOSTILE, 3, "x" * 9000)

    assert caplog.messages == [f"License {SHOWN}, 3 rows: {'x' * 197}..."]


def test_a_notice_quotes_plainly() -> None:
    notice = Notice("failure", f"License {HOSTILE} failed", f"{HOSTILE} " * 900)

    assert notice.title == f"License {SHOWN} failed"
    assert notice.text.startswith(f"{SHOWN} {SHOWN}")
    assert len(notice.text) == LONGEST_MESSAGE


def test_every_module_of_ours_logs_plainly() -> None:
    raw = [
        path.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assign) and ast.unparse(node) == "log = logging.getLogger(__name__)"
    ]

    assert raw == []
