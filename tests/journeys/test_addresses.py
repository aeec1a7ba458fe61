"""Addresses that do not move: through saved files, purges and mistakes, in real servers."""

import subprocess
import sys

import pytest

from conftest import free_port
from sketches import until

SOURCE = """
from plotroute import Plots

plots = Plots()

@plots.dataset(version="1")
def sales(): return [1, 2, 3]

@plots.dataset(version="1")
def {budget}(): return [2, 2, 2]

@plots.plot
def revenue({arguments}):
    for values in ({arguments},):
        if isinstance(values, list):
            ax.plot(values)
"""
BOTH = ("/plots/sales/revenue", "/plots/budget/revenue", "/plots/revenue")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("moving")


def save(file, arguments, budget="budget"):
    """Write another version, and tell its server."""
    new = file.with_suffix(".new")
    new.write_text(SOURCE.format(arguments=arguments, budget=budget))
    new.replace(file)


def pictures(server, addresses):
    answers = [server.get(address) for address in addresses]
    assert [answer.status for answer in answers] == [200] * len(answers), server.log
    return {(answer.headers["ETag"], answer.body) for answer in answers}


def test_no_order_of_arguments_moves_an_address_and_what_goes_is_told(start_server, folder):
    file, cache = folder / "plots.py", folder / "cache"
    save(file, "ax, sales")
    server = start_server(str(file), cwd=folder, arguments=["--cache-dir", str(cache)])
    assert len(pictures(server, ("/plots/sales/revenue", "/plots/revenue"))) == 1
    assert server.get("/plots/budget/revenue").status == 404

    for arguments in ("ax, budget, sales", "sales, ax, budget"):
        before = server.get("/plots/sales/revenue").headers["ETag"]
        save(file, arguments)
        until(lambda before=before: server.get("/plots/sales/revenue").headers["ETag"] != before)
        assert len(pictures(server, BOTH)) == 1, arguments
        assert len({server.get(f"{address}.svg").headers["ETag"] for address in BOTH}) == 1
        assert len({server.get(f"{address}.schema.json").body for address in BOTH}) == 1
    assert " was the plot " not in server.log

    assert "hit" in server.get("/plots/revenue").headers["Cache-Status"]
    for name in ("revenue", "/plots/budget/revenue", "sales/revenue"):
        old = server.get("/plots/sales/revenue").headers["ETag"]
        command = [sys.executable, "-m", "plotroute", "purge", name, "--cache-dir", str(cache)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        # Those of the first purge have long been written.
        assert not said.startswith("Forgot 0") or name != "revenue", said
        until(lambda old=old: server.get("/plots/sales/revenue").headers["ETag"] != old)

    save(file, "ax, sales, plan", budget="plan")
    until(lambda: server.get("/plots/budget/revenue").status == 404)
    told = (
        "/plots/budget/revenue was the plot sales/revenue and is a 404 now; aliases=['/plots/budget/revenue'] "
        "in its @plots.plot(…) keeps the address alive."
    )
    until(lambda: told in server.log)
    assert server.get("/plots/plan/revenue").status == 200


MISTAKES = """
from plotroute import Plots

plots = Plots()

@plots.dataset(ttl="soon")
def stock(): return [1]

@plots.dataset(version="1")
def sales(): return [1, 2, 3]

@plots.plot
def right(ax, sales): ax.plot(sales)

@plots.plot
def misspelt(ax, salse): ax.plot(salse)

@plots.plot(width=300)
def with_width(ax): ...

@plots.plot("pages/<page>", size=(1, "x"))
def sized(ax, page: int): ...

@plots.plot(examples={"customer": "a/b"}, title="Of one")
def two_things(ax, x: dict, y: set): ...

@plots.plot
def of_stock(ax, stock): ...
"""
TOLD = (
    "stock in plots.py, line 6",
    "no dataset named 'salse'",
    "no option width=",
    "size=(1, 'x')",
    "parameter 'x'",
    "parameter 'y'",
)


def test_one_mistake_leaves_the_other_plots_in_dev_and_all_are_told(start_server, tmp_path):
    (tmp_path / "plots.py").write_text(MISTAKES)
    server = start_server("plots.py", command="dev", cwd=tmp_path)

    until(lambda: server.get("/plots/sales/right").status == 200)
    page = server.get("/").body.decode()
    assert "6 registrations are wrong; the other plots answer" in page
    for told in TOLD:
        assert told.replace("'", "&#39;") in page, told
        assert told in server.log, told
    for address, told in [
        ("/plots/salse/misspelt", "no dataset named 'salse'"),
        ("/plots/misspelt.svg", "no dataset named 'salse'"),
        ("/plots/with_width", "no option width="),
        ("/plots/pages/3", "size=(1, 'x')"),
        ("/plots/two_things", "parameter 'y'"),
        ("/plots/stock/of_stock", "stock in plots.py, line 6"),
    ]:
        answer = server.get(f"{address}?on_error=status")
        assert (answer.status, told in answer.body.decode()) == (500, True), address

    (tmp_path / "plots.py").write_text(MISTAKES.replace("salse", "sales"))
    until(lambda: server.get("/plots/sales/misspelt").status == 200)
    assert "5 registrations are wrong" in server.get("/").body.decode()


def test_production_refuses_to_start_with_all_mistakes_told(tmp_path):
    (tmp_path / "plots.py").write_text(MISTAKES)
    command = [sys.executable, "-m", "plotroute", "serve", "plots.py", "--port", str(free_port())]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert ended.returncode == 2
    assert "6 registrations are wrong." in ended.stderr
    assert all(told in ended.stderr for told in TOLD), ended.stderr


def test_dev_says_where_it_is_and_what_is_gone_whatever_was_saved(start_server, tmp_path):
    file = tmp_path / "plots.py"
    file.write_text("import nothing_of_the_name\n")
    server = start_server("plots.py", command="dev", cwd=tmp_path)
    until(lambda: "plotroute shows" in server.log)
    assert f"at http://127.0.0.1:{server.port}/" in server.log
    assert "The plots file does not load" in server.get("/").body.decode()

    save(file, "ax, sales")
    until(lambda: server.get("/plots/sales/revenue").status == 200)
    file.write_text(file.read_text().replace("revenue", "turnover"))
    until(lambda: server.get("/plots/sales/turnover").status == 200)
    page = server.get("/").body.decode()
    assert "Addresses that have changed since the server started" in page
    assert "If it is the plot sales/turnover now, aliases=[&#39;/plots/sales/revenue&#39;]" in page
    assert server.log.count("plotroute shows") == 1
