"""Real adapters, a daemon and simulated brokers: each broker's list of instruments is fetched, taken
into use, told about, and there again after a restart."""
import os
import sqlite3
import time
import unittest

import brokersim
import ordo

ROWS = 25000
BROKERS = ("fyers", "hdfc", "mstock")


def environment(sim, brokers=BROKERS):
    env = {}
    for b in brokers:
        env.update(sim.options(b))
    if "mstock" in brokers:
        env.update(ORDO_MSTOCK_MAIN_USERNAME="MA1000001", ORDO_MSTOCK_MAIN_PASSWORD="simpassword")
    return env


class Masters(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = brokersim.Sim("--rows", str(ROWS)).start()

    @classmethod
    def tearDownClass(cls):
        cls.sim.stop()

    def setUp(self):
        self.sim.reset()

    def daemon(self, state=None):
        d = ordo.Daemon(accounts="paper:demo," + ",".join(f"{b}:main" for b in BROKERS),
                        env=environment(self.sim), state=state)
        self.addCleanup(d.cleanup)
        return d.start()

    def masters(self, d):
        return {m["broker"]: m for m in d.get("/api/v1/status").json["masters"]}

    def until_loaded(self, d, brokers=("fyers", "hdfc")):
        end = time.monotonic() + 60 * ordo.SLOW
        while time.monotonic() < end:
            m = self.masters(d)
            if all(m[b]["state"] == "loaded" for b in brokers):
                return m
            time.sleep(0.05)
        self.fail(f"not loaded: {self.masters(d)}\n{d.log_text()}")

    def test_loaded_and_there_again(self):
        d = self.daemon()
        m = self.until_loaded(d)
        for b in ("fyers", "hdfc"):
            self.assertGreater(m[b]["instruments"], ROWS * 9 // 10, m)
            self.assertIsNone(m[b]["last_error"])
            self.assertIsNotNone(m[b]["next_at"])
        # m.Stock gives its list to those only who are logged in.
        self.assertEqual(m["mstock"]["state"], "missing")
        self.assertIn("session", m["mstock"]["last_error"])
        self.assertEqual(d.get("/api/v1/status").json["status"], "degraded")

        d.post("/api/v1/auth/mstock/main/login")
        r = d.post("/api/v1/auth/mstock/main/complete", {"otp": "123456"})
        self.assertEqual((r.status, r.json["state"]), (200, "active"), r)
        m = self.until_loaded(d, BROKERS)
        self.assertGreater(m["mstock"]["instruments"], ROWS * 9 // 10, m)

        found = d.get("/api/v1/instruments?q=NSE:SBIN").json["instruments"]
        self.assertEqual(found[0]["symbol"], "NSE:SBIN")
        self.assertEqual([i["symbol"] for i in found].count("NSE:SBIN"), 1)
        padded = d.get("/api/v1/instruments?q=PAD00001&exchange=NFO&limit=500").json["instruments"]
        self.assertGreater(len(padded), 100)
        self.assertEqual(padded[0]["underlying"], "PAD00001")

        metrics = d.get("/metrics").raw.decode()
        self.assertIn(f'ordo_master_instruments{{broker="fyers"}} {m["fyers"]["instruments"]}', metrics)
        self.assertIn('ordo_master_loads_total{broker="hdfc",result="ok"} 1', metrics)
        job = next(j for j in d.get("/api/v1/jobs").json["jobs"] if j["name"] == "instrument-masters")
        self.assertIsNotNone(job["last_success_at"])
        self.assertTrue(d.records(broker="fyers"))

        d.stop()
        again = self.daemon(state=d.state)
        m2 = self.masters(again)
        for b in BROKERS:
            self.assertEqual((m2[b]["state"], m2[b]["as_of"], m2[b]["instruments"]),
                             ("loaded", m[b]["as_of"], m[b]["instruments"]))
        self.assertEqual(sorted(os.listdir(d.state / "masters")), ["fyers.db", "hdfc.db", "mstock.db"])
        again.stop()

    def test_a_damaged_file_is_made_again(self):
        d = self.daemon()
        self.until_loaded(d)
        d.stop()
        path = d.state / "masters" / "fyers.db"
        path.write_bytes(b"not a database" * 1000)
        again = self.daemon(state=d.state)
        self.until_loaded(again)
        with sqlite3.connect(path) as db:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        again.stop()

    def test_until_it_is_there_orders_wait(self):
        self.sim.fault("error", broker="fyers", operation="master", status=503, count=0)
        d = self.daemon()
        end = time.monotonic() + 20 * ordo.SLOW
        while not self.masters(d)["fyers"]["last_error"] and time.monotonic() < end:
            time.sleep(0.05)
        m = self.masters(d)["fyers"]
        self.assertEqual((m["state"], m["instruments"], m["as_of"]), ("missing", 0, None))
        self.assertIn("503", m["last_error"])
        r = d.get("/api/v1/quotes?symbols=NSE:SBIN&account=fyers:main")
        self.assertEqual((r.status, r.json["code"]), (503, "INSTRUMENTS_MISSING"))
        self.assertTrue(r.json["retry_safe"])
        d.stop()


if __name__ == "__main__":
    ordo.main()
