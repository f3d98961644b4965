"""The search for secrets finds one wherever it is: a search that finds nothing must be one that could."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
import zlib
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import psycopg2
import pytest
from bad_nights import CLIENT_SECRET
from error_texts import told_by
from needles import Needles
from places import files, tables, watched_processes

from chargeback.errors import AccessDenied

if TYPE_CHECKING:
    from pathlib import Path

NEEDLES = Needles({"client secret": CLIENT_SECRET})
SECRET = CLIENT_SECRET.encode()
WRITTEN = {
    "plain": SECRET,
    "without its end": SECRET[:-5],
    "without its beginning": SECRET[5:],
    "in JSON": json.dumps({"password": CLIENT_SECRET}).encode(),
    "in JSON with accents": json.dumps({"password": CLIENT_SECRET}, ensure_ascii=False).encode(),
    "in JSON in JSON": json.dumps(json.dumps({"password": CLIENT_SECRET})).encode(),
    "in a form": urlencode({"client_secret": CLIENT_SECRET, "x": 1}).encode(),
    "in a URL": f"https://id:{quote(CLIENT_SECRET, safe='')}@host".encode(),
    "in small letters": f"https://id:{quote(CLIENT_SECRET, safe='').replace('%2F', '%2f')}".encode(),
    "in Python": repr([CLIENT_SECRET]).encode(),
    "in hexadecimal": SECRET.hex().encode(),
    **{
        f"in base64 after {before!r}": base64.b64encode(before + SECRET + b" and more")
        for before in (b"", b"a", b"id", b"id:", b"a longer id:")
    },
    "in base64 of addresses": base64.urlsafe_b64encode(b"id:" + SECRET),
}


@pytest.mark.parametrize("form", WRITTEN)
def test_a_secret_is_found_in_every_form(form: str) -> None:
    assert NEEDLES.in_(b"before " + WRITTEN[form] + b" after")


def test_what_is_no_secret_is_not_found() -> None:
    assert NEEDLES.in_(b"client_secret=***; Kc7vRq2; " + bytes(range(256)) * 100) == []


def test_a_secret_is_found_in_a_file_and_in_its_name(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "task.log").write_bytes(b"line\nAuthorization: " + SECRET + b"\n")
    (tmp_path / f"{CLIENT_SECRET[-14:]}.txt").touch()
    (tmp_path / "clean.log").write_bytes(b"line\n")

    found = NEEDLES.in_places(files(tmp_path))

    assert len({line.split(":")[0] for line in found}) == 2


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", CLIENT_SECRET),
        ("varchar(100)", CLIENT_SECRET),
        ("json", json.dumps({"a": [CLIENT_SECRET]})),
        ("jsonb", json.dumps({"a": [CLIENT_SECRET]})),
        ("text[]", ["a", CLIENT_SECRET]),
        ("bytea", SECRET),
        ("bytea", zlib.compress(SECRET)),
    ],
    ids=["text", "varchar", "json", "jsonb", "array", "bytes", "packed bytes"],
)
def test_a_secret_is_found_in_a_table(kind: str, value: object, warehouse_url: str) -> None:
    address = warehouse_url.replace("postgresql+psycopg2", "postgresql")
    connection = psycopg2.connect(address)
    with connection, connection.cursor() as cursor:
        cursor.execute(f'create table ops."Planted" (id int, "Its value" {kind})')
        cursor.execute('insert into ops."Planted" values (1, %s), (2, null)', (value,))
    connection.close()

    found = NEEDLES.in_places(tables(warehouse_url))

    assert {line.split(":")[0] for line in found} == {"ops.Planted.Its value"}


def test_a_secret_is_found_in_the_process_list() -> None:
    command = [sys.executable, "-c", "input()", CLIENT_SECRET]
    with watched_processes() as processes, subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        give_up_at = time.monotonic() + 30
        while not (found := NEEDLES.in_places(processes.seen())) and time.monotonic() < give_up_at:
            time.sleep(0.01)
        child.communicate(b"\n")

    assert found


def test_a_secret_is_found_in_what_led_to_an_error() -> None:
    with pytest.raises(AccessDenied) as caught:
        _fail()

    assert CLIENT_SECRET not in str(caught.value)
    assert NEEDLES.in_(told_by(caught.value))


def _fail() -> None:
    try:
        int(CLIENT_SECRET)
    except ValueError as cause:
        raise AccessDenied("the account is unknown") from cause
