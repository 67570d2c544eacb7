"""The real daemon with accounts at Fyers, HDFC Securities and m.Stock, played by ordo-brokersim, and one
paper account: logins, orders, books, money, prices; orders on all of them at once, one of which is down;
servers that are not who they say they are."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import uuid

import brokersim
import ordo

BROKERS = ("fyers", "hdfc", "mstock")
ROWS = "24000"  # HDFC's adapter wants 20,000 at least
ALL = [f"{b}:main" for b in BROKERS]
CTL = ordo.BUILD / "src/ordoctl/ordoctl"


def access(sim, brokers=BROKERS, tls=False):
    """The options of one account at each broker, reached at the simulator."""
    env = {}
    for b in brokers:
        env.update(sim.options(b, tls=tls))
        env[f"ORDO_{b.upper()}_MAIN_SESSION_HOURS"] = "pass"
    if "mstock" in brokers:
        env.update(ORDO_MSTOCK_MAIN_USERNAME="MA1000001", ORDO_MSTOCK_MAIN_PASSWORD="simpassword")
    return env


def browse(sim, url):
    """A person with a browser; where it is sent to in the end."""
    path = url[url.index("/", url.index("://") + 3):]
    r = sim.request("POST", path, form={"otp": "123456", "pin": "2580", "action": "approve"},
                    headers={"User-Agent": "Mozilla/5.0"})
    return r.headers["location"]


def log_in(case, d, sim, broker):
    r = d.post(f"/api/v1/auth/{broker}/main/login")
    case.assertEqual(r.status, 200, r)
    body = {"otp": "123456"}
    if r.json["method"] == "redirect":
        body = {"redirect_url": browse(sim, r.json["login_url"])}
    else:
        case.assertEqual(r.json["method"], "otp")
    r = d.post(f"/api/v1/auth/{broker}/main/complete", body)
    case.assertEqual((r.status, r.json["state"]), (200, "active"), r)


def trades(d, account):
    """Whether the account can: its books are read, its instruments are there."""
    r = d.post("/api/v1/orders/validate", {
        "symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": 1, "price": "1000.00",
        "product": "CNC", "validity": "DAY", "targets": [account]})
    return r.status == 200


def openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, timeout=30)


def certificate(directory, name, ca=None, names=None, days="2"):
    """Its file and that of its key; without `ca` it is an authority."""
    cert, key = directory / f"{name}.crt", directory / f"{name}.key"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
             "-subj", f"/CN={name}"]
    if ca is None:
        openssl("req", "-x509", *curve, "-out", cert, "-days", "2")
        return cert, key
    extensions = directory / "extensions"
    extensions.write_text(f"subjectAltName={names}\n")
    openssl("req", *curve, "-out", directory / "request")
    openssl("x509", "-req", "-in", directory / "request", "-CA", ca[0], "-CAkey", ca[1],
            "-CAcreateserial", "-days", days, "-extfile", extensions, "-out", cert)
    return cert, key


class Daemon(ordo.Daemon):
    """Without the option of paper accounts that the other tests give to every account."""

    def __init__(self, **kw):
        super().__init__(**kw)
        for b in BROKERS:
            self.env.pop(f"ORDO_{b.upper()}_MAIN_MARKET", None)


class Brokers(ordo.Case):
    """Everything goes over TLS, and certificates are checked."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="ordo-brokers-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        ca = certificate(cls.dir, "ca")
        cls.sim = brokersim.Sim("--rows", ROWS,
                                tls=certificate(cls.dir, "good", ca, "IP:127.0.0.1")).start()
        env = access(cls.sim, tls=True)
        env.update({f"ORDO_{b.upper()}_MAIN_CA_FILE": str(ca[0]) for b in BROKERS})
        cls.shared = Daemon(accounts=",".join(ALL + ["paper:demo"]), env=env)
        cls.shared.env["ORDO_PAPER_DEMO_MARKET"] = "static"
        cls.shared.start()

    @classmethod
    def tearDownClass(cls):
        try:
            super().tearDownClass()
        finally:
            cls.sim.stop()

    def setUp(self):
        self.sim.clear_faults()
        for b in BROKERS:
            if self.d.get(f"/api/v1/auth/{b}/main").json["state"] != "active":
                log_in(self, self.d, self.sim, b)
        for account in ALL:
            self.until(lambda a=account: trades(self.d, a), 60)

    def place(self, account, **fields):
        """An order that is accepted and does not fill by itself; again while the broker's rate is used
        up, which is part of its contract."""
        fields = {"price": "1000.00", "quantity": 7, "targets": [account], **fields}

        def once():
            r = self.d.order(**fields)
            return None if r.status == 429 else r
        r = self.until(once, 20)
        self.assertEqual(r.status, 201, r)
        leg = r.json["results"][0]
        self.assertEqual((leg["outcome"], leg["account"]), ("accepted", account))
        return r.json["order_id"], leg["broker_order_id"]

    def leg(self, order_id):
        return self.d.get(f"/api/v1/orders/{order_id}").json["legs"][0]

    def patiently(self, method, path, body=None):
        def once():
            r = self.d.request(method, path, body)
            return None if r.status == 429 or "BROKER_RATE" in r.raw.decode() else r
        return self.until(once, 20)

    # --- each broker by itself ------------------------------------------------------------------

    def check_orders(self, broker):
        account = f"{broker}:main"
        order_id, number = self.place(account)
        booked = self.sim.booked(broker=broker, order_id=number)
        self.assertEqual([(b["symbol"], b["side"], b["quantity"], b["price"], b["product"]) for b in booked],
                         [("NSE:SBIN", "BUY", 7, "1000.00", "CNC")])
        r = self.patiently("PATCH", f"/api/v1/orders/{order_id}", {"price": "999.00", "quantity": 8})
        self.assertEqual(r.status, 200, r)
        (entry,) = [o for o in self.sim.orders(broker) if o["order_id"] == number]
        self.assertEqual((entry["price"], entry["quantity"], entry["status"]), ("999.00", 8, "OPEN"))
        r = self.d.request("DELETE", f"/api/v1/orders/{order_id}")
        self.assertEqual(r.status, 200, r)
        (entry,) = [o for o in self.sim.orders(broker) if o["order_id"] == number]
        self.assertEqual(entry["status"], "CANCELLED")
        self.until(lambda: self.leg(order_id)["order_status"] == "CANCELLED")
        # what happens there by itself is seen
        order_id, number = self.place(account, price="999.50")
        self.sim.fill(number, 3, "999.50")
        self.until(lambda: self.leg(order_id)["filled_quantity"] == 3, 20)
        self.sim.fill(number, 4, "999.50")
        self.until(lambda: self.leg(order_id)["order_status"] == "FILLED", 20)
        self.assertEqual(self.leg(order_id)["average_price"], "999.50")

        def traded():
            rows = self.d.get(f"/api/v1/trades?accounts={account}").json["trades"]
            return sum(t["quantity"] for t in rows if t["broker_order_id"] == number) == 7
        self.until(traded, 20)

    def test_orders_fyers(self):
        self.check_orders("fyers")

    def test_orders_hdfc(self):
        self.check_orders("hdfc")

    def test_orders_mstock(self):
        self.check_orders("mstock")

    def ctl(self, *args):
        """What ordoctl prints; again while the broker's rate is used up."""
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **self.d.env}

        def once():
            r = subprocess.run([CTL, *args], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                               text=True, timeout=60 * ordo.SLOW)
            return None if "BROKER_RATE" in r.stdout + r.stderr else r
        r = self.until(once, 30)
        self.assertEqual(r.returncode, 0, f"{args}\n{r.stdout}\n{r.stderr}")
        return r.stdout

    def test_by_ordoctl(self):
        """A trader's morning at each broker, by hand."""
        for account in ALL:
            broker = account.partition(":")[0]
            self.ctl("logout", account)
            if broker == "mstock":
                self.ctl("login", account, "--non-interactive", "--otp", "123456")
            else:  # a browser's; test_login.py has ordoctl waiting for it
                log_in(self, self.d, self.sim, broker)
            self.until(lambda a=account: trades(self.d, a), 60)
            out = self.ctl("order", "buy", "NSE:SBIN", "6", "--price", "1000.00", "--account", account,
                           "--json")
            order = json.loads(out)
            number = order["results"][0]["broker_order_id"]
            self.ctl("modify", order["order_id"], "--price", "999.00")
            self.assertIn("999.00", self.ctl("show", order["order_id"]))
            self.assertIn(order["order_id"], self.ctl("orders", "--account", account))
            self.ctl("cancel", order["order_id"])
            self.until(lambda i=order["order_id"]: self.leg(i)["order_status"] == "CANCELLED", 20)
            self.assertEqual([(b["price"], b["status"]) for b in self.sim.booked(broker=broker, order_id=number)],
                             [("999.00", "CANCELLED")])
            self.assertIn("NSE:SBIN", self.ctl("quote", "NSE:SBIN", "--account", account))
            for noun in ("trades", "funds", "holdings", "positions", "portfolio"):
                self.assertTrue(self.ctl(noun, "--account", account).strip(), noun)

    def test_hostile_answers(self):
        """The order is booked, what comes back proves nothing: unknown, and found in the book once."""
        for fault, more in (("huge", {"bytes": 100_000_000}), ("garbage", {}), ("wrong_types", {}), ("html", {}),
                            ("reset", {}), ("error", {"status": 502})):
            before = len(self.sim.booked(broker="fyers"))
            self.sim.fault(fault, broker="fyers", operation="place", **more)
            r = self.until(lambda: (lambda x: x if x.status != 429 else None)(
                self.d.order(quantity=4, targets=["fyers:main"], price="1000.00")), 20)
            self.assertEqual((fault, r.status), (fault, 202), r)
            leg = r.json["results"][0]
            self.assertEqual((leg["outcome"], leg["broker_order_id"]), ("unknown", None), (fault, leg))
            found = self.until(lambda i=r.json["order_id"]: (lambda x: x if x["state"] == "settled" else None)(
                self.leg(i)), 30)
            self.assertEqual((found["outcome"], found["confidence"]), ("accepted", "proven"), (fault, found))
            self.assertEqual(len(self.sim.booked(broker="fyers")), before + 1, fault)
            self.patiently("DELETE", f"/api/v1/orders/{r.json['order_id']}")
            time.sleep(1.0)  # the window in which an equal order is refused
        status = pathlib.Path(f"/proc/{self.d.process.pid}/status").read_text()
        resident = int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1))
        if "ASAN_OPTIONS" not in os.environ and "TSAN_OPTIONS" not in os.environ:
            self.assertLess(resident, 128 << 10)

    def test_filled_in_spite_of_a_cancel(self):
        """The broker has only taken the cancel; the exchange was faster. The book has the last word."""
        for account in ALL:
            broker = account.partition(":")[0]
            order_id, number = self.place(account, quantity=5)
            self.sim.fault("error", broker=broker, operation="book", status=502, count=0)
            r = self.patiently("DELETE", f"/api/v1/orders/{order_id}")
            self.assertEqual(r.status, 200, r)
            self.assertEqual(self.leg(order_id)["order_status"], "OPEN")
            self.sim.flip(number, "OPEN")
            self.sim.fill(number, 5, "1000.00")
            self.sim.clear_faults()
            leg = self.until(lambda i=order_id: (lambda x: x if x["order_status"] == "FILLED" else None)(
                self.leg(i)), 20)
            self.assertTrue(leg["cancel_requested"], leg)
            self.assertEqual(leg["filled_quantity"], 5, leg)

    def test_refused_by_the_broker(self):
        """At once, or, at a broker that books first, as soon as its book is read."""
        for account in ALL:
            broker = account.partition(":")[0]
            before = len(self.sim.booked(broker=broker))
            self.sim.market(False)
            try:
                r = self.until(lambda a=account: (lambda x: x if x.status != 429 else None)(
                    self.d.order(quantity=3, price="1001.00", targets=[a])), 20)
            finally:
                self.sim.market(True)
            leg = r.json["results"][0]
            if r.status == 422:
                self.assertEqual(leg["outcome"], "rejected", leg)
                self.assertIn(leg["code"], ("BROKER_REJECTED", "MARKET_CLOSED"), leg)
                self.assertTrue(leg["broker_message"], leg)
            else:
                self.assertEqual(r.status, 201, r)
                self.assertIn(broker, ("hdfc", "mstock"))
                self.until(lambda i=r.json["order_id"]: self.leg(i)["order_status"] == "REJECTED", 20)
            self.assertEqual(len(self.sim.booked(broker=broker)), before)

    def test_quotes(self):
        for account in ALL:
            self.sim.price("NSE:INFY", "1111.00")
            r = self.until(lambda a=account: (lambda x: x if x.status == 200 else None)(
                self.d.get(f"/api/v1/quotes?symbols=NSE:INFY,NSE:SBIN&account={a}")), 20)
            self.assertEqual(r.json["source"], account)
            self.assertEqual([(q["symbol"], q["last"]) for q in r.json["quotes"]],
                             [("NSE:INFY", "1111.00"), ("NSE:SBIN", "1050.00")])

    # --- all together ---------------------------------------------------------------------------

    def portfolio(self, good):
        """The answer, once exactly these accounts are in the sum."""
        def once():
            p = self.d.get("/api/v1/portfolio")
            names = [x["account"] for x in p.json["results"] if x["status"] == "success"]
            return p if names == good else None
        return self.until(once, 30)

    def test_portfolio(self):
        everybody = ALL + ["paper:demo"]
        p = self.portfolio(everybody)
        self.assertEqual(p.status, 200)
        c = p.json["consolidated"]
        self.assertEqual((c["accounts"], c["failed"], c["missing"]), (4, 0, []))
        self.assertEqual(c["as_of"], min(x["as_of"] for x in p.json["results"]))
        self.assertEqual([h["quantity"] for h in c["holdings"] if h["symbol"] == "NSE:RELIANCE"], [300])
        for x in p.json["results"][:3]:
            self.assertEqual([h["quantity"] for h in x["holdings"] if h["symbol"] == "NSE:RELIANCE"], [100], x)

    def test_portfolio_with_one_broker_down(self):
        self.sim.fault("error", broker="hdfc", operation="holdings", status=502, count=0)
        p = self.portfolio(["fyers:main", "mstock:main", "paper:demo"])
        self.assertEqual(p.status, 207)
        failed = p.json["results"][1]
        self.assertEqual((failed["account"], failed["status"], failed["as_of"]), ("hdfc:main", "failed", None))
        self.assertEqual(failed["code"], "BROKER_UNREACHABLE")
        c = p.json["consolidated"]
        self.assertEqual((c["accounts"], c["failed"], c["missing"]), (3, 1, ["hdfc:main"]))
        self.assertEqual([h["quantity"] for h in c["holdings"] if h["symbol"] == "NSE:RELIANCE"], [200])

    def fan_out(self, **fields):
        body = {"targets": ALL + ["paper:demo"], "price": "1000.00", "quantity": 5, **fields}

        def once():
            r = self.d.order(**body)
            return None if "BROKER_RATE" in r.raw.decode() else r
        r = self.until(once, 20)
        return r, {x["account"]: x for x in r.json["results"]}

    def test_fan_out(self):
        r, legs = self.fan_out()
        self.assertEqual(r.status, 201, r)
        self.assertEqual([legs[a]["outcome"] for a in ALL + ["paper:demo"]], ["accepted"] * 4)
        self.assertEqual(len({x["tag"] for x in legs.values()}), 4)

    def test_fan_out_with_a_session_that_ended(self):
        """Fyers refuses the token: nothing is live there, the other three are."""
        self.sim.expire("fyers")
        received = len(self.sim.received(broker="fyers"))
        r, legs = self.fan_out(quantity=6)
        self.assertEqual(r.status, 207, r)
        fyers = legs.pop("fyers:main")
        # a read of the gates may have met it first
        self.assertIn(fyers["outcome"], ("rejected", "not_sent"))
        self.assertEqual(fyers["code"], "SESSION_REQUIRED")
        self.assertEqual([x["outcome"] for x in legs.values()], ["accepted"] * 3)
        self.assertEqual(len(self.sim.received(broker="fyers")), received)
        self.assertEqual(self.d.get("/api/v1/auth/fyers/main").json["state"], "expired")

    def test_fan_out_with_an_answer_that_is_lost(self):
        """m.Stock takes the order and never answers: 202, and the book, which has no tags, tells."""
        self.sim.fault("close_after", broker="mstock", operation="place", book=True)
        r, legs = self.fan_out(quantity=11, price="998.00")
        self.assertEqual(r.status, 202, r)
        self.assertEqual({a: x["outcome"] for a, x in legs.items()},
                         {"fyers:main": "accepted", "hdfc:main": "accepted", "mstock:main": "unknown",
                          "paper:demo": "accepted"})
        order_id = r.json["order_id"]

        def told():
            (leg,) = [x for x in self.d.get(f"/api/v1/orders/{order_id}").json["legs"]
                      if x["account"] == "mstock:main"]
            return leg if leg["outcome"] != "unknown" else None
        leg = self.until(told, 30)
        (booked,) = self.sim.booked(broker="mstock", quantity=11)
        self.assertEqual((leg["outcome"], leg["confidence"], leg["broker_order_id"]),
                         ("accepted", "inferred", booked["order_id"]))
        self.assertEqual(len(self.sim.received(broker="mstock", quantity=11)), 1)


