"""Foreign text for people: safe for a terminal and a log, and short.

Names, server messages and addresses come from outside. The warehouse keeps them as they are; messages, logs, labels and
notices show them through here.
"""

from __future__ import annotations

import logging
import re
import unicodedata

LONGEST_NAME = 200
LONGEST_MESSAGE = 4_000

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # colors, cursor, screen
    r"|[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles, links, clipboard
    r"|[ -/]*[0-~]?)"
)
_PLAIN = re.compile(r"[ -~]*")
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
)  # blank, though not by their category


def plain(text: object, longest: int = LONGEST_NAME) -> str:
    """The text on one line of visible characters; cut with `...` where it is longer than that.

    Blanks, tabs and line breaks become one blank; escape sequences, characters without width and those that turn the
    direction of writing go; other control characters and halves of a pair become U+FFFD.
    """
    shown = str(text)
    is_cut = len(shown) > 8 * longest
    shown = shown[: 8 * longest]
    if not _PLAIN.fullmatch(shown):
        shown = "".join(map(_visible, _ESCAPE_SEQUENCE.sub("", shown)))
    shown = " ".join(shown.split())
    return f"{shown[: longest - 3].rstrip()}..." if is_cut or len(shown) > longest else shown


def plain_logger(name: str) -> logging.Logger:
    """A module's logger, each of its lines plain."""
    logger = logging.getLogger(name)
    logger.addFilter(_make_plain)
    return logger


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category == "Cf" or character in _INVISIBLE:
        return ""
    return "\ufffd" if category in ("Cc", "Cs") else character


def _make_plain(record: logging.LogRecord) -> bool:
    """A filter that keeps every record: texts among the arguments are names, the rest is a message."""
    if isinstance(record.args, tuple):
        record.args = tuple(plain(each) if isinstance(each, str) else each for each in record.args)
    record.msg, record.args = plain(record.getMessage(), LONGEST_MESSAGE), None
    return True
