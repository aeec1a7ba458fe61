"""The settings: one table of name, type, default, help and reason; flags, environment and docs read it.

A flag wins over the environment, the environment over Flask's config, that over the default.
"""

# Over 400 lines: each setting is a row of one table, with its reason, and the table is read as a whole.

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from plotroute.errors import BadSetting

PREFIX = "PLOTROUTE_"


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table."""

    name: str
    type: Any
    default: Any
    help: str
    reason: str
    least: float | None = None
    most: float | None = None
    check: Callable[[Any], Any] | None = None
    """Returns the value as it is kept, or says in a ValueError what is wrong with it."""

    @property
    def variable(self) -> str:
        """Its environment variable, which is its key in Flask's config as well."""
        return PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        """Its flag on the command line."""
        return "--" + self.name.replace("_", "-")


PATH = re.compile(
    r"(?:/(?!\.\.?(?:/|\Z))(?:[A-Za-z0-9._~@:+=-]|%(?!0|1|2[EeFf]|5[Cc]|7[Ff])[0-9A-Fa-f]{2})+)+"
)
"""A path that can stand in front of a link: nothing in it ends an attribute, names a host or climbs up."""

_ORIGIN = re.compile(
    r"(?i:https?)://(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?"
)


def _base_url(text: str) -> str:
    origin = _ORIGIN.match(text)
    path = text[origin.end() if origin else 0 :].removesuffix("/")
    if path and not PATH.fullmatch(path):
        raise ValueError(
            "it must be a URL such as https://example.org/charts or a path such as /charts, and no more"
        )
    _ = urlsplit(text).port  # says what is wrong with it
    return text.removesuffix("/")


def _trusted_proxies(text: str) -> str:
    from ipaddress import ip_network  # here, because most servers name none

    words = text.replace(",", " ").split()
    for word in words:
        if word not in ("*", "unix"):
            ip_network(word)
    return ", ".join(words)


def _header_name(text: str) -> str:
    if text and not re.fullmatch("[A-Za-z][A-Za-z0-9-]*", text):
        raise ValueError("it must be the name of a header, of letters, digits and hyphens")
    return text


