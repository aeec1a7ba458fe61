"""The command line: dev, serve, list, draw, purge, new.

`serve` and `dev` only start other processes. What those processes need is imported there and not here.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from plotroute import __version__, settings
from plotroute.catalog import author_code
from plotroute.errors import AnswerError, RenderTimeout, SetupError
from plotroute.logs import set_up_logging
from plotroute.serve import server
from plotroute.serve.config import Service

if TYPE_CHECKING:
    from plotroute.pipeline import Pipeline

C = TypeVar("C", bound=Callable[..., Any])

_STARTER = '''\
import matplotlib.pyplot as plt
import numpy as np
from plotroute import Plots

plots = Plots()


@plots.plot
def wave(ax, frequency=1.0, color="tab:blue"):
    """A sine wave."""
    x = np.linspace(0, 2 * np.pi, 500)
    ax.plot(x, np.sin(frequency * x), color=color)
    ax.set(xlabel="x", ylabel=f"sin({frequency:g} x)")
'''


def _targets(command: C) -> C:
    return click.argument("paths", nargs=-1, metavar="[PATH]...")(command)


def _with_settings(command: C) -> C:
    """Add a flag for every row of the settings' table; the flag of a former name is not in the help."""
    for row in reversed(settings.TABLE):
        if row.former_name:
            command = click.option(settings.flag_of(row.former_name), row.former_name, hidden=True)(command)
        if row.type is bool:
            names = f"{row.flag}/--no-{row.flag[2:]}"
            command = click.option(names, row.name, default=None, help=f"{row.help} [{row.variable}]")(
                command
            )
        else:
            text = f"{row.help} [{row.variable}, default {row.default if row.default != '' else 'none'}]"
            command = click.option(row.flag, row.name, metavar=row.type.__name__.upper(), help=text)(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="plotroute")
def main() -> None:
    """Every plot gets a URL.

    PATH is a Python file, a folder of them, or module:plots; by default plots.py.
    """


@main.command()
@_targets
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on: loopback only.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port; by default 5000, or the next free one.")
@click.option(
    "--site", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder of a front end."
)
@_with_settings
def dev(paths: tuple[str, ...], host: str, port: int | None, site: Path | None, **flags: Any) -> None:
    """Show your plots while you write them: the next request shows a saved file."""
    set_up_logging()
    in_force = settings.resolve(flags, os.environ)
    service = Service(_absolute(paths), in_force, site.resolve() if site else None, development=True)
    sys.exit(server.develop(service, host, port))


@main.command()
@_targets
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=5000,
    envvar="PORT",
    show_default=True,
    show_envvar=True,
    help="Port to listen on.",
)
@click.option(
    "--site", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder of a front end."
)
@_with_settings
def serve(paths: tuple[str, ...], host: str, port: int, site: Path | None, **flags: Any) -> None:
    """Serve plots, in production."""
    set_up_logging()
    in_force = settings.resolve(flags, os.environ)
    service = Service(_absolute(paths), in_force, site.resolve() if site else None)
    sys.exit(server.serve(service, host, port))


@main.command("list")
@_targets
def list_(paths: tuple[str, ...]) -> None:
    """List the plots, their addresses and parameters."""
    manifest = _pipeline(paths).manifest()
    for plot in manifest.plots:
        if plot.adhoc:
            continue
        click.echo(click.style(plot.addresses[0], bold=True) + f"  {plot.title}")
        for alias in (*plot.addresses[1:], *plot.also):
            click.echo(f"    also {alias}")
        for parameter in plot.params:
            kind = f"list of {parameter.kind}" if parameter.many else parameter.kind
            if parameter.choices:
                kind = "|".join(str(choice) for choice in parameter.choices)
            default = "required" if parameter.required else f"default {parameter.default}"
            click.echo(f"    {parameter.name}: {kind}, {default}  {parameter.description}".rstrip())


