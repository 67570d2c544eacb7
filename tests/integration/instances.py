"""Several daemons over one ledger in PostgreSQL, their accounts at one ordo-brokersim, for the tests of it.

TEST_INSTANCES=long, which `./dev instances` sets, makes them as large as docs/instances.md has the figures of."""

import collections
import contextlib
import http.client
import itertools
import os
import statistics
import threading
import time
import uuid

import brokersim
import ordo
import postgres
import test_brokers
from test_brokers import access, trades

LONG = os.environ.get("TEST_INSTANCES") == "long"
TOKEN = "instances-test-token-0123456789abcdef"
KEY = "1f" * 32
# Whole rupees near the simulator's prices, which do not fill a buyer.
SHARES = {"NSE:SBIN": 1000, "NSE:INFY": 1050, "NSE:ADANIENT": 2850, "NSE:ADANIPORTS": 1600, "NSE:ASIANPAINT": 2500,
          "NSE:AXISBANK": 1180, "NSE:BAJFINANCE": 1040, "NSE:BAJAJFINSV": 1920, "NSE:BEL": 390, "NSE:BHARTIARTL": 1850}
GONE = (OSError, http.client.HTTPException)
FREE = ("ORDERS_PER_MINUTE", "MAX_ORDERS_PER_DAY", "REPEAT_WINDOW_MS", "MAX_OPEN_ORDERS",
        "MAX_ORDER_VALUE", "REJECT_STORM", "MAX_DAILY_VALUE", "MAX_ORDERS_PER_TRADE", "BREAKER_FAILURES")


def figures(what, seconds):
    """One line of what was measured."""
    ms = sorted(1000 * s for s in seconds)
    print(f"# {what}: {len(ms)} times, half within {statistics.median(ms):.1f} ms, "
          f"the longest {ms[-1]:.1f} ms", flush=True)


class Daemon(test_brokers.Daemon):
    @property
    def token(self):
        return TOKEN

    @property
    def id(self):
        return self.get("/api/v1/status").json["instance"]


class World(ordo.Case):
    N = 2  # daemons
    BROKER = "fyers"
    NAMES = ("main",)  # of accounts
    FREE = False  # only the brokers' own rates hold, and the orders in a second

    def setUp(self):
        self.sim = self.simulator()
        self.addCleanup(self.sim.stop)
        self.accounts = [f"{self.BROKER}:{name}" for name in self.NAMES]
        server = postgres.Server.get()
        self.database = server.database()
        self.env = {"ORDO_DATABASE_URL": server.url(self.database), "ORDO_AUTO_MIGRATE": "yes",
                    "ORDO_API_TOKEN": TOKEN, "ORDO_VAULT_KEY": KEY}
        for i, name in enumerate(self.NAMES):
            self.env |= self.options(name, f"XS{i + 1:05}")
        self.all = []
        for _ in range(self.N):
            self.begin()
        for name in self.NAMES:
            self.log_in(name)
        for d in self.all:
            for account in self.accounts:
                self.until(lambda d=d, a=account: trades(d, a), 60)

    def simulator(self):
        return brokersim.Sim().start()

    def options(self, name, client_id):
        """Of an account, which the broker has then."""
        known = {u["client_id"] for u in self.sim.users()}
        new = {} if client_id in known else {"api_key": f"SIM{client_id}-100", "api_secret": f"secret-{client_id}"}
        self.sim.user("fyers", client_id, funds="100000000000.00", otp="123456", pin="2580", **new)
        prefix = f"ORDO_FYERS_{name}_".upper()
        values = {"SESSION_HOURS": "pass", "REPEAT_WINDOW_MS": "0"}
        if self.FREE:
            values |= {x: "0" for x in FREE}
        return self.sim.options("fyers", name, client_id) | {prefix + k: v for k, v in values.items()}

    def log_in(self, name):
        d = self.all[0]
        r = d.post(f"/api/v1/auth/fyers/{name}/login")
        self.assertEqual(r.status, 200, r)
        back = self.sim.browse(r.json["login_url"]).headers["location"]
        r = d.post(f"/api/v1/auth/fyers/{name}/complete", {"redirect_url": back})
        self.assertEqual((r.status, r.json["state"]), (200, "active"), r)

    def begin(self, **kw):
        env = self.env | kw.pop("env", {})
        d = Daemon(accounts=",".join(self.accounts), env=env, **kw)
        self.addCleanup(d.cleanup)
        self.all.append(d.start())
        return d

    def query(self, statements):
        return postgres.Server.get().query(self.database, statements)

    def owner(self, among=None):
        """The daemon that looks after the first account, and the others."""
        def found():
            for d in among or self.all:
                a = d.get("/api/v1/status").json["accounts"][0]
                if a["owner"] == d.id and a["ready"]:
                    return d
            return None
        d = self.until(found, 20)
        return d, [x for x in among or self.all if x is not d]

    def order(self, d, key=None, **fields):
        body = {"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "price": "1000.00", "quantity": 1,
                "product": "CNC", "validity": "DAY", "targets": self.accounts[:1], **fields}
        body = {k: v for k, v in body.items() if v is not None}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", d.port, timeout=60 * ordo.SLOW)) as c:
            return d.request("POST", "/api/v1/orders", body, connection=c,
                             headers={"Idempotency-Key": key or str(uuid.uuid4())})

    def placed(self, d, **fields):
        """Patiently: the account has its rates."""
        def once():
            r = self.order(d, **fields)
            return None if r.status == 429 else r
        r = self.until(once, 20)
        self.assertEqual(r.status, 201, r)
        return r.json["order_id"]


