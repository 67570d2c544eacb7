"""A running ordod for tests, and a client of its API. Standard library only.

ORDO_BUILD names the build directory (meson sets it); each daemon gets its own state directory and port.
"""

import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid

import postgres

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ORDO_BUILD", SOURCE / "build"))
SLOW = float(os.environ.get("TEST_SLOW", "1"))  # sanitizers and valgrind wait longer


PORTS = range(10000, 32768)  # below those that the kernel gives to connections by itself
RESERVED = []


def free_port():
    """A port for this program alone, also while its daemon is down between a stop and a start.

    Every program of the tests asks here: a name in the abstract namespace says that a port is taken, and goes
    with the program."""
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        name = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError), socket.socket() as s:
            name.bind(f"\0ordo-test-port-{port}")
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", port))
            RESERVED.append(name)
            return port
        name.close()
    raise RuntimeError("no port is free")


def listening(family=socket.AF_INET, address=("127.0.0.1", 0)):
    """A socket as systemd makes it."""
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(address)
    s.listen(socket.SOMAXCONN)
    return s


class Manager:
    """The service manager's end of $NOTIFY_SOCKET: what a daemon said, in order, with the time."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="ordo-manager-")
        self.path = os.path.join(self.dir, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.heard = []
        self.caught_up = threading.Event()
        # Always read: the socket holds ten messages, and whoever sends the next one waits.
        threading.Thread(target=self.hear, daemon=True).start()

    def hear(self):
        while message := self.socket.recv(4096).decode():
            if message == "caught up":
                self.caught_up.set()
            else:
                self.heard.append((time.monotonic(), message))

    def listen(self):
        """Everything that was sent before this call."""
        self.caught_up.clear()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"caught up", self.path)
        self.caught_up.wait(20 * SLOW)
        return [m for _, m in list(self.heard)]

    def lines(self, name):
        """The values of all assignments to `name`."""
        return [line.partition("=")[2] for m in self.listen() for line in m.split("\n")
                if line.startswith(name + "=")]

    def times(self, message):
        self.listen()
        return [t for t, m in list(self.heard) if m == message]

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        shutil.rmtree(self.dir, ignore_errors=True)


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.raw = body

    @property
    def json(self):
        return json.loads(self.raw)

    def __repr__(self):
        return f"{self.status} {self.raw[:400]!r}"


# The brokers' tokens of the simulator are of this form; nothing else of the tests is.
JWT = re.compile(rb"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.")
# A browser's address carries the key, because the broker wants it there.
LOGIN_URL = re.compile(rb'"login_url":"[^"]*"')
SECRET_OPTIONS = ("_API_KEY", "_API_SECRET", "_PASSWORD", "_TOTP_SECRET")


class Daemon:
    """ordod with its own state. `env` holds ORDO_* options beside those every test needs.

    Whatever a test is about: no credential of a broker and no token is in an answer, in a record, or
    readable in the state directory."""

    def __init__(self, accounts="paper:demo,paper:second", env=None, state=None, wrapper=(),
                 sockets=()):
        """`sockets`: listening ones that it inherits, as from systemd; they stay with the caller."""
        self.own_state = state is None
        self.state = pathlib.Path(state or tempfile.mkdtemp(prefix="ordo-test-"))
        self.port = free_port()
        self.wrapper = list(wrapper)
        self.sockets = list(sockets)
        self.env = {
            "PATH": os.environ["PATH"],
            "ORDO_STATE_DIR": str(self.state),
            "ORDO_MARKET_DIR": str(SOURCE / "data/market"),
            "ORDO_MIGRATIONS_DIR": str(SOURCE / "migrations"),
            "ORDO_ACCOUNTS": accounts,
            "ORDO_LISTEN": f"127.0.0.1:{self.port}",
            "ORDO_LOG": "json",
            "ORDO_API_RATE": "0",
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.env.setdefault("LSAN_OPTIONS", f"suppressions={SOURCE / 'tests/integration/lsan.supp'}"
                                            ":print_suppressions=0")
        if postgres.WANTED:
            self.env["ORDO_DATABASE_URL"] = postgres.url_for(self.state)
            self.env["ORDO_AUTO_MIGRATE"] = "yes"
        if self.sockets:
            del self.env["ORDO_LISTEN"]
            inherit = "".join(f"exec {3 + i}<&{s.fileno()}; " for i, s in enumerate(self.sockets))
            self.wrapper += ["bash", "-c", f'{inherit}LISTEN_PID=$$ exec "$0" "$@"']
            self.env["LISTEN_FDS"] = str(len(self.sockets))
            self.env["LISTEN_FDNAMES"] = ":".join(["http"] * len(self.sockets))
            for s in self.sockets:
                if s.family == socket.AF_INET:
                    self.port = s.getsockname()[1]
        self.env.update(env or {})
        for a in (a for a in accounts.split(",") if a.startswith("paper:")):
            self.env.setdefault(f"ORDO_{a.replace(':', '_').upper()}_MARKET", "static")
        self.process = None
        self.connection = None
        self.log = self.state / "test.log"

    def start(self, wait=True):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.wrapper + [str(BUILD / "src/ordod")],
                env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[s.fileno() for s in self.sockets])
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=15):
        end = time.monotonic() + seconds * SLOW
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"ordod ended with {self.process.returncode}:\n{self.log_text()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.get("/ready", token=None).status == 200 and self.accounts_ready():
                    return self
            time.sleep(0.01)
        raise RuntimeError(f"ordod is not ready:\n{self.log_text()}")

    def accounts_ready(self):
        s = self.get("/api/v1/status")
        return s.status == 200 and all(
            a["ready"] or a["session"] != "active" for a in s.json["accounts"])

    def stop(self, expect=0):
        self.close()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            code = self.process.wait(timeout=30 * SLOW)
            if code != expect:
                raise AssertionError(f"ordod ended with {code}:\n{self.log_text()}")
        self.process = None

    def kill(self):
        self.close()
        self.process.kill()
        self.process.wait()
        self.process = None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def cleanup(self):
        if self.process and self.process.poll() is None:
            self.kill()
        self.close()
        try:
            self.no_secret_left()
        finally:
            if self.own_state:
                shutil.rmtree(self.state, ignore_errors=True)

    def no_secret_in(self, where, data):
        for name, value in self.env.items():
            if name.endswith(SECRET_OPTIONS) and len(value) >= 8 and value.encode() in data:
                raise AssertionError(f"{name} is in {where}")
        if JWT.search(data):
            raise AssertionError(f"a broker's token is in {where}")

    def no_secret_left(self):
        for path in self.state.rglob("*"):
            if path.is_file() and path.name != "ordo.db.reserve":
                self.no_secret_in(str(path.relative_to(self.state)), path.read_bytes())

    @property
    def token(self):
        return (self.state / "api-token").read_text().strip()

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def log_text(self):
        return self.log.read_text(errors="replace")[-8000:] if self.log.exists() else ""

    def records(self, **fields):
        """Log records whose fields have these values."""
        found = []
        for line in self.log.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                record = json.loads(line)
                if all(record.get(k) == v for k, v in fields.items()):
                    found.append(record)
        return found

    # --- requests -------------------------------------------------------------------------------

    def request(self, method, path, body=None, headers=None, token="", raw=None, connection=None):
        h = dict(headers or {})
        if token is not None and "Authorization" not in h:
            h["Authorization"] = "Bearer " + (token or self.token)
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            h.setdefault("Content-Type", "application/json")
        for attempt in (0, 1):
            c = connection or self.connection
            if c is None:
                c = self.connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                                 timeout=30 * SLOW)
            try:
                c.request(method, path, body=data, headers=h)
                r = c.getresponse()
                a = Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())
                self.no_secret_in(f"the answer of {method} {path.partition('?')[0]}",
                                  LOGIN_URL.sub(b"", a.raw))
                return a
            except (OSError, http.client.HTTPException) as e:
                # A kept-alive connection may have ended meanwhile: once more on a new one.
                c.close()
                if connection is None:
                    self.connection = None
                again = isinstance(e, (http.client.RemoteDisconnected, BrokenPipeError,
                                       ConnectionResetError))
                if attempt or connection is not None or not again:
                    raise
        raise AssertionError("unreachable")

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def post(self, path, body=None, **kw):
        return self.request("POST", path, body, **kw)

    def order(self, key=None, headers=None, **fields):
        """Places an order; without `key` a fresh one is made."""
        body = {"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": 10,
                "price": "1050.00", "product": "CNC", "validity": "DAY", "targets": ["paper:demo"]}
        body.update(fields)
        body = {k: v for k, v in body.items() if v is not None}
        h = {"Idempotency-Key": key or str(uuid.uuid4())}
        h.update(headers or {})
        return self.post("/api/v1/orders", body, headers=h)

    def writer(self):
        """A connection to the ledger; between its BEGIN IMMEDIATE and ROLLBACK nobody else writes."""
        if postgres.WANTED:
            return postgres.Held(postgres.STATES[self.state])
        return sqlite3.connect(self.state / "ordo.db", timeout=5, isolation_level=None, check_same_thread=False)

    def rows(self, query):
        """Of the ledger, whichever it is: read beside the daemon."""
        if postgres.WANTED:
            return postgres.query(self.state, query)
        with contextlib.closing(sqlite3.connect(f"file:{self.state / 'ordo.db'}?mode=ro", uri=True)) as db:
            return db.execute(query).fetchall()

    def exported(self):
        """The number of the last record in the audit's files."""
        files = sorted((self.state / "audit").glob("*.jsonl"))
        lines = files[-1].read_text().splitlines() if files else []
        return json.loads(lines[-1])["seq"] if lines else 0

    def book(self, account="paper:demo"):
        """The paper exchange's own rows: the judge of what was booked."""
        value = "convert_from(value,'UTF8')" if postgres.WANTED else "value"
        return [json.loads(v) if v[:1] in ("{", "[", b"{", b"[") else v for (v,) in self.rows(
            f"select {value} from guest_rows where guest='paper' and account='{account}' and kind='order'")]


