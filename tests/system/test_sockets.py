"""Where the installed service listens: TCP of both versions, the unix socket, an administrator's drop-ins; and how it
leaves when nobody needs it."""
import os
import subprocess
import time

import machine

EXAMPLES = "/usr/share/doc/ordo/examples/ordo.socket.d"


class Sockets(machine.Case):
    def health(self, *arguments):
        """The status that curl sees; 000 without an answer."""
        return self.m.curl("-o", "/dev/null", "-w", "%{http_code}", *arguments, check=False)

    def example(self, name):
        """Installs a packaged drop-in as its first lines say; taken away after the test."""
        m = self.m
        m.sh(f"install -D -t /etc/systemd/system/ordo.socket.d {EXAMPLES}/{name}; systemctl daemon-reload; "
             "systemctl restart ordo.socket")

        def undo():
            m.sh(f"rm /etc/systemd/system/ordo.socket.d/{name}; systemctl daemon-reload; "
                 "systemctl restart ordo.socket")
        self.addCleanup(undo)

    def test_unix_socket_is_for_the_group(self):
        m = self.m
        s = m.path("/run/ordo.sock").stat()
        owner = (int(m.run("id", "-u", "ordo")), int(m.run("id", "-g", "ordo")))
        self.assertEqual((s.st_mode & 0o777, (s.st_uid, s.st_gid)), (0o660, owner))
        path = str(m.path("/run/ordo.sock"))
        self.assertEqual(self.health("--unix-socket", path, "http://localhost/health"), "200")
        # The token is asked for here too.
        self.assertEqual(self.health("--unix-socket", path, "http://localhost/api/v1/funds"), "401")
        for groups, works in (((), False), ((owner[1],), True)):
            with self.subTest(groups):
                self.assertEqual(self.connects(path, groups), works)

    @staticmethod
    def connects(path, groups):
        """Whether a user without rights, but in these groups, may connect."""
        code = f"import socket; socket.socket(socket.AF_UNIX).connect({path!r})"

        def become():
            os.setgroups(groups)
            os.setgid(65534)
            os.setuid(65534)
        # /proc/PID/root is closed to others, so the directory is entered before.
        where, name = os.path.split(path)
        return subprocess.run(["python3", "-c", code.replace(path, name)], cwd=where, preexec_fn=become,
                              capture_output=True).returncode == 0

    def test_other_addresses(self):
        self.example("address.conf")
        for url in ("http://127.0.0.1:9000/health", "http://[::1]:9000/health"):
            with self.subTest(url):
                self.assertEqual(self.health(url), "200")
        self.assertEqual(self.health("http://127.0.0.1:8080/health"), "000")

    def test_unix_only(self):
        self.example("unix-only.conf")
        self.assertEqual(self.health("http://127.0.0.1:8080/health"), "000")
        self.assertEqual(self.health("--unix-socket", str(self.m.path("/run/ordo.sock")), "http://localhost/health"),
                         "200")

    def test_socket_and_option_at_once_are_refused(self):
        m = self.m
        m.run("systemctl", "stop", "ordo.service")
        m.drop_in("ordo.service", "[Service]\nEnvironment=ORDO_LISTEN=127.0.0.1:9999\nRestart=no\n")
        try:
            self.assertNotEqual(m.result("systemctl", "start", "ordo.service").returncode, 0)
            said = " ".join(r["MESSAGE"] for r in m.journal("-u", "ordo.service", "-n", "20"))
            self.assertIn("ORDO_LISTEN", said)
        finally:
            m.no_drop_in("ordo.service")
        self.assertEqual(self.health("http://127.0.0.1:8080/health"), "200")

    def test_idle_exit(self):
        """It leaves with success when it is idle, and the next connection starts it; nothing gets lost over that."""
        m = self.m
        m.drop_in("ordo.service", "[Service]\nEnvironment=ORDO_IDLE_EXIT=1s\n")
        try:
            m.run("systemctl", "restart", "ordo.service")
            placed = []
            for _ in range(3):
                status, answer = self.order()
                self.assertEqual(status, 201)
                placed.append(answer["order_id"])
                m.until(lambda: self.active() == "inactive", why="it does not leave")
                self.assertEqual(m.show("ordo.service", "Result", "NRestarts"), ("success", "0"))
                self.assertEqual(self.active("ordo.socket"), "active")
            self.assertLessEqual(set(placed), {o["order_id"] for o in self.orders()})
            # What is open must be watched: it stays.
            status, answer = self.order(price="1000.00")
            self.assertEqual(answer["results"][0]["order_status"], "OPEN")
            time.sleep(3)
            self.assertEqual(self.active(), "active")
            m.ask("DELETE", "/api/v1/orders/" + answer["order_id"])
            m.until(lambda: self.active() == "inactive", why="it does not leave")
        finally:
            m.no_drop_in("ordo.service")


if __name__ == "__main__":
    machine.main()
