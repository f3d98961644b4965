"""Serves one license of any number of pages from memory, so that a measure does not wait for a page to be made.

The rows of each page are those of a page that the simulator rendered, byte for byte; only the cursor differs. The
license id is the number of pages. Runs as a process of its own: `page_server.py BODY_FILE PORT`.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

TOKEN = json.dumps({"access_token": "bench", "expires_in": 3600, "token_type": "Bearer"}).encode()


class PageServer(ThreadingHTTPServer):
    """Keeps the rows of one page as text."""

    daemon_threads = True

    def __init__(self, body: bytes, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.rows = body[: body.rindex(b"]") + 1]

    def page(self, path: str) -> bytes:
        """The page at a path; the last one has no successor."""
        address = urlsplit(path)
        page_count = int(address.path.rstrip("/").split("/")[-2])
        number = int(parse_qs(address.query).get("skipToken", ["1"])[0])
        if number == page_count:
            return self.rows + b"}"
        return self.rows + f',"nextPage":"{address.path}?skipToken={number + 1}"}}'.encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: PageServer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._answer(TOKEN)

    def do_GET(self) -> None:
        self._answer(self.server.page(self.path))

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    PageServer(Path(sys.argv[1]).read_bytes(), int(sys.argv[2])).serve_forever()
