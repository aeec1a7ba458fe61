"""Behind proxies: whose word is believed, and where readers find the server."""

import getpass
import http.client
import json
import os
import re
import shutil
import subprocess
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client

from conftest import Reply, Server, free_port
from plotroute.settings import Settings, resolve
from plotroute.web.proxies import behind_proxies, header_user
from sketches import World, outcome, told, until

PROXY, STRANGER = "10.1.1.1", "203.0.113.9"
TRUSTED = {"trusted_proxies": PROXY}

FORWARDED = {
    "X-Forwarded-For": "198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "plots.example.org",
    "X-Forwarded-Prefix": "/charts",
}


def seen(path="/", *, peer=PROXY, headers=FORWARDED, environ=(), **flags):
    """Return the environ that an app behind these proxies sees."""
    kept = {}

    def app(environ, start_response):
        kept.update(environ)
        start_response("200 OK", [])
        return [b""]

    client = Client(behind_proxies(app, resolve(flags=flags)))
    client.get(path, headers=dict(headers), environ_overrides={"REMOTE_ADDR": peer, **dict(environ)})
    return kept


def told_of(environ):
    """Return what an app takes for the reader's address, the scheme, the host and the path it is at."""
    names = ("REMOTE_ADDR", "wsgi.url_scheme", "HTTP_HOST", "SCRIPT_NAME")
    return tuple(environ[name] for name in names)


class Behind(World):
    """A server of sketches behind proxies."""

    def __init__(self, **flags):
        super().__init__(**asdict(resolve(flags=flags)))

    def _counted(self, app):
        return super()._counted(behind_proxies(app, self.settings))


class Page(HTMLParser):
    """The links of a page, its pictures, its tags, and what it says."""

    def __init__(self, text):
        super().__init__()
        self.links, self.pictures, self.tags, self.text = [], [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, sorted(name for name, _ in attrs)))
        self.links += [value for name, value in attrs if name == "href"]
        self.pictures += [value for name, value in attrs if name == "src"]

    def handle_data(self, data):
        self.text += data


# Whose word is believed


def test_without_proxies_the_app_is_served_as_it_is():
    for in_force in (Settings(), Settings(base_url="https://example.org"), Settings(base_url="/plots")):
        assert behind_proxies(seen, in_force) is seen


@pytest.mark.parametrize("path", ["/", "/plots.json", "/plots/line", "/plots/line.schema.json", "/nothing"])
@pytest.mark.parametrize("settings", [{}, {"trusted_proxies": "10.9.9.9"}])
def test_what_a_stranger_says_of_the_request_changes_no_answer(path, settings):
    world, plain = Behind(**settings), World()
    for _ in range(3):
        for accept in ("*/*", "text/html"):
            asked = {**FORWARDED, "X-Request-ID": "the-same", "Accept": accept}
            reply = world.ask("GET", path, asked, environ={"REMOTE_ADDR": PROXY})
            expected = plain.ask("GET", path, {"X-Request-ID": "the-same", "Accept": accept})
            assert told(reply) == told(expected)


@pytest.mark.parametrize(
    ("trusted", "peer", "believed"),
    [
        (PROXY, PROXY, True),
        (PROXY, "10.1.1.2", False),
        ("127.0.0.1, 10.0.0.0/8", PROXY, True),
        ("127.0.0.1, 10.0.0.0/8", "11.0.0.1", False),
        ("10.0.0.0/8", "::ffff:10.1.1.1", True),
        ("10.0.0.0/8", "::ffff:11.1.1.1", False),
        ("::ffff:10.0.0.0/104", PROXY, True),
        ("::ffff:10.1.1.1", "::ffff:10.1.1.1", True),
        ("::/0", PROXY, False),
        ("::/0", "::ffff:10.1.1.1", False),
        ("::1", "::1", True),
        ("::1", "0:0:0:0:0:0:0:1", True),
        ("::1", "127.0.0.1", False),
        ("fe80::/10", "fe80::1%eth0", True),
        ("2001:db8::/32", "2001:db9::1", False),
        ("*", STRANGER, True),
        ("*", "", True),
        ("unix", "", True),
        ("unix", "<local>", True),
        ("unix", "127.0.0.1", False),
        ("unix", "unix", False),
        ("0.0.0.0/0, ::/0", "", False),
        ("0.0.0.0/0, ::/0", "localhost", False),
        ("0.0.0.0/0", "010.1.1.1", False),
    ],
)
def test_a_proxy_is_believed_if_its_own_address_is_trusted(trusted, peer, believed):
    environ = seen(peer=peer, trusted_proxies=trusted)
    if believed:
        assert told_of(environ) == ("198.51.100.7", "https", "plots.example.org", "/charts")
    else:
        assert told_of(environ) == (peer, "http", "localhost", "")
        assert not [name for name in environ if name.startswith("HTTP_X_FORWARDED")]


