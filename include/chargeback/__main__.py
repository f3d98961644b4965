"""Commands for where Airflow is installed: `python -m chargeback migrate`, `doctor`, `model`, or `examples FILE`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from chargeback import deployment, hooks, organizations
from chargeback.doctor import examination
from chargeback.errors import ChargebackError
from chargeback.examples import runner
from chargeback.warehouse import migrations, model_page

# What is installed here: on a machine with tests and linters, and in production.
LOCKS = ("requirements-dev.lock", "requirements.lock")
_PROJECT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a mistake of the operator is one line, not a traceback."""
    parser = argparse.ArgumentParser(prog="python -m chargeback", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "migrate", help="bring the warehouse of connection 'warehouse' to this version's schema and seeds"
    )
    commands.add_parser(
        "doctor", help="look for what could stop the night, and say what to do; changes nothing"
    )
    examples = commands.add_parser(
        "examples", help="put worked examples through the warehouse's recharge rules"
    )
    examples.add_argument("file", nargs="?", type=Path, help="default: include/config/worked_examples.yaml")
    commands.add_parser(
        "model", help="print the page that says what each view and table of the warehouse holds"
    )
    given = parser.parse_args(arguments)
    try:
        if given.command == "examples":
            return runner.main(hooks.database(), given.file)
        return {"migrate": _migrate, "doctor": _doctor, "model": _model}[given.command]()
    except ChargebackError as error:
        print(error, file=sys.stderr)
        return 1


def _migrate() -> int:
    """The newest schema, and the reference figures of include/config/seeds."""
    to_do = migrations.upgrade(hooks.database().url)
    print(*to_do, "The warehouse has this version's schema.", sep="\n")
    return 0


def _model() -> int:
    """The page of the model, from the catalog of the warehouse in use."""
    with hooks.database().transaction() as connection:
        print(model_page.render(connection), end="")
    return 0


def _doctor() -> int:
    """A line per finding; 1 where one of them is a problem."""
    doors = examination.Doors(
        home=deployment.home(),
        locks=[_PROJECT / name for name in LOCKS],
        airflow=deployment.examine,
        database=hooks.database,
        organizations=organizations.connections,
        settings=hooks.flexera_settings,
        session=hooks.flexera_session,
        field_map=hooks.field_map,
        methods=hooks.methods,
    )
    counts: Counter[str] = Counter()
    for finding in examination.examine(doors):
        print(finding, flush=True)
        counts[finding.level] += 1
    print(f"{counts['ok']} ok, {counts['warning']} warnings, {counts['problem']} problems")
    return 1 if counts["problem"] else 0


if __name__ == "__main__":
    sys.exit(main())
