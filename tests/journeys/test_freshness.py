"""What is drawn anew and what is not: restarts, 304s, files that change, data that plots change."""

import time

import pytest

PLOTS = """
import pandas as pd
from plotroute import Plots, files

plots = Plots()

def note(line):
    with open("ran.txt", "a") as file:
        file.write(line + "\\n")

@plots.dataset(ttl="forever")
def numbers():
    note("numbers")
    return pd.DataFrame({"x": [1, 2, 3], "y": [3, 1, 2]})

@plots.dataset(version=files("data/*.csv"))
def sales():
    note("sales")
    return pd.read_csv("data/sales.csv")

@plots.dataset
def unversioned_csv():
    return pd.read_csv("data/sales.csv")

@plots.dataset
def unversioned_parquet():
    return pd.read_parquet("data/sales.parquet")

@plots.plot
def first(ax, numbers):
    note("first")
    numbers["x"] = [7, 8, 9]
    numbers.loc[0, "y"] = 100
    ax.plot(numbers.x, numbers.y)

@plots.plot
def second(ax, numbers):
    ax.plot(numbers.x, numbers.y)

@plots.plot
def revenue(ax, sales):
    note("revenue")
    ax.plot(sales.x, sales.y)

@plots.plot
def from_csv(ax, unversioned_csv):
    ax.plot(unversioned_csv.x, unversioned_csv.y)

@plots.plot
def from_parquet(ax, unversioned_parquet):
    ax.plot(unversioned_parquet.x, unversioned_parquet.y)
"""


def write_data(folder, rows):
    import pandas as pd

    frame = pd.DataFrame(rows, columns=["x", "y"])
    (folder / "data").mkdir(exist_ok=True)
    frame.to_csv(folder / "data" / "sales.csv", index=False)
    frame.to_parquet(folder / "data" / "sales.parquet")


@pytest.fixture
def folder(tmp_path, write_plots):
    write_plots(PLOTS)
    write_data(tmp_path, [(1, 2), (2, 4)])
    return tmp_path


@pytest.fixture
def start(start_server, folder):
    """Start a server and wait until it draws, which takes a while on a busy machine."""

    def started(**environment):
        server = start_server("plots.py", cwd=folder, **environment)
        until = time.monotonic() + 60
        while server.get("/readyz").status != 200 and time.monotonic() < until:
            time.sleep(0.05)
        return server

    return started


def cache_status(reply):
    return reply.headers["Cache-Status"].removeprefix("plotroute; ")


@pytest.mark.parametrize("address", ["/plots/numbers/first", "/plots/sales/revenue"])
def test_a_server_just_started_answers_304_before_anything_runs(folder, start, address):
    server = start()
    picture = server.get(address)
    assert picture.status == 200
    server.stop()
    ran = (folder / "ran.txt").read_text()
    assert ran.split() == [address.split("/")[2], address.split("/")[3]]
    server = start()
    answer = server.get(address, If_None_Match=picture.headers["ETag"])
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["ETag"] == picture.headers["ETag"]
    assert (folder / "ran.txt").read_text() == ran


def test_the_same_request_again_is_a_hit_of_the_same_bytes(folder, start):
    server = start()
    first, second = (server.get("/plots/numbers/first") for _ in range(2))
    assert (cache_status(first), cache_status(second)) == ("fwd=uri-miss; stored", "hit")
    assert first.body == second.body
    assert (folder / "ran.txt").read_text().split() == ["numbers", "first"]


def test_what_one_plot_does_to_its_data_never_shows_in_another(start):
    one = start()
    alone = one.get("/plots/numbers/second").body
    other = start(PLOTROUTE_CACHE_MEMORY="0")
    for _ in range(2):
        first = other.get("/plots/numbers/first").body
        assert other.get("/plots/numbers/second").body == alone != first


def test_an_overwritten_file_changes_picture_and_etag_within_a_minute(folder, start_server):
    addresses = ["sales/revenue", "unversioned_csv/from_csv", "unversioned_parquet/from_parquet"]
    server = start_server("plots.py", cwd=folder)
    before = {address: server.get(f"/plots/{address}") for address in addresses}
    write_data(folder, [(1, 9), (2, 3)])
    deadline = time.monotonic() + 70  # a minute, and the time that a busy machine takes
    after = before
    while any(after[one].body == before[one].body for one in addresses) and time.monotonic() < deadline:
        time.sleep(1)
        after = {address: server.get(f"/plots/{address}") for address in addresses}
    for address in addresses:
        assert after[address].status == 200
        assert after[address].body != before[address].body, address
        etag = before[address].headers["ETag"]
        assert after[address].headers["ETag"] != etag
        assert server.get(f"/plots/{address}", If_None_Match=etag).status == 200