def test_of_several_hops_the_last_one_counts():
    doubled = {name: f"{wrong}, {FORWARDED[name]}" for name, wrong in zip(FORWARDED, "abcd", strict=True)}
    assert told_of(seen(headers=doubled, **TRUSTED)) == told_of(seen(**TRUSTED))
    # Trusted itself, and all the same a hop too far.
    chain = {"X-Forwarded-For": f"{STRANGER}, {PROXY}"}
    assert seen(headers=chain, **TRUSTED)["REMOTE_ADDR"] == PROXY


UNSOUND = [
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example",
    "javascript:alert(1)",
    "charts",
    "/charts//x",
    "/charts/../admin",
    "/..",
    "/%2e%2e/x",
    "/%2F%2Fevil.example",
    "/a\tb",
    "/a b",
    "/a%0d%0aSet-Cookie:%20a=b",
    '/"><script>alert(1)</script>',
    "/'onload='alert(1)",
    '"//evil.example"',
    '"/a\\"b"',
    "/a?b=c",
    "/a#b",
    "/{{7*7}}",
    "/ü",
    "/%ff%",
]


@pytest.mark.parametrize("prefix", UNSOUND)
def test_a_prefix_that_links_cannot_begin_with_is_none(prefix):
    headers = {**FORWARDED, "X-Forwarded-Prefix": prefix}
    assert told_of(seen(headers=headers, **TRUSTED)) == ("198.51.100.7", "https", "plots.example.org", "")

    world, plain = Behind(**TRUSTED), World()
    for path in ("/", "/plots.json", "/plots/line.schema.json"):
        reply = world.ask("GET", path, headers, environ={"REMOTE_ADDR": PROXY})
        assert reply.data == plain.get(path).data


@pytest.mark.parametrize(
    ("prefix", "script"),
    [
        ("/charts", "/charts"),
        ("/charts/", "/charts"),
        ("/", ""),
        ("", ""),
        ("/a/b-c/~d/e.f", "/a/b-c/~d/e.f"),
        ("/user/ann@example.org", "/user/ann@example.org"),
        ("/caf%C3%A9", "/caf%C3%A9"),
    ],
)
def test_a_sound_prefix_is_where_the_app_is(prefix, script):
    assert seen(headers={"X-Forwarded-Prefix": prefix}, **TRUSTED)["SCRIPT_NAME"] == script


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("X-Forwarded-Proto", "javascript"),
        ("X-Forwarded-Proto", "https://evil.example"),
        ("X-Forwarded-Proto", ""),
        ("X-Forwarded-Host", "evil.example/path"),
        ("X-Forwarded-Host", 'a"b'),
        ("X-Forwarded-Host", "a b"),
        ("X-Forwarded-Host", "ann@evil.example"),
        ("X-Forwarded-Host", "a:b"),
        ("X-Forwarded-Host", ""),
    ],
)
def test_a_scheme_or_host_that_cannot_be_is_what_it_was(name, sent):
    environ = seen(headers={name: sent}, **TRUSTED)
    assert told_of(environ) == (PROXY, "http", "localhost", "")
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("localhost", "80")


