"""A PostgreSQL server of a test program's own: Debian's package, a temporary directory, a unix socket, never root.

With TEST_STORE=postgres every daemon of the tests has its ledger there, each state directory a database."""

import atexit
import contextlib
import ctypes
import glob
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1
NUMBER = re.compile(r"-?[0-9]{1,15}")
WANTED = os.environ.get("TEST_STORE") == "postgres"


def programs():
    """The newest that is installed; Debian keeps them out of $PATH. None: there is no server."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    return pathlib.Path(found[-1]).parent if found else None


def wait_for_state(pid, letter, seconds=30):
    """As proc_pid_stat(5) names it; who has ended is in every state."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            now = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if now in (letter, "Z"):
            return
        time.sleep(0.005)
    raise RuntimeError(f"process {pid} is not in state {letter} after {seconds} s")


def absent():
    """Why no server can run here; None: it can."""
    if not programs():
        return "no PostgreSQL server is installed: apt-get install postgresql"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "PostgreSQL does not run as root, and there is no user postgres"
    return None


class Server:
    shared = None

    def __init__(self, settings=(), address="", peers="", primary=None):
        """`settings`: lines of postgresql.conf. Durable unless they say otherwise. `address`: it listens there, too,
        and lets in whoever comes from `peers`. `primary`: it is a standby of that server, and follows it."""
        self.address = address
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ordo-postgres-"))
        self.data = self.dir / "data"
        self.user = {}
        if os.geteuid() == 0:
            who = pwd.getpwnam("postgres")
            os.chown(self.dir, who.pw_uid, who.pw_gid)
            self.user = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        self.dir.chmod(0o755)
        self.process = None
        self.n_databases = 0
        atexit.register(self.remove)
        if primary:
            self.run("pg_basebackup", "-D", self.data, "-h", primary.dir, "-U", "ordo", "-X", "stream", "-R", "-c",
                     "fast", "--no-sync")
        else:
            self.run("initdb", "-D", self.data, "-A", "trust", "-U", "ordo", "-E", "UTF8",
                     "--locale=C.UTF-8", "--no-sync")
        with open(self.data / "postgresql.conf", "a", encoding="ascii") as f:
            f.write("".join(line + "\n" for line in settings))
        if peers:
            with open(self.data / "pg_hba.conf", "a", encoding="ascii") as f:
                f.write(f"host all all {peers} trust\n")
        self.start()

    @classmethod
    def get(cls):
        """The one of this program."""
        if not cls.shared:
            cls.shared = cls()
        return cls.shared

    def run(self, program, *arguments):
        p = subprocess.run([programs() / program, *map(str, arguments)], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/",
                           check=False, **self.user)
        if p.returncode:
            raise RuntimeError(f"{program}: {p.stdout}")
        return p.stdout

    def start(self, wait=True):
        libc = ctypes.CDLL(None)
        log = open(self.dir / "log", "ab")
        with log:
            # In the child after the change of user, which would take it back: no server outlives the test.
            self.process = subprocess.Popen(
                [programs() / "postgres", "-D", self.data, "-k", self.dir, "-c",
                 f"listen_addresses={self.address}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT), **self.user)
        if wait:
            self.wait()

    def wait(self, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            if subprocess.run([programs() / "pg_isready", "-q", "-h", self.dir], check=False).returncode == 0:
                return
            time.sleep(0.02)
        raise RuntimeError(f"the server does not start:\n{(self.dir / 'log').read_text()}")

    def kill(self):
        """kill -9 of the postmaster and of all its children."""
        pid = self.process.pid
        self.process.send_signal(signal.SIGSTOP)  # or it would start everything anew
        wait_for_state(pid, "T")
        children = [int(c) for c in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for child in children:  # who holds the shared memory keeps the successor from starting
            wait_for_state(child, "Z")

    def promote(self):
        """From standby to primary; it takes writes afterwards."""
        self.run("pg_ctl", "promote", "-D", self.data, "-w")

    def running(self):
        """Starts it where a test that failed has left it away."""
        if self.process.poll() is not None:
            self.start()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # fast: ends the sessions
            self.process.wait()

    def remove(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def url(self, database, directory=None):
        return f"postgresql:///{database}?host={directory or self.dir}&user=ordo"

    def database(self):
        """The name of a new, empty one."""
        self.n_databases += 1
        name = f"ledger{self.n_databases}"
        self.query("postgres", f"CREATE DATABASE {name} TEMPLATE template0")
        return name

    def query(self, database, statements):
        """The rows; what looks like a number is one."""
        p = subprocess.run([programs() / "psql", "-X", "-q", "-A", "-t", "-F", "\x1f", "-R", "\x1e", "-v",
                            "ON_ERROR_STOP=1", "-h", self.dir, "-U", "ordo", "-d", database, "-c", statements],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if p.returncode:
            raise RuntimeError(p.stderr)
        return [tuple(int(c) if NUMBER.fullmatch(c) else c for c in row.split("\x1f"))
                for row in p.stdout.rstrip("\n").split("\x1e") if row]


class Held:
    """Nobody writes the ledger until ROLLBACK, as of a connection of sqlite3."""

    def __init__(self, database):
        server = Server.get()
        self.psql = subprocess.Popen(
            [programs() / "psql", "-X", "-q", "-A", "-t", "-h", server.dir, "-U", "ordo", "-d", database],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def execute(self, statement):
        if statement == "BEGIN IMMEDIATE":
            statement = "BEGIN; SELECT 'held' FROM killswitch_epoch FOR UPDATE"
        self.psql.stdin.write(statement + ";\\echo done\n")
        self.psql.stdin.flush()
        while self.psql.stdout.readline() not in ("done\n", ""):
            pass

    def close(self):
        self.psql.stdin.close()
        self.psql.wait()
        self.psql.stdout.close()


STATES = {}


def url_for(state):
    """The database of this state directory."""
    if state not in STATES:
        STATES[state] = Server.get().database()
    return Server.get().url(STATES[state])


def query(state, statements):
    return Server.get().query(STATES[state], statements)
