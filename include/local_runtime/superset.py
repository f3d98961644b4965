"""`make superset`: Apache Superset on this machine, with the dashboard of the warehouse in use.

It has a Python environment of its own, since its pins clash with Airflow's, and its own database.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import sql

from local_runtime import connections, processes
from local_runtime.airflow_home import clean_environment, keys_in
from local_runtime.lease import alone
from local_runtime.places import LOCAL, LOGS, PROJECT, private_folder
from local_runtime.postgres import free_port, is_free
from local_runtime.problem import Problem
from local_runtime.system import database_server, migrate_warehouse, named_connections, say, shown

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from local_runtime.postgres import PostgresServer

FOLDER = PROJECT / "include" / "superset_dashboard"
LOCK = FOLDER / "requirements.lock"
HOME = LOCAL / "superset"
VENV = HOME / "venv"
STAMP = HOME / "venv-made-for"
METADATA = "superset"
LOGIN = "admin"
READER = "superset_reader"
FIRST_PORT, PORTS_TO_TRY = 8088, 100
READY_SECONDS = 180.0
GRACE_SECONDS = 10.0
SERVER = (
    "--workers=2",
    "--worker-class=gthread",
    "--threads=8",
    "--timeout=120",
    "--no-control-socket",  # it would lie in the home folder
    "superset.app:create_app()",
)
OTHER_PYTHONS = ("python3.12", "python3.11")
NO_PYTHON = (
    "Superset 6.1 does not run on Python 3.13, and no other was found: install Python 3.12 or 3.11 beside it, "
    "so that python3.12 or python3.11 can be called"
)
NO_READER = (
    "The dashboard reads a warehouse of yours with a login of its own: have one made by "
    "CREATE ROLE superset_reader LOGIN PASSWORD '…' IN ROLE chargeback_analyst, "
    "and name it in BI_USER and BI_PASSWORD."
)


def main() -> int:
    """Install, import, serve until Ctrl-C; what is there already is left as it is."""
    install()
    with database_server() as server:
        named = named_connections(server)
        with alone(LOCAL / "migrate.lock"):
            migrate_warehouse(named)
        environment = _environment(server, reader_url(server, named))
        with alone(HOME / "prepare.lock"):
            say(f"Preparing Superset and importing the dashboard, log in {shown(LOGS / 'superset.log')}")
            _prepare(environment)
        return _serve(server, environment)


def install() -> None:
    """Superset's environment, exactly as locked; made once for a lock and a Python."""
    base = python_for(sys.version_info.minor)
    wanted = f"{base}\n{sys.version}\n{hashlib.sha256(LOCK.read_bytes()).hexdigest()}\n"
    private_folder(HOME)
    with alone(HOME / "install.lock"):
        if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == wanted:
            return
        STAMP.unlink(missing_ok=True)
        say("Installing Superset in an environment of its own (once; about a minute, 800 MB)")
        target = str(VENV / "bin" / "python")
        _uv(base, "venv", "--quiet", "--clear", "--no-project", "--python", base, str(VENV))
        _uv(base, "pip", "sync", "--quiet", "--require-hashes", "--python", target, str(LOCK))
        STAMP.write_text(wanted, encoding="utf-8")


def python_for(minor: int) -> str:
    """A Python that Superset runs on: ours without our packages, or one beside it where ours is too new."""
    if minor <= 12:
        return str(Path(sys.base_prefix) / "bin" / f"python3.{minor}")
    for name in OTHER_PYTHONS:
        # By its answer: a launcher such as pyenv's may stand for a version that is not switched on.
        if found := shutil.which(name):
            told = subprocess.run(
                [found, "-I", "-c", "import sys; print(sys.executable)"],
                capture_output=True,
                text=True,
                check=False,
            )
            if told.returncode == 0:
                return told.stdout.strip()
    raise Problem(NO_PYTHON)


def reader_url(server: PostgresServer, named: dict[str, str]) -> URL:
    """The warehouse for a login that reads `bi` only: a role of ours, or who BI_USER and BI_PASSWORD say."""
    url = connections.warehouse_url(named)
    if not connections.is_named(os.environ, connections.WAREHOUSE):
        own = _secret("reader")
        _make_reader(server, own)
        return url.set(username=READER, password=own)
    user, password = os.environ.get("BI_USER"), os.environ.get("BI_PASSWORD")
    if not user or not password:
        raise Problem(NO_READER)
    return url.set(username=user, password=password)


