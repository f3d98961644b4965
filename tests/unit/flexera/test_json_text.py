"""The JSON that other writers, gateways and charsets make: what can be read is read."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from chargeback.flexera.json_text import NotJson, WrittenRows, decode, outline, utf8
from chargeback.flexera.values import Unreadable

TEXT = '[{"deviceName": "Zo\u00eb \u674e", "rechargedCost": 1.10}]'
ROWS = [{"deviceName": "Zo\u00eb \u674e", "rechargedCost": Decimal("1.10")}]


def rows(body: bytes, charset: str | None = None) -> list[Any]:
    page = outline(utf8(body, charset))
    return list(page["values"] if isinstance(page, dict) else page)


@pytest.mark.parametrize(
    "charset", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]
)
def test_every_unicode_charset_is_read_without_being_named(charset: str) -> None:
    assert rows(TEXT.encode(charset)) == ROWS


@pytest.mark.parametrize("charset", ["gb18030", "cp936", "big5hkscs"])
def test_another_charset_is_read_as_the_server_names_it(charset: str) -> None:
    body = '[{"deviceName": "\u674e"}]'.encode(charset)

    assert rows(body, charset) == [{"deviceName": "\u674e"}]


@pytest.mark.parametrize("charset", [None, "no-such-charset", "base64", "iso-8859-1"])
def test_western_bytes_are_read_where_no_charset_helps(charset: str | None) -> None:
    assert rows('[{"deviceName": "Zo\u00eb"}]'.encode("cp1252"), charset) == [{"deviceName": "Zo\u00eb"}]


def test_utf_8_with_a_broken_byte_loses_that_byte_only() -> None:
    body = '[{"a": "Zo\u00eb"}, {"a": "x?"}]'.encode().replace(b"?", b"\xff")

    assert rows(body, "utf-8") == [{"a": "Zo\u00eb"}, {"a": "x\ufffd"}]


def test_a_body_in_utf_8_is_kept_as_it_is() -> None:
    for body in (TEXT.encode(), TEXT.encode("utf-8-sig"), b""):
        assert utf8(body) is body
    assert utf8(b"[1]\0\0") == b"[1]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('{"a": "x\ty\nz\x01"}', {"a": "x\ty\nz\x01"}, id="raw control characters"),
        pytest.param('{"a": "x\0"}', {"a": "x\ufffd"}, id="raw NUL"),
        pytest.param('{"a\\u0000b": 1}', {"a\0b": 1}, id="NUL in a name"),
        pytest.param('{"a": "\\ud83d"}', {"a": "\ufffd"}, id="half a pair"),
        pytest.param('{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}, id="a pair"),
        pytest.param('{"a": [1, 2,],}', {"a": [1, 2]}, id="a comma too many"),
        pytest.param('{"a": 12345678901234567890}', {"a": 12345678901234567890}, id="a long integer"),
        pytest.param('{"a": -0}', {"a": 0}, id="minus zero"),
        pytest.param('{"a": 1e400}', {"a": Decimal("1E+400")}, id="no float"),
        pytest.param('{"a": 0.1}', {"a": Decimal("0.1")}, id="exact"),
        pytest.param('{"a": 1, "a": 1}', {"a": 1}, id="the same member twice"),
    ],
)
def test_what_can_be_read_is_read(text: str, expected: object) -> None:
    assert rows(f"[{text}]".encode()) == [expected]
    assert decode(text.encode()) == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("NaN", "'NaN' is not a number"),
        ("-Infinity", "'-Infinity' is not a number"),
        ("undefined", "'undefined' is not a number"),
        ("007", "'007' is not a number"),
        ("+1", "'+1' is not a number"),
        ("0x1F", "'0x1F' is not a number"),
        ("1e" + "9" * 30, "has more digits than fit"),
        ("9" * 5000, "is not a number"),
        ("[" * 2000 + "]" * 2000, "nested more than 60 deep"),
        ('{"a":' * 990 + "1" + "}" * 990, "nested more than 60 deep"),
        ("[" * 200_000 + "]" * 200_000, "nested more than 60 deep"),
        ('"\\x41"', "an escape that JSON does not know"),
    ],
    ids=lambda value: value[:12],
)
def test_a_value_that_cannot_be_read_leaves_its_row_and_says_why(value: str, reason: str) -> None:
    (row,) = rows(f'[{{"odd": {value}, "cost": 1.10}}]'.encode())

    assert row["cost"] == Decimal("1.10")
    assert reason in str(innermost(row["odd"]))


def innermost(value: Any) -> Any:
    while not isinstance(value, Unreadable):
        (value,) = value.values() if isinstance(value, dict) else value
    return value


def test_two_members_of_one_name_that_differ_cannot_be_read() -> None:
    text = '[{"c": {"cost": 1, "cost" : 2}, "n": "a\\": b"}, {"c": {"cost": 3}}]'

    assert rows(text.encode()) == [
        {"c": {"cost": Unreadable("two members of this name differ")}, "n": 'a": b'},
        {"c": {"cost": 3}},
    ]


def test_a_row_that_is_not_json_does_not_cost_the_page() -> None:
    text = '{"values": [{"a": 1}, {"a": 2 3}, {"a" 4}, nonsense, , {"a": "the "best" one"}, {"a": 5}], "total": NaN}'

    found = rows(text.encode())

    assert [row for row in found if not isinstance(row, Unreadable)] == [{"a": 1}, {"a": 5}]
    assert [type(row) for row in found] == [dict, *[Unreadable] * 5, dict]


@pytest.mark.parametrize("text", ["", "{", '{"values": [{"a": 1}', '{"values": [{"a": 1}, {"b', "[[1], [2]"])
def test_a_text_that_ends_too_early_is_told_from_one_that_is_broken(text: str) -> None:
    with pytest.raises(NotJson) as caught:
        rows(text.encode())

    assert caught.value.is_cut


@pytest.mark.parametrize(
    "text",
    [
        *["<html></html>", "OK", "[1] [2]", '{"values": []} x', "]", '{"values" []}'],
        *['{"values": [{"a": "19" rack"}]}', '{"values": [1], "values": [2]}'],
    ],
)
def test_what_is_no_json_at_all_is_refused(text: str) -> None:
    with pytest.raises(NotJson) as caught:
        rows(text.encode())

    assert not caught.value.is_cut
    assert 0 < len(str(caught.value)) < 100


def test_the_outline_is_the_document_whatever_the_way_it_was_read() -> None:
    page = {"values": [{"a": [1, {"b": "x,]}"}]}, {"c": None}], "nextPage": "/x?a=[1]", "total": 2}
    text = json.dumps(page)
    odd = text.replace('"total": 2', '"total": 02')

    assert outline(text.encode()) == {"values": page["values"], "nextPage": page["nextPage"]}
    assert outline(odd.encode()) == page | {"total": Unreadable("'02' is not a number")}
    assert isinstance(outline(odd.encode())["values"], WrittenRows)
