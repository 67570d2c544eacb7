"""A daemon that hangs or crashes: systemd ends it and starts it again, the port stays, the journal says why.
ORDO_FAULTS names an ordod built with -Dfaults=true, for the hangs that must be asked for."""
import os
import time

import machine

QUICK = "[Service]\nWatchdogSec=2s\nRestartSec=100ms\nTimeoutAbortSec=2s\n"
CRASHES = 50


class Hang(machine.Case):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.m.drop_in("ordo.service", QUICK)

    def setUp(self):
        self.m.run("systemctl", "restart", "ordo.service")
        self.assertEqual(self.order()[0], 201)
        self.since = self.m.run("date", "+%s").strip()

    def hang_is_noticed(self, hang, seconds=15):
        m = self.m
        old, restarts = m.main_pid(), int(m.show("ordo.service", "NRestarts"))
        orders = len(list(self.orders()))
        hang(old)
        waiting = m.background_curl("http://127.0.0.1:8080/health")
        began = time.monotonic()
        m.until(lambda: int(m.show("ordo.service", "NRestarts")) > restarts, seconds, "it is not restarted")
        took = time.monotonic() - began
        m.until(lambda: self.active() == "active", seconds, "it does not come back")
        self.assertNotEqual(m.main_pid(), old)
        # Accepted by the one that hung, or still in the socket: then the next one has answered.
        self.assertIn(waiting.communicate(timeout=30)[0], ("200", "000"))
        self.assertEqual(self.active("ordo.socket"), "active")
        self.assertEqual(self.order()[0], 201)
        self.assertEqual(len(list(self.orders())), orders + 1)
        found = m.journal("--since=@" + self.since, "UNIT=ordo.service", "UNIT_RESULT=watchdog")
        self.assertEqual([r["MESSAGE"] for r in found],
                         ["ordo.service: Failed with result 'watchdog'."])
        print(f"# restarted after {took:.1f} s with WatchdogSec=2s")

    def test_stopped_process(self):
        self.hang_is_noticed(lambda pid: self.m.signal("STOP", pid))


class CrashLoop(machine.Case):
    def break_it(self, text):
        self.m.drop_in("ordo.service", text)
        self.addCleanup(self.m.no_drop_in, "ordo.service")

    def test_port_survives_a_crash_loop(self):
        m = self.m
        m.run("systemctl", "start", "ordo.service")
        self.assertEqual(self.order()[0], 201)
        self.break_it("[Service]\nExecStart=\nExecStart=/bin/sh -c 'kill -SEGV $$$$'\nRestartSec=100ms\n")
        m.run("systemctl", "restart", "ordo.service", check=False)
        waiting = m.background_curl("http://127.0.0.1:8080/health")
        m.until(lambda: int(m.show("ordo.service", "NRestarts")) >= CRASHES, 120, "it is not tried again")
        self.assertEqual(self.active("ordo.socket"), "active")
        m.no_drop_in("ordo.service")
        # Who has waited all that time is answered too.
        out, _ = waiting.communicate(timeout=60)
        self.assertEqual(out, "200")
        self.assertEqual(m.curl("-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:8080/health"), "200")
        self.assertEqual(self.order()[0], 201)
        self.assertEqual(self.active(), "active")

    def test_port_survives_a_bad_configuration(self):
        m = self.m
        m.run("systemctl", "stop", "ordo.service")
        self.break_it("[Service]\nEnvironment=ORDO_ACCUONTS=paper:demo\nRestartSec=100ms\n")
        waiting = m.background_curl("http://127.0.0.1:8080/health")
        m.until(lambda: int(m.show("ordo.service", "NRestarts")) >= 10, 60, "it is not tried again")
        self.assertEqual(self.active("ordo.socket"), "active")
        said = [r["MESSAGE"] for r in m.journal("-u", "ordo.service", "_COMM=ordod")]
        said = "\n".join(said)
        self.assertIn("ORDO_ACCUONTS", said)
        self.assertIn("Did you mean ORDO_ACCOUNTS?", said)
        m.no_drop_in("ordo.service")
        out, _ = waiting.communicate(timeout=60)
        self.assertEqual(out, "200")


if __name__ == "__main__":
    machine.main()
