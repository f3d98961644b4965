"""Bring Superset's own database up to date and import the dashboard. Runs on Superset's Python, not on ours.

The environment says the rest: SUPERSET_PASSWORD of its user `admin`, and WAREHOUSE_URL, whose login reads `bi`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import superset
import yaml
from flask_migrate import upgrade
from superset.app import create_app

FOLDER = Path(__file__).with_name("license_chargeback")
DATABASE = "databases/License_warehouse.yaml"
LOGIN = "admin"


def main() -> int:
    """Every step may run again: the next start finds it done, and imports the dashboard anew."""
    with create_app().app_context():
        upgrade(directory=str(Path(superset.__file__).parent / "migrations"))
        make_roles()
        make_user(os.environ["SUPERSET_PASSWORD"])
        import_dashboard(os.environ["WAREHOUSE_URL"])
    return 0


def make_roles() -> None:
    """What `superset init` does."""
    from superset import appbuilder, security_manager

    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()


def make_user(password: str) -> None:
    """The administrator, with the password of now."""
    from superset import security_manager

    user = security_manager.find_user(LOGIN)
    if user is None:
        role = security_manager.find_role("Admin")
        security_manager.add_user(LOGIN, "Superset", "Admin", "admin@localhost", role, password)
    else:
        security_manager.reset_password(user.id, password)


def import_dashboard(warehouse_url: str) -> None:
    """Import the exported files; what a former import left is replaced."""
    from superset import security_manager
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.utils.core import override_user

    with override_user(security_manager.find_user(LOGIN)):
        ImportAssetsCommand(contents(warehouse_url)).run()


def contents(warehouse_url: str) -> dict[str, str]:
    """The files by name, with the address of this warehouse, as the kind of bundle that replaces."""
    files = {
        str(path.relative_to(FOLDER)): path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.yaml")
    }
    files["metadata.yaml"] = yaml.safe_dump(yaml.safe_load(files["metadata.yaml"]) | {"type": "assets"})
    database = yaml.safe_load(files[DATABASE]) | {"sqlalchemy_uri": warehouse_url}
    files[DATABASE] = yaml.safe_dump(database)
    return files


if __name__ == "__main__":
    sys.exit(main())
