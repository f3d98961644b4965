"""What becomes of the rows of one page, before anything is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chargeback import hooks
from chargeback.steps import flatten
from chargeback.steps.flatten import _Buffers, _flatten_page

KEY = (7, "41201", 3)


@pytest.fixture
def buffers() -> _Buffers:
    """Rows that wait for a connection; so few of them do not ask for it."""
    connection: Any = None
    return _Buffers(connection)


def flatten_page(buffers: _Buffers, *rows: dict[str, Any]) -> dict[str, int]:
    counts = {"lines": 0, "quarantined": 0}
    body = json.dumps({"values": rows})
    assert _flatten_page(buffers, hooks.field_map(), KEY, body, counts) == counts["quarantined"]
    return counts


def test_a_row_that_cannot_be_read_keeps_its_number_and_the_start_of_what_it_says(buffers: _Buffers) -> None:
    long = {"rechargedCost": "several", "deviceName": "x" * 20_000}

    counts = flatten_page(buffers, {"deviceName": "first"}, long)

    assert counts == {"lines": 1, "quarantined": 1}
    [line] = buffers.rows["intermediate.int_consumption_lines"]
    [quarantined] = buffers.rows["ops.quarantined_rows"]
    assert line[:4] == (*KEY, 1)
    assert quarantined[:5] == (*KEY, 2, "recharged_cost")
    payload = str(quarantined[-1])
    assert payload.startswith('{"rechargedCost": "several"')
    assert len(payload) == flatten._PAYLOAD_LENGTH < 20_000


def test_rows_are_told_apart_by_every_member_and_not_by_the_order_of_members() -> None:
    row = {"device": {"id": 1, "name": "a"}, "products": [{"name": "p"}, {"name": "q"}], "unread": 10**30}
    reordered = dict(reversed(row.items())) | {"device": {"name": "a", "id": 1}}
    others = [
        row | {"unread": 1},
        row | {"products": [{"name": "q"}, {"name": "p"}]},
        row | {"device": {"id": "1", "name": "a"}},
        row | {"user": None},
    ]

    assert flatten.content_hash(reordered) == flatten.content_hash(row)
    assert len({flatten.content_hash(other) for other in [row, *others]}) == 5


def test_odd_cells_are_counted_by_license_and_column_with_the_first_reason(buffers: _Buffers) -> None:
    counts = flatten_page(buffers, {"cores": "N/A"}, {"cores": "-", "allocated": "Y"}, {"cores": 8})

    assert counts == {"lines": 3, "quarantined": 0}
    assert buffers.unread.found == {("41201", "cores"): [2, "'N/A' is not a number"]}


def test_a_row_that_is_not_json_costs_itself_only(buffers: _Buffers) -> None:
    counts = {"lines": 0, "quarantined": 0}
    body = '[{"deviceName": "a"}, {"deviceName": "b",, "cost": 1}, null, {"deviceName": "c\tc"}]'

    _flatten_page(buffers, hooks.field_map(), KEY, body, counts)

    assert counts == {"lines": 2, "quarantined": 2}
    assert [row[3:] for row in buffers.rows["ops.quarantined_rows"]] == [
        (2, "row", "not JSON: ',' where a name is expected", '{"deviceName": "b",, "cost": 1}'),
        (3, "row", "null where an object is expected", "null"),
    ]
