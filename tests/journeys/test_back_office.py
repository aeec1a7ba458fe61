"""The back office as it is run: real web servers with several workers, PostgreSQL, logins, and deaths of all kinds.

It is a copy of the example with a few plots more, which do what no plot should.
"""

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest

from conftest import Server, free_port
from sketches import until

ROOT = Path(__file__).parents[2]
BACK_OFFICE = ROOT / "examples/back_office"

spec = importlib.util.spec_from_file_location("postgres", BACK_OFFICE / "tests/postgres.py")
postgres = importlib.util.module_from_spec(spec)
spec.loader.exec_module(postgres)

PASSWORD = "a password"
THREADS = 8

REVENUE, REGIONS, MINE = "/plots/revenue", "/plots/regions", "/plots/my/orders"
LIVE = "/plots/live"
"""Drawn for every request. What `n` is makes no difference, but another request."""

MORE_PLOTS = '''

import os
import signal
import time


@plots.plot("live")
def live(ax, n: int = 0):
    """The number of customers."""
    time.sleep(0.05)
    ax.bar(["customers"], [db.session.scalar(select(func.count(Customer.id)))])


@plots.plot("ends/itself", ttl="forever")
def ends_itself(ax, how: Literal["exit", "kill"], n: int):
    """A plot that takes its process along."""
    if how == "exit":
        os._exit(3)
    os.kill(os.getpid(), signal.SIGKILL)
'''

WEB_SERVERS = {
    "gunicorn": [
        ["gunicorn", "--workers", "3", "--threads", "32", "--no-control-socket"],
        ["-b", "127.0.0.1:{port}", "backoffice:create_app()"],
    ],
    "granian": [
        ["granian", "--interface", "wsgi", "--factory", "--workers", "3", "--blocking-threads", "32"],
        ["--respawn-failed-workers", "--port", "{port}", "backoffice:create_app"],
    ],
}


class Process:
    """A process of a server, by its number."""

    def __init__(self, pid):
        self.pid = pid
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        self.state, self.parent = stat[0], int(stat[1])
        self.command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")

    @property
    def renders(self):
        """Whether it is the render server or a fork of it."""
        return "plotroute.render.server" in self.command

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)


class Office(Server):
    """A running back office. Its processes are told by a word in their environment."""

    def processes(self):
        """Return number → process of all that have come of this server, dead ones left out."""
        word = f"BACKOFFICE_TEST={self.port}\0".encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            # It may end while we look.
            with contextlib.suppress(OSError):
                if word in (folder / "environ").read_bytes():
                    process = Process(int(folder.name))
                    if process.state not in "ZX":
                        found[process.pid] = process
        return found

    def web_workers(self):
        return [
            process
            for process in self.processes().values()
            if process.parent == self.process.pid
            and not process.renders
            and "resource_tracker" not in process.command
        ]

    def render_servers(self):
        found = self.processes()
        return [p for p in found.values() if p.renders and not self._above(found, p)]

    def generations(self):
        found = self.processes()
        return [p for p in found.values() if p.renders and len(self._above(found, p)) == 1]

    def render_processes(self):
        found = self.processes()
        return [p for p in found.values() if p.renders and len(self._above(found, p)) == 2]

    def _above(self, found, process):
        """Return the processes that have forked this one, as far as they render."""
        above = []
        while (process := found.get(process.parent)) and process.renders:
            above.append(process)
        return above


