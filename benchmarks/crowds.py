"""Many clients at once: cached pictures beside requests that wait, and a herd on one cold picture."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import clients
import servers
from clients import Connection, crowd, wrk
from hits import CONNECTIONS, cached
from plan import LINE, Plan, fresh
from servers import Server
from tables import Table, median, ratio

# So many requests wait, each for a picture of its own that takes so many seconds. By default one may wait
# for its turn for 10 s: all are still waiting when the measuring ends, unless they are refused.
WAITING, SLOW = 100, 6.0
BEGINS_AFTER, MEASURED = 1.0, 4
HERD = 200


def waiting(plan: Plan) -> Table:
    table = Table(
        f"waiting: wrk, {CONNECTIONS} kept connections, a cached picture; beside it {WAITING} that wait",
        {
            "beside": "", "pictures/s": ",.0f", "of alone": ".2f", "median ms": ".2f", "p99 ms": ".2f",
            "waited": ".0f", "drawn": ".0f", "refused": ".0f",
        },
    )  # fmt: skip
    if not clients.find_wrk():
        table.notes.append("Left out: wrk is not installed.")
        return table
    alone, beside, ends = [], [], []
    for _ in plan.turns(2):
        # A new server each time: a server that has learned how slow the plot is refuses most of them at once.
        # It ends before the thread does, whatever happens: then no request waits any more.
        with ThreadPoolExecutor(1) as thread, servers.plotroute() as ours:
            cached(ours)
            with Connection(ours.port) as us:
                us.get(fresh("/slow.png"))
            alone.append(wrk(ours.port, LINE, MEASURED, CONNECTIONS))
            paths = [fresh(f"/slow.png?seconds={SLOW}") for _ in range(WAITING)]
            answers = thread.submit(crowd, ours.port, WAITING, paths)
            time.sleep(BEGINS_AFTER)
            beside.append(wrk(ours.port, LINE, MEASURED, CONNECTIONS))
            ends.append(answers.result())
    waited = [sum(answer.at > BEGINS_AFTER + MEASURED for answer in answers) for answers in ends]
    for name, loads in (("nothing", alone), (f"{WAITING} that wait", beside)):
        rates = [load.rate for load in loads]
        table.add(
            beside=name,
            median_ms=median(load.median for load in loads),
            p99_ms=median(load.p99 for load in loads),
            of_alone=ratio(rates, [load.rate for load in alone]),
            **{"pictures/s": median(rates)},
            rounds=rates,
        )
    table.rows[1] |= {
        "waited": median(waited),
        "drawn": median(sum(answer.status == 200 for answer in answers) for answers in ends),
        "refused": median(sum(answer.status == 503 for answer in answers) for answers in ends),
    }
    table.notes.append(
        "waited: had no answer yet when the measuring ended; drawn and refused: how all ended."
    )
    return table


def herd(plan: Plan) -> Table:
    table = Table(
        f"herd: {HERD} clients ask at once for one line plot that was not drawn before; 2 processes draw",
        {
            "server": "", "drawn": ".0f", "answered": ".0f", "one cold, ms": ".1f", "last answer, ms": ".1f",
            "last ÷ one": ".1f",
        },
    )  # fmt: skip
    with servers.plain(2) as plain, servers.plotroute(render_processes=2) as ours:
        herds = (Herd("plain view", plain, LINE), Herd("plotroute", ours, LINE.replace("line", "counted")))
        for herd in herds:
            herd.server.wait_for(fresh(herd.path), 200)
        for _ in plan.turns(3):
            for herd in herds:
                herd.round()
    for herd in herds:
        table.add(
            server=herd.name,
            drawn=median(herd.drawn),
            answered=median(herd.answered),
            rounds={"one": herd.alone, "last": herd.last},
            **{
                "one cold, ms": median(herd.alone),
                "last answer, ms": median(herd.last),
                "last ÷ one": ratio(herd.last, herd.alone),
            },
        )
    table.notes.append(
        "drawn: plotroute's plot counts its drawings in a file; the plain view draws every answer."
    )
    return table


@dataclass
class Herd:
    """Herds on one server, and a single client before each."""

    name: str
    server: Server
    path: str
    alone: list[float] = field(default_factory=list)
    """Milliseconds of one cold picture, round by round."""
    last: list[float] = field(default_factory=list)
    """Milliseconds to the last answer of the herd."""
    drawn: list[int] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)

    def round(self) -> None:
        with Connection(self.server.port) as client:
            self.alone.append(median(client.get(fresh(self.path)).seconds * 1000 for _ in range(5)))
        counted = self._counted()
        answers = crowd(self.server.port, HERD, [fresh(self.path)] * HERD)
        self.last.append(max(answer.at for answer in answers) * 1000)
        self.answered.append(sum(answer.status == 200 for answer in answers))
        drawn = self._counted() - counted
        self.drawn.append(drawn or self.answered[-1])

    def _counted(self) -> int:
        file = self.server.folder / "drawn"
        return file.stat().st_size if file.exists() else 0
