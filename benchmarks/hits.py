"""Pictures that are there already: how soon, and how often, they are answered."""

from contextlib import ExitStack
from dataclasses import dataclass, field

import clients
import servers
from clients import Answer, Connection, wrk
from plan import LINE, PICTURES, Plan
from processes import cpu_seconds
from servers import Server
from tables import Table, median, ratio

from plotroute.settings import Settings

# Of wrk: about as many as a browser or a proxy keeps.
CONNECTIONS = 8
# Answers in a row, in one round.
TIMES = 300
NGINX = "nginx, 1 worker"


def latency(plan: Plan) -> Table:
    table = Table(
        "hit: one client on one kept connection; medians of milliseconds",
        {
            "picture": "", "plain view": ".2f", "hit": ".3f", "304": ".3f",
            "hit, faster": ".0f", "304, faster": ".0f",
        },
    )  # fmt: skip
    with servers.plain() as plain, servers.plotroute() as ours:
        for server in (plain, ours):
            server.wait_for(LINE, 200)
        for picture in (one for one in PICTURES if not one.varied):
            found: dict[str, list[float]] = {"plain view": [], "hit": [], "304": []}
            with Connection(plain.port) as them, Connection(ours.port) as us:
                etag = us.get(picture.path).headers["etag"]
                for _ in plan.turns(seconds=20):
                    plainly = [them.get(picture.path) for _ in range(picture.times)]
                    hits = [us.get(picture.path) for _ in range(TIMES)]
                    unchanged = [us.get(picture.path, 304, If_None_Match=etag) for _ in range(TIMES)]
                    for each, answers in zip(found.values(), (plainly, hits, unchanged), strict=True):
                        each.append(median(answer.seconds * 1000 for answer in answers))
            table.rows.append(
                {
                    "picture": picture.name,
                    **{name: median(each) for name, each in found.items()},
                    "hit, faster": ratio(found["plain view"], found["hit"]),
                    "304, faster": ratio(found["plain view"], found["304"]),
                    "rounds": found,
                }
            )
    return table


def throughput(plan: Plan) -> Table:
    """plotroute beside nginx, and beside a WSGI callable that does nothing, on the same server."""
    table = rates_table(f"throughput: wrk, {CONNECTIONS} kept connections, the line plot")
    threads = Settings().threads
    with ExitStack() as stack:
        ours = stack.enter_context(servers.plotroute())
        answer = cached(ours)
        bare = servers.bare(answer, "--blocking-threads", threads)
        compared = {"plotroute": ours, f"bare WSGI, {threads} threads": stack.enter_context(bare)}
        add_rates(table, plan, compared, answer)
    return table


def cached(ours: Server) -> Answer:
    """Return the answer for the line plot, when it has been drawn."""
    ours.wait_for(LINE, 200)
    with Connection(ours.port) as us:
        answer = us.get(LINE)
    if "hit" not in answer.headers["cache-status"]:
        raise SystemExit(f"The line plot is not cached: {answer.headers}")
    return answer


def rates_table(title: str) -> Table:
    columns = {
        "answer": "",
        "server": "",
        "a second": ",.0f",
        "of nginx": ".2f",
        "least": ".2f",
        "most": ".2f",
    }
    return Table(title, {**columns, "CPU µs": ".1f"})


@dataclass
class Rates:
    """Answers of one kind by one server, round by round."""

    rate: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Microseconds of the server's processes, per answer."""

    def add(self, plan: Plan, server: Server, path: str, headers: dict[str, str]) -> None:
        """Let wrk ask for a while, and write down what it says."""
        before = cpu_seconds(server.session)
        load = wrk(server.port, path, plan.seconds, CONNECTIONS, **headers)
        self.rate.append(load.rate)
        self.cpu.append((cpu_seconds(server.session) - before) * 1e6 / load.answers)


def add_rates(table: Table, plan: Plan, compared: dict[str, Server], answer: Answer) -> None:
    """Let wrk ask these servers and nginx, one after the other, and write down what it says.

    nginx has the bytes of `answer` as a file, and its headers.
    """
    if not clients.find_wrk():
        table.notes.append("Left out: wrk is not installed.")
        return
    with ExitStack() as stack:
        if servers.find_nginx():
            compared = {NGINX: stack.enter_context(servers.nginx(answer, "line.png")), **compared}
        else:
            table.notes.append("nginx is not installed, so there is no ratio to it.")
        etags = {name: _same(name, server, answer) for name, server in compared.items()}
        found = {(kind, name): Rates() for kind in ("200", "304") for name in compared}
        for round in plan.turns(seconds=300):
            # Forth and back: what becomes slower meanwhile does so for all.
            for kind, name in list(found)[:: -1 if round % 2 else 1]:
                server = compared[name]
                headers = {"If_None_Match": etags[name]} if kind == "304" else {}
                found[kind, name].add(plan, server, LINE, headers)
    for (kind, name), rates in found.items():
        row = {"answer": kind, "server": name, "a second": median(rates.rate), "CPU µs": median(rates.cpu)}
        if NGINX in compared:
            theirs = found[kind, NGINX].rate
            each = [our / their for our, their in zip(rates.rate, theirs, strict=True)]
            row |= {"of nginx": median(each), "least": min(each), "most": max(each)}
        table.rows.append({**row, "rounds": rates.rate})


def _same(name: str, server: Server, answer: Answer) -> str:
    """Return the server's ETag for `answer`, when it has answered with these bytes, and with a 304."""
    server.wait_for(LINE, 200)
    with Connection(server.port) as client:
        found = client.get(LINE)
        if found.body != answer.body:
            raise SystemExit(f"{name} answers with other bytes")
        client.get(LINE, 304, If_None_Match=found.headers["etag"])
    return found.headers["etag"]