class OneDown(ordo.Case):
    """Fan-out to a broker nobody listens for."""

    def test_fan_out(self):
        with brokersim.Sim("--rows", ROWS) as sim, brokersim.Sim("--rows", ROWS) as other:
            env = {**access(sim, ("fyers", "hdfc")), **access(other, ("mstock",))}
            d = Daemon(accounts=",".join(ALL + ["paper:demo"]), env=env)
            d.env["ORDO_PAPER_DEMO_MARKET"] = "static"
            self.addCleanup(d.cleanup)
            d.start()
            for b in BROKERS:
                log_in(self, d, other if b == "mstock" else sim, b)
            for account in ALL:
                self.until(lambda a=account: trades(d, a), 60)
            other.kill()
            r = d.order(targets=ALL + ["paper:demo"], price="1000.00", key="k1")
            self.assertEqual(r.status, 207, r)
            legs = {x["account"]: x for x in r.json["results"]}
            self.assertEqual({a: x["outcome"] for a, x in legs.items()},
                             {"fyers:main": "accepted", "hdfc:main": "accepted", "mstock:main": "not_sent",
                              "paper:demo": "accepted"})
            self.assertEqual(legs["mstock:main"]["code"], "BROKER_UNREACHABLE")
            self.assertIsNone(legs["mstock:main"]["broker_order_id"])
            self.assertEqual(len(sim.received()), 2)
            again = d.order(targets=ALL + ["paper:demo"], price="1000.00", key="k1")
            self.assertEqual((again.status, again.raw), (207, r.raw))
            self.assertEqual(len(sim.received()), 2)
            p = d.get("/api/v1/portfolio")
            self.assertEqual((p.status, p.json["consolidated"]["missing"][-1]), (207, "mstock:main"))
            d.stop()