# The path that the server is under


@pytest.mark.parametrize(
    ("base", "asked", "script", "path"),
    [
        ("/charts", "/charts/plots/line", "/charts", "/plots/line"),
        ("/charts", "/charts/", "/charts", "/"),
        ("/charts", "/charts", "/charts", "/"),
        ("/charts", "/plots/line", "", "/plots/line"),
        ("/charts", "/", "", "/"),
        ("/charts", "/chartsplots/line", "", "/chartsplots/line"),
        ("/charts", "/Charts/plots/line", "", "/Charts/plots/line"),
        ("/charts", "/charts/charts/plots/line", "/charts", "/charts/plots/line"),
        ("https://example.org/a/b/", "/a/b/plots/line", "/a/b", "/plots/line"),
        ("https://example.org/a/b", "/a/plots/line", "", "/a/plots/line"),
        ("https://example.org", "/plots/line", "", "/plots/line"),
        ("/caf%C3%A9", "/caf%C3%A9/plots/line", "/caf\xc3\xa9", "/plots/line"),
        ("/plots", "/plots/line", "", "/plots/line"),
        ("/plots/charts", "/plots/charts/plots/line", "", "/plots/charts/plots/line"),
        ("/plotsof/us", "/plotsof/us/plots/line", "/plotsof/us", "/plots/line"),
    ],
)
def test_a_base_path_is_taken_off_where_the_proxy_has_not(base, asked, script, path):
    for trusted in ("", PROXY):
        environ = seen(asked, base_url=base, trusted_proxies=trusted)
        assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (script, path)


@pytest.mark.parametrize(
    ("settings", "environ", "headers", "prefix"),
    [
        ({}, {}, {}, ""),
        ({"base_url": "https://example.org"}, {}, {}, "https://example.org"),
        ({"base_url": "https://example.org/charts/"}, {}, {}, "https://example.org/charts"),
        ({"base_url": "/charts"}, {}, {}, "/charts"),
        ({"base_url": "/charts", **TRUSTED}, {}, {"X-Forwarded-Prefix": "/other"}, "/charts"),
        (TRUSTED, {}, {"X-Forwarded-Prefix": "/charts"}, "/charts"),
        (TRUSTED, {}, {"X-Forwarded-Host": "evil.example"}, ""),
        ({}, {"SCRIPT_NAME": "/mounted"}, {}, "/mounted"),
        ({}, {"SCRIPT_NAME": "/mit Ä".encode().decode("latin-1")}, {}, "/mit%20%C3%84"),
        ({}, {"SCRIPT_NAME": "//evil.example"}, {}, ""),
    ],
)
def test_links_begin_where_readers_see_the_server(settings, environ, headers, prefix):
    world, plain = Behind(**settings), World()

    def ask(path, accept="*/*"):
        asked = {"Accept": accept, **headers}
        return world.ask("GET", path, asked, environ={"REMOTE_ADDR": PROXY, **environ})

    for expected, found in zip(
        plain.get("/plots.json").json["plots"], ask("/plots.json").json["plots"], strict=True
    ):
        links = {name: prefix + link if link else link for name, link in expected["links"].items()}
        assert found == {**expected, "links": links}
    assert ask("/plots/line.schema.json").json["links"]["schema"] == f"{prefix}/plots/line.schema.json"

    page, before, path = Page(ask("/").text), Page(plain.get("/").text), urlsplit(prefix).path
    # Pictures on the page itself come from where the page does, whatever that is called.
    assert page.pictures == [path + address for address in before.pictures]
    assert page.links == [path + address for address in before.links]
    assert f'<img src="{prefix}/plots/line" alt="Line">' in page.text
    assert f"{prefix}/plots/of/CUSTOMER/revenue" in page.text

    assert Page(ask("/nothing", "text/html").text).links == [f"{path}/"]


