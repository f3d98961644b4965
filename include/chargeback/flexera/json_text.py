"""The JSON text of an answer: read fast where it is sound, part by part where it is not.

Readers of JSON differ in what they take. What other writers do to it costs as little as possible here: a value that
cannot be read becomes Unreadable and spoils the columns that read it, a row that is not JSON spoils itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, overload

import msgspec

from chargeback.flexera.values import Unreadable, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_REFUSALS = (ValueError, ArithmeticError, RecursionError)  # what the fast decoder raises on odd text
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MARK = "\ufffd"
_LONE_SURROGATE_OR_NUL = re.compile("[\ud800-\udfff\0]")
_NOT_ASCII_IN_UTF8 = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+|"', re.DOTALL)
_STRING = json.JSONDecoder(strict=False)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}
_LONGEST_NUMBER = 1000
_DEEPEST = 60


class NotJson(ValueError):  # noqa: N818 - the name says what happened
    """A text is not JSON; `is_cut` where its end is missing, so that another try may bring the whole."""

    def __init__(self, reason: str, *, is_cut: bool = False) -> None:
        super().__init__(reason)
        self.is_cut = is_cut


class WrittenRows(Sequence[Any]):
    """The rows of a page as they are written, each read when it is looked at."""

    def __init__(self, texts: Sequence[msgspec.Raw | bytes]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> WrittenRows: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return WrittenRows(self._texts[index])
        return _row(bytes(self._texts[index]))

    def __iter__(self) -> Iterator[Any]:
        return (_row(bytes(text)) for text in self._texts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def text(self, index: int) -> str:
        """A row as it is written."""
        return bytes(self._texts[index]).decode(errors="replace")


class _Outline(msgspec.Struct, rename="camel"):
    values: list[msgspec.Raw]
    next_page: Any = None


_OUTLINE_DECODER = msgspec.json.Decoder(_Outline)
_TEXTS_DECODER = msgspec.json.Decoder(list[msgspec.Raw])


def utf8(body: bytes, charset: str | None = None) -> bytes:
    """A body as UTF-8 without NUL: the body itself where it is that already.

    Otherwise UTF-16 or UTF-32 by its zero bytes, else the charset the server names, else what Western Windows writes.
    Bytes that mean nothing become U+FFFD.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = _text_of(body, charset)
    else:
        if "\0" not in text:
            return body
        text = _text_of(body, None) if json.detect_encoding(body)[:5] != "utf-8" else text
    return text.rstrip("\0").replace("\0", _MARK).encode()


def decode(body: bytes) -> Any:
    """The JSON document in a body; NotJson where there is none."""
    text = utf8(body).removeprefix(_BYTE_ORDER_MARK)
    try:
        return _DECODER.decode(text)
    except _REFUSALS:
        return _document(text.decode())


def outline(body: bytes) -> Any:
    """The JSON document in a UTF-8 body as `decode` gives it, but the rows of a page are WrittenRows.

    They are left unread, at a tenth of the cost: following pages needs no more.
    """
    text = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        if text.lstrip()[:1] == b"[":
            return WrittenRows(_TEXTS_DECODER.decode(text))
        if text.count(b'"values"') == 1:
            page = _OUTLINE_DECODER.decode(text)
            return {"values": WrittenRows(page.values), "nextPage": page.next_page}
    except _REFUSALS:
        pass
    return _outline_by_parts(text.decode(errors="replace"))


def _outline_by_parts(text: str) -> Any:
    opener = text.lstrip()[:1]
    if opener == "[":
        return _rows(text)
    if opener != "{":
        return _document(text)
    document: dict[Any, Any] = {}
    for part in _parts(text):
        name, value = _member(part)
        if name == "values" and value.startswith("["):
            read: Any = _rows(value)
        else:
            read = _value_or_reason(value)
        if name in document and document[name] != read:
            raise NotJson(f"it has two different members {shown(name)}")
        document[name] = read
    return document


def _rows(text: str) -> WrittenRows:
    return WrittenRows([part.strip().encode() for part in _parts(text)])


def _row(text: bytes) -> Any:
    try:
        row = _DECODER.decode(text)
        may_repeat = text.count(b'":') + text.count(b'" :') > _member_count(row, 0)
    except _REFUSALS:
        return _value_or_reason(text.decode(errors="replace"))
    return _value_or_reason(text.decode()) if may_repeat else row


def _member_count(value: Any, depth: int) -> int:
    """The members of all objects in a value: fewer than in its text where a name comes twice in an object."""
    if depth > _DEEPEST:
        raise RecursionError
    if type(value) is dict:
        count = len(value)
        for member in value.values():
            if type(member) is dict or type(member) is list:
                count += _member_count(member, depth + 1)
        return count
    return sum([_member_count(entry, depth + 1) for entry in value]) if type(value) is list else 0


def _text_of(body: bytes, charset: str | None) -> str:
    """The text in bytes that are not UTF-8, or hold zero bytes."""
    detected = json.detect_encoding(body)
    for name in (detected, charset):
        if name and not name.startswith("utf-8"):
            try:
                return body.decode(name).removeprefix("\ufeff")
            except (LookupError, ValueError):
                continue
    return body.decode("utf-8" if _NOT_ASCII_IN_UTF8.search(body) else "cp1252", errors="replace")


