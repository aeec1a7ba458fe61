"""Actions at the edges of HTTP: methods, conditions, ranges, what is accepted, and the form of errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adversarial.servers import Reply
from adversarial.wire import exchange

if TYPE_CHECKING:
    from adversarial.stage import Stage

# What two answers to the same question may differ in.
_OF_THE_MOMENT = {"date", "x-request-id", "server-timing", "cache-status"}


def ask_each(stage: Stage) -> list[Reply]:
    """Ask one after the other, each as its entry in `given.asks` says, and compare what it says of the answer.

    request, headers, body   without a request it is the case's
    status                   of those that the case allows
    has, lacks               headers, by pattern; those in `given` itself hold for every answer
    golden                   the body is the golden picture
    says, starts             what is in the body
    """
    given, replies, etag = stage.case.given, [], ""
    for entry in given["asks"]:
        request = stage.request(request=entry.get("request"))
        headers = {name: _filled(text, etag) for name, text in entry.get("headers", {}).items()}
        body = entry["body"].encode() if "body" in entry else None
        reply = stage.server.ask(request, headers=headers, body=body)
        etag = reply.headers.get("ETag", etag)
        for problem in _differences(stage, {**given, **entry}, request, reply):
            stage.problems.append(f"{reply} with {headers}: {problem}")
        replies.append(reply)
    return replies


def _filled(text: str, etag: str) -> str:
    """Fill in the ETag of the answer before, as it was or as a strong one, or a thousand ranges."""
    ranges = ",".join(f"{start}-{start}" for start in range(1000))
    return text.replace("{etag}", etag).replace("{strong}", etag[2:]).replace("{ranges}", ranges)


def _differences(stage: Stage, entry: Mapping[str, Any], request: str, reply: Reply) -> list[str]:
    problems = []
    if entry.get("status", reply.status) != reply.status:
        problems.append(f"expected {entry['status']}")
    for name, pattern in entry.get("has", {}).items():
        if not re.fullmatch(pattern, reply.headers.get(name, "")):
            problems.append(f"{name} is {reply.headers.get(name)!r}, not {pattern!r}")
    for name in entry.get("lacks", ()):
        found = [header for header in reply.headers if re.fullmatch(name, header, re.IGNORECASE)]
        problems += [f"it has {header}: {reply.headers[header]}" for header in found]
    if entry.get("golden") and reply.body != stage.goldens.get(request):
        problems.append("it is not the golden picture")
    problems += [f"it does not say {w!r}" for w in entry.get("says", ()) if w.encode() not in reply.body]
    if not reply.body.startswith(str(entry.get("starts", "")).encode("latin-1")):
        problems.append(f"it starts with {reply.body[:20]!r}")
    return problems


def head_like_get(stage: Stage) -> list[Reply]:
    """HEAD has the headers of GET, and nothing behind them."""
    replies = []
    for request in stage.case.requests:
        path = request.partition(" ")[2]
        get, head = stage.server.ask(f"GET {path}"), stage.server.ask(f"HEAD {path}")
        stage.expect(get.status == head.status, f"{get}, but {head}")
        of_get, of_head = (
            {name.lower(): value for name, value in reply.headers.items()} for reply in (get, head)
        )
        different = {
            name: (of_get.get(name), of_head.get(name))
            for name in (of_get.keys() | of_head.keys()) - _OF_THE_MOMENT
            if of_get.get(name) != of_head.get(name)
        }
        stage.expect(not different, f"{path}: GET and HEAD differ in {different}")
        length = int(of_head.get("content-length", -1))
        stage.expect(
            length == len(get.body), f"{path}: HEAD tells of {length} bytes, GET has {len(get.body)}"
        )
        lines = f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        behind = exchange(stage.server, lines.encode()).body
        stage.expect(not behind, f"{path}: HEAD has {len(behind)} bytes behind its headers")
        replies += [get, head]
    return replies