@pytest.mark.parametrize("base", ["https://example.org/charts", "/charts"])
@pytest.mark.parametrize("strips", [True, False], ids=["stripped", "not stripped"])
def test_every_link_leads_to_what_it_says(base, strips):
    world = Behind(base_url=base)

    def follow(link):
        path = urljoin("https://example.org/charts/", link).removeprefix("https://example.org")
        assert path.startswith("/charts/")
        return world.get(path.removeprefix("/charts") if strips else path)

    for entry in world.get("/plots.json").json["plots"]:
        if picture := entry["links"]["picture"]:
            assert follow(picture).status_code in (200, 422, 500)  # drawn: two of the plots refuse
        assert follow(entry["links"]["schema"]).json["name"] == entry["name"]
    page = Page(follow("/charts/").text)
    assert page.pictures
    assert all(follow(link).status_code in (200, 422, 500) for link in page.pictures + page.links)


ANY = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]))


@given(
    ANY
    | st.lists(st.sampled_from(["/", "//", "..", "%2e", "a", "\\", '"', "'", "<", "@", ":", "ü"])).map(
        "".join
    )
)
def test_no_prefix_leads_away_or_becomes_markup(prefix):
    headers = {"X-Forwarded-Prefix": prefix}
    world = Behind(**TRUSTED)
    page = Page(world.ask("GET", "/", headers, environ={"REMOTE_ADDR": PROXY}).text)
    assert page.tags == Page(World().get("/").text).tags
    for link in page.pictures + page.links:
        target = urlsplit(urljoin("https://plots.example.org/x/y", link))
        assert (target.scheme, target.netloc) == ("https", "plots.example.org")
        assert "\\" not in link


# Ready answers


def test_what_was_a_hit_under_a_base_path_is_given_again_without_flask():
    world, plain = Behind(base_url="https://example.org/charts"), World()
    for path in ("/plots/line", "/plots/line.svg?n=5", "/timed.svg"):
        drawn, hit = world.get(f"/charts{path}"), world.get(f"/charts{path}")
        assert (outcome(drawn), outcome(hit)) == ("fwd=uri-miss; stored", "hit")
        for _ in range(3):
            reply = world.answered_without_flask("GET", f"/charts{path}")
            assert told(reply) == told(hit)
        etag = hit.headers["ETag"]
        world.get(f"/charts{path}", If_None_Match=etag)
        assert (
            world.answered_without_flask("GET", f"/charts{path}", {"If-None-Match": etag}).status_code == 304
        )
        assert reply.data == plain.get(path).data


def test_an_answer_is_ready_for_the_path_that_was_asked_and_no_other():
    # `/revenue/x` is an address of a plot, and with this base path what is left of another one.
    world = Behind(base_url="/revenue")
    for _ in range(3):
        assert world.get("/revenue/revenue/x").status_code == 200
    assert world.get("/revenue/x").status_code == 404
    for _ in range(3):
        assert world.get("/revenue/x").status_code == 404
    for _ in range(3):
        assert world.get("/revenue/plots/line").data == World().get("/plots/line").data
        assert world.get("/plots/line").data == World().get("/plots/line").data


def test_a_request_to_open_a_websocket_makes_nothing_ready():
    world = Behind(base_url="/revenue")
    for _ in range(3):
        world.ask("GET", "/revenue/revenue/x", {"Connection": "Upgrade", "Upgrade": "h2c"})
    assert world.get("/revenue/x").status_code == 404


def test_ready_pictures_are_the_same_by_every_name_of_the_server():
    world, plain = Behind(**TRUSTED), World()
    for _ in range(3):
        expected = plain.get("/plots/line")
        plain.get("/plots.json")
    told_by = [
        {},
        FORWARDED,
        {"X-Forwarded-Prefix": "/a", "X-Forwarded-Host": "a.example", "Host": "b.example"},
        {"X-Forwarded-Prefix": "//evil.example", "X-Forwarded-For": "nobody"},
    ]
    for peer in (PROXY, STRANGER):
        for headers in told_by * 2:
            world.ask("GET", "/plots/line", headers, environ={"REMOTE_ADDR": peer})
            reply = world.answered_without_flask("GET", "/plots/line", headers, environ={"REMOTE_ADDR": peer})
            assert reply is None or told(reply) == told(expected)
    assert reply is not None
    for prefix in ("/a", "/b", "/a"):
        asked = {"X-Forwarded-Prefix": prefix}
        listed = world.ask("GET", "/plots.json", asked, environ={"REMOTE_ADDR": PROXY}).json["plots"]
        assert listed[0]["links"]["schema"].startswith(f"{prefix}/plots/")


