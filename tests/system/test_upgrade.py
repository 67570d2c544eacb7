"""Install, upgrade under load, go back, remove, purge."""
import pathlib
import re
import shutil
import tempfile

import load
import machine


def with_version(deb, version, directory):
    """The same package under another version number."""
    root = pathlib.Path(directory) / "root"
    machine.call("dpkg-deb", "-R", str(deb), str(root))
    control = root / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*$", "Version: " + version, control.read_text()))
    out = pathlib.Path(directory) / f"ordo_{version}_amd64.deb"
    machine.call("dpkg-deb", "--root-owner-group", "-b", str(root), str(out))
    shutil.rmtree(root)
    return out


def leftovers(m):
    """Paths with the package's name in them, but apt's and dpkg's own and what the test put there."""
    out = m.sh("find / -xdev -name '*ordo*' -not -path '/root/*' -not -path '/var/cache/apt/*'"
               " -not -path '/tmp/*' -not -path '/var/log/*' -not -path '/usr/share/*/coreutils/*'")
    return sorted(p for p in out.split() if not re.search(r"[a-z]ordo|ordo[a-z]*\.(mo|h)$", p.rsplit("/", 1)[1]))


class Upgrade(machine.Case):
    """In this order, on one machine."""

    @classmethod
    def prepare(cls):
        cls.before = leftovers(cls.m)
        super().prepare()
        cls.directory = tempfile.mkdtemp(prefix="ordo-upgrade-")
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.old = machine.call("dpkg-deb", "-f", str(cls.m.deb), "Version").strip()
        cls.newer = with_version(cls.m.deb, cls.old + "+1", cls.directory)

    def version(self):
        return self.m.run("dpkg-query", "-W", "-f${Version}", "ordo")

    def test_1_upgrade_under_load(self):
        m = self.m
        m.run("systemctl", "start", "ordo.service")
        pid, socket = m.main_pid(), m.show("ordo.socket", "InvocationID")
        with load.Load(m, rate=200) as l:
            m.install(self.newer)
        print(f"# {len(l.placed)} orders in {l.seconds:.1f} s while apt upgraded; slowest {l.slowest * 1000:.0f} ms")
        self.assertEqual(l.failures, [])
        self.assertGreater(len(l.placed), 50)
        self.assertEqual(self.version(), self.old + "+1")
        self.assertNotEqual(m.main_pid(), pid)
        self.assertEqual(m.show("ordo.socket", "InvocationID"), socket)
        orders = list(self.orders())
        self.assertEqual(sorted((o["client_order_id"], o["order_id"]) for o in orders), sorted(l.placed))
        self.assertEqual(m.run("dpkg", "-V", "ordo"), "")
        m.run("ordoctl", "audit", "verify")

    def test_2_rollback_keeps_orders_and_keys(self):
        m = self.m
        key = "over-the-rollback"
        status, first = self.order(key=key, client_order_id="kept")
        self.assertEqual(status, 201)
        known = {o["order_id"] for o in self.orders()}
        m.install()
        self.assertEqual(self.version(), self.old)
        self.assertEqual(self.active(), "active")
        self.assertEqual({o["order_id"] for o in self.orders()}, known)
        status, again = self.order(key=key, client_order_id="kept")
        self.assertEqual((status, again), (201, first))
        self.assertEqual(len(list(self.orders())), len(known))
        self.assertEqual(m.run("dpkg", "-V", "ordo"), "")
        m.run("ordoctl", "audit", "verify")

    def test_3_upgrade_leaves_a_stopped_service_stopped(self):
        m = self.m
        m.run("systemctl", "stop", "ordo.service")
        m.install(self.newer)
        self.assertEqual(self.active(), "inactive")
        self.assertEqual(self.active("ordo.socket"), "active")
        self.assertEqual(self.order()[0], 201)

    def test_4_administrators_file_is_kept(self):
        m = self.m
        mine = m.path("/etc/ordo/ordo.env").read_text() + "\n# mine\n"
        m.write("/etc/ordo/ordo.env", mine)
        m.install()
        self.assertEqual(m.path("/etc/ordo/ordo.env").read_text(), mine)

    def test_5_remove_keeps_the_ledger(self):
        m = self.m
        m.run("systemctl", "start", "ordo.service")
        m.run("apt-get", "remove", "-y", "-q", "ordo")
        for unit in ("ordo.service", "ordo.socket", "ordo-backup.timer", "ordo-preopen.timer"):
            with self.subTest(unit):
                self.assertNotEqual(self.active(unit), "active")
        self.assertTrue(m.path("/var/lib/ordo/ordo.db").exists())
        self.assertTrue(m.path("/etc/ordo/ordo.env").exists())
        self.assertFalse(m.path("/usr/sbin/ordod").exists())
        self.assertEqual(m.curl("-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:8080/", check=False), "000")
        # And back: it is all there.
        m.install()
        self.assertEqual(self.order(key="over-the-rollback", client_order_id="kept")[0], 201)
        self.assertEqual(len([o for o in self.orders() if o["client_order_id"] == "kept"]), 1)

    def test_6_purge_leaves_nothing(self):
        m = self.m
        m.sh("rm -r /etc/systemd/system/ordo.service.d")  # the test's own
        m.run("apt-get", "purge", "-y", "-q", "ordo")
        self.assertEqual(leftovers(m), self.before)
        self.assertFalse(m.path("/var/backups/ordo").exists())
        self.assertEqual(m.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "ordo*"), "")
        self.assertEqual(m.run("systemctl", "list-unit-files", "--no-legend", "ordo*", check=False), "")
        self.assertNotIn("Ordo", m.run("journalctl", "--list-catalog", "--no-pager"))

    def test_7_purge_keeps_the_audit_of_real_accounts(self):
        m = self.m
        m.install()
        m.curl("http://127.0.0.1:8080/health")
        record = '{"action":"order.intent","account":"fyers:main"}\n'
        m.write("/var/lib/ordo/audit/2026/11/25/segment.jsonl", record, 0o600)
        m.run("apt-get", "purge", "-y", "-q", "ordo")
        self.assertFalse(m.path("/var/lib/ordo").exists())
        [kept] = m.path("/var/backups/ordo").iterdir()
        self.assertEqual((kept.stat().st_mode & 0o777, kept.stat().st_uid), (0o700, 0))
        self.assertEqual((kept / "audit/2026/11/25/segment.jsonl").read_text(), record)
        self.assertTrue((kept / "ordo.db").exists())


if __name__ == "__main__":
    machine.main()
