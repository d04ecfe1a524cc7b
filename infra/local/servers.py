"""The table of servers. One more server is one more module like these, and one more line here."""

from __future__ import annotations

from infra.local import airflow_server, clickhouse_server, minio_server, mongodb_server, neo4j_server, superset_server, trino_server
from infra.local.server import Server

SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        minio_server.SERVER,
        mongodb_server.SERVER,
        clickhouse_server.SERVER,
        neo4j_server.SERVER,
        trino_server.SERVER,
        airflow_server.SERVER,
        superset_server.SERVER,
    )
}
