"""An HTTP server in the place of Elasticsearch or Kibana, for answers that they rarely give."""

import json
import threading
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Self


class Server:
    """Answers every request with the same; remembers what was asked."""

    def __init__(self) -> None:
        self.status, self.answer, self.asked = 200, {}, list[tuple[str, bytes]]()
        self.headers = list[Message]()  # of each request
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.headers.append(self.headers)
                outer.asked.append((f"{self.command} {self.path}", body))
                text = json.dumps(outer.answer).encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the base class's names

            def log_message(self, *_: object) -> None:
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        # How often it checks whether to stop: each test that has a server waits for that.
        threading.Thread(target=self.http.serve_forever, args=[0.02], daemon=True).start()

    answer: dict[str, Any]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.http.server_close()
