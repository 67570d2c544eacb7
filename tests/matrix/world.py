"""One simulated market and one daemon with an account for each cell of a row of the matrix: logged in,
with a book that was read. Everything goes over TLS."""

import contextlib
import http.client
import json
import pathlib
import shutil
import subprocess
import sys
import threading
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import brokersim  # noqa: E402
import ordo  # noqa: E402

ROWS = "24000"  # HDFC's adapter wants 20,000 at least
HOST = "broker.test"
DEADLINE = 4  # seconds, of an order; reads and amendments have the daemon's own


def openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, timeout=60)


def certificate(directory, name, ca=None, names=None, days="2"):
    """Its file and that of its key; without `ca` it is an authority."""
    cert, key = directory / f"{name}.crt", directory / f"{name}.key"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
             "-subj", f"/CN={name}"]
    if ca is None:
        openssl("req", "-x509", *curve, "-out", cert, "-days", "2")
        return cert, key
    extensions = directory / f"{name}.extensions"
    extensions.write_text(f"subjectAltName={names}\n")
    openssl("req", *curve, "-out", directory / f"{name}.request")
    openssl("x509", "-req", "-in", directory / f"{name}.request", "-CA", ca[0], "-CAkey", ca[1],
            "-CAcreateserial", "-days", days, "-extfile", extensions, "-out", cert)
    return cert, key


class Certificates:
    """The good one, and one of each kind that must not be believed."""

    def __init__(self, directory):
        names = f"IP:127.0.0.1,DNS:{HOST}"
        self.ca = certificate(directory, "ca")
        self.good = certificate(directory, "good", self.ca, names)
        stranger = certificate(directory, "stranger-ca")
        self.bad = [certificate(directory, "stranger", stranger, names),
                    certificate(directory, "expired", self.ca, names, days="-1"),
                    certificate(directory, "other-host", self.ca, "DNS:elsewhere.test")]

    def options(self):
        return [o for cert, key in self.bad for o in ("--tls-cert", str(cert), "--tls-key", str(key))]


class Account:
    """`column`: whose account it is (table.py); None: paper."""

    def __init__(self, column, operation):
        self.column, self.operation = column, operation
        self.broker = column.broker
        self.name = column.short + operation
        self.id = f"{self.broker}:{self.name}"
        self.client_id = self.name.upper()

    @property
    def local(self):
        return self.broker == "paper"


class Events(threading.Thread):
    """What GET /events says, kept by leg; whoever waits for a leg is woken."""

    def __init__(self, d):
        super().__init__(daemon=True)
        self.changed = threading.Condition()
        self.by_order = {}
        self.ended = False
        self.c = http.client.HTTPConnection("127.0.0.1", d.port, timeout=900)
        self.c.request("GET", "/api/v1/events", headers={"Authorization": "Bearer " + d.token})
        self.r = self.c.getresponse()
        if self.r.status != 200:
            raise RuntimeError(f"no events: {self.r.status}")
        self.start()

    def run(self):
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException, AttributeError):
            while line := self.r.readline():
                if line.startswith(b"data: "):
                    self.take(json.loads(line[6:]))
        self.ended = True

    def take(self, event):
        with self.changed:
            self.by_order.setdefault(event.get("order_id"), []).append(event)
            self.changed.notify_all()

    def of(self, order_id):
        with self.changed:
            return list(self.by_order.get(order_id, []))

    def wait(self, seconds):
        with self.changed:
            self.changed.wait(seconds)

    def close(self):
        with contextlib.suppress(OSError):
            self.c.close()


