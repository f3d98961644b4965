"""One deadline for a whole exchange, whatever comes of it and when.

The settings allow more seconds than a test may take, and the clock stands just before their end when the server
begins to answer. Who waits by the settings once more, and not for what is left, does not end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from client_world import Clock
from scripted_server import Scripted, Seen, page

from chargeback.errors import ConnectionLost
from chargeback.flexera.replies import exchange
from chargeback.flexera.retry import TryAgain

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_world import World

    from chargeback.flexera.deadline import Deadline

TIMEOUT_SECONDS = 1_000_000.0
LEFT_SECONDS = 0.05
ROWS = [{"n": n} for n in range(100)]


def late(world: World, answer: Scripted) -> Callable[[Seen], Scripted]:
    """The answer, begun when the time is almost over."""

    def begin(_: Seen) -> Scripted:
        world.clock.now += TIMEOUT_SECONDS - LEFT_SECONDS
        return answer

    return begin


def stalling(after: int, **headers: str) -> Scripted:
    answer = page(ROWS, **headers)
    answer.stall_after = after
    return answer


def read_license(world: World) -> list[object]:
    client = world.client(timeout_seconds=TIMEOUT_SECONDS)
    return [row for each in client.consumption_pages("41207") for row in each.rows]


@pytest.mark.parametrize(
    "stalled",
    [
        pytest.param(stalling(5), id="in the status line"),
        pytest.param(stalling(30), id="in the headers"),
        pytest.param(stalling(200), id="in the body"),
        pytest.param(stalling(200, connection="close"), id="in the body of a connection that is not kept"),
    ],
)
def test_a_late_stall_ends_at_the_deadline_and_the_page_is_asked_for_again(
    world: World, stalled: Scripted
) -> None:
    world.server.script(late(world, stalled), page(ROWS))

    assert read_license(world) == ROWS
    assert len(world.server.requests) == 2


def test_a_server_that_stalls_late_each_time_is_told_as_too_slow(world: World) -> None:
    world.server.script(*[late(world, stalling(200))] * 6)

    with pytest.raises(
        ConnectionLost, match=r"license 41207 page 1: no whole answer .* \(too slow, 159 bytes had come\)"
    ):
        read_license(world)


def test_a_token_request_has_a_deadline_too(world: World) -> None:
    stalled = world.server.new_token()
    stalled.stall_after = 60
    world.server.token_answers.append(late(world, stalled))
    world.server.script(page(ROWS))

    assert read_license(world) == ROWS
    assert len(world.server.token_requests) == 2


def test_the_next_exchange_on_the_same_connection_has_its_own_time(world: World) -> None:
    world.server.script(late(world, page(ROWS, "/next?skipToken=a")), late(world, page(ROWS)))

    assert read_license(world) == ROWS * 2
    assert world.server.connection_count == 1


def test_an_exchange_whose_time_is_over_is_not_begun(world: World) -> None:
    clock = Clock()

    def send(deadline: Deadline) -> requests.Response:
        clock.now += 5
        request = requests.Request("GET", world.server.url).prepare()
        return deadline.send(world.session, request, True)

    with pytest.raises(TryAgain, match=r"page 1: no whole answer within 5 s \(too slow\)"):
        exchange(send, "page 1", world.settings(timeout_seconds=5.0), "api_url", clock)
    assert world.server.connection_count == 0
