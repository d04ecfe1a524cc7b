"""A local endpoint for what a lake tells others: incidents, and lineage, which it refuses where OpenLineage's schemas do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

SCHEMAS = [json.loads(file.read_text()) for file in sorted(Path(__file__).with_name("openlineage").glob("*.json"))]
REGISTRY = Registry().with_resources([(schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS])
EVENT = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"


@dataclass
class Receiver:
    """What has come so far, in its order."""

    url: str = ""
    incidents: list[dict] = field(default_factory=list)
    events: list[dict] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def take(self, path: str, body: dict) -> int:
        """Keep a message; the status to answer with."""
        if path == "/incidents":
            self.incidents.append(body)
            return 204
        wrong = complaints(body)
        self.complaints += wrong
        self.events += [] if wrong else [body]
        return 422 if wrong else 201


def complaints(event: dict) -> list[str]:
    """Where an event, or a facet of it, contradicts the schema that it names."""
    places = [event["run"], event["job"], *event.get("inputs", []), *event.get("outputs", [])]
    kinds = ("facets", "inputFacets", "outputFacets")
    facets = [facet for place in places for kind in kinds for facet in place.get(kind, {}).values()]
    found = _errors(event, EVENT)
    for facet in facets:
        found += _errors(facet, facet["_schemaURL"])
    return found


def _errors(value: dict, schema: str) -> list[str]:
    checked = Draft202012Validator({"$ref": schema}, registry=REGISTRY, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{schema}: {error.json_path}: {error.message}" for error in checked.iter_errors(value)]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens on this machine."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802 (the name that http.server calls)
            status = receiver.take(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
