"""The commands behind the Makefile: `python -m local_runtime <command>`."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from typing import TYPE_CHECKING

from local_runtime.airflow_home import clean_environment, told_of_settings, use
from local_runtime.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


def main(arguments: list[str] | None = None) -> int:
    """Run one command; what stops it is one line, not a traceback."""
    parser = argparse.ArgumentParser(prog="python -m local_runtime", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help_text in COMMANDS.items():
        commands.add_parser(name, help=help_text)
    commands.choices["examples"].add_argument(
        "file", nargs="?", default="", help="default: the shipped examples"
    )
    given = parser.parse_args(arguments)
    command = given.command
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    if command in WITH_AIRFLOW and (settings := told_of_settings(os.environ)):
        print(settings, file=sys.stderr, flush=True)
    use(clean_environment(os.environ))
    os.umask(0o077)  # all that is made from here on, by Airflow too, is its owner's
    try:
        return _command(command, getattr(given, "file", ""))()
    except Problem as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    except ModuleNotFoundError as error:
        print(f"{error}. Delete .local/venv, and the next command makes it anew.", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in ADVICE:
            raise
        place = f": {error.filename}" if error.filename else ""
        print(f"{error.strerror}{place}. {ADVICE[error.errno]}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


COMMANDS = {
    "up": "start the whole system with the Airflow UI",
    "down": "stop it",
    "demo": "one run against the bundled simulator, with a report; DAYS in the environment for some past dates, too",
    "run": "one run of the nightly DAG; DATE and CONF in the environment say which",
    "psql": "psql on the warehouse in use",
    "doctor": "look for what could stop the night, and say what to do",
    "migrate": "bring both databases to this version's schema",
    "model": "docs/model.md anew, from the database itself",
    "superset": "Apache Superset with a dashboard of the warehouse in use",
    "examples": "worked license arithmetic through the recharge rules",
}


ADVICE = {
    **dict.fromkeys((errno.EACCES, errno.EPERM), "Was it made by another user, such as root?"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "Free some space, then run it again."),
    **dict.fromkeys((errno.EEXIST, errno.ENOTDIR), "There must be a folder: move the file away."),
    errno.EROFS: "The project must lie where files can be written.",
}
WITH_AIRFLOW = ("up", "demo", "run", "doctor")


def _command(name: str, file: str) -> Callable[[], int]:
    """The function behind a name; only what it needs is loaded."""
    if name in ("up", "down"):
        from local_runtime import supervisor

        return supervisor.up if name == "up" else supervisor.down
    if name == "demo":
        from local_runtime import demo

        return lambda: demo.main(os.environ.get("DAYS", ""))
    if name == "psql":
        from local_runtime import psql

        return psql.main
    if name == "migrate":
        from local_runtime import system

        return system.migrate
    if name == "model":
        from local_runtime import model

        return model.main
    if name == "superset":
        from local_runtime import superset

        return superset.main
    if name == "doctor":
        from local_runtime import doctor

        return doctor.main
    if name == "examples":
        from local_runtime import examples

        return lambda: examples.main(file)
    from local_runtime import run

    return lambda: run.main(os.environ.get("DATE", ""), os.environ.get("CONF", ""))


def _end(number: int, _frame: FrameType | None) -> None:
    """Unwind as after Ctrl-C, so that what was started is stopped."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
