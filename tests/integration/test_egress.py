"""Each account's calls leave from its own address: two accounts of one broker at one server (whose connections a
shared pool would mix up), one over IPv6, and the same after lost connections, tries that failed, and an address
that was away for a while. In a network namespace of this test."""

import pathlib
import shutil
import tempfile
import time

import brokersim
import netns
import ordo
from test_brokers import browse, certificate

SERVER4, SERVER6 = "10.77.0.9", "fd77::9"
OWN = {"fyers:one": "10.77.0.1", "fyers:two": "10.77.0.2", "hdfc:main": "fd77::3", "mstock:main": "10.77.0.4"}
CLIENT = {"fyers:one": "XS00001", "fyers:two": "XS00002", "hdfc:main": "10000001", "mstock:main": "MA1000001"}
ROUNDS = 3
PORT = 7443


class Egress(ordo.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.missing = netns.enter()
        if cls.missing:
            return
        for n, address in enumerate([SERVER4, *(a for a in OWN.values() if ":" not in a)]):
            netns.ipv4(f"lo:{n}", address)
        for address in (SERVER6, OWN["hdfc:main"]):
            netns.ipv6(address)
        cls.dir = pathlib.Path(tempfile.mkdtemp())
        ca = certificate(cls.dir, "ca")
        good = certificate(cls.dir, "good", ca, f"IP:{SERVER4},IP:{SERVER6}")
        cls.sim = brokersim.Sim("--rows", "24000", "--user", "fyers:XS00002:SIMFYERS02-100:SIMSECRET2",
                                "--listen-tls", f"{SERVER4}:{PORT}", "--listen-tls", f"[{SERVER6}]:{PORT}",
                                "--tls-cert", str(good[0]), "--tls-key", str(good[1])).start()
        cls.ca = ca

    @classmethod
    def tearDownClass(cls):
        if not cls.missing:
            cls.sim.stop()
            shutil.rmtree(cls.dir)
        super().tearDownClass()

    def setUp(self):
        if self.missing:
            self.skipTest(self.missing)
        env = {}
        for account, address in OWN.items():
            broker, name = account.split(":")
            server = f"[{SERVER6}]" if ":" in address else SERVER4
            mine = self.sim.options(broker, name, CLIENT[account])
            prefix = f"ORDO_{broker}_{name}_".upper()
            env.update({k: v.replace(self.sim.url, f"https://{server}:{PORT}") for k, v in mine.items()})
            env.update({prefix + "EGRESS_ADDRESS": address, prefix + "CA_FILE": str(self.ca[0]),
                        prefix + "SESSION_HOURS": "pass", prefix + "ORDERS_PER_MINUTE": "0",
                        prefix + "REPEAT_WINDOW_MS": "0"})
        env.update(ORDO_MSTOCK_MAIN_USERNAME="MA1000001", ORDO_MSTOCK_MAIN_PASSWORD="simpassword")
        self.daemon_ = ordo.Daemon(accounts=",".join(OWN), env=env)
        self.addCleanup(self.daemon_.cleanup)
        self.daemon_.start()
        for account in OWN:
            self.log_in(account)
        self.until(lambda: all(self.trades(a) for a in OWN), 60)

    def log_in(self, account):
        broker, name = account.split(":")
        r = self.daemon_.post(f"/api/v1/auth/{broker}/{name}/login")
        self.assertEqual(r.status, 200, r)
        body = {"otp": "123456"}
        if r.json["method"] == "redirect":
            with_client = self.sim.request("POST", self.path(r.json["login_url"]), headers={"User-Agent": "Mozilla/5.0"},
                                           form={"otp": "123456", "pin": "2580", "action": "approve",
                                                 "client_id": CLIENT[account]})
            body = {"redirect_url": with_client.headers["location"]}
        r = self.daemon_.post(f"/api/v1/auth/{broker}/{name}/complete", body)
        self.assertEqual((r.status, r.json.get("state")), (200, "active"), r)

    @staticmethod
    def path(url):
        return url[url.index("/", url.index("://") + 3):]

    def trades(self, account):
        return self.daemon_.post("/api/v1/orders/validate", {
            "symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": 1, "price": "900.00",
            "product": "CNC", "validity": "DAY", "targets": [account]}).status == 200

    def patiently(self, ask):
        """The first answer that is no broker's rate: HDFC allows five calls a second."""
        found = []

        def answered():
            time.sleep(0.2 if not found else 1)
            found.append(ask())
            codes = {leg.get("code") for leg in found[-1].json.get("results", [])} | {found[-1].json.get("code")}
            return not codes & {"BROKER_RATE", "ORDER_RATE"}
        self.until(answered, 60)
        return found[-1]

    def place(self, accounts=tuple(OWN), price="900.00", **fields):
        return self.patiently(lambda: self.daemon_.order(targets=list(accounts), price=price, quantity=1, **fields))

    def judge(self):
        """The addresses that the brokers saw, by account: for all orders, modifications and cancels."""
        account_of = {client: account for account, client in CLIENT.items()}
        seen = {account: set() for account in OWN}
        for operation in ("place", "modify", "cancel"):
            for line in self.sim.received(operation):
                seen[account_of[line["client_id"]]].add(line["peer"])
        self.assertEqual(seen, {account: {address} for account, address in OWN.items()})

    def test_own_address_whatever_happens(self):
        for n in range(ROUNDS):
            r = self.place(price=f"{900 + n}.00")
            self.assertEqual(r.status, 201, r)
            order = "/api/v1/orders/" + r.json["order_id"]
            changed = self.patiently(lambda: self.daemon_.request("PATCH", order, {"price": f"{880 - n}.00"}))
            self.assertEqual(changed.status, 200, changed)
            ended = self.patiently(lambda: self.daemon_.request("DELETE", order))
            self.assertEqual(ended.status, 200, ended)
        self.judge()
        # Connections that end in the middle, and all at once: new ones are opened, orders tried again.
        # (A leg whose outcome is not known freezes its instrument, so each has another.)
        for fault, symbol, price in (("close_after", "NSE:TCS", "2300.00"), ("reset", "NSE:INFY", "1120.00"),
                                     ("error", "NSE:RELIANCE", "1320.00")):
            for broker in ("fyers", "hdfc", "mstock"):
                self.sim.fault(fault, broker=broker, operation="place", count=1 + (broker == "fyers"))
            r = self.place(price=price, symbol=symbol)
            self.assertEqual(r.status, 202, r)
            self.sim.clear_faults()
        self.sim.fault("refuse", ms=1500)
        r = self.place(price="870.00")
        self.assertIn(r.status, (201, 207, 424), r)  # as each finds the broker again in time
        self.until(lambda: self.place(price="871.00").status == 201, 30)
        self.judge()

    def test_an_address_that_is_away(self):
        self.assertEqual(self.place().status, 201)
        before = len(self.sim.received(client_id="XS00002"))
        self.sim.fault("refuse", ms=100)  # what is connected is cut off
        netns.without_ipv4("lo:2")
        netns.without_ipv6(OWN["hdfc:main"])
        self.until(lambda: self.place(["fyers:one", "mstock:main"], "880.00").status == 201, 30)
        for account in ("fyers:two", "hdfc:main"):
            r = self.place([account], "881.00")
            self.assertEqual((r.status, r.json["code"]), (424, "BROKER_UNREACHABLE"), r)
        self.assertEqual(len(self.sim.received(client_id="XS00002")), before)
        netns.ipv4("lo:2", OWN["fyers:two"])
        netns.ipv6(OWN["hdfc:main"])
        self.until(lambda: self.place(["fyers:two", "hdfc:main"], "882.00").status == 201, 30)
        self.judge()


if __name__ == "__main__":
    ordo.main()
