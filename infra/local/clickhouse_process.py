"""ClickHouse as a process: the shared library of an npm package, told to open ClickHouse's own ports.

The library runs the program `clickhouse local`. Its last query reads from a pipe and so lasts until SIGTERM closes the pipe; then the
call returns and everything is on disk. A kill at any other time is what ClickHouse's own crash safety is for.

That program logs in to itself as `default` with an empty password, from the same address as everybody else. So that nobody else can,
ClickHouse is told to ask us about that user, and we say yes once, before its ports are open.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from xml.sax.saxutils import escape

CONFIG = """<clickhouse>
  <user_directories><users_xml><path>{users}</path></users_xml></user_directories>
  <http_authentication_servers>
    <once>
      <uri>http://127.0.0.1:{port}/</uri>
      <connection_timeout_ms>5000</connection_timeout_ms>
      <receive_timeout_ms>5000</receive_timeout_ms>
      <send_timeout_ms>5000</send_timeout_ms>
    </once>
  </http_authentication_servers>
</clickhouse>
"""


class Once(BaseHTTPRequestHandler):
    """Says yes to the first who asks, and no ever after."""

    asked = False

    def do_GET(self) -> None:  # noqa: N802 (the name that http.server calls)
        self.send_response(403 if Once.asked else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        Once.asked = True

    def log_message(self, *_: object) -> None:
        """The log is ClickHouse's."""


def main() -> int:
    """Runs until SIGTERM; returns 1 if ClickHouse ended by an error, which is then on the standard error."""
    arguments = _arguments()
    library = ctypes.CDLL(arguments.library)
    library.chdb_query_cmdline.restype = ctypes.c_void_p
    library.chdb_result_error.argtypes = [ctypes.c_void_p]
    library.chdb_result_error.restype = ctypes.c_char_p
    library.chdb_set_signal_handlers_enabled(0)

    config = arguments.folder / "config.xml"
    config.write_text(CONFIG.format(users=escape(str(arguments.folder / "users.xml")), port=_answer_once()))
    reading, writing = os.pipe()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _close(writing))
    errors: list[bytes] = []
    thread = threading.Thread(target=_run, args=(library, _command(arguments, config, reading), errors))
    thread.start()
    while thread.is_alive():
        # A signal handler of Python runs only when the main thread does.
        thread.join(timeout=0.2)
    for error in errors:
        print(error.decode(errors="replace"), file=sys.stderr)
    return 1 if errors else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", required=True, type=Path, help="has users.xml; gets config.xml and db/")
    for name in ("library", "http-port", "tcp-port", "database"):
        parser.add_argument(f"--{name}", required=True)
    return parser.parse_args()


def _answer_once() -> int:
    """Starts the thread that ClickHouse asks; returns its port, which stays ours as long as the process lives."""
    server = HTTPServer(("127.0.0.1", 0), Once)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def _close(pipe: int) -> None:
    # A second SIGTERM finds it closed.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.close(pipe)


def _command(arguments: argparse.Namespace, config: Path, pipe: int) -> list[bytes]:
    queries = (
        f"CREATE DATABASE IF NOT EXISTS `{arguments.database}`",
        "SYSTEM START LISTEN HTTP",
        "SYSTEM START LISTEN TCP",
        f"SELECT count() FROM file('/dev/fd/{pipe}', LineAsString, 'line String') FORMAT Null",
    )
    command = ["clickhouse", "--path", str(arguments.folder / "db"), "--config-file", str(config), "--listen_host", "127.0.0.1"]
    command += ["--http_port", arguments.http_port, "--tcp_port", arguments.tcp_port, "--query", "; ".join(queries)]
    return [part.encode() for part in command]


def _run(library: ctypes.CDLL, command: list[bytes], errors: list[bytes]) -> None:
    result = library.chdb_query_cmdline(len(command), (ctypes.c_char_p * len(command))(*command))
    error = library.chdb_result_error(result)
    if error:
        errors.append(error)


if __name__ == "__main__":
    sys.exit(main())