class Reader:
    """Somebody with a browser."""

    def __init__(self, office, name=None):
        self.office = office
        self.cookies = SimpleCookie()
        if name:
            assert self.post("/login", "/login", name=name, password=PASSWORD).status == 302

    def ask(self, method, path, *, body=None, **headers):
        # One connection for each request: the workers take turns.
        headers |= {"Connection": "close"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={it.value}" for name, it in self.cookies.items())
        reply = self.office.request(method, path, body=body, **headers)
        for line in reply.headers.get_all("Set-Cookie", ()):
            self.cookies.load(line)
        return reply

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def post(self, path, page, **form):
        """Send the form of a page."""
        found = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', self.get(page).body.decode())
        body = urlencode(form | {"csrf_token": found[1]}).encode()
        return self.ask("POST", path, body=body, Content_Type="application/x-www-form-urlencoded")


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The environment of an office: a database with a year of orders, and a secret."""
    with postgres.running() as address:
        environment = {
            **os.environ,
            "BACKOFFICE_SECRET_KEY": "of the tests",
            "BACKOFFICE_SQLALCHEMY_DATABASE_URI": address,
            "MPLCONFIGDIR": str(tmp_path_factory.mktemp("matplotlib")),
            # A busy machine is no failure.
            "PLOTROUTE_RENDER_TIMEOUT": "100",
            "PLOTROUTE_LOAD_TIMEOUT": "100",
            "PLOTROUTE_QUEUE_TIMEOUT": "100",
        }
        seed = [sys.executable, "-m", "flask", "--app", "backoffice", "seed", "--password", PASSWORD]
        subprocess.run(seed, cwd=BACK_OFFICE, env=environment, check=True, capture_output=True)
        yield environment


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The office's code, with more plots."""
    folder = tmp_path_factory.mktemp("office")
    shutil.copytree(BACK_OFFICE / "backoffice", folder / "backoffice")
    with (folder / "backoffice/plots.py").open("a") as plots:
        plots.write(MORE_PLOTS)
    return folder


@contextlib.contextmanager
def running(folder, environment, web_server, *more):
    """Run a web server with the office in it."""
    port = free_port()
    (program, *options), last = WEB_SERVERS[web_server]
    command = [Path(sys.executable).with_name(program), *options, *more]
    log_file = folder / f"{port}.log"
    with log_file.open("w") as log:
        process = subprocess.Popen(
            [*command, *(word.format(port=port) for word in last)],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment | {"BACKOFFICE_TEST": str(port)},
        )
    office = Office(process, port, log_file)

    def answers():
        assert process.poll() is None, office.log
        with contextlib.suppress(OSError):
            return office.get("/login").status == 200

    try:
        until(answers)
        yield office
    finally:
        office.stop()
        for left in office.processes().values():  # a worker that was started while all were stopped
            with contextlib.suppress(ProcessLookupError):
                left.kill()


@pytest.fixture(scope="module", params=WEB_SERVERS)
def office(folder, environment, request):
    """An office that tests share."""
    with running(folder, environment, request.param) as office:
        yield office


@pytest.fixture
def start_office(folder, environment):
    """Start an office of the test's own."""
    with contextlib.ExitStack() as offices:
        yield lambda *how: offices.enter_context(running(folder, environment, *how))


@pytest.fixture
def sam(office):
    return Reader(office, "sam")


@pytest.fixture
def mia(office):
    """A manager."""
    return Reader(office, "mia")


def together(count, ask):
    """Call `ask` with each number, in threads."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(ask, range(count)))


def shown(reply):
    """Return what is to be the same, byte by byte."""
    return reply.body


# What it answers


def test_the_tests_of_the_example_pass():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", BACK_OFFICE / "tests"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("address", [REVENUE, f"{REGIONS}.svg?measure=revenue", f"{MINE}?width=300"])
def test_who_is_logged_out_gets_the_login_in_place_of_a_picture_that_is_cached(office, mia, address):
    answers = together(24, lambda _: mia.get(address))
    assert {reply.status for reply in answers} == {200}
    assert any("hit" in reply.headers["Cache-Status"] for reply in answers)
    etag = answers[0].headers["ETag"]

    stranger = Reader(office)
    for headers in ({}, {"If_None_Match": etag}, {"If_None_Match": "*"}):
        for reply in together(12, lambda _, headers=headers: stranger.get(address, **headers)):
            assert reply.status == 302
            assert reply.headers["Location"].startswith("/login?next=")
            assert reply.headers["ETag"] is None

    left = Reader(office)
    left.cookies = SimpleCookie(mia.cookies.output(header="", sep=";"))
    assert left.post("/logout", "/orders").status == 302
    assert left.get(address, If_None_Match=etag).status == 302


def test_who_may_not_see_a_picture_gets_none_from_any_cache(mia, sam):
    etag = mia.get(REVENUE).headers["ETag"]

    for reply in together(12, lambda _: sam.get(REVENUE, If_None_Match=etag)):
        assert reply.status == 403
        assert reply.headers["ETag"] is None


@pytest.mark.parametrize("address", [REVENUE, REGIONS, MINE])
def test_a_picture_that_has_not_changed_is_a_304(mia, address):
    first = mia.get(address)
    assert (first.status, first.headers["Content-Type"]) == (200, "image/png")

    for reply in together(24, lambda _: mia.get(address, If_None_Match=first.headers["ETag"])):
        assert (reply.status, reply.body) == (304, b"")


def test_nobody_gets_the_orders_of_another(office, sam):
    readers = [sam, Reader(office, "kim")]
    for address in (MINE, f"{MINE}.svg", f"{MINE}?width=320&dpr=2"):
        theirs = [reader.get(address) for reader in readers]
        assert shown(theirs[0]) != shown(theirs[1])
        assert theirs[0].headers["ETag"] != theirs[1].headers["ETag"]
        other_etag = [reply.headers["ETag"] for reply in reversed(theirs)]

        def ask(number, address=address, other_etag=other_etag):
            who = number % 2
            header = {"If_None_Match": other_etag[who]} if number % 3 == 0 else {}
            return who, readers[who].get(address, **header)

        for who, reply in together(36, ask):
            assert reply.status == 200
            assert shown(reply) == shown(theirs[who])
            assert "private" in reply.headers["Cache-Control"]


@pytest.mark.parametrize("killed", [None, "generations", "render_servers"])
def test_a_new_order_changes_the_pictures_that_show_it(office, sam, killed):
    kim = Reader(office, "kim")
    before = {reader: reader.get(MINE).headers["ETag"] for reader in (sam, kim)}
    # All workers know the versions.
    [regions] = {reply.headers["ETag"] for reply in together(40, lambda _: sam.get(REGIONS))}
    if killed:
        getattr(office, killed)()[0].kill()

    assert sam.post("/orders", "/orders", customer="1", amount="4321.09").status == 302

    # Less than the minute after which a worker asks by itself for a version that it was told.
    until(lambda: sam.get(MINE).headers["ETag"] not in (None, before[sam]), 30)
    until(lambda: sam.get(REGIONS).headers["ETag"] not in (None, regions), 30)
    assert "4,321.09" in sam.get("/orders").body.decode()
    assert kim.get(MINE, If_None_Match=before[kim]).status == 304


def test_a_form_of_another_page_adds_no_order(sam):
    body = urlencode({"customer": "1", "amount": "999999"}).encode()
    reply = sam.ask("POST", "/orders", body=body, Content_Type="application/x-www-form-urlencoded")

    assert reply.status == 400
    assert "999,999" not in sam.get("/orders").body.decode()


# Its processes


def test_all_workers_share_one_render_server(office, mia):
    together(40, lambda n: mia.get(f"{REGIONS}?width={400 + n % 4}"))

    assert len(office.web_workers()) > 2
    assert len(office.render_servers()) == 1
    assert len(office.generations()) == 1


@pytest.mark.parametrize("victim", ["web_workers", "render_servers", "generations", "render_processes"])
def test_a_death_costs_at_most_the_requests_under_way(office, mia, victim):
    before = mia.get(LIVE)
    assert before.status == 200
    workers = len(office.web_workers())
    killed = []

    def ask(number):
        if number == 2 * THREADS:
            killed.extend(getattr(office, victim)()[:1])
            killed[0].kill()
        try:
            return mia.get(f"{LIVE}?n={number}")
        except (OSError, HTTPException) as error:
            return error

    replies = together(5 * THREADS, ask)

    assert killed
    lost = [reply for reply in replies if getattr(reply, "status", None) != 200]
    assert len(lost) <= THREADS, lost
    for reply in lost:
        # From plotroute it is an answer; from a worker that is gone there is none.
        assert getattr(reply, "status", None) == 500 or victim == "web_workers", reply
    assert {shown(reply) for reply in replies if reply not in lost} == {shown(before)}
    assert shown(mia.get(LIVE)) == shown(before)
    until(lambda: len(office.web_workers()) == workers)
    until(lambda: not {p.pid for p in killed} & office.processes().keys())
    assert len(office.render_servers()) == 1


@pytest.mark.parametrize("how", ["exit", "kill"])
def test_a_plot_that_ends_its_process_again_and_again_leaves_all_else_alone(office, mia, how):
    before = {address: shown(mia.get(address)) for address in (f"{REVENUE}.svg", LIVE)}
    workers = {process.pid for process in office.web_workers()}
    [server] = office.render_servers()

    for number in range(5):
        died = mia.get(f"/plots/ends/itself?how={how}&n={number}")
        assert died.status in (500, 503), died.body  # 503: its circuit is open
        assert {address: shown(mia.get(address)) for address in before} == before
        assert mia.get("/").status == 200
        assert mia.get(f"{REGIONS}?width={500 + number}").status == 200

    assert {process.pid for process in office.web_workers()} == workers
    assert [process.pid for process in office.render_servers()] == [server.pid]


@pytest.mark.parametrize("web_server", WEB_SERVERS)
def test_when_the_last_worker_has_ended_so_have_all_processes(start_office, web_server):
    stopped, killed = offices = [start_office(web_server, "--workers", "2") for _ in range(2)]
    for office in offices:
        assert Reader(office, "mia").get(LIVE).status == 200
        assert office.render_processes()

    stopped.stop()
    workers = killed.web_workers()
    killed.process.kill()
    for worker in workers:
        worker.kill()

    for office in offices:
        with contextlib.suppress(AssertionError):
            until(lambda office=office: not office.processes())
        assert [process.command for process in office.processes().values()] == [], office.log


@pytest.mark.parametrize("change", ["--max-requests", "HUP"])
def test_workers_that_are_replaced_lose_no_request(start_office, change):
    office = start_office("gunicorn", *(["--max-requests", "20"] if change == "--max-requests" else []))
    mia = Reader(office, "mia")
    first = mia.get(f"{REGIONS}.svg")
    workers = {process.pid for process in office.web_workers()}

    def ask(number):
        if change == "HUP" and number in (25, 65):
            office.process.send_signal(signal.SIGHUP)
        return mia.get(f"{REGIONS}.svg" if number % 2 else f"{LIVE}?n={number}")

    replies = together(100, ask)

    def replaced():
        # Not each of the workers may have had its share of the requests yet.
        replies.append(mia.get(f"{REGIONS}.svg"))
        return not workers & {process.pid for process in office.web_workers()}

    until(replaced)
    assert {reply.status for reply in replies} == {200}
    assert {reply.body for reply in [*replies[1:100:2], *replies[100:]]} == {first.body}
    assert mia.get(LIVE).status == 200
    assert len(office.render_servers()) == 1


def test_workers_that_are_forked_from_a_loaded_app_answer_as_others(start_office):
    office = start_office("gunicorn", "--preload")
    mia = Reader(office, "mia")
    first = mia.get(LIVE)

    assert {shown(mia.get(f"{LIVE}?n={number}")) for number in range(12)} == {shown(first)}
    assert len(office.render_servers()) == 1


def test_pictures_of_the_dashboard_are_there_in_every_resolution_and_theme(office, mia):
    page = mia.get("/").body.decode()
    addresses = set(re.findall(r"/plots/[^\s\",]+", page))

    assert len(addresses) > 6
    for address in addresses:
        reply = mia.get(address.replace("&amp;", "&"))
        assert (reply.status, reply.headers["Content-Type"]) == (200, "image/png"), address