TABLE = (
    Setting(
        "render_timeout",
        float,
        10.0,
        "Seconds a plot may take to draw; an author may set another per plot (`timeout=`).",
        "Proxies give up after 30 s (Heroku's router does); 10 + 8 to load + 10 in the queue stay below.",
        least=0.1,
        most=3600,
    ),
    Setting(
        "load_timeout",
        float,
        8.0,
        "Seconds a request waits for its datasets to load; the load itself goes on.",
        "Loading is not drawing: a slow database must not look like a slow plot.",
        least=0.1,
        most=3600,
    ),
    Setting(
        "import_timeout",
        float,
        30.0,
        "Seconds that importing the plots' files may take.",
        "An import that hangs must end a start and never stop reloading; seaborn on a slow disk takes ten.",
        least=0.1,
        most=3600,
    ),
    Setting(
        "body_timeout",
        float,
        10.0,
        "Seconds that the body of a request may take to arrive.",
        "A sender that trickles holds a thread; 2 MB in 10 s is slower than a phone of 2010.",
        least=0.1,
        most=3600,
    ),
    Setting(
        "queue_timeout",
        float,
        10.0,
        "Seconds a picture may wait for its turn to be drawn.",
        "An answer that says 'busy' helps more than one that comes after the reader has left.",
        least=0.1,
        most=3600,
    ),
    Setting(
        "drain_timeout",
        float,
        28.0,
        "Seconds that requests under way have to end when `serve` is told to stop; later ones get 503.",
        "The longest that a picture takes by default; Heroku kills after 30 s, and drops what is left.",
        least=2,
        most=3600,
    ),
    Setting(
        "renderer",
        str,
        "server",
        "Where plots are drawn: `server`, in processes of their own, or `inprocess`, in that of the server.",
        "In a process of its own a plot that loops, crashes or eats memory costs one error, not the server.",
    ),
    Setting(
        "renderers",
        int,
        0,
        "Render processes; 0: as many as the processors and the memory of this machine or container allow.",
        "A drawing keeps one processor busy; more processes than processors only wait for each other.",
        least=0,
        most=256,
    ),
    Setting(
        "render_memory",
        int,
        2**30,
        "Bytes of memory that a render process may use beyond what it begins with.",
        "A plain picture needs under 200 MB, one of a large frame or Altair up to 1 GB.",
        least=64 * 2**20,
    ),
    Setting(
        "recycle_after",
        int,
        200,
        "Pictures after which a render process is replaced (give or take a tenth).",
        "A figure that a plot forgets in a global keeps 2 MB; after 200 of them it is time for a new one.",
        least=1,
    ),
    Setting(
        "render_files",
        int,
        1024,
        "Files and connections that a render process may have open.",
        "What systems usually allow; a plot that opens more has forgotten to close them.",
        least=64,
    ),
    Setting(
        "render_writes",
        int,
        2**30,
        "Bytes of each file that a plot may write.",
        "One plot must not fill the disk for all.",
        least=2**20,
    ),
    Setting(
        "render_prints",
        int,
        64 * 1024,
        "Bytes that one drawing may print into the log.",
        "A loop that prints, or warns for every row, must not fill the disk.",
        least=1024,
    ),
    Setting(
        "allow_processes",
        bool,
        False,
        "Let plots start processes of their own (all are ended with the render process).",
        "A plot that needs none and starts one is a mistake or an attack: a fork bomb takes the machine.",
    ),
    Setting(
        "cache_memory",
        int,
        64 * 2**20,
        "Bytes of finished pictures kept in memory.",
        "About a thousand pictures of 60 kB; small beside one process that has imported pandas.",
        least=0,
    ),
    Setting(
        "cache_dir",
        str,
        "",
        "A directory that keeps finished pictures over restarts, for all servers that share it.",
        "A deploy then draws nothing again; without one nothing is ever written.",
    ),
    Setting(
        "cache_namespace",
        str,
        "",
        "A name for what this instance shows: instances of another name share no pictures with it.",
        "Two tenants with the same code and `cache_dir` have different data, which `ttl=` cannot tell.",
    ),
    Setting(
        "cache_disk",
        int,
        2**30,
        "Bytes of finished pictures kept in `cache_dir`.",
        "Some 15,000 pictures; those used longest ago go first.",
        least=2**20,
    ),
    Setting(
        "warm",
        str,
        "",
        'Plots to draw at the start and at every reload: "sales/revenue sales/map?region=EU".',
        "The first reader after a deploy should not wait for what everybody asks for.",
    ),
    Setting(
        "max_pixels",
        int,
        16_000_000,
        "Pixels a picture may have, dpr included; an author may allow more per plot (`max_pixels=`).",
        "16 megapixels take about 0.35 s and 65 MB to rasterise; a 4K screen has 8.",
        least=10_000,
        most=1_000_000_000,
    ),
    Setting(
        "max_output",
        int,
        20 * 2**20,
        "Bytes a finished picture may have.",
        "An SVG of 100,000 points has 10 MB; beyond 20 no browser is happy with it.",
        least=100_000,
    ),
    Setting(
        "max_url",
        int,
        8190,
        "Bytes a URL may have.",
        "What nginx and Apache allow by default; longer lists go into a POST.",
        least=256,
        most=65536,
    ),
    Setting(
        "max_body",
        int,
        2 * 2**20,
        "Bytes the body of a POST may have.",
        "100,000 points of about 20 characters.",
        least=1024,
    ),
    Setting(
        "error_pictures",
        bool,
        True,
        "Answer errors to an <img> with a picture that says what is wrong (off: always problem+json).",
        "A broken-image icon tells a reader nothing; a live site may prefer its own onerror.",
    ),
    Setting(
        "threads",
        int,
        256,
        "Threads that answer requests; seven eighths may wait for drawings. In a Flask app: those of one "
        "worker, if the web server does not say how many it has.",
        "Who waits holds a thread: 200 readers of one new picture wait together, and others are answered.",
        least=2,
        most=1024,
    ),
    Setting(
        "release",
        str,
        "",
        "A name for the deployed version, in place of a hash of the plots' files and their place: "
        "instances of one release are the same.",
        "Several machines, or a build that touches files, then agree on what is cached.",
    ),
    Setting(
        "ignored_config",
        str,
        "",
        "Keys of a Flask app's config that may differ between web workers and render processes: "
        '"STARTED, BUILD_*".',
        "A plot drawn in an app of another configuration shows another database's data, so it is refused.",
    ),
    Setting(
        "ignored_environment",
        str,
        "",
        "Environment variables that may differ between the web workers of a Flask app that share a render "
        'server: "WORKER_*".',
        "Workers of two environments do not share one, because their plots may read other databases.",
    ),
    Setting(
        "base_url",
        str,
        "",
        "Where readers see the server, `https://example.org/charts` or `/charts`: what links begin with.",
        "Behind a proxy that puts the server under a path, a link to `/plots` would lead out of it.",
        check=_base_url,
    ),
    Setting(
        "trusted_proxies",
        str,
        "",
        "Addresses and networks of proxies whose X-Forwarded-For, -Proto, -Host and -Prefix are believed: "
        '"127.0.0.1, 10.0.0.0/8"; `unix`: peers on a Unix socket; `*`: everybody.',
        "Anybody can send these headers; they say something only where a proxy of yours has set them.",
        check=_trusted_proxies,
    ),
    Setting(
        "user_header",
        str,
        "",
        "The header in which a trusted proxy names the user, such as `Remote-User`.",
        "A single sign-on stands in front of many servers; `trusted_proxies` says whose word counts.",
        check=_header_name,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings in force. The fields are the rows of `TABLE`, checked by a test."""

    render_timeout: float = 10.0
    load_timeout: float = 8.0
    import_timeout: float = 30.0
    body_timeout: float = 10.0
    queue_timeout: float = 10.0
    drain_timeout: float = 28.0
    renderer: str = "server"
    renderers: int = 0
    render_memory: int = 2**30
    recycle_after: int = 200
    render_files: int = 1024
    render_writes: int = 2**30
    render_prints: int = 64 * 1024
    allow_processes: bool = False
    cache_memory: int = 64 * 2**20
    cache_dir: str = ""
    cache_namespace: str = ""
    cache_disk: int = 2**30
    warm: str = ""
    max_pixels: int = 16_000_000
    max_output: int = 20 * 2**20
    max_url: int = 8190
    max_body: int = 2 * 2**20
    error_pictures: bool = True
    threads: int = 256
    release: str = ""
    ignored_config: str = ""
    ignored_environment: str = ""
    base_url: str = ""
    trusted_proxies: str = ""
    user_header: str = ""


def resolve(
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings in force: `flags` by name, the others by `PLOTROUTE_NAME`.

    BadSetting names the setting, where its value came from and what is allowed.
    """
    flags, environment, config = flags or {}, environment or {}, config or {}
    found: dict[str, Any] = {}
    for row in TABLE:
        if flags.get(row.name) is not None:
            found[row.name] = _check(row, flags[row.name], row.flag)
        elif row.variable in environment:
            found[row.name] = _check(row, environment[row.variable], f"the environment's {row.variable}")
        elif row.variable in config:
            found[row.name] = _check(row, config[row.variable], f"the app's config {row.variable!r}")
    known = {row.variable for row in TABLE} | RESERVED_VARIABLES
    for variable in (*environment, *config):
        if variable.startswith(PREFIX) and variable not in known:
            named = ", ".join(sorted(row.variable for row in TABLE))
            raise BadSetting(f"{variable} is not a setting; the settings are {named}.")
    settings = Settings(**found)
    if settings.renderer not in ("server", "inprocess"):
        raise BadSetting(f"renderer is {settings.renderer!r}, but must be server or inprocess.")
    if settings.user_header and not settings.trusted_proxies:
        raise BadSetting(
            f"user_header is {settings.user_header!r}, but trusted_proxies names nobody: every reader could "
            "send this header and be whoever they like. Name the proxy that sets it."
        )
    return settings


RESERVED_VARIABLES = {"PLOTROUTE_ROLE", "PLOTROUTE_SOCKET", "PLOTROUTE_PARENT"}
"""Variables that plotroute sets for its own processes: no settings of anybody's."""


def _check(row: Setting, value: Any, origin: str) -> Any:
    # Here, because a process that is handed its settings does without.
    from pydantic import TypeAdapter, ValidationError

    try:
        checked = TypeAdapter(row.type).validate_python(value)
    except ValidationError as error:
        raise BadSetting(f"{origin} is {value!r}: {error.errors()[0]['msg']}.") from None
    if row.least is not None and not checked >= row.least:
        raise BadSetting(f"{origin} is {value!r}, but must be at least {row.least:g}. {row.reason}")
    if row.most is not None and not checked <= row.most:
        raise BadSetting(f"{origin} is {value!r}, but must be at most {row.most:g}. {row.reason}")
    if row.check is not None:
        try:
            checked = row.check(checked)
        except ValueError as error:
            raise BadSetting(f"{origin} is {value!r}: {error}.") from None
    return checked


assert [field.name for field in fields(Settings)] == [row.name for row in TABLE]
