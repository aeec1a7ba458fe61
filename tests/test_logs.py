"""The log of a server: no text of a request, an error or a plot writes a line of its own or reaches a terminal."""

import subprocess
import sys

import pytest

from conftest import free_port
from sketches import until

FORGED = "12:00:00 E forged"

PLOTS = """
    from plotroute import Plots

    plots = Plots()

    def chain(length):
        error = None
        for number in range(length):
            try:
                raise ValueError(f"the {number}th") from error
            except ValueError as caught:
                error = caught
        raise error

    print("12:00:00 E forged at import \\x1b[2J")
    for number in range(10_000):
        print("printed at import", number)

    @plots.plot
    def chained(ax):
        chain(3000)

    @plots.dataset
    def broken():
        chain(3000)

    @plots.plot
    def reads(ax, broken):
        ax.plot([1, 2])

    @plots.plot
    def fails(ax):
        raise ValueError("one line\\n12:00:00 E forged in an error\\x1b[2J")

    @plots.plot
    def prints(ax, text: str = ""):
        print("one line\\r12:00:00 E forged in a print", "\\x1b]0;title\\x07", text)
        ax.plot([1, 2])
"""


@pytest.fixture(scope="module")
def server(start_server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    (folder / "plots.py").write_text("\n".join(line[4:] for line in PLOTS.splitlines()))
    return start_server("plots.py", cwd=folder)


@pytest.mark.parametrize(
    ("address", "trace"),
    [
        ("/nope%0a12:00:00%20E%20forged%20in%20a%20path", r"/nope\n12:00:00 E forged in a path"),
        ("/nope%1b%5b2J%c2%9b", r"/nope\x1b[2J\x9b"),
        ("/plots/prints?text=%e2%80%aebackwards", r"\u202ebackwards"),
        ("/plots/prints?nope=%0d%0a12:00:00%20E%20forged", " 400 invalid_parameters"),
        ("/plots/fails", r"  12:00:00 E forged in an error\x1b[2J"),
        ("/plots/prints", r"\x1b]0;title\x07"),
    ],
)
def test_nothing_forges_a_line_of_the_log(server, address, trace):
    server.get(address)
    until(lambda: trace in server.log)
    lines = server.log_file.read_bytes().decode().split("\n")
    assert [line for line in lines if line.startswith(FORGED)] == []
    assert not {character for line in lines for character in line if not character.isprintable()}


def test_what_an_import_prints_is_in_the_log_and_has_an_end(server):
    until(lambda: "plots.py prints too much; the rest is left out" in server.log)
    assert r"plots.py | 12:00:00 E forged at import \x1b[2J" in server.log
    assert "printed at import 0\n" in server.log
    assert "printed at import 9999" not in server.log


@pytest.mark.parametrize("address", ["/plots/chained", "/plots/broken/reads"])
def test_the_log_of_a_chain_of_errors_has_an_end(server, address):
    until(lambda: "the rest is left out" in server.log)  # of what the import prints
    before = len(server.log)
    assert server.get(address).status in (500, 503)
    until(lambda: "the 2999th" in server.log[before:])
    assert len(server.log) - before < 30_000


def test_a_chain_of_errors_at_import_has_an_end(tmp_path):
    source = "\n".join(line[4:] for line in PLOTS.splitlines()) + "\nchain(3000)\n"
    (tmp_path / "plots.py").write_text(source)
    command = [sys.executable, "-m", "plotroute", "serve", "plots.py", "--port", str(free_port())]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    told = done.stdout + done.stderr
    assert done.returncode != 0
    assert "the 2999th" in told
    assert len(told) < 200_000
