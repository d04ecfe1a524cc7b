"""Superset from nothing to answering, in one process: database, roles, users, assets, web server.

Each of these is a command of Superset's own, but each command takes ten seconds to start.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from multiprocessing import Process
from pathlib import Path

import yaml
from flask import Flask
from flask_migrate import upgrade
from gunicorn.app.base import BaseApplication
from superset.app import create_app

from asset_files import bundle, imported

ASSETS = Path(__file__).parent / "assets"
RECORD = Path(os.environ["SUPERSET_HOME"]) / imported.RECORD
# On top of what Superset thinks fit for a public page, which says nothing about data or the list of dashboards.
VIEWER_TOO = {
    ("all_datasource_access", "all_datasource_access"),
    ("can_read", "Dataset"),
    ("can_recent_activity", "Log"),
    ("can_read", "SecurityRestApi"),
    ("can_userinfo", "UserDBModelView"),
    ("can_view_chart_as_table", "Dashboard"),
    ("menu_access", "Dashboards"),
    ("menu_access", "Home"),
}
ROLES = {"ADMIN": ["Admin"], "ANALYST": ["Alpha", "sql_lab"], "VIEWER": ["Viewer"]}


class Server(BaseApplication):
    """Gunicorn around the application that was made and prepared already."""

    def __init__(self, app: Flask, **options: object) -> None:
        self.app, self.options = app, options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self.app


def main() -> int:
    app = create_app()
    # In a process of its own: the web server's are copies of this one, and would all talk through connections that it has opened.
    preparing = Process(target=prepare, args=[app])
    preparing.start()
    preparing.join()
    if preparing.exitcode:
        return 1
    address = f"{os.environ.get('SUPERSET_BIND', '127.0.0.1')}:{os.environ['SUPERSET_PORT']}"
    Server(app, bind=address, workers=2, threads=8, worker_class="gthread", timeout=120, control_socket_disable=True).run()
    return 0


def prepare(app: Flask) -> None:
    """Metadata, roles and users as they should be; the assets where their files have changed."""
    with app.app_context():
        upgrade()
        make_roles()
        make_users()
        files = bundle(ASSETS)
        if changed := imported.wanted(files, RECORD, ids()):
            import_assets(changed)
        imported.remember(files, RECORD)


def make_roles() -> None:
    """Superset's own roles, and the viewer's, who may look and nothing else."""
    from superset import appbuilder, db, security_manager

    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()
    viewer = security_manager.add_role("Viewer")
    wanted = security_manager.PUBLIC_ROLE_PERMISSIONS | VIEWER_TOO
    found = (security_manager.find_permission_view_menu(*permission) for permission in sorted(wanted))
    viewer.permissions = [permission for permission in found if permission]
    db.session.commit()


def make_users() -> None:
    """The three accounts, with the passwords that the environment has now."""
    from superset import security_manager

    for kind, roles in ROLES.items():
        name, password = (os.environ[f"SUPERSET_{kind}_{what}"] for what in ("USER", "PASSWORD"))
        user = security_manager.find_user(name)
        if user:
            security_manager.reset_password(user.id, password)
        else:
            given = [security_manager.find_role(role) for role in roles]
            security_manager.add_user(name, kind.capitalize(), "", f"{name}@localhost", given, password)


def ids() -> set[str]:
    """The UUIDs of what there is."""
    from superset import db
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.core import Database
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    return {str(id_) for model in (Database, SqlaTable, Slice, Dashboard) for (id_,) in db.session.query(model.uuid)}


def import_assets(files: Mapping[str, str]) -> None:
    """What the files say replaces what is there under the same ids; all else stays. The analyst owns it too."""
    from superset import db, security_manager
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.core import Database
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice
    from superset.utils.core import override_user

    admin, analyst = (security_manager.find_user(os.environ[f"SUPERSET_{kind}_USER"]) for kind in ("ADMIN", "ANALYST"))
    databases = {name: text for name, text in files.items() if name.startswith("databases/")}
    for text in databases.values():
        import_database(Database, yaml.safe_load(text))
    db.session.commit()
    with override_user(admin):
        # Sparse: what the files name may be there already, as the databases are.
        ImportAssetsCommand({name: text for name, text in files.items() if name not in databases}, sparse=True).run()
    for model in (SqlaTable, Slice, Dashboard):
        for asset in db.session.query(model):
            asset.owners = list({*asset.owners, admin, analyst})
    db.session.commit()


def import_database(model, given: dict) -> None:
    """A database, without a question to it: Superset's own import fails where a store is away."""
    from superset import db

    known = db.session.query(model).filter_by(uuid=given["uuid"]).first()
    address = given.pop("sqlalchemy_uri")
    given |= {"id": known.id} if known else {}
    model.import_from_dict(given | {"extra": json.dumps(given["extra"])}, recursive=False).set_sqlalchemy_uri(address)


if __name__ == "__main__":
    sys.exit(main())
