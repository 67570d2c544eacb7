"""Start, stop, restart and reload of the installed service, with and without load."""
import time

import load
import machine

RESTARTS = 10
RELOADED = machine.EVENTS["RELOADED"]
REFUSED = machine.EVENTS["CONFIG_REFUSED"]


class Service(machine.Case):
    def test_start_stop_restart(self):
        m = self.m
        m.run("systemctl", "start", "ordo.service")
        self.assertEqual(self.active(), "active")
        self.assertEqual(self.order()[0], 201)
        first = m.main_pid()
        m.run("systemctl", "restart", "ordo.service")
        self.assertNotEqual(m.main_pid(), first)
        self.assertEqual(self.active(), "active")
        # Alone, the service comes back with the next connection; that is what the socket is for.
        m.run("systemctl", "stop", "ordo.service")
        self.assertEqual(self.active(), "inactive")
        self.assertEqual(m.show("ordo.service", "Result", "ExecMainStatus"), ("success", "0"))
        self.assertEqual(self.active("ordo.socket"), "active")
        self.assertEqual(self.order()[0], 201)
        self.assertEqual(self.active(), "active")
        # Both stay stopped.
        m.run("systemctl", "stop", "ordo.socket", "ordo.service")
        refused = m.curl("-o", "/dev/null", "-w", "%{http_code} %{errormsg}", "http://127.0.0.1:8080/health",
                         check=False)
        self.assertTrue(refused.startswith("000 "), refused)
        self.assertEqual(self.active(), "inactive")
        m.run("systemctl", "start", "ordo.socket")
        self.assertEqual(self.order()[0], 201)

    def reload(self, event):
        """Reloads and waits for the record of what came of it; its message."""
        m = self.m
        before = len(m.journal("MESSAGE_ID=" + event))
        m.run("systemctl", "reload", "ordo.service")
        return m.until(lambda: m.journal("MESSAGE_ID=" + event)[before:])[0]["MESSAGE"]

    def test_reload(self):
        """Keys come and go without a restart; a bad file changes nothing and says so."""
        m = self.m
        m.run("systemctl", "start", "ordo.service")
        before = m.show("ordo.service", "MainPID", "ActiveEnterTimestampMonotonic")
        keys = m.path("/var/lib/ordo/keys.json")
        robot = m.run("ordoctl", "key", "add", "robot", "--scope", "read").split()
        [robot] = [word for word in robot if word.startswith("ordo_")]
        self.assertEqual(m.ask("GET", "/api/v1/funds", token=robot)[0], 401)
        self.reload(RELOADED)
        self.assertEqual(m.ask("GET", "/api/v1/funds", token=robot)[0], 200)

        good = keys.read_text()
        for bad in ("{", '{"keys": [{"name": "robot", "scopes": ["fly"], "hash": "sha256:00"}]}'):
            with self.subTest(bad):
                keys.write_text(bad)
                said = self.reload(REFUSED)
                self.assertIn("nothing was changed", said)
                self.assertIn("keys.json", said)
                self.assertEqual(m.ask("GET", "/api/v1/funds", token=robot)[0], 200)
                self.assertEqual(self.order()[0], 201)
        keys.write_text(good)
        self.reload(RELOADED)
        m.run("ordoctl", "key", "remove", "robot")
        self.reload(RELOADED)
        self.assertEqual(m.ask("GET", "/api/v1/funds", token=robot)[0], 401)
        self.assertEqual(m.show("ordo.service", "MainPID", "ActiveEnterTimestampMonotonic"), before)
        m.until(lambda: self.active() == "active")

    def restarts_under_load(self, keep_alive):
        m = self.m
        m.run("systemctl", "start", "ordo.service")
        known = {o["order_id"] for o in self.orders()}
        with load.Load(m, rate=200, keep_alive=keep_alive) as l:
            time.sleep(0.5)
            for _ in range(RESTARTS):
                m.run("systemctl", "restart", "ordo.service")
                time.sleep(0.2)
        print(f"# {len(l.placed)} orders in {l.seconds:.1f} s ({l.rate:.0f}/s) over {RESTARTS} restarts and "
              f"{l.connections} connections; slowest {l.slowest * 1000:.0f} ms")
        self.assertEqual(l.failures, [])
        self.assertGreater(len(l.placed), 20 * RESTARTS)
        orders = [o for o in self.orders() if o["order_id"] not in known]
        self.assertEqual(sorted((o["client_order_id"], o["order_id"]) for o in orders), sorted(l.placed))
        for o in orders:
            self.assertEqual([leg["outcome"] for leg in o["legs"]], ["accepted"], o)
        tags = [leg["tag"] for o in orders for leg in o["legs"]]
        self.assertEqual(len(tags), len(set(tags)))
        m.run("ordoctl", "audit", "verify")

    def test_restarts_under_load_with_kept_connections(self):
        self.restarts_under_load(True)

    def test_restarts_under_load_with_a_connection_each(self):
        self.restarts_under_load(False)


if __name__ == "__main__":
    machine.main()
