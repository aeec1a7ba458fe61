"""How often granian answers with a callable that does nothing, by its settings. Not in a full run."""

from contextlib import ExitStack

import servers
from hits import add_rates, cached, rates_table
from plan import Plan
from tables import Table

SETTINGS = {
    **{f"{n} threads": ("--blocking-threads", n) for n in (1, 2, 8, 64, 128)},
    "as shipped": (),
    **{f"{n} threads, mode st": ("--blocking-threads", n, "--runtime-mode", "st") for n in (1, 64)},
    **{f"{n} threads, 2 of the runtime": ("--blocking-threads", n, "--runtime-threads", 2) for n in (1, 64)},
    "64 threads, backpressure 64": ("--blocking-threads", 64, "--backpressure", 64),
    "64 threads, HTTP/1 only": ("--blocking-threads", 64, "--http", 1),
    "64 threads, pipeline flush": ("--blocking-threads", 64, "--http1-pipeline-flush"),
    "64 threads, 2 workers": ("--blocking-threads", 64, "--workers", 2),
}


def granian(plan: Plan) -> Table:
    table = rates_table("granian: a bare WSGI callable, by granian's settings")
    with ExitStack() as stack:
        with servers.plotroute() as ours:
            answer = cached(ours)
        compared = {
            name: stack.enter_context(servers.bare(answer, *options)) for name, options in SETTINGS.items()
        }
        add_rates(table, plan, compared, answer)
    return table
