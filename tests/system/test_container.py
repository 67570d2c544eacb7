"""The image as compose.yaml runs it: systemd boots, and everything is as on a host. On docker, and on podman's socket."""
import json
import time

import engine
import machine

QUICK = "[Service]\nWatchdogSec=2s\nRestartSec=100ms\nTimeoutAbortSec=2s\n"


class Compose:
    """For both engines."""

    def from_a_clean_clone(self):
        if self.ENGINE == "docker":
            # Then compose builds it, from the layers that are there; the other name keeps them.
            self.e.docker("tag", "ordo:latest", "ordo:kept")
            self.e.docker("rmi", "ordo:latest")
        self.p = self.project("compose.yaml", directory=self.clean_clone())
        self.p.until(lambda: self.state("ordo.socket") == "active", why="nobody listens")

    def state(self, unit):
        return self.p.sh(f"systemctl is-active {unit} || :", check=False).strip()

    def daemons(self):
        return self.p.sh("cat /proc/[0-9]*/comm | grep -cx ordod || :").strip()

    def main_pid(self):
        return self.p.sh("systemctl show -p MainPID --value ordo.service").strip()

    def test_as_on_a_host(self):
        self.from_a_clean_clone()
        p = self.p
        p.until(lambda: p.sh("systemctl is-system-running || :").strip() == "running", why=p.sh("systemctl --failed"))
        # Nothing runs before the first request, and the first is answered.
        self.assertEqual(self.daemons(), "0")
        began = time.monotonic()
        self.assertEqual(p.curl("http://127.0.0.1:8080/health"), '{"status":"ok"}')
        print(f"# {self.ENGINE}: the first request took {(time.monotonic() - began) * 1000:.0f} ms")
        self.assertEqual((self.daemons(), self.state("ordo.service")), ("1", "active"))
        # An order, and its structured record.
        p.until(lambda: p.ask("GET", "/ready")[0] == 200)
        status, order = p.order(client_order_id="before", key="the-key")
        self.assertEqual(status, 201, order)
        records = [json.loads(r) for r in p.sh("journalctl -u ordo -o json --no-pager").splitlines()]
        [record] = [r for r in records if r.get("ORDO_ORDER") == order["order_id"]
                    and r.get("MESSAGE_ID") == machine.EVENTS["ORDER_PLACED"]]
        self.assertEqual((record["_SYSTEMD_UNIT"], record["ORDO_CORRELATION_ID"]),
                         ("ordo.service", order["correlation_id"]))
        # It hangs, is ended and started again, and the order is there.
        p.sh(f"mkdir -p /etc/systemd/system/ordo.service.d; printf '{QUICK}' "
             ">/etc/systemd/system/ordo.service.d/50-test.conf; systemctl daemon-reload; systemctl restart ordo")
        pid = self.main_pid()
        p.sh(f"kill -STOP {pid}")
        p.until(lambda: self.main_pid() not in (pid, "0") and self.state("ordo.service") == "active",
                why="the watchdog does not bite")
        self.assertIn("Failed with result 'watchdog'", p.sh("journalctl -u ordo -n 50 --no-pager"))
        status, again = p.order(client_order_id="before", key="the-key")
        self.assertEqual((status, again), (201, order))
        # ordoctl works where the daemon is, and so does the backup.
        self.assertIn("paper:demo", p.sh("ordoctl status"))
        p.sh("systemctl start ordo-backup.service && ls /var/lib/ordo/backups | grep -q db")
        # The container goes, the ledger stays.
        p.down(volumes=False)
        p.up()
        p.until(lambda: self.state("ordo.socket") == "active", why="nobody listens after the restart")
        self.assertEqual(p.order(client_order_id="before", key="the-key"), (201, order))
        p.sh("ordoctl audit verify")


    def test_environment_reaches_the_units(self):
        """Where it listens, what accounts there are, and a token of all signs that a shell or systemd minds."""
        token = "to\"ken'$HOME\\x`y`%h${z}#-0123456789"
        directory = self.clean_clone()
        (directory / "container/options.yaml").write_text(json.dumps({"services": {"ordo": {"environment": {
            "ORDO_ACCOUNTS": "paper:odd", "ORDO_LISTEN": "127.0.0.1:9090", "ORDO_API_TOKEN": token.replace("$", "$$"),
            "OTHER": "not ours"}}}}))
        p = self.project("compose.yaml", "options.yaml", directory=directory)
        p.until(lambda: p.curl("http://127.0.0.1:9090/health", check=False) == '{"status":"ok"}', why="nobody listens")
        funds = json.loads(p.curl("-H", f"Authorization: Bearer {token}", "http://127.0.0.1:9090/api/v1/funds"))
        self.assertEqual([r["account"] for r in funds["results"]], ["paper:odd"])
        self.assertEqual(p.sh("stat -c %a:%U /run/ordo.env"), "600:root\n")
        self.assertNotIn("OTHER", p.sh("cat /run/ordo.env"))
        self.assertEqual(p.curl("http://127.0.0.1:8080/health", check=False), "")


class Docker(Compose, engine.Case):
    ENGINE = "docker"


class Podman(Compose, engine.Case):
    ENGINE = "podman"

    def test_without_any_option(self):
        """It knows by itself how systemd boots: no capability, no file system, no profile is asked for."""
        e = self.e
        name = e.docker("run", "-d", "--network", "host", "ordo:latest").stdout.strip()
        self.addCleanup(e.docker, "rm", "-f", "-v", name)
        end = time.monotonic() + 30
        while e.docker("exec", name, "systemctl", "is-active", "ordo.socket", check=False).stdout != "active\n":
            self.assertLess(time.monotonic(), end, "nobody listens")
        self.assertEqual(e.curl("http://127.0.0.1:8080/health"), '{"status":"ok"}')
        status = e.docker("exec", name, "sh", "-c", "cat /proc/$(systemctl show -p MainPID --value ordo)/status").stdout
        self.assertIn("CapEff:\t" + "0" * 16, status)
        self.assertIn("NoNewPrivs:\t1", status)


if __name__ == "__main__":
    engine.main()