class Case(unittest.TestCase):
    """A test with a daemon; `ENV` and `ACCOUNTS` of the class say which."""

    ENV = {}
    ACCOUNTS = "paper:demo,paper:second"
    FRESH = False  # one daemon for the class, or one for each test

    @classmethod
    def setUpClass(cls):
        cls.shared = None

    @classmethod
    def tearDownClass(cls):
        if cls.shared:
            try:
                cls.shared.stop()
            finally:
                cls.shared.cleanup()

    def daemon(self, **kw):
        kw.setdefault("accounts", self.ACCOUNTS)
        kw["env"] = {**self.ENV, **kw.get("env", {})}
        d = Daemon(**kw)
        self.addCleanup(d.cleanup)
        return d

    def manager(self):
        m = Manager()
        self.addCleanup(m.close)
        return m

    @property
    def d(self):
        cls = type(self)
        if not cls.shared:
            cls.shared = Daemon(accounts=cls.ACCOUNTS, env=cls.ENV).start()
        return cls.shared

    def until(self, what, seconds=10):
        """Waits until `what()` is true and returns it."""
        end = time.monotonic() + seconds * SLOW
        while True:
            value = what()
            if value or time.monotonic() > end:
                self.assertTrue(value, "waited in vain")
                return value
            time.sleep(0.02)

    def assertProblem(self, answer, status, code, pointer=None):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"], "application/problem+json", answer)
        self.assertEqual(answer.json["code"], code, answer)
        if pointer is not None:
            self.assertIn(pointer, [e["pointer"] for e in answer.json.get("errors", [])], answer)
        return answer.json


