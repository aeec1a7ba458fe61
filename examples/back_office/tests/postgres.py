"""A PostgreSQL of the tests' own: in a folder that is thrown away, on a Unix socket and no port."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

MISSING = """There is no PostgreSQL server here (neither on the PATH nor in /usr/lib/postgresql).
Install it (Debian, Ubuntu):  sudo apt-get update && sudo apt-get install postgresql"""


@contextmanager
def running():
    """Run a server with an empty database; its address is what SQLAlchemy takes."""
    postgres, initdb, pg_isready = (program(name) for name in ("postgres", "initdb", "pg_isready"))
    account = other_account()
    folder = Path(tempfile.mkdtemp(prefix="backoffice-"))
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
    as_account = {"cwd": folder}
    if account:
        as_account |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    data, log = folder / "data", folder / "log"
    try:
        make = [initdb, "-D", data, "-U", "backoffice", "--auth=trust", "-E", "UTF8", "--no-locale", "-N"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, **as_account)
        with log.open("w") as output:
            # The data may be lost in a crash: `fsync` is off.
            server = subprocess.Popen(
                [postgres, "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
                stdout=output,
                stderr=subprocess.STDOUT,
                **as_account,
            )
        try:
            wait = [pg_isready, "-q", "-h", folder, "-U", "backoffice", "-d", "postgres", "-t", "1"]
            while subprocess.run(wait, check=False).returncode:
                if server.poll() is not None:
                    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
            yield f"postgresql+psycopg://backoffice@/postgres?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)  # without waiting for open connections
            server.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def program(name):
    found = shutil.which(name) or max(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda file: int(file.parts[4]), default=None
    )
    if found is None:
        raise RuntimeError(MISSING)
    return found


ACCOUNTS = ("postgres", "nobody")


def other_account():
    """Return the account of the server if the tests run as root, as which PostgreSQL refuses to run."""
    if os.getuid():
        return None
    for name in ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError(f"PostgreSQL does not run as root, and there is no account of {ACCOUNTS}.")