# Who asks


def user(sent, *, peer=PROXY, trusted=PROXY, header="X-Forwarded-User", name="X-Forwarded-User", fixed=True):
    """Return whom an app takes for the user, seen through the proxies (`fixed`) or with nothing before it."""
    flags = {"user_header": header, "trusted_proxies": trusted}
    found = []

    def app(environ, start_response):
        found.append(header_user(environ, resolve(flags=flags)))
        start_response("200 OK", [])
        return [b""]

    headers = {name: sent, "X-Forwarded-For": PROXY}
    fronted = behind_proxies(app, resolve(flags=flags)) if fixed else app
    Client(fronted).get("/", headers=headers, environ_overrides={"REMOTE_ADDR": peer})
    return found[0]


@pytest.mark.parametrize("fixed", [True, False], ids=["behind_proxies", "in an app of its own"])
def test_the_user_is_whom_a_trusted_proxy_names(fixed):
    assert user("ann", fixed=fixed) == "ann"
    assert user("ann", header="remote-user", name="Remote-User", fixed=fixed) == "ann"
    assert user("ann", peer="", trusted="unix", fixed=fixed) == "ann"
    # Whom the peer speaks for is trusted, and the peer is not.
    for stranger in (STRANGER, "", "::ffff:203.0.113.9", "unix"):
        assert user("ann", peer=stranger, fixed=fixed) is None


def test_behind_proxies_a_strangers_user_header_is_gone():
    flags = {"user_header": "Remote-User", **TRUSTED}
    headers = {"Remote-User": "ann"}
    assert seen(headers=headers, **flags)["HTTP_REMOTE_USER"] == "ann"
    assert "HTTP_REMOTE_USER" not in seen(headers=headers, peer=STRANGER, **flags)


def test_without_a_user_header_or_trust_in_anybody_there_is_no_user():
    environ = {"HTTP_X_FORWARDED_USER": "ann", "HTTP_": "ann", "REMOTE_ADDR": PROXY, "REMOTE_USER": "ann"}
    assert header_user(environ, Settings()) is None
    assert header_user(environ, Settings(trusted_proxies="*")) is None
    assert header_user(environ, Settings(user_header="X-Forwarded-User")) is None
    assert header_user({**environ, "REMOTE_ADDR": ""}, Settings(user_header="X-Forwarded-User")) is None


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("ann@example.org", "ann@example.org"),
        ("DOMAIN\\ann", "DOMAIN\\ann"),
        ("Ann Ä.", "Ann Ä."),
        ("Ann Ä.".encode().decode("latin-1"), "Ann Ä."),
        ("Ω".encode().decode("latin-1"), "Ω"),
        (" ann ", "ann"),
        ("", None),
        (" ", None),
        ("ann,bob", None),
        ("ann,", None),
        (",ann", None),
        ("CN=ann, O=example", None),
        ("a\tb", None),
        ("a\x00b", None),
        ("a\x7fb", None),
        ("a\x85b", None),
        ("a\xa0b", None),
        ("ann\u202ebob".encode().decode("latin-1"), None),
        ("ann\u200b".encode().decode("latin-1"), None),
        ("ann\u2028".encode().decode("latin-1"), None),
    ],
)
def test_a_name_is_one_line_of_text_that_was_sent_once(sent, name):
    environ = {"HTTP_X_FORWARDED_USER": sent, "REMOTE_ADDR": PROXY}
    in_force = Settings(user_header="X-Forwarded-User", **TRUSTED)
    assert header_user(environ, in_force) == name


