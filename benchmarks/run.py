"""`make bench`: plotroute beside the plain Flask + Matplotlib view, in one run, as ratios.

Both are served by granian with one process, on this machine, each with the headers, log and threads it
ships with. Rounds alternate between the servers; a figure is the median of all requests of all rounds.
"""

import argparse
import http.client
import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
LINE = "/line.png?x=1,2,3,4&y=100,200,300,400"
MATRIX = "/matrix.png"


class Server:
    """A server process and one kept connection to it."""

    def __init__(self, *command: str, **environment: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port)],
            cwd=HERE,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        for _ in range(600):
            try:
                self.get(LINE)
                return
            except OSError:
                self.connection.close()
                time.sleep(0.1)
        raise SystemExit(f"{command} did not start")

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request("GET", path, headers=named)
        answer = self.connection.getresponse()
        answer.body = answer.read()
        return answer

    def seconds(self, times: int, path: str, status: int = 200, **headers: str) -> list[float]:
        found = []
        for _ in range(times):
            started = time.perf_counter()
            answer = self.get(path, **headers)
            found.append(time.perf_counter() - started)
            assert answer.status == status, (path, answer.status)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds per server (default 5)")
    rounds = parser.parse_args().rounds
    granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--log-level", "error"]
    serve = [sys.executable, "-m", "plotroute", "serve", "plots.py"]
    plain = Server(*granian, "plain_view:app")
    cold = Server(*serve, PLOTROUTE_CACHE_MEMORY="0")
    warm = Server(*serve)
    try:
        report(plain, cold, warm, rounds)
    finally:
        for server in (plain, cold, warm):
            server.process.terminate()
            server.process.wait()


def report(plain: Server, cold: Server, warm: Server, rounds: int) -> None:
    print(f"{'picture':8} {'plain view':>12} {'cold':>10} {'hit':>10} {'304':>10}   ratio to the plain view")
    for name, path, times in (("line", LINE, 40), ("matrix", MATRIX, 6)):
        same = plain.get(path).body == cold.get(path).body == warm.get(path).body
        etag = warm.get(path).headers["ETag"]
        found: dict[str, list[float]] = {"plain": [], "cold": [], "hit": [], "304": []}
        for _ in range(rounds):
            found["plain"] += plain.seconds(times, path)
            found["cold"] += cold.seconds(times, path)
            found["hit"] += warm.seconds(200, path)
            found["304"] += warm.seconds(200, path, 304, If_None_Match=etag)
        median = {key: statistics.median(values) * 1000 for key, values in found.items()}
        ratios = ", ".join(f"{key} {median['plain'] / median[key]:.2f}x" for key in ("cold", "hit", "304"))
        print(
            f"{name:8} {median['plain']:9.2f} ms {median['cold']:7.2f} ms {median['hit']:7.2f} ms "
            f"{median['304']:7.2f} ms   {ratios}{'' if same else '   PICTURES DIFFER'}"
        )


if __name__ == "__main__":
    main()
