"""Pictures inside a Flask app: what Flask and the app's own hooks cost a hit."""

from contextlib import ExitStack

import clients
import servers
from clients import Answer, Connection
from hits import CONNECTIONS, Rates, cached
from plan import LINE, Plan
from servers import Server
from tables import Table, median, ratio

from plotroute.settings import Settings

STATIC, VIEW = "/static/line.png", "/"
STATIC_FILE = "the app: its static file"


def embedded(plan: Plan) -> Table:
    """Beside the static file of the same bytes and the shortest view of the same app, and beside `serve`."""
    table = Table(
        f"embedded: wrk, {CONNECTIONS} kept connections, the line plot, in a Flask app",
        {
            "answer": "", "server": "", "a second": ",.0f", "of the static file": ".2f", "of serve": ".2f",
            "CPU µs": ".1f",
        },
    )  # fmt: skip
    if not clients.find_wrk():
        table.notes.append("Left out: wrk is not installed.")
        return table
    with ExitStack() as stack:
        serve = stack.enter_context(servers.plotroute())
        answer = cached(serve)
        app = stack.enter_context(servers.host(answer, Settings().threads))
        asked = {
            "serve": (serve, LINE),
            "the app: the plot": (app, LINE),
            STATIC_FILE: (app, STATIC),
            "the app: a view that says hello": (app, VIEW),
        }
        etags = {name: _etag(name, server, path, answer) for name, (server, path) in asked.items()}
        kinds = [(kind, name) for kind in ("200", "304") for name in asked if kind == "200" or etags[name]]
        found = {each: Rates() for each in kinds}
        for round in plan.turns(seconds=120):
            for kind, name in kinds[:: -1 if round % 2 else 1]:
                server, path = asked[name]
                headers = {"If_None_Match": etags[name]} if kind == "304" else {}
                found[kind, name].add(plan, server, path, headers)
    for (kind, name), rates in found.items():
        row = {"answer": kind, "server": name, "a second": median(rates.rate), "CPU µs": median(rates.cpu)}
        row["of the static file"] = ratio(rates.rate, found[kind, STATIC_FILE].rate)
        row["of serve"] = ratio(rates.rate, found[kind, "serve"].rate)
        table.rows.append({**row, "rounds": rates.rate})
    return table


def _etag(name: str, server: Server, path: str, answer: Answer) -> str:
    """Return the server's ETag, if there is one, when it has answered as it should."""
    server.wait_for(path, 200)
    with Connection(server.port) as client:
        found = client.get(path)
        if path != VIEW and found.body != answer.body:
            raise SystemExit(f"{name} answers with other bytes")
        etag = found.headers.get("etag", "")
        if etag:
            client.get(path, 304, If_None_Match=etag)
    return etag