# Real servers

ROOT = Path(__file__).resolve().parents[2]
USER = "X-Forwarded-User"

NGINX = """
daemon off;
{user}
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    proxy_cache_path {folder}/kept keys_zone=kept:1m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{servers}
}}
"""


def under_a_path(listen, target):
    """Return the server of our example of nginx, under /charts/, with a login that knows one reader."""
    text = (ROOT / "deploy/nginx.conf").read_text()
    for found, put in (
        ("listen 80;", f"listen 127.0.0.1:{listen};"),
        ("location / {", "location /charts/ {"),
        ("proxy_pass http://127.0.0.1:8000;", f"proxy_pass {target};"),
        (f'proxy_set_header {USER} "";', f"proxy_set_header {USER} $arg__login;"),
    ):
        assert text.count(found) == 1, found
        text = text.replace(found, put)
    return text


@pytest.fixture(scope="module")
def fronted(start_server, tmp_path_factory):
    """`plotroute serve`, and nginx before it: one that takes the path off, one that does not, one that caches."""
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    assert nginx, "nginx is not installed: apt-get install nginx-light"
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "plots.py").write_text(PLOTS)
    direct = start_server(
        "plots.py",
        cwd=folder,
        arguments=["--base-url", "/charts", "--trusted-proxies", "127.0.0.1", "--user-header", USER],
    )
    strips, keeps, caches = free_port(), free_port(), free_port()
    servers = under_a_path(strips, f"{direct.url}/") + under_a_path(keeps, direct.url)
    servers += under_a_path(caches, direct.url).replace("proxy_pass", "proxy_cache kept; proxy_pass")
    # Its worker would be another user, who may not write into the folder.
    who = f"user {getpass.getuser()};" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(user=who, folder=folder, servers=servers))
    log = folder / "error.log"
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            [nginx, "-e", str(log), "-c", str(folder / "nginx.conf")], stdout=said, stderr=said
        )
    try:
        ports = {"stripped": strips, "not stripped": keeps, "cached": caches}
        found = {name: Server(process, port, log) for name, port in ports.items()}

        def answers():
            assert process.poll() is None, log.read_text()
            try:
                return all(server.get("/charts/healthz").status == 200 for server in found.values())
            except OSError:
                return False

        until(lambda: direct.get("/readyz").status == 200)
        until(answers)
        yield found | {"direct": direct}
    finally:
        process.terminate()
        process.wait(20)


PLOTS = """
from plotroute import Plots, User

plots = Plots()


@plots.plot(ttl="forever")
def squares(ax, n: int = 9):
    ax.plot([x * x for x in range(n)])


@plots.plot("aged", ttl="forever", max_age="10m")
def aged(ax, n: int = 9):
    ax.plot([1, n])


@plots.plot(ttl="forever")
def mine(user: User | None = None):
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>{user}</text></svg>'.encode()
"""

HOW = pytest.mark.parametrize("how", ["stripped", "not stripped"])


@HOW
def test_behind_nginx_the_links_of_the_list_work_and_pictures_load(fronted, how):
    server = fronted[how]
    page = Page(server.get("/charts/").body.decode())
    assert page.pictures == ["/charts/plots/squares", "/charts/plots/aged", "/charts/plots/mine"]
    for link in page.pictures + page.links:
        assert server.get(link).status == 200
    drawn = server.get("/charts/plots/squares?n=5")
    assert (drawn.status, drawn.headers["Content-Type"]) == (200, "image/png")
    assert drawn.body.startswith(b"\x89PNG")
    (copied,) = re.findall(r'<img src="(\S*squares)"', page.text)
    assert server.get(copied).body == server.get("/charts/plots/squares").body

    for entry in json.loads(server.get("/charts/plots.json").body)["plots"]:
        for link in entry["links"].values():
            assert link is None or server.get(link).status == 200

    wrong = server.get("/charts/plots/squars", Accept="text/html")
    assert wrong.status == 404
    assert Page(wrong.body.decode()).links == [
        "/charts/plots/squares",
        "/charts/",
    ]  # the nearest, and the list


