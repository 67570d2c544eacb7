"""Limits of an API key, beside those of the accounts: who meets which, and what a client sees of them."""
import hashlib
import json
import signal
import subprocess

import ordo

CTL = ordo.BUILD / "src/ordoctl/ordoctl"


class KeyLimits(ordo.Case):
    def write(self, d, **limits):
        """Keys named by the arguments; the token of a key is its name, long enough."""
        (d.state / "keys.json").write_text(json.dumps({"keys": [
            {"name": name, "hash": "sha256:" + hashlib.sha256(self.bearer(name).encode()).hexdigest(),
             "scopes": ["read", "trade"], **({} if own is None else {"limits": own})}
            for name, own in limits.items()]}))
        (d.state / "keys.json").chmod(0o600)

    @staticmethod
    def bearer(name):
        return f"token-of-{name}-for-tests"

    def begin(self, env=None, **limits):
        d = self.daemon(env=env or {})
        self.write(d, **limits)
        d.start()
        self.addCleanup(d.stop)
        return d

    def order(self, d, name, **fields):
        return d.order(headers={"Authorization": "Bearer " + self.bearer(name)}, **fields)

    def key(self, d, name):
        return d.get("/api/v1/status", token=self.bearer(name)).json["key"]

    def test_refused_by_its_own_and_nobody_else(self):
        d = self.begin(tight={"max_order_quantity": 5, "max_order_value": "4000.00", "price_collar_percent": "1.00"},
                       free={})
        for code, fields in (("MAX_ORDER_QUANTITY", {"quantity": 6}),
                             ("MAX_ORDER_VALUE", {"quantity": 5}),
                             ("PRICE_COLLAR", {"quantity": 1, "price": "1100.00"})):
            with self.subTest(code):
                p = self.assertProblem(self.order(d, "tight", **fields), 422, code)
                self.assertIn("this key's", p["results"][0]["message"])
                self.assertEqual(self.order(d, "free", **fields).status, 201)
        self.assertEqual(self.order(d, "tight", quantity=3).status, 201)

    def test_over_all_accounts_and_the_accounts_own_hold(self):
        d = self.begin(env={"ORDO_PAPER_SECOND_MAX_ORDERS_PER_DAY": "1"}, tight={"orders_per_day": 3})
        both = ["paper:demo", "paper:second"]
        self.assertEqual(self.order(d, "tight", targets=both).status, 201)
        p = self.assertProblem(self.order(d, "tight", targets=["paper:second"], quantity=9), 422,
                               "MAX_ORDERS_PER_DAY")
        self.assertIn("the account's", p["results"][0]["message"])
        self.assertEqual(self.key(d, "tight")["left"]["orders_day"], 1)
        self.assertEqual(self.order(d, "tight", quantity=8).status, 201)
        p = self.assertProblem(self.order(d, "tight", quantity=7), 422, "MAX_ORDERS_PER_DAY")
        self.assertIn("this key's", p["results"][0]["message"])

    def test_rate_says_when_and_cancels_pass(self):
        d = self.begin(tight={"orders_per_minute": 2})
        paths = [self.order(d, "tight", quantity=n, price="1000.00").headers["location"] for n in (1, 2)]
        r = self.order(d, "tight", quantity=3)
        p = self.assertProblem(r, 429, "ORDER_RATE")
        self.assertIn("this key's limit is 2 orders in 60 s", p["results"][0]["message"])
        self.assertIn(int(r.headers["retry-after"]), range(50, 61))
        r = d.request("PATCH", paths[0], {"price": "1001.00"}, token=self.bearer("tight"))
        self.assertProblem(r, 429, "ORDER_RATE")
        for path in paths:
            self.assertEqual(d.request("DELETE", path, token=self.bearer("tight")).status, 200)
        self.assertEqual(self.order(d, "tight", quantity=3).status, 429)

    def test_key_sees_its_own(self):
        d = self.begin(env={"ORDO_STATUS_PUBLIC": "yes", "ORDO_KEY_ORDERS_PER_SECOND": "50"},
                       one={"max_daily_value": "20000.00", "max_open_orders": 2}, two=None)
        self.assertEqual(self.order(d, "one", price="1000.00").status, 201)
        one = self.key(d, "one")
        self.assertEqual(one["name"], "one")
        self.assertEqual({k: v for k, v in one["limits"].items() if v is not None},
                         {"max_daily_value": "20000.00", "max_open_orders": 2})
        self.assertEqual(one["left"], {"orders_second": None, "orders_minute": None, "orders_day": None,
                                       "value_day": "10000.00", "open_orders": 1})
        two = self.key(d, "two")
        self.assertEqual({k: v for k, v in two["limits"].items() if v is not None}, {"orders_per_second": 50})
        self.assertIsNone(d.get("/api/v1/status", token=None).json["key"])
        self.assertEqual(d.get("/api/v1/status").json["key"]["name"], "api-token")

    def test_restart_and_reload(self):
        d = self.begin(tight={"max_daily_value": "20000.00", "orders_per_day": 5})
        path = self.order(d, "tight", price="1000.00").headers["location"]
        d.kill()
        d.start()
        self.assertEqual(self.key(d, "tight")["left"]["value_day"], "10000.00")
        self.assertEqual(self.key(d, "tight")["left"]["orders_day"], 4)
        p = self.assertProblem(self.order(d, "tight", quantity=11, price="1000.00"), 422, "MAX_DAILY_VALUE")
        self.assertIn("this key's", p["results"][0]["message"])
        self.write(d, tight={"max_daily_value": "30000.00"})
        d.process.send_signal(signal.SIGHUP)
        self.until(lambda: self.key(d, "tight")["left"]["value_day"] == "20000.00")
        self.assertEqual(self.order(d, "tight", quantity=11, price="1000.00").status, 201)
        self.assertEqual(d.request("DELETE", path, token=self.bearer("tight")).status, 200)
        self.write(d, tight={"max_daily_value": "-1"})
        r = d.post("/api/v1/admin/reload")
        self.assertIn("/keys/0/limits/max_daily_value", self.assertProblem(r, 400, "INVALID_REQUEST")
                      ["errors"][0]["detail"])
        self.assertEqual(self.key(d, "tight")["limits"]["max_daily_value"], "30000.00")

    def test_hostile_options_do_not_start(self):
        for name, value in (("ORDO_KEY_MAX_ORDERS_PER_DAY", "-1"), ("ORDO_KEY_ORDERS_PER_SECOND", "1001"),
                            ("ORDO_KEY_MAX_ORDER_VALUE", "99999999999999999999"),
                            ("ORDO_KEY_MAX_ORDER_VALU", "5")):
            with self.subTest(name):
                d = self.daemon(env={name: value})
                r = subprocess.run([ordo.BUILD / "src/ordod"], env=d.env, capture_output=True, text=True, timeout=60)
                self.assertNotEqual(r.returncode, 0)
                self.assertIn(name, r.stdout + r.stderr)

    def test_ordoctl(self):
        d = self.begin(tight={"orders_per_day": 5})

        def ctl(*args, code=0):
            r = subprocess.run([CTL, *args], capture_output=True, text=True, timeout=60,
                               env={**d.env, "ORDO_API_TOKEN": self.bearer("tight"),
                                    "ORDO_URL": f"http://127.0.0.1:{d.port}"})
            self.assertEqual(r.returncode, code, r)
            return r.stdout + r.stderr

        self.assertRegex(ctl("status"), r"(?m)^Key: orders left today +5$")
        ctl("key", "add", "desk", "--scope", "trade", "--limit", "max_order_value=5000.00,orders_per_day=9")
        self.assertRegex(ctl("key", "list"), r"(?m)^desk .*max_order_value=5000\.00,orders_per_day=9")
        self.assertIn("orders_per_day=0", ctl("key", "add", "x", "--scope", "trade", "--limit", "orders_per_day=0",
                                              code=1))
        self.assertIn("trade scope", ctl("key", "add", "x", "--scope", "read", "--limit", "orders_per_day=1",
                                         code=1))


if __name__ == "__main__":
    ordo.main()