class Traders:
    """Programs that repeat each key at whichever daemon answers, until it is answered for good. Each quantity is one
    order's, so that the broker's log tells what became of each key."""

    N = 12
    GIVE_UP = 60  # answers 202: a mark without an outcome stays unknown for five minutes when no book shows it

    def __init__(self, world, loyal=False, pause_s=0.0):
        """`loyal`: each stays with a daemon as long as that answers anything; `pause_s`: between two orders of
        one, so that the broker's minute does not fill up."""
        self.world = world
        self.pause_s = pause_s
        self.loyal = loyal
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        self.answers = {}  # quantity: the last status
        self.placed = []  # (moment, quantity, the daemon that answered 201)
        self.enough = threading.Event()  # no new orders
        self.over = threading.Event()  # nothing any more
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(self.N)]
        for t in self.threads:
            t.start()

    def run(self, i):
        while not self.enough.is_set() and not self.over.is_set():
            with self.lock:
                n = next(self.numbers)
            self.one(n, i)
            self.enough.wait(self.pause_s)

    def one(self, n, at):
        w = self.world
        key, unknown = str(uuid.uuid4()), 0
        symbol = list(SHARES)[n // len(w.accounts) % len(SHARES)]
        while not self.over.is_set():
            d = w.all[at % len(w.all)]
            at += not self.loyal
            try:
                r = w.order(d, key, quantity=n, symbol=symbol, price=f"{SHARES[symbol]}.00",
                            targets=[w.accounts[n % len(w.accounts)]])
            except GONE:
                at += self.loyal
                continue
            unknown += r.status == 202
            if r.status == 201:
                self.placed.append((time.monotonic(), n, d))
            # An order that has a number and was not sent is answered so for ever; an earlier one in doubt may hold
            # its instrument back for minutes.
            refused = r.status not in (201, 202) and (r.json["code"] == "LEG_UNRESOLVED" or (
                r.json.get("order_id") and b'"outcome":"not_sent"' in r.raw))
            if r.status == 201 or refused or unknown > self.GIVE_UP:
                self.answers[n] = r.status
                return
            self.over.wait(0.1)

    def done(self):
        return not any(t.is_alive() for t in self.threads)

    def end(self, seconds):
        """All that was begun is answered."""
        self.enough.set()
        self.world.until(self.done, seconds)

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join()

    def judge(self):
        """Nothing twice, nothing lost; how many were sent."""
        w = self.world
        sent = collections.Counter(r["quantity"] for r in w.sim.received())
        w.assertEqual([n for n, times in sent.items() if times > 1], [])
        w.assertEqual([n for n, status in self.answers.items()
                       if status != 202 and (status == 201) != (n in sent)], [])
        w.assertLess(sum(status == 202 for status in self.answers.values()), len(self.answers) / 4)

        def found():
            """What the broker has, the ledger has as accepted."""
            rows = w.query("SELECT quantity FROM legs WHERE outcome='accepted'")
            return {int(q) for (q,) in rows} == set(sent)
        w.until(found, 60)
        return len(sent)