def _parts(text: str) -> list[str]:
    """The texts between the commas of the outermost list or object, valid JSON or not."""
    parts: list[str] = []
    depth = start = 0
    last = ""
    for token in _TOKEN.finditer(text):
        last = token.group()
        if last in "{[":
            depth += 1
            start = start or token.end()
        elif last in "}]":
            depth -= 1
            if depth == 0:
                if text[token.end() :].strip():
                    raise NotJson("there is more behind its end")
                parts.append(text[start : token.start()])
                return parts if parts[-1].strip() else parts[:-1]
        elif last == "," and depth == 1:
            parts.append(text[start : token.start()])
            start = token.end()
        elif last == '"':
            break
    raise NotJson("it ends too early", is_cut=last != '"' or not text.rstrip().endswith(_CLOSERS))


def _member(part: str) -> tuple[str, str]:
    """The name of a member, and the text of its value."""
    tokens = _TOKEN.finditer(part)
    name, colon = next(tokens, None), next(tokens, None)
    if name is None or colon is None or colon.group() != ":":
        raise NotJson(f"{shown(part.strip())} is not a member")
    return _name(name.group()), part[colon.end() :].strip()


class _Tokens:
    """The tokens of a text, one after the other; "" is its end."""

    def __init__(self, text: str) -> None:
        self._rest = (match.group() for match in _TOKEN.finditer(text))
        self.next = next(self._rest, "")

    def take(self) -> str:
        token, self.next = self.next, next(self._rest, "")
        return token

    def expect(self, token: str) -> None:
        """Go past this token."""
        found = self.take()
        if found != token:
            raise NotJson(
                f"{shown(found) if found else 'its end'} where {token!r} is expected", is_cut=not found
            )

    def part_from(self, closer: str) -> None:
        """Go past the comma that another part may follow, or stay before the closer."""
        if self.next != closer:
            self.expect(",")


def _document(text: str) -> Any:
    """The document in a text, the slow way; NotJson where it is a word that says nothing."""
    value = _whole(text)
    if isinstance(value, Unreadable):
        raise NotJson(value.reason)
    return value


def _value_or_reason(text: str) -> Any:
    """The value in a text; Unreadable where there is none."""
    try:
        return _whole(text)
    except NotJson as error:
        return Unreadable(f"not JSON: {error}")


def _whole(text: str) -> Any:
    tokens = _Tokens(text)
    value = _value(tokens, 0)
    if tokens.next:
        raise NotJson("there is more behind its end")
    return value


def _value(tokens: _Tokens, depth: int) -> Any:
    start = tokens.take()
    if start in _READERS:
        return _READERS[start](tokens, depth + 1) if depth < _DEEPEST else _skipped(tokens)
    if start.startswith('"') and len(start) > 1:
        return _string(start)
    if start in ("", "}", "]", ",", ":", '"'):
        raise NotJson(f"{shown(start) if start else 'its end'} where a value is expected", is_cut=not start)
    return _word(start)


def _members(tokens: _Tokens, depth: int) -> dict[str, Any]:
    members: dict[str, Any] = {}
    while tokens.next != "}":
        name = _name(tokens.take())
        tokens.expect(":")
        value = _value(tokens, depth)
        is_other = name in members and members[name] != value
        members[name] = Unreadable("two members of this name differ") if is_other else value
        tokens.part_from("}")
    tokens.take()
    return members


def _entries(tokens: _Tokens, depth: int) -> list[Any]:
    entries: list[Any] = []
    while tokens.next != "]":
        entries.append(_value(tokens, depth))
        tokens.part_from("]")
    tokens.take()
    return entries


_READERS = {"{": _members, "[": _entries}
_CLOSERS = ("}", "]")


def _skipped(tokens: _Tokens) -> Unreadable:
    """Go past the end of a list or object, however deep it is."""
    depth = 1
    while depth:
        token = tokens.take()
        if not token:
            raise NotJson("it ends too early", is_cut=True)
        depth += (token in _READERS) - (token in _CLOSERS)
    return Unreadable(f"nested more than {_DEEPEST} deep")


def _name(token: str) -> str:
    if len(token) < 2 or token[0] != '"':
        raise NotJson(f"{shown(token)} where a name is expected", is_cut=not token)
    name = _string(token)
    return token[1:-1] if isinstance(name, Unreadable) else name


def _string(token: str) -> Any:
    try:
        return _LONE_SURROGATE_OR_NUL.sub(_MARK, _STRING.decode(token))
    except ValueError:
        return Unreadable(f"{shown(token[1:-1])} has an escape that JSON does not know")


def _word(token: str) -> Any:
    if token in _WORDS:
        return _WORDS[token]
    match = _NUMBER.fullmatch(token) if len(token) <= _LONGEST_NUMBER else None
    if match is None:
        return Unreadable(f"{shown(token)} is not a number")
    if match[2] is None and match[3] is None:
        return int(token)
    try:
        return Decimal(token)
    except ArithmeticError:
        return Unreadable(f"{shown(token)} has more digits than fit")
