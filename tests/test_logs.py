"""The log of a server: no text of a request, an error or a plot writes a line of its own or reaches a terminal."""

import pytest

from sketches import until

FORGED = "12:00:00 E forged"

PLOTS = """
    from plotroute import Plots

    plots = Plots()

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
