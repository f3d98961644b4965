"""Replays the pages of one license byte for byte, so that no measure waits for a page to be made.

The pages are files captured from the simulator; each goes from the file to the connection by the kernel. Runs as a
process of its own: `page_server.py --pages=FOLDER --port=0 --port-file=FILE`.
"""

from __future__ import annotations

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

TOKEN = json.dumps({"access_token": "bench", "expires_in": 3600, "token_type": "Bearer"}).encode()
TAIL_BYTES = 1_000  # nextPage stands at the end of a body


class PageServer(ThreadingHTTPServer):
    """Knows which page each cursor leads to; an address without a cursor is the first page."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.pages = sorted(folder.glob("*.json"))
        self._by_cursor = {
            _cursor(cursor): page
            for before, page in zip(self.pages, self.pages[1:], strict=False)
            if (cursor := _next_page(before)) is not None
        }

    def page(self, address: str) -> Path | None:
        """The file of the page at an address."""
        if "skipToken=" not in address:
            return self.pages[0]
        return self._by_cursor.get(_cursor(address))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: PageServer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._begin(200, len(TOKEN))
        self.wfile.write(TOKEN)

    def do_GET(self) -> None:
        page = self.server.page(self.path)
        if page is None:
            self._begin(404, 0)
            return
        with page.open("rb") as body:
            self._begin(200, page.stat().st_size)
            self.connection.sendfile(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _begin(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(length))
        self.end_headers()


def _cursor(address: str) -> str:
    """The cursor in an address; clients may quote it in their own way."""
    return unquote(address.partition("skipToken=")[2])


def _next_page(page: Path) -> str | None:
    with page.open("rb") as file:
        file.seek(max(page.stat().st_size - TAIL_BYTES, 0))
        _, found, text = file.read().rpartition(b'"nextPage":')
    return str(json.loads(text.rstrip()[:-1])) if found else None


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--port-file", type=Path, required=True)
    asked = parser.parse_args()
    server = PageServer(asked.pages, asked.port)
    part = asked.port_file.with_suffix(".part")
    part.write_text(str(server.server_address[1]))
    part.replace(asked.port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
