"""A whole world for torture: simulated brokers behind TLS, one ordod with accounts at all of them and on
paper, and the people around it: whoever logs the accounts in, and the operator who looks into the broker's own
terminal and settles what Ordo cannot know.

Nothing here decides what is right; that is the judge's (judge.py)."""

import contextlib
import http.client
import json
import pathlib
import re
import shutil
import sys
import tempfile
import threading
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import brokersim  # noqa: E402
import ordo  # noqa: E402
from test_brokers import certificate  # noqa: E402

BROKERS = ("fyers", "hdfc", "mstock")
ROWS = "24000"  # HDFC's adapter wants 20,000 at least

# account: (client id at the simulator, whether the broker's book shows Ordo's tag, and always so)
REAL = {
    "fyers:main": ("XS00001", True),
    "fyers:second": ("XS00002", True),
    "hdfc:main": ("10000001", False),
    "hdfc:second": ("10000002", True),
    "mstock:main": ("MA1000001", False),
    "mstock:second": ("MA1000002", True),
}
PAPER = ("paper:demo", "paper:second")

# Shares between 250 and 5000 rupees: whole rupees are on their tick.
SHARES = {
    "NSE:SBIN": 1050, "NSE:INFY": 1111, "NSE:ADANIENT": 3000, "NSE:ADANIPORTS": 1700, "NSE:ASIANPAINT": 2640,
    "NSE:AXISBANK": 1250, "NSE:BAJFINANCE": 1100, "NSE:BAJAJFINSV": 2030, "NSE:BEL": 414,
    "NSE:BHARTIARTL": 1950, "NSE:CIPLA": 1430, "NSE:COALINDIA": 405, "NSE:DRREDDY": 1170,
}

# How many orders go where: what the brokers' own rates bear.
WEIGHTS = {"paper": 5, "fyers": 1, "hdfc": 0.6, "mstock": 0.3}

OVER = ("CANCELLED", "FILLED", "REJECTED", "EXPIRED")
FLIPPED = "the exchange changed its mind"  # the message of an order that a fault rejected later

GONE = (OSError, http.client.HTTPException)
# Until the operator looks: longer than a fault of the plan puts a booking off.
PATIENCE_S = 7


class Client:
    """One connection to the daemon, as one program has it. Raises when there is no answer."""

    def __init__(self, world):
        self.world = world
        self.connection = None
        self.lock = threading.Lock()

    def request(self, method, path, body=None, key=None, timeout=20):
        headers = {"Authorization": "Bearer " + self.world.token}
        data = None
        if body is not None:
            data = json.dumps(body)
            headers["Content-Type"] = "application/json"
        if key:
            headers["Idempotency-Key"] = key
        with self.lock:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.world.d.port,
                                                             timeout=timeout * ordo.SLOW)
            try:
                self.connection.request(method, path, body=data, headers=headers)
                r = self.connection.getresponse()
                return ordo.Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())
            except GONE:
                self.close()
                raise

    def patiently(self, method, path, body=None, key=None, seconds=120):
        """Again until there is an answer that is not `not now`; the daemon may be killed meanwhile."""
        end = time.monotonic() + seconds * ordo.SLOW
        while True:
            with contextlib.suppress(*GONE):
                a = self.request(method, path, body, key)
                if a.status not in (429, 503):
                    return a
            if time.monotonic() > end:
                raise AssertionError(f"no answer to {method} {path}")
            time.sleep(0.05)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


