"""What a server costs before and after its pictures: the time to start, and the memory it holds."""

from collections.abc import Iterator

import servers
from clients import crowd
from plan import LINE, MATRIX, Plan, fresh
from processes import Process, memory, of_session
from tables import Table, median

# Drawn before memory is read: of ten, nine are line plots.
PICTURES = 200
CLIENTS = 2


def start(plan: Plan) -> Table:
    table = Table(
        "start: seconds from the command to the first answer (/healthz) and to the first picture",
        {"server": "", "first answer": ".2f", "first picture": ".2f", "least": ".2f", "most": ".2f"},
    )
    kinds = {"plain view": servers.plain, "plotroute": servers.plotroute}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in kinds}
    for round in (-1, *plan.turns()):
        for name, kind in kinds.items():
            with kind() as server:
                took = server.wait_for("/healthz"), server.wait_for(fresh(LINE), 200)
            if round >= 0:  # the first one reads files that the others find in memory, and lists the fonts
                found[name].append(took)
    for name, rounds in found.items():
        answers, pictures = zip(*rounds, strict=True)
        table.rows.append(
            {
                "server": name,
                "first answer": median(answers),
                "first picture": median(pictures),
                "least": min(pictures),
                "most": max(pictures),
                "rounds": rounds,
            }
        )
    table.notes.append("The plain view has no /healthz: its first answer is a 404, with everything imported.")
    return table


def held(plan: Plan) -> Table:
    drawn = 50 if plan.quick else PICTURES
    table = Table(
        f"memory: MiB after {drawn} pictures; Pss counts shared memory in parts, so it adds up",
        {"server": "", "process": "", "Pss": ".0f", "private": ".0f"},
    )
    ours = servers.plotroute(render_processes=2)
    for name, kind in (("plain view", servers.plain(2)), ("plotroute", ours)):
        with kind as server:
            server.wait_for(fresh(LINE), 200)
            crowd(server.port, CLIENTS, [fresh(LINE if i % 10 else MATRIX) for i in range(drawn)])
            found = [(role, memory(process.pid)) for role, process in roles(of_session(server.session))]
        for role, (pss, private) in found:
            table.add(server=name, process=role, Pss=pss, private=private)
        table.add(
            server=name,
            process="all",
            Pss=sum(pss for _, (pss, _) in found),
            private=sum(private for _, (_, private) in found),
        )
    return table


# A fork has the command line of its parent: what it is, is said by where it stands.
_BELOW = {
    "web server": "web worker",
    "render server": "generation",
    "generation": "render process",
    "granian": "worker",
}


def roles(processes: list[Process]) -> Iterator[tuple[str, Process]]:
    """Go through a server's processes, each with what it is, children after their parent."""

    def below(parent: int, above: str) -> Iterator[tuple[str, Process]]:
        for process in processes:
            if process.parent == parent:
                role = _role(process, above)
                yield role, process
                yield from below(process.pid, role)

    first = processes[0]
    name = "granian" if " granian " in first.command else "supervisor"
    yield name, first
    yield from below(first.pid, name)


def _role(process: Process, above: str) -> str:
    if "resource_tracker" in process.command:
        return "multiprocessing's tracker"
    if above == "supervisor":
        known = {"plotroute.serve": "web server", "plotroute.render.server": "render server"}
        return next((role for word, role in known.items() if word in process.command), process.command[:40])
    return _BELOW.get(above, f"child of the {above}")