@main.command()
@click.argument("name")
@_targets
@click.option("-p", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter, as in the URL.")
@click.option(
    "-o",
    "output",
    type=click.Path(dir_okay=False),
    help="File to write; its suffix is the format. - writes to stdout.",
)
def draw(name: str, paths: tuple[str, ...], parameters: tuple[str, ...], output: str | None) -> None:
    """Draw the plot NAME into a file. The picture is the same as at its URL.

    plotroute draw breast_cancer_data/correlation_matrix -p method=spearman -o matrix.png
    """
    from plotroute.model import IMAGE_TYPES
    from plotroute.pipeline import IncomingRequest
    from plotroute.routing import routes

    for text in parameters:
        if "=" not in text:
            raise click.UsageError(f"-p {text}: write NAME=VALUE")
    query = [(key, value) for key, _, value in (text.partition("=") for text in parameters)]
    suffix = Path(output).suffix[1:].lower() if output and output != "-" else ""
    suffix = {"jpeg": "jpg"}.get(suffix, suffix)
    if suffix and suffix not in IMAGE_TYPES:
        raise click.UsageError(
            f"-o {output}: the suffix must be one of {', '.join('.' + s for s in IMAGE_TYPES)}"
        )
    target = Path(output).absolute() if output and output != "-" else None
    # The author's code may print, and its output must not get into a picture on stdout.
    with contextlib.redirect_stdout(sys.stderr if output == "-" else sys.stdout):
        pipeline = _pipeline(paths)
        manifest = pipeline.manifest()
        found = routes.by_name(manifest, name, suffix or None)
        users = {parameter.name for parameter in found.plot.users}
        request = IncomingRequest(
            manifest=manifest,
            match=found,
            query=[(key, value) for key, value in query if key not in users],
            user=next((value for key, value in query if key in users), None),
            request_id="draw",
        )
        wanted = pipeline.prepare(request)
        image = pipeline.image(wanted).image
    if output == "-":
        sys.stdout.buffer.write(image.body)
        return
    if target is None:
        stem = found.plot.name.rpartition("/")[2].removesuffix(f".{wanted.job.format}").strip("<>")
        kinds = {kind: format for format, kind in IMAGE_TYPES.items()}
        target = Path(_started_in) / f"{stem}.{kinds[image.type]}"
    _write(target, image.body)
    click.echo(f"{target}: {image!r}")


@main.command()
@click.argument("name")
@click.option(
    "--cache-dir",
    envvar="PLOTROUTE_CACHE_DIR",
    required=True,
    show_envvar=True,
    type=click.Path(file_okay=False, exists=True),
    help="The `cache_dir` of the servers.",
)
def purge(name: str, cache_dir: str) -> None:
    """Forget every picture of the plot NAME, on the disk and in the servers that share the directory.

    plotroute purge sales/revenue --cache-dir /var/cache/plots

    Use it for a picture that is wrong although nothing that plotroute watches has changed. Within two
    seconds, requests get a new picture, also from browsers that have the old one. Pictures that a server
    keeps in memory only are deleted by a restart.
    """
    from plotroute.cache.disk import on_disk

    set_up_logging()  # the cache logs why it refuses a directory of another user
    name = name.rstrip("/").removeprefix("/plots/").removeprefix("plots/")
    try:
        number = on_disk(Path(cache_dir), settings.Settings().cache_disk).purge(name)
    except OSError as error:
        raise click.ClickException(f"Nothing is purged: {cache_dir} cannot be written: {error}.") from None
    pictures = "picture" if number == 1 else "pictures"
    click.echo(f"Forgot {number} {pictures} of {name}; the next request draws a new one.")


@main.command()
@click.argument("path", default="plots.py", type=click.Path(dir_okay=False, path_type=Path))
def new(path: Path) -> None:
    """Write a first plots file to PATH (by default plots.py)."""
    if path.exists():
        raise click.ClickException(f"{path} exists; name another file: plotroute new my_plots.py")
    _write(path, _STARTER.encode())
    argument = "" if path.name == "plots.py" and len(path.parts) == 1 else f" {path}"
    click.echo(f"Wrote {path}. Now run:  plotroute dev{argument}")


_started_in = os.getcwd()


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from None


def _absolute(paths: tuple[str, ...]) -> tuple[str, ...]:
    """Return the targets as absolute ones, because the other processes have other directories."""
    return author_code.absolute(paths or ("plots.py",))


def _pipeline(paths: tuple[str, ...]) -> Pipeline:
    from plotroute.serve.factory import make_pipeline

    server.own_matplotlib_directory()
    return make_pipeline(Service(_absolute(paths), settings.resolve(environment=os.environ)))


def run() -> None:
    """Run the command line. An error that says its cure is shown without a traceback."""
    try:
        main(standalone_mode=False)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except SetupError as error:
        click.echo(f"{getattr(error, 'detail', '')}\n{error}".strip(), err=True)
        sys.exit(2)
    except AnswerError as error:
        wrong = (f"{e['parameter']}: {e['message']}" for e in error.members.get("errors", ()))
        click.echo("\n".join([error.title, *wrong]), err=True)
        if error.detail:
            click.echo(error.detail, err=True)
        if isinstance(error, RenderTimeout):
            # The drawing goes on in its thread, and Python would wait for that thread at its exit.
            os._exit(1)
        sys.exit(1)