class World:
    def __init__(self, name, accounts, certificates, masters, directory):
        """`masters`: a directory of loaded instruments to begin with."""
        self.name = name
        self.accounts = accounts
        self.certificates = certificates
        self.masters = masters
        self.directory = directory
        self.hosts = None
        self.sim = brokersim.Sim("--rows", ROWS, *certificates.options(),
                                 tls=certificates.good)
        self.d = self.events = None

    # --- beginning and end ----------------------------------------------------------------------

    def start(self, by_name=False):
        self.sim.start()
        env = {"ORDO_ORDER_DEADLINE": f"{DEADLINE}s", "ORDO_LOG_LEVEL": "debug"}
        for a in self.accounts:
            env.update(self.options(a, by_name))
        self.d = ordo.Daemon(accounts=",".join(a.id for a in self.accounts), env=env,
                             wrapper=self.own_resolver() if by_name else ())
        if self.masters:
            shutil.copytree(self.masters, self.d.state / "masters", dirs_exist_ok=True)
        self.d.start()
        self.events = Events(self.d)
        for a in self.accounts:
            if not a.local:
                self.log_in(a)
        self.wait("every account can trade", lambda: all(self.trades(a) for a in self.accounts), 120)

    def stop(self, then=None):
        """`then` gets the daemon's environment while its state is still there."""
        try:
            if self.events:
                self.events.close()
            if self.d:
                self.d.stop()
                if then:
                    then({**self.d.env, "HOME": str(self.d.state)})
        finally:
            if self.d:
                self.d.cleanup()
            self.sim.clear_faults()
            self.sim.stop()

    def kill(self):
        """From another thread, at once: the program is leaving."""
        for process in (self.d and self.d.process, self.sim.process):
            if process:
                process.kill()
        if self.d:
            shutil.rmtree(self.d.state, ignore_errors=True)

    def options(self, a, by_name):
        prefix = f"ORDO_{a.broker}_{a.name}_".upper()
        if a.local:
            return {prefix + "MARKET": "static"}
        self.sim.user(a.broker, a.client_id, echo_tags=a.column.echo, redirect_uri="")
        env = self.sim.options(a.broker, a.name, client_id=a.client_id, tls=True)
        env[prefix + "CA_FILE"] = str(self.certificates.ca[0])
        env[prefix + "SESSION_HOURS"] = "pass"
        if a.broker == "mstock":
            env.update({prefix + "USERNAME": a.client_id, prefix + "PASSWORD": "simpassword"})
        if by_name:
            env = {k: v.replace("//127.0.0.1:", f"//{HOST}:") if "_URL" in k else v for k, v in env.items()}
        return env

    def own_resolver(self):
        """The daemon sees names that only this test knows, and can forget."""
        self.hosts = self.directory / "hosts"
        names = self.directory / "nsswitch.conf"
        names.write_text("hosts: files\n")
        self.know_host(True)
        return ["unshare", "-m", "sh", "-c",
                f'mount --bind {self.hosts} /etc/hosts && mount --bind {names} /etc/nsswitch.conf && exec "$0"']

    def know_host(self, known):
        self.hosts.write_text("127.0.0.1 localhost\n" + (f"127.0.0.1 {HOST}\n" if known else ""))

    def log_in(self, a):
        path = f"/api/v1/auth/{a.broker}/{a.name}/"
        r = self.ask("POST", path + "login", connection=self.d.connection)
        body = {"otp": "123456"}
        if r.json["method"] == "redirect":
            url = r.json["login_url"]
            back = self.sim.request("POST", url[url.index("/", url.index("://") + 3):],
                                    form={"otp": "123456", "pin": "2580", "action": "approve"},
                                    headers={"User-Agent": "Mozilla/5.0"})
            body = {"redirect_url": back.headers["location"]}
        r = self.ask("POST", path + "complete", body)
        if r.status != 200:
            raise RuntimeError(f"{a.id}: no login: {r}")

    def trades(self, a):
        r = self.ask("POST", "/api/v1/orders/validate", {
            "symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": 1, "price": "1000.00",
            "product": "CNC", "validity": "DAY", "targets": [a.id]})
        return r.status == 200

    # --- requests -------------------------------------------------------------------------------

    def ask(self, method, path, body=None, key=None, connection=None):
        """Over a connection of its own: cells ask at the same time."""
        c = connection or http.client.HTTPConnection("127.0.0.1", self.d.port, timeout=60 * ordo.SLOW)
        headers = {"Idempotency-Key": key} if key else {}
        try:
            return self.d.request(method, path, body, headers=headers, connection=c)
        finally:
            c.close()

    def place(self, a, key=None, **fields):
        body = {"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": 7, "price": "1000.00",
                "product": "CNC", "validity": "DAY", "targets": [a.id], **fields}
        return self.ask("POST", "/api/v1/orders", body, key or str(uuid.uuid4()))

    def order(self, order_id):
        return self.ask("GET", f"/api/v1/orders/{order_id}").json

    def leg(self, order_id):
        return self.order(order_id)["legs"][0]

    def audit(self, order_id):
        return self.ask("GET", f"/api/v1/audit?order_id={order_id}&limit=500").json["records"]

    def calls(self, a, operation):
        return 0 if a.local else self.sim.calls(a.broker, a.client_id)[operation]

    def received(self, a, operation):
        return [] if a.local else self.sim.received(operation, client_id=a.client_id)

    def entries(self, a):
        """The account's book at the broker."""
        if a.local:
            return self.d.book(a.id)
        return [o for o in self.sim.orders(a.broker) if o["client_id"] == a.client_id]

    def wait(self, what, done, seconds):
        end = time.monotonic() + seconds * ordo.SLOW
        while not done():
            if time.monotonic() > end:
                raise RuntimeError(f"{self.name}: waited in vain until {what}")
            self.events.wait(0.2)

    def read_books(self, accounts, seconds=60):
        """Complete reads that begin later than now, of each account's book."""
        left = {a.id for a in accounts}

        def read():
            r = self.ask("POST", "/api/v1/accounts/reconcile", {"accounts": sorted(left)})
            left.difference_update(x["account"] for x in r.json["results"] if x["status"] == "success")
            return not left
        if left:
            self.wait(f"the books of {sorted(left)} are read", read, seconds)
