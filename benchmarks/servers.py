"""The servers that stand side by side: each on a free port of loopback, and ended whatever happens."""

import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from string import Template

from clients import HOST, Answer, Connection
from processes import of_session

HERE = Path(__file__).parent
_STARTS_WITHIN = 60.0
# After so many seconds it is told again, and after so many more killed.
_ENDS_WITHIN, _ENDS_AT_ONCE_WITHIN = 3.0, 2.0
# Headers that nginx and the bare callable write themselves, or that name the other's picture.
_OWN_HEADERS = {"date", "server", "content-length", "connection", "keep-alive", "x-request-id"}

NGINX_CONFIGURATION = Template("""\
daemon off;
$user
worker_processes 1;
pid $folder/pid;
error_log $folder/error.log;
events {}
http {
    types { image/png png; }
    sendfile on;
    tcp_nopush on;
    access_log $folder/access.log;  # the format and the lack of a buffer are nginx's own default
    keepalive_requests 1000000000;
    client_body_temp_path $folder/body;
    proxy_temp_path $folder/proxy;
    fastcgi_temp_path $folder/fastcgi;
    uwsgi_temp_path $folder/uwsgi;
    scgi_temp_path $folder/scgi;
    server {
        listen $host:$port;
        root $folder/root;
$headers
    }
}
""")


class Server:
    """A server and all its processes, in a session of their own: a context manager."""

    def __init__(self, command: Callable[[int, Path], list[str]], **environment: str) -> None:
        """`command` is given the port and a folder that is removed with the server."""
        self._command = command
        self._environment = environment

    def __enter__(self) -> "Server":
        self.folder = Path(tempfile.mkdtemp(prefix="plotroute-bench-"))
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            self.port = probe.getsockname()[1]
        # The settings in the caller's environment must not change what is measured.
        # The folder is for bare.py and plots.py.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PLOTROUTE_")}
        self.log = self.folder / "log"
        with self.log.open("wb") as log:
            self.started = time.perf_counter()
            self._process = subprocess.Popen(
                self._command(self.port, self.folder),
                cwd=HERE,
                env={**kept, **self._environment, "BENCH_FOLDER": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.session = self._process.pid
        return self

    def __exit__(self, *_: object) -> None:
        for patience in (_ENDS_WITHIN, _ENDS_AT_ONCE_WITHIN):
            self._process.terminate()
            try:
                self._process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
        for left in of_session(self.session):
            os.kill(left.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait_for(self, path: str, *statuses: int) -> float:
        """Ask until it answers with one of these, or with anything; return the seconds since its start."""
        while time.perf_counter() - self.started < _STARTS_WITHIN and self._process.poll() is None:
            try:
                with Connection(self.port) as client:
                    answer = client.ask(path)
                if not statuses or answer.status in statuses:
                    return time.perf_counter() - self.started
            except OSError:
                pass
            time.sleep(0.005)
        raise SystemExit(f"{path} was not answered as it should be:\n{self.log.read_text()[-2000:]}")


def plotroute(**settings: object) -> Server:
    """`plotroute serve` as shipped, but for these settings; its log goes into a file."""
    environment = {f"PLOTROUTE_{name.upper()}": str(value) for name, value in settings.items()}
    return Server(lambda port, _: _python("plotroute", "serve", "plots.py", "--port", port), **environment)


def plain(workers: int = 1) -> Server:
    """The view that everyone copies, on granian, in so many processes, each drawing one picture at a time.

    So it is quickest, and smallest: in the 512 threads that granian ships with, drawings would fight for
    one interpreter, and each thread keep its own fonts.
    """
    options = ("--workers", workers, "--blocking-threads", 1)
    return Server(lambda port, _: _granian("plain_view:app", *options, "--port", port))


def bare(answer: Answer, *options: object) -> Server:
    """The least that a WSGI callable can do: this very answer, from memory. No log."""

    def command(port: int, folder: Path) -> list[str]:
        spelled = json.dumps({"headers": answer.headers, "body": answer.body.hex()})
        (folder / "answer.json").write_text(spelled)
        return _granian("bare:app", *options, "--port", port)

    return Server(command)


def host(answer: Answer, threads: int) -> Server:
    """A Flask app with plots in it, and with the answer's bytes as a static file, on granian: one worker."""

    def command(port: int, folder: Path) -> list[str]:
        (folder / "static").mkdir()
        (folder / "static" / "line.png").write_bytes(answer.body)
        return _granian("host_app:app", "--blocking-threads", threads, "--port", port)

    return Server(command)


def _granian(target: str, *options: object) -> list[str]:
    return _python("granian", target, "--interface", "wsgi", "--no-ws", "--log-level", "error", *options)


def _python(module: str, *words: object) -> list[str]:
    return [sys.executable, "-m", module, *map(str, words)]


def find_nginx() -> str | None:
    return shutil.which("nginx", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin")


def nginx(answer: Answer, name: str) -> Server:
    """One worker of nginx with the answer's bytes as the file `name`, and the answer's headers.

    The log is on and not buffered, as nginx ships. ETag and Content-Type are its own.
    """
    left_out = _OWN_HEADERS | {"etag", "content-type"}
    headers = [f"add_header {n} '{v}';" for n, v in answer.headers.items() if n not in left_out]
    headers.append("add_header x-request-id $request_id;")

    def command(port: int, folder: Path) -> list[str]:
        (folder / "root").mkdir()
        (folder / "root" / name).write_bytes(answer.body)
        configuration = NGINX_CONFIGURATION.substitute(
            # Its worker would run as another user, which may not read the folder.
            user=f"user {getpass.getuser()};" if os.getuid() == 0 else "",
            host=HOST,
            port=port,
            folder=folder,
            headers="\n".join(f"        {header}" for header in headers),
        )
        (folder / "nginx.conf").write_text(configuration)
        return [find_nginx() or "nginx", "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]

    return Server(command)
