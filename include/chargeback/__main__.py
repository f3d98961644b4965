"""Commands for where Airflow is installed: `python -m chargeback migrate`."""

from __future__ import annotations

import argparse
import sys

from chargeback import hooks
from chargeback.errors import ChargebackError
from chargeback.warehouse import migrations


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a mistake of the operator is one line, not a traceback."""
    parser = argparse.ArgumentParser(prog="python -m chargeback", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "migrate", help="bring the warehouse of connection 'warehouse' to this version's schema"
    )
    parser.parse_args(arguments)
    try:
        migrations.upgrade(hooks.database().url)
    except ChargebackError as error:
        print(error, file=sys.stderr)
        return 1
    print("The warehouse has this version's schema.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