def same_day(seconds):
    """The trading day (India's) does not end under what takes so long: else waits until the next one has begun. The
    first minute of a day counts as the day before's last, for tests of hours, which are told in minutes."""
    minute, day = 60, 24 * 3600
    past = (time.time() + 5.5 * 3600 - minute) % day
    if past > day - minute - seconds:
        time.sleep(day - past + 1)


class TapResult(unittest.TextTestResult):
    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.n = 0

    def line(self, ok, test, extra="", trouble=None):
        self.n += 1
        print(f"{'ok' if ok else 'not ok'} {self.n} - {test.id().split('.', 1)[-1]}{extra}", flush=True)
        if trouble:
            print("".join("# " + t + "\n" for t in trouble.splitlines()), end="", flush=True)

    def addSuccess(self, test):
        self.line(True, test)

    def startTest(self, test):
        same_day(60)
        self.sub_trouble = ""
        super().startTest(test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.sub_trouble += f"{subtest}\n{self._exc_info_to_string(err, test)}"

    def stopTest(self, test):
        # Nothing else is reported of a test of which only parts failed.
        if self.sub_trouble:
            self.line(False, test, trouble=self.sub_trouble)
        super().stopTest(test)

    def failed(self, test, err):
        trouble, self.sub_trouble = getattr(self, "sub_trouble", ""), ""
        self.line(False, test, trouble=trouble + self._exc_info_to_string(err, test))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.failed(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self.failed(test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line(True, test, f" # SKIP {reason}")


# A test of what SQLite alone has: its files, its locks.
sqlite_only = unittest.skipIf(postgres.WANTED, "about SQLite's files")


def main():
    """All tests of the program, or those that its arguments name: a class, CLASS.TEST."""
    if postgres.WANTED and postgres.absent():
        print(f"1..0 # SKIP {postgres.absent()}")
        return
    loader, program = unittest.defaultTestLoader, sys.modules["__main__"]
    suite = loader.loadTestsFromNames(sys.argv[1:], program) if sys.argv[1:] else loader.loadTestsFromModule(program)
    print(f"1..{suite.countTestCases()}", flush=True)
    same_day(120)  # daemons of a whole class of tests
    runner = unittest.TextTestRunner(stream=open(os.devnull, "w"), resultclass=TapResult)
    sys.exit(0 if runner.run(suite).wasSuccessful() else 1)