class Tls(ordo.Case):
    """A server whose certificate is not good: nothing leaves."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ordo-brokers-"))
        self.addCleanup(shutil.rmtree, self.dir)
        self.ca = self.certificate("ca")
        self.good = self.certificate("good", self.ca, "IP:127.0.0.1,DNS:localhost")

    def certificate(self, *args, **kw):
        return certificate(self.dir, *args, **kw)

    def logged_in(self, ca=None):
        """A daemon that has read Fyers' books over HTTPS, and the simulator."""
        sim = brokersim.Sim("--rows", ROWS, tls=self.good).start()
        self.addCleanup(lambda: sim.process and sim.stop())
        env = access(sim, ("fyers",), tls=True)
        env["ORDO_FYERS_MAIN_CA_FILE"] = str((ca or self.ca)[0])
        d = Daemon(accounts="fyers:main", env=env)
        self.addCleanup(d.cleanup)
        d.start()
        return d, sim

    def restart_with(self, sim, certificate):
        """Another certificate, the same address, the same sessions' keys."""
        sim.kill()
        sim.tls = certificate
        sim.start()

    def expect_not_sent(self, d, sim, reason):
        r = d.order(targets=["fyers:main"], price="1000.00", key=str(uuid.uuid4()))
        body = self.assertProblem(r, 424, "BROKER_UNREACHABLE")
        self.assertTrue(body["retry_safe"])
        leg = body["results"][0]
        self.assertEqual((leg["outcome"], leg["code"]), ("not_sent", "BROKER_UNREACHABLE"))
        self.assertIn(reason, leg["message"])
        self.assertEqual(sim.received(), [])
        self.assertEqual(sum(sim.calls("fyers").values()), 0)

    def check_bad(self, certificate, reason):
        d, sim = self.logged_in()
        log_in(self, d, sim, "fyers")
        self.until(lambda: trades(d, "fyers:main"), 60)
        self.restart_with(sim, certificate)
        self.expect_not_sent(d, sim, reason)
        d.stop()

    def test_a_stranger_signed_it(self):
        self.check_bad(self.certificate("forged", self.certificate("other-ca"), "IP:127.0.0.1"),
                       "certificate")

    def test_for_another_host(self):
        self.check_bad(self.certificate("other", self.ca, "DNS:broker.example"),
                       "no alternative certificate subject name")

    def test_expired(self):
        self.check_bad(self.certificate("old", self.ca, "IP:127.0.0.1", days="-1"), "expired")

    def test_login_to_a_stranger(self):
        """Neither key nor code goes to whoever cannot prove that he is the broker."""
        d, sim = self.logged_in(ca=self.certificate("other-ca"))
        r = d.post("/api/v1/auth/fyers/main/login")
        self.assertEqual(r.status, 200, r)
        r = d.post("/api/v1/auth/fyers/main/complete", {"redirect_url": browse(sim, r.json["login_url"])})
        self.assertEqual(r.status, 424, r)
        self.assertEqual(r.json["code"], "BROKER_UNREACHABLE")
        self.assertEqual(sim.calls("fyers")["login"], 1)  # the person's own
        d.stop()