@HOW
def test_behind_nginx_what_was_drawn_is_a_hit_and_then_a_304(fronted, how):
    server = fronted[how]
    path = f"/charts/plots/squares.svg?n={len(how)}"
    drawn = [server.get(path) for _ in range(4)]
    assert [reply.headers["Cache-Status"] for reply in drawn[1:]] == ["plotroute; hit"] * 3
    assert len({reply.body for reply in drawn}) == 1
    assert server.get(path, If_None_Match=drawn[0].headers["ETag"]).status == 304
    assert fronted["direct"].get(path.removeprefix("/charts")).body == drawn[0].body


@pytest.mark.parametrize("plot", ["aged", "squares", "aged.svg"])
def test_an_nginx_that_caches_gives_each_browser_a_picture_or_its_own_304(fronted, plot):
    path = f"/charts/plots/{plot}?n=7"
    drawn = fronted["direct"].get(path)
    has = {"If_None_Match": drawn.headers["ETag"]}
    server = fronted["cached"]
    # First a browser that has the picture from another time: its 304 is for no other.
    for _ in range(2):
        assert server.get(path, **has).status == 304
    for _ in range(2):
        reply = server.get(path)
        assert (reply.status, reply.body) == (200, drawn.body)
    assert server.get(path, **has).status == 304
    assert server.get(path, If_None_Match='W/"another"').body == drawn.body


def test_authors_see_their_plots_under_a_path_as_well(start_server, write_plots):
    server = start_server(str(write_plots(PLOTS)), command="dev", arguments=["--base-url", "/user/ann/proxy"])
    try:
        until(lambda: server.get("/readyz").status == 200)
        page = Page(server.get("/user/ann/proxy/").body.decode())
        assert page.pictures[0] == "/user/ann/proxy/plots/squares"
        assert server.get(page.pictures[0]).status == 200
    finally:
        server.stop()


def named(reply):
    assert reply.status == 200
    return re.search(rb"<text>(.*)</text>", reply.body)[1].decode()


@HOW
def test_behind_nginx_the_user_is_whom_nginx_names(fronted, how):
    server = fronted[how]
    for _ in range(3):
        for name in ("ann", "bob"):
            assert named(server.get(f"/charts/plots/mine.svg?_login={name}")) == name
            assert named(said(server.port, f"/charts/plots/mine.svg?_login={name}", (USER, "root"))) == name


@HOW
@pytest.mark.parametrize("spelling", [USER, "X_Forwarded_User", "x-forwarded_user", "X_FORWARDED-USER"])
def test_behind_nginx_no_reader_can_say_who_they_are(fronted, how, spelling):
    assert named(said(fronted[how].port, "/charts/plots/mine.svg", (spelling, "root"))) == "None"


def test_a_stranger_who_comes_to_the_port_itself_is_nobody(fronted):
    port = fronted["direct"].port
    # From an address of this machine's that is not trusted, and then from the one that is.
    for spelling in (USER, "X_Forwarded_User"):
        headers = [(spelling, "root"), ("X-Forwarded-For", "127.0.0.1")]
        for sent in (headers, headers[:1]):
            assert named(said(port, "/plots/mine.svg", *sent, source="127.0.0.2")) == "None"
    assert named(said(port, "/plots/mine.svg", (USER, "root"))) == "root"


def test_a_name_that_was_sent_twice_names_nobody(fronted):
    port = fronted["direct"].port
    for names in (("ann", "root"), ("ann", "ann"), ("", "root"), ("root", "")):
        assert named(said(port, "/plots/mine.svg", *((USER, name) for name in names))) == "None"


def said(port, path, *headers, source="127.0.0.1"):
    """Return the answer to a request, its headers spelled and repeated as they are, from an address of ours."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(source, 0))
    try:
        connection.putrequest("GET", path)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return Reply(answer.status, answer.headers, answer.read())
    finally:
        connection.close()
