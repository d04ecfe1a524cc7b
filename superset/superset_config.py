"""Superset's settings. Where things are and who may read them comes from the environment: no file holds a secret."""

import os
from pathlib import Path

HOME = Path(os.environ["SUPERSET_HOME"])
SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = f"sqlite:///{HOME}/superset.db"
FEATURE_FLAGS = {
    # The filter of categories reaches datasets that have none, by a query in their SQL.
    "ENABLE_TEMPLATE_PROCESSING": True,
    # The numbers that are compared with the period before are such a plugin.
    "CHART_PLUGINS_EXPERIMENTAL": True,
    # A dashboard is complete before somebody scrolls.
    "DASHBOARD_VIRTUALIZATION": False,
}
CURRENCIES = ["BRL"]
# Pages load nothing from elsewhere: no maps of streets, no fonts, no pixel that counts who uses Superset.
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "object-src": "'none'",
        "script-src": ["'self'", "'strict-dynamic'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "worker-src": ["'self'", "blob:"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
# Long enough for the many who open the same page, short enough that a publication is seen at once.
DATA_CACHE_CONFIG = {"CACHE_TYPE": "FileSystemCache", "CACHE_DIR": str(HOME / "cache"), "CACHE_DEFAULT_TIMEOUT": 60}


def DB_CONNECTION_MUTATOR(uri, params, *_):  # noqa: N802 (Superset's name)
    """Turn the name of a store, which is all that the files say, into its address and its account that only reads. What else an
    administrator connects is left as it is."""
    if (uri.get_backend_name(), uri.host) not in (("clickhousedb", "clickhouse"), ("trino", "trino")):
        return uri, params
    given = os.environ
    if uri.get_backend_name() == "clickhousedb":
        kind, rest = "CLICKHOUSE", {"port": int(given["CLICKHOUSE_HTTP_PORT"]), "database": given["CLICKHOUSE_DATABASE"]}
    else:
        # Superset writes catalog/schema; the catalog is `lake` in the files, whichever lake is looked at.
        schema = (uri.database or "").partition("/")[2]
        kind, rest = "TRINO", {"port": int(given["TRINO_PORT"]), "database": f"{given['TRINO_CATALOG']}/{schema or 'gold'}"}
        told = {"http_scheme": "https", "verify": given["TRINO_CERTIFICATE"], "max_attempts": 1, "request_timeout": 30}
        params = params | {"connect_args": params.get("connect_args", {}) | told}
    login = {"username": given[f"{kind}_READER_USER"], "password": given[f"{kind}_READER_PASSWORD"]}
    return uri.set(host=given[f"{kind}_HOST"], **login, **rest), params
