"""The least that a WSGI callable can do: one answer from memory, or a 304. The limit of its server."""

import json
import os
from pathlib import Path

ANSWER = json.loads(Path(os.environ["BENCH_FOLDER"], "answer.json").read_text())
BODY = bytes.fromhex(ANSWER["body"])
ETAG = ANSWER["headers"]["etag"]
# The server writes the date itself.
HEADERS = [(name, value) for name, value in ANSWER["headers"].items() if name not in ("date", "server")]
NOT_MODIFIED = [(name, value) for name, value in HEADERS if not name.startswith("content-")]


def app(environ, start_response):
    if environ.get("HTTP_IF_NONE_MATCH") == ETAG:
        start_response("304 Not Modified", NOT_MODIFIED)
        return [b""]
    start_response("200 OK", HEADERS)
    return [BODY]
