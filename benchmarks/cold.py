"""Pictures that are not in the cache: what one costs, and how many several processes draw."""

import io
import re
from contextlib import ExitStack
from dataclasses import dataclass, field

import servers
from clients import Answer, Connection, crowd
from PIL import Image
from plan import LINE, PICTURES, Picture, Plan, fresh
from processes import cpu_seconds
from servers import Server
from tables import Table, median, ratio

STEPS = ("data", "draw", "encode")
# More clients than processes: connections do not fall to the processes in equal parts, and none may wait.
CLIENTS, DRAWN = 8, 40


def cold(plan: Plan) -> Table:
    table = Table(
        "cold: one client, each picture drawn anew, by one process; ms per picture",
        {
            "picture": "", "server": "", "wall": ".1f", "faster": ".2f", "CPU": ".1f", "less CPU": ".2f",
            **dict.fromkeys((*STEPS, "rest"), ".1f"), "PNG kB": ".1f", "SVG kB": ".1f",
        },
    )  # fmt: skip
    with servers.plain() as plain, servers.plotroute(render_processes=1) as ours:
        for server in (plain, ours):
            server.wait_for(fresh(LINE), 200)
        for picture in PICTURES:
            them, us = Drawn("plain view", plain, picture), Drawn("plotroute", ours, picture)
            same = [pixels(png) for png in them.warm()] == [pixels(png) for png in us.warm()]
            for _ in plan.turns(seconds=20):
                them.round()
                us.round()
            for one in (them, us):
                table.rows.append(one.row(them))
            table.notes.append(f"{picture.name}: {'the same pixels' if same else 'THE PIXELS DIFFER'}")
    table.notes.append("varied: data, title and labels are others in each picture.")
    table.notes.append("CPU: utime + stime of all processes of the server, those that were reaped included.")
    table.notes.append(
        "rest: wall without data, draw and encode (Server-Timing): HTTP, the queue, other processes."
    )
    return table


def pixels(png: bytes) -> tuple[tuple[int, int], bytes]:
    """Return the size and the pixels: writers may pack the same ones in other bytes."""
    image = Image.open(io.BytesIO(png)).convert("RGBA")
    return image.size, image.tobytes()


@dataclass
class Drawn:
    """Cold pictures of one server."""

    name: str
    server: Server
    picture: Picture
    wall: list[float] = field(default_factory=list)
    """Milliseconds, the median of each round."""
    cpu: list[float] = field(default_factory=list)
    """Milliseconds, the mean of each round: the system counts in steps of 10."""
    steps: dict[str, list[float]] = field(default_factory=dict)
    png: bytes = b""
    svg: bytes = b""
    drawn: int = 0
    """How many were asked for: the number of the next picture."""

    def warm(self) -> list[bytes]:
        """Have both formats drawn, and return two PNGs."""
        with Connection(self.server.port) as client:
            self.svg = client.get(self._next().replace(".png", ".svg")).body
            self.png = client.get(self._next()).body
            return [self.png, client.get(self._next()).body]

    def _next(self) -> str:
        self.drawn += 1
        return self.picture.address(self.drawn)

    def round(self) -> None:
        before = cpu_seconds(self.server.session)
        with Connection(self.server.port) as client:
            answers = [client.get(self._next()) for _ in range(self.picture.times)]
        spent = cpu_seconds(self.server.session) - before
        self.cpu.append(spent * 1000 / self.picture.times)
        self.wall.append(median(answer.seconds * 1000 for answer in answers))
        split = [_split(answer) for answer in answers]
        for step in split[0]:
            self.steps.setdefault(step, []).append(median(one[step] for one in split))

    def row(self, plain: "Drawn") -> dict[str, object]:
        return {
            "picture": self.picture.name,
            "server": self.name,
            "wall": median(self.wall),
            "faster": ratio(plain.wall, self.wall),
            "CPU": median(self.cpu),
            "less CPU": ratio(plain.cpu, self.cpu),
            **{step: median(found) for step, found in self.steps.items()},
            "PNG kB": len(self.png) / 1000,
            "SVG kB": len(self.svg) / 1000,
            "rounds": {"wall": self.wall, "CPU": self.cpu},
        }


def _split(answer: Answer) -> dict[str, float]:
    """Return the milliseconds of each step, and what is left; nothing where the server does not say."""
    said = re.findall(r"(\w+);dur=([\d.]+)", answer.headers.get("server-timing", ""))
    found = {step: float(text) for step, text in said if step in STEPS}
    return {**found, "rest": answer.seconds * 1000 - sum(found.values())} if found else {}


def scale(plan: Plan) -> Table:
    table = Table(
        f"scale: {CLIENTS} clients, line plots, each drawn anew",
        {"server": "", "processes": ".0f", "pictures/s": ".1f", "of one": ".2f", "of plain view": ".2f"},
    )
    counts = (1, 2)
    rates: dict[tuple[str, int], list[float]] = {}
    with ExitStack() as stack:
        running = {("plain view", n): stack.enter_context(servers.plain(n)) for n in counts}
        running |= {
            ("plotroute", n): stack.enter_context(servers.plotroute(render_processes=n)) for n in counts
        }
        for server in running.values():
            server.wait_for(fresh(LINE), 200)
            crowd(server.port, CLIENTS, [fresh(LINE) for _ in range(2 * CLIENTS)])
        for _ in plan.turns(3):
            for key, server in running.items():
                answers = crowd(server.port, CLIENTS, [fresh(LINE) for _ in range(DRAWN)])
                if any(answer.status != 200 for answer in answers):
                    raise SystemExit(f"{key}: {[answer.status for answer in answers]}")
                rates.setdefault(key, []).append(DRAWN / max(answer.at for answer in answers))
    for (name, processes), found in rates.items():
        table.rows.append(
            {
                "server": name,
                "processes": processes,
                "pictures/s": median(found),
                "of one": ratio(found, rates[name, 1]),
                "of plain view": ratio(found, rates["plain view", processes]),
                "rounds": found,
            }
        )
    return table