def _make_reader(server: PostgresServer, password: str) -> None:
    """The role in the embedded server, with the password of now."""
    connection = psycopg2.connect(server.url())
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("select 1 from pg_roles where rolname = %s", (READER,))
            verb = sql.SQL("alter" if cursor.fetchone() else "create")
            role = sql.Identifier(READER)
            cursor.execute(sql.SQL("{} role {} login password {}").format(verb, role, sql.Literal(password)))
            cursor.execute(sql.SQL("grant chargeback_analyst to {}").format(role))
    finally:
        connection.close()


def _environment(server: PostgresServer, warehouse: URL) -> dict[str, str]:
    theirs = {
        name: value
        for name, value in clean_environment(os.environ).items()
        if not name.startswith(("SUPERSET", "FLASK", "AIRFLOW", "BI_", "GUNICORN"))
    }
    return theirs | {
        "AIRFLOW_HOME": str(HOME),  # where processes.start works
        "SUPERSET_HOME": str(HOME),
        "SUPERSET_CONFIG_PATH": str(FOLDER / "superset_config.py"),
        "SUPERSET_SECRET_KEY": _secret("cookies and stored passwords"),
        "SUPERSET_METADATA_URL": server.create_database(METADATA).replace(
            "postgresql:", "postgresql+psycopg2:"
        ),
        "SUPERSET_PASSWORD": keys_in(LOCAL)["ui_password"],
        "WAREHOUSE_URL": warehouse.render_as_string(hide_password=False),
        "SCARF_ANALYTICS": "false",
        "DO_NOT_TRACK": "1",
        processes.MARK: str(LOCAL),
    }


def _secret(purpose: str) -> str:
    """A secret of Superset's own, made of the folder's: the same at every start, and of no use to Airflow."""
    return hmac.new(
        keys_in(LOCAL)["jwt_secret"].encode(), f"superset {purpose}".encode(), "sha256"
    ).hexdigest()


def _prepare(environment: dict[str, str]) -> None:
    child = processes.start(
        [str(VENV / "bin" / "python"), str(FOLDER / "prepare.py")], LOGS / "superset.log", environment
    )
    try:
        if child.wait() != 0:
            raise Problem(
                f"Superset could not be prepared; the reason is at the end of {shown(LOGS / 'superset.log')}"
            )
    finally:
        processes.stop(child.pid, str(LOCAL), GRACE_SECONDS)


def _serve(server: PostgresServer, environment: dict[str, str]) -> int:
    port = (
        next((port for port in range(FIRST_PORT, FIRST_PORT + PORTS_TO_TRY) if is_free(port)), None)
        or free_port()
    )
    child = processes.start(
        [str(VENV / "bin" / "gunicorn"), f"--bind=127.0.0.1:{port}", *SERVER],
        LOGS / "superset.log",
        {
            name: value
            for name, value in environment.items()
            if name not in ("WAREHOUSE_URL", "SUPERSET_PASSWORD")
        },
        descriptors=[server.lease_descriptor],
    )
    try:
        _wait_until_ready(child, port)
        address = f"http://localhost:{port}/superset/dashboard/license-chargeback/"
        say(f"\nSuperset: {address}   login: {LOGIN}   password: {environment['SUPERSET_PASSWORD']}")
        say("Stop it with Ctrl-C")
        # A shell lets the commands it starts in the background ignore Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return child.wait()
    except KeyboardInterrupt:
        say("Stopped.")
        return 0
    finally:
        processes.stop(child.pid, str(LOCAL), GRACE_SECONDS)


def _wait_until_ready(child: subprocess.Popen[bytes], port: int) -> None:
    give_up_at = time.monotonic() + READY_SECONDS
    while True:
        if child.poll() is not None or time.monotonic() > give_up_at:
            raise Problem(
                f"Superset did not start; the reason is at the end of {shown(LOGS / 'superset.log')}"
            )
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.5)


def _uv(python: str, *arguments: str) -> None:
    """The project's uv, with the package index of the user."""
    command = [python, "-I", str(PROJECT / "include" / "local_runtime" / "install.py"), "uv", *arguments]
    if subprocess.run(command, check=False, env=clean_environment(os.environ)).returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        raise Problem("Superset could not be installed; the lines above say why")