class World:
    def __init__(self, env=None, accounts=None, patience=PATIENCE_S):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ordo-torture-"))
        self.names = list(accounts or [*REAL, *PAPER])
        ca = certificate(self.dir, "ca")
        self.sim = brokersim.Sim("--rows", ROWS, "--funds", "10000000000",
                                 tls=certificate(self.dir, "good", ca, "IP:127.0.0.1")).start()
        options = {"ORDO_LIMITS": "off", "ORDO_ORDER_DEADLINE": "3s", "ORDO_LOG_LEVEL": "notice"}
        for account in self.names:
            options.update(self.options(account, ca[0]))
        options.update(env or {})
        (self.dir / "state").mkdir(mode=0o700)
        self.d = ordo.Daemon(accounts=",".join(self.names), env=options, state=self.dir / "state")
        for account in self.names:
            if not account.startswith("paper:"):
                self.d.env.pop(f"ORDO_{account.replace(':', '_').upper()}_MARKET", None)
        self.patience = patience * ordo.SLOW
        self.lock = threading.Lock()
        self.starts = self.logins = 0
        self.resolved = {}  # tag: what the operator said
        self.logs = {"received": {}, "booked": {}}  # by broker, client and tag
        self.seen = {"received": 0, "booked": 0}
        self.people = Client(self)
        self.ending = threading.Event()
        self.threads = []

    def options(self, account, ca):
        broker, _, name = account.partition(":")
        prefix = f"ORDO_{broker}_{name}_".upper()
        values = {name: "0" for name in no_limits()}
        if broker == "paper":
            values["FUNDS"] = "100000000000.00"
            return {prefix + k: v for k, v in values.items()}
        client_id, echoes = REAL[account]
        users = {u["client_id"]: u for u in self.sim.users() if u["broker"] == broker}
        if client_id not in users:
            self.sim.user(broker, client_id, api_key=f"key-of-{client_id}-100", api_secret=f"secret-of-{client_id}")
        self.sim.user(broker, client_id, echo_tags=echoes, username=client_id,
                      password="simpassword", otp="123456", pin="2580")
        values.update(SESSION_HOURS="pass", CA_FILE=str(ca))
        if broker == "mstock":
            values.update(USERNAME=client_id, PASSWORD="simpassword")
        return {**self.sim.options(broker, name, client_id, tls=True),
                **{prefix + k: v for k, v in values.items()}}

    @property
    def token(self):
        with self.lock:
            if not hasattr(self, "_token"):
                self._token = self.d.token
            return self._token

    def some_accounts(self, rng, n):
        weights = [WEIGHTS[a.partition(":")[0]] for a in self.names]
        return list(dict.fromkeys(rng.choices(self.names, weights, k=n)))

    @staticmethod
    def echoes(account):
        return account.startswith("paper:") or REAL[account][1]

    # --- the daemon -----------------------------------------------------------------------------

    def start(self, crash=None):
        """`crash`: where it ends by itself, as $TEST_CRASH."""
        self.d.env.pop("TEST_CRASH", None)
        if crash:
            self.d.env["TEST_CRASH"] = crash
        self.d.start(wait=False)
        self.starts += 1

    def kill(self):
        self.d.process.kill()
        return self.d.process.wait()

    def status(self):
        """Of all accounts by name; None while there is no answer."""
        with contextlib.suppress(*GONE):
            a = self.people.request("GET", "/api/v1/status")
            if a.status == 200:
                return {s["account"]: s for s in a.json["accounts"]}
        return None

    def until(self, what, seconds, why):
        end = time.monotonic() + seconds * ordo.SLOW
        while True:
            value = what()
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"{why} (waited {seconds} s)\n{self.d.log_text()[-3000:]}")
            time.sleep(0.02)

    def wait_listening(self):
        """Until it answers, or is dead already."""
        self.until(lambda: self.status() or self.d.process.poll() is not None, 30, "the daemon does not come up")

    # --- whoever logs the accounts in ---------------------------------------------------------------

    def log_in(self, account):
        broker, _, name = account.partition(":")
        with contextlib.suppress(*GONE):
            r = self.people.request("POST", f"/api/v1/auth/{broker}/{name}/login")
            if r.status != 200:
                return
            body = {"otp": "123456"}
            if r.json["method"] == "redirect":
                url = r.json["login_url"]
                path = url[url.index("/", url.index("://") + 3):]
                back = self.sim.request("POST", path, headers={"User-Agent": "Mozilla/5.0"},
                                        form={"otp": "123456", "pin": "2580", "action": "approve"})
                if "location" not in back.headers:
                    return
                body = {"redirect_url": back.headers["location"]}
            r = self.people.request("POST", f"/api/v1/auth/{broker}/{name}/complete", body)
            self.logins += r.status == 200

    def log_in_where_needed(self):
        """True when every account has a session and its book was read."""
        status = self.status()
        if not status:
            return False
        for account, s in status.items():
            if s["session"] != "active" and not account.startswith("paper:"):
                self.log_in(account)
        return all(s["session"] == "active" and s["ready"] for s in status.values())

    def tradable(self, account, symbol="NSE:SBIN"):
        with contextlib.suppress(*GONE):
            return self.people.request("POST", "/api/v1/orders/validate", {
                "symbol": symbol, "side": "BUY", "type": "LIMIT", "quantity": 1, "price": "1000.00",
                "product": "CNC", "validity": "DAY", "targets": [account]}).status == 200
        return False

    def wait_trading(self):
        for account in self.names:
            self.until(lambda a=account: self.log_in_where_needed() and self.tradable(a), 90,
                       f"{account} cannot trade")

    def keep_logged_in(self):
        """From now on, in a thread."""
        def run():
            while not self.ending.wait(0.3):
                self.log_in_where_needed()
        self.thread(run)

    def thread(self, run):
        t = threading.Thread(target=run, daemon=True)
        t.start()
        self.threads.append(t)

    # --- the operator -------------------------------------------------------------------------------

    def truth(self, account, tag):
        """What the broker's own logs have of a tag: (times received, bookings)."""
        with self.lock:
            for name, index in self.logs.items():
                more = self.sim.control("GET", f"{name}?after={self.seen[name]}")[name]
                for line in more:
                    index.setdefault((line["broker"], line["client_id"], line["tag"]), []).append(line)
                if more:
                    self.seen[name] = more[-1]["number"]
            who = (account.partition(":")[0], REAL[account][0], tag)
            received = [r for r in self.logs["received"].get(who, []) if r["operation"] == "place"]
            return received, list(self.logs["booked"].get(who, []))

    def settle_by_hand(self, client, order_id, leg):
        """What an operator does with a leg that Ordo could not settle. Only where the broker's book does
        not show the tag, or does not have the order: what a book tells, Ordo has to find by itself. True when
        it was said."""
        received, booked = self.truth(leg["account"], leg["tag"])
        if booked and self.echoes(leg["account"]):
            return False
        body = {"outcome": "not_placed", "reason": "not in the broker's terminal"}
        if booked:
            refused = booked[0]["status"] == "REJECTED"
            body = {"outcome": "rejected" if refused else "accepted", "reason": "seen in the broker's terminal"}
            if not refused:
                body["broker_order_id"] = booked[0]["order_id"]
        with contextlib.suppress(*GONE):
            a = client.request("POST", f"/api/v1/orders/{order_id}/legs/{leg['leg']}/resolve", body)
            if a.status == 200:
                with self.lock:
                    self.resolved[leg["tag"]] = body["outcome"]
            return a.status in (200, 409)
        return False

    # --- the end ------------------------------------------------------------------------------------

    def rest(self):
        """The people go home; the daemon stays."""
        self.ending.set()
        for t in self.threads:
            t.join(60 * ordo.SLOW)

    def close(self, keep=None):
        """`keep`: a directory that gets the evidence."""
        self.rest()
        if self.d.process and self.d.process.poll() is None:
            self.d.kill()
        if keep:
            keep = pathlib.Path(keep)
            keep.mkdir(parents=True, exist_ok=True)
            for name in ("received", "booked"):
                (keep / f"{name}.json").write_text(json.dumps(self.sim.log_of(name), indent=0))
            shutil.copytree(self.dir / "state", keep / "state", dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("*.reserve", "scrip*"))
        with contextlib.suppress(AssertionError, OSError):
            self.sim.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def no_limits():
    """Every limit of an account that can be lifted; but the orders in a second are lawful."""
    options = (ordo.SOURCE / "docs/options.md").read_text()
    names = re.findall(r"^\| `ORDO_<BROKER>_<NAME>_(\w+)` \| [^|]*0 for no limit", options, re.M)
    return [name for name in names if name != "ORDERS_PER_SECOND"]


def fresh_key(rng):
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