class Configuration(ordo.Case):
    def test_the_page_is_right(self):
        """What docs/brokers.md shows for each broker is a configuration, with the secrets it names."""
        page = (ordo.SOURCE / "docs/brokers.md").read_text()
        parts = re.findall(r"^## .*?(?=^## |\Z)", page, re.M | re.S)
        shown = [p for p in parts if re.search(r"^Secrets?: ", p, re.M)]
        self.assertEqual(len(shown), len(BROKERS))
        for part, broker in zip(shown, BROKERS):
            env = dict(re.findall(r"^(ORDO_\w+)=(.*)$", part, re.M))
            self.assertEqual(env["ORDO_ACCOUNTS"], f"{broker}:main")
            paragraph = re.search(r"^Secrets?: .*?\n\n", part, re.M | re.S).group(0)
            with tempfile.TemporaryDirectory() as secrets:
                for name in re.findall(rf"`({broker.upper()}_MAIN_\w+)`", paragraph):
                    (pathlib.Path(secrets) / f"ORDO_{name}").write_text("JBSWY3DPEHPK3PXP")
                d = Daemon(accounts=env["ORDO_ACCOUNTS"], env={**env, "CREDENTIALS_DIRECTORY": secrets})
                self.addCleanup(d.cleanup)
                r = subprocess.run([ordo.BUILD / "src/ordod", "--check-config"], env=d.env,
                                   capture_output=True, text=True, timeout=30)
            self.assertEqual((r.returncode, r.stderr), (0, ""), broker)

    def test_egress_address_that_is_not_ours(self):
        """The daemon starts, says so, and sends nothing from anywhere else."""
        with brokersim.Sim("--rows", ROWS) as sim:
            env = access(sim, ("fyers",))
            env["ORDO_FYERS_MAIN_EGRESS_ADDRESS"] = "203.0.113.7"
            d = Daemon(accounts="fyers:main", env=env)
            self.addCleanup(d.cleanup)
            d.start()
            (record,) = d.records(option="EGRESS_ADDRESS")
            self.assertIn("fyers:main: nothing can be sent from 203.0.113.7", record["message"])
            r = d.post("/api/v1/auth/fyers/main/login")
            r = d.post("/api/v1/auth/fyers/main/complete",
                       {"redirect_url": browse(sim, r.json["login_url"])})
            self.assertEqual((r.status, r.json["code"]), (424, "BROKER_UNREACHABLE"), r)
            self.assertEqual(sim.calls("fyers")["login"], 1)
            d.stop()

    def test_secrets_stay_secret(self):
        """Through a login and an order none of them is in a record or an answer."""
        with brokersim.Sim("--rows", ROWS) as sim:
            d = Daemon(accounts="mstock:main", env={**access(sim, ("mstock",)), "ORDO_LOG_LEVEL": "debug",
                                                    "ORDO_LOG_ACCESS": "yes"})
            self.addCleanup(d.cleanup)
            d.start()
            log_in(self, d, sim, "mstock")
            self.until(lambda: trades(d, "mstock:main"), 60)
            r = d.order(targets=["mstock:main"], price="1000.00")
            self.assertEqual(r.status, 201, r)
            shown = d.log.read_text() + d.get("/api/v1/status").raw.decode() + r.raw.decode() + \
                d.get("/api/v1/audit").raw.decode() + d.get("/api/v1/accounts").raw.decode()
            user = next(u for u in sim.users() if u["broker"] == "mstock")
            for secret in (user["api_key"], user["password"]):
                self.assertNotIn(secret, shown)
            d.stop()


if __name__ == "__main__":
    ordo.main()
