"""The table of settings: name, type, default, help and reason of each; flags and docs read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plotroute.settings import checks

PREFIX = "PLOTROUTE_"


def variable_of(name: str) -> str:
    """Return the environment variable of a setting, which is its key in a Flask app's config as well."""
    return PREFIX + name.upper()


def flag_of(name: str) -> str:
    """Return the flag of a setting on the command line."""
    return "--" + name.replace("_", "-")


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
    """Returns the value to keep, or raises a ValueError that says what is wrong with the one given."""
    former_name: str = ""
    """The name before a renaming: its flag, variable and config key are still read."""

    @property
    def variable(self) -> str:
        """The environment variable, and the key in a Flask app's config."""
        return variable_of(self.name)

    @property
    def flag(self) -> str:
        """The flag on the command line."""
        return flag_of(self.name)

    @property
    def names(self) -> tuple[str, ...]:
        """The name and, if there is one, the former name."""
        return (self.name, self.former_name) if self.former_name else (self.name,)


TABLE = (
    Setting(
        "render_timeout",
        float,
        10.0,
        "Seconds a plot may take to draw; an author may set another per plot (`timeout=`).",
        "Proxies give up after 30 s (Heroku's router does). 10 s to draw, 8 to load and 10 in the queue are "
        "less.",
        least=0.1,
        most=3600,
    ),
    Setting(
        "load_timeout",
        float,
        8.0,
        "Seconds a request waits for its datasets to load. The load goes on after that.",
        "Loading is not drawing: a slow database must not look like a slow plot.",
        least=0.1,
        most=3600,
    ),
    Setting(
        "import_timeout",
        float,
        30.0,
        "Seconds that importing the plots' files may take.",
        "An import that hangs must end the start, and must not stop later reloads. seaborn on a slow disk "
        "takes 10 s.",
        least=0.1,
        most=3600,
    ),
    Setting(
        "body_timeout",
        float,
        10.0,
        "Seconds that the body of a request may take to arrive.",
        "A client that sends slowly occupies a thread. 2 MB in 10 s is slower than a phone of 2010.",
        least=0.1,
        most=3600,
    ),
    Setting(
        "queue_timeout",
        float,
        10.0,
        "Seconds a picture may wait for its turn to be drawn.",
        "A quick 'busy' helps a reader more than a picture that comes after the reader has left.",
        least=0.1,
        most=3600,
    ),
    Setting(
        "drain_timeout",
        float,
        28.0,
        "Seconds that running requests have to finish after `serve` is told to stop; later requests get 503.",
        "A picture takes at most 28 s by default. Heroku kills after 30 s and drops the open requests.",
        least=2,
        most=3600,
    ),
    Setting(
        "render_mode",
        str,
        "server",
        "Where plots are drawn: `server`, in render processes; `inprocess`, in the process of the web "
        "server.",
        "In a render process, a plot that loops, crashes or eats memory costs one error, not the server.",
        former_name="renderer",
    ),
    Setting(
        "render_processes",
        int,
        0,
        "Number of render processes; 0: as many as the processors and the memory of this machine or "
        "container allow.",
        "A drawing keeps one processor busy; more processes than processors only wait for each other.",
        least=0,
        most=256,
        former_name="renderers",
    ),
    Setting(
        "render_memory",
        int,
        2**30,
        "Bytes of memory that a render process may use beyond what it uses at its start.",
        "A plain picture needs under 200 MB; a large frame or Altair needs up to 1 GB.",
        least=64 * 2**20,
    ),
    Setting(
        "recycle_after",
        int,
        200,
        "Number of pictures after which a render process is replaced (plus or minus a tenth).",
        "A figure that a plot leaves in a global variable keeps 2 MB: 400 MB after 200 pictures.",
        least=1,
    ),
    Setting(
        "render_files",
        int,
        1024,
        "Files and connections that a render process may have open.",
        "Most systems allow 1,024. A plot that has more open has forgotten to close them.",
        least=64,
    ),
    Setting(
        "render_writes",
        int,
        2**30,
        "Bytes of each file that a plot may write.",
        "One plot must not fill the disk, which all plots and the server share.",
        least=2**20,
    ),
    Setting(
        "render_prints",
        int,
        64 * 1024,
        "Bytes that a plot may print into the log while one picture is drawn.",
        "A loop that prints, or warns for every row, must not fill the disk.",
        least=1024,
    ),
    Setting(
        "allow_processes",
        bool,
        False,
        "Let plots start processes. They all end with the render process.",
        "A plot rarely needs one. By mistake or on purpose, a fork bomb takes the whole machine.",
    ),
    Setting(
        "cache_memory",
        int,
        64 * 2**20,
        "Bytes of finished pictures kept in memory.",
        "About a thousand pictures of 60 kB. One process that has imported pandas needs more.",
        least=0,
    ),
    Setting(
        "cache_dir",
        str,
        "",
        "A directory that keeps finished pictures across restarts. Several servers may share it.",
        "With it, no picture is drawn again after a deploy. Without it, plotroute writes no pictures to a "
        "disk.",
    ),
    Setting(
        "cache_namespace",
        str,
        "",
        "A name for the data of this instance: instances with different names share no pictures.",
        "Two tenants with the same code and `cache_dir` have different data, and `ttl=` does not tell them "
        "apart.",
    ),
    Setting(
        "cache_disk",
        int,
        2**30,
        "Bytes of finished pictures kept in `cache_dir`.",
        "About 15,000 pictures. The least recently used pictures are evicted first.",
        least=2**20,
    ),
    Setting(
        "warm",
        str,
        "",
        'Plots to draw at the start and after every reload: "sales/revenue sales/map?region=EU".',
        "After a deploy, the first reader should not wait for the plots that are on every page.",
    ),
    Setting(
        "max_pixels",
        int,
        16_000_000,
        "Pixels a picture may have, with `dpr` counted in; an author may allow more per plot "
        "(`max_pixels=`).",
        "16 megapixels take about 0.35 s and 65 MB to rasterise; a 4K screen has 8.",
        least=10_000,
        most=1_000_000_000,
    ),
    Setting(
        "max_output",
        int,
        20 * 2**20,
        "Bytes a finished picture may have.",
        "An SVG of 100,000 points has 10 MB; browsers are slow with more than 20 MB.",
        least=100_000,
    ),
    Setting(
        "max_url",
        int,
        8190,
        "Bytes a URL may have.",
        "nginx and Apache allow 8,190 by default. A longer list of values can be sent in a POST.",
        least=256,
        most=65536,
    ),
    Setting(
        "max_body",
        int,
        2 * 2**20,
        "Bytes the body of a POST may have.",
        "100,000 points of about 20 characters each.",
        least=1024,
    ),
    Setting(
        "error_pictures",
        bool,
        True,
        "Answer an error of an <img> with a picture that says what is wrong (off: always with problem+json).",
        "A broken-image icon tells a reader nothing. Switch it off where your pages have their own "
        "`onerror`.",
    ),
    Setting(
        "threads",
        int,
        256,
        "Threads that answer requests; seven eighths of them may wait for drawings. In a Flask app: the "
        "threads "
        "of one worker, if the web server does not say how many it has.",
        "A request that waits occupies a thread. With 256, 200 readers wait for one new picture while other "
        "requests are answered.",
        least=2,
        most=1024,
    ),
    Setting(
        "release",
        str,
        "",
        "A name for the deployed version, in place of a hash of the plots' files and their location: "
        "instances with the same release share pictures.",
        "Several machines, or a build that changes files, then use the same cache keys.",
    ),
    Setting(
        "ignored_config",
        str,
        "",
        "Keys of a Flask app's config that may differ between web workers and render processes: "
        '"STARTED, BUILD_*".',
        "An app with another configuration may draw from another database, so a difference is an error.",
    ),
    Setting(
        "ignored_environment",
        str,
        "",
        "Environment variables that may differ between the web workers of a Flask app that share a render "
        'server: "WORKER_*".',
        "Workers with different environments do not share one, because their plots may read other databases.",
    ),
    Setting(
        "base_url",
        str,
        "",
        "The address at which readers see the server, `https://example.org/charts` or `/charts`; links "
        "begin with it.",
        "Behind a proxy that puts the server under a path, a link to `/plots` would lead out of that path.",
        check=checks.base_url,
    ),
    Setting(
        "trusted_proxies",
        str,
        "",
        "Addresses and networks of proxies whose X-Forwarded-For, -Proto, -Host and -Prefix are believed: "
        '"127.0.0.1, 10.0.0.0/8"; `unix`: peers on a Unix socket; `*`: every client.',
        "Any client can send these headers; they can be believed only if a proxy of yours has set them.",
        check=checks.trusted_proxies,
    ),
    Setting(
        "user_header",
        str,
        "",
        "The header in which a trusted proxy names the user, such as `Remote-User`.",
        "A single sign-on proxy may stand in front of the server. Only `trusted_proxies` are believed.",
        check=checks.header_name,
    ),
)
