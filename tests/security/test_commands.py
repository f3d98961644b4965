"""No command of an operator tells a secret, on the screen or in the process list."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from bad_nights import WRONG_PASSWORD
from error_texts import told_by
from needles import Needles
from places import watched_processes
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from chargeback.__main__ import main as chargeback_command
from local_runtime.connections import WAREHOUSE, postgres_connection
from local_runtime.problem import Problem
from local_runtime.system import migrate_warehouse

if TYPE_CHECKING:
    from places import ProcessList

KEY_PASSWORD = "Kp9vTz3LqYw8Rb4Ns6Hc1"
QUERY = b"select 'asked', pg_sleep(1);"


@pytest.fixture
def wrong_password(warehouse_url: str) -> str:
    """The warehouse, with a password it does not take."""
    return json.dumps({**json.loads(postgres_connection(warehouse_url)), "password": WRONG_PASSWORD})


def ask(connection: str) -> tuple[subprocess.CompletedProcess[bytes], ProcessList]:
    """What `make psql` does with a query on standard input, and the processes meanwhile."""
    with watched_processes() as processes:
        done = subprocess.run(
            [sys.executable, "-m", "local_runtime", "psql"],
            input=QUERY,
            capture_output=True,
            env={**os.environ, WAREHOUSE: connection},
            check=False,
        )
    return done, processes


def test_psql_works_without_its_secrets_on_the_command_line(warehouse_url: str) -> None:
    fields = json.loads(postgres_connection(warehouse_url))
    fields["extra"] = {"sslpassword": KEY_PASSWORD, "application_name": "asked-by-hand"}
    needles = Needles({"password": str(make_url(warehouse_url).password), "key's password": KEY_PASSWORD})

    done, processes = ask(json.dumps(fields))

    assert (done.returncode, b"asked" in done.stdout) == (0, True), done.stderr
    assert any(b"application_name=asked-by-hand" in line for _, line in processes.seen())
    assert needles.in_places(processes.seen()) == []
    assert needles.in_(done.stdout + done.stderr) == []


def test_psql_with_a_wrong_password(wrong_password: str) -> None:
    done, processes = ask(wrong_password)

    assert b"password authentication failed" in done.stderr
    assert Needles({"password": WRONG_PASSWORD}).in_(done.stdout + done.stderr) == []
    assert Needles({"password": WRONG_PASSWORD}).in_places(processes.seen()) == []


def test_a_migration_with_a_wrong_password(wrong_password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WAREHOUSE, wrong_password)

    with pytest.raises(Problem, match=r"cannot be used: .*password authentication failed") as told_locally:
        migrate_warehouse({WAREHOUSE: wrong_password})
    with pytest.raises(OperationalError, match="password authentication failed") as told_in_production:
        chargeback_command(["migrate"])

    needles = Needles({"password": WRONG_PASSWORD})
    assert needles.in_(str(told_locally.value).encode()) == []
    assert needles.in_(told_by(told_in_production.value)) == []
