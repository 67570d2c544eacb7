"""Secrets as credentials, in a plain file and sealed: used, and found nowhere else."""
import secrets

import machine


class Credentials(machine.Case):
    def places(self):
        """{where: text} of everything about the service that somebody may read."""
        m = self.m
        pid = m.main_pid()
        found = {
            "the journal": m.run("journalctl", "-o", "export", "--no-pager", "-a"),
            "systemctl show": m.run("systemctl", "show", "ordo.service", "ordo.socket", "ordo-preopen.service"),
            "systemctl show --all": m.run("systemctl", "show", "--all", "ordo.service"),
            "systemctl cat": m.run("systemctl", "cat", "ordo.service"),
            "systemctl show-environment": m.run("systemctl", "show-environment"),
            "systemctl status": m.run("systemctl", "status", "--no-pager", "-n", "100", "ordo.service"),
            "systemd-analyze dump": m.run("systemd-analyze", "dump", "ordo.service"),
            "the answer of /status": m.curl("-H", f"Authorization: Bearer {self.token}",
                                            "http://127.0.0.1:8080/api/v1/status"),
        }
        for name in ("environ", "cmdline"):
            found[f"/proc/PID/{name}"] = m.path(f"/proc/{pid}/{name}").read_text(errors="replace")
        for name in ("ordo.db", "ordo.db-wal"):
            p = m.path("/var/lib/ordo") / name
            if p.exists():
                found[name] = p.read_bytes().decode("latin-1")
        return found

    def nothing(self):
        self.m.run("systemctl", "stop", "ordo.socket", "ordo.service")
        self.m.sh("rm -rf /var/lib/ordo/* /etc/ordo/credentials/* /etc/credstore.encrypted")

    def given(self, put):
        """The service started with token and vault key as credentials, and nothing of its own making."""
        m = self.m
        self.nothing()
        self.token = "ordo_" + secrets.token_hex(22)[:43]
        self.key = secrets.token_hex(32)
        for name, value in (("ORDO_API_TOKEN", self.token), ("ORDO_VAULT_KEY", self.key)):
            put(name, value)
        m.run("systemctl", "start", "ordo.socket", "ordo.service")
        self.addCleanup(m.run, "systemctl", "stop", "ordo.service")

    def used_and_hidden(self):
        m = self.m
        self.assertEqual(m.ask("GET", "/api/v1/funds", token=self.token)[0], 200)
        self.assertEqual(m.ask("GET", "/api/v1/funds", token="ordo_" + "a" * 43)[0], 401)
        self.assertEqual(m.ask("POST", "/api/v1/orders", machine.ORDER, {"Idempotency-Key": "k"}, self.token)[0], 201)
        # Nothing was generated beside what was given.
        names = {p.name for p in m.path("/var/lib/ordo").iterdir()}
        self.assertFalse({n for n in names if "token" in n or "key" in n}, names)
        pid = m.main_pid()
        self.assertIn("CREDENTIALS_DIRECTORY=/run/credentials/ordo.service",
                      m.path(f"/proc/{pid}/environ").read_text().split("\0"))
        for where, text in self.places().items():
            for what, secret in (("token", self.token), ("vault key", self.key),
                                 ("vault key's bytes", bytes.fromhex(self.key).decode("latin-1"))):
                with self.subTest(f"{what} in {where}"):
                    self.assertNotIn(secret, text)
        # Another user sees nothing of them.
        r = m.result("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "ls",
                     "/run/credentials/ordo.service")
        self.assertNotEqual(r.returncode, 0)

    def test_plain_files(self):
        """A file in /etc/ordo/credentials is the credential ORDO_ and its name."""
        def store(name, value):
            self.m.write("/etc/ordo/credentials/" + name.removeprefix("ORDO_"), value, 0o600)
        self.given(store)
        self.used_and_hidden()

    def test_sealed_files(self):
        """As the documentation says it: systemd-creds encrypt, and the unit finds them by name."""
        def seal(name, value):
            self.m.sh(f"mkdir -p /etc/credstore.encrypted; systemd-creds encrypt --name={name} - "
                      f"/etc/credstore.encrypted/{name}", input=value)
        self.given(seal)
        for p in self.m.path("/etc/credstore.encrypted").iterdir():
            self.assertNotIn(self.token, p.read_text())
        self.used_and_hidden()

    def test_generated_token_is_not_shown(self):
        m = self.m
        self.nothing()
        m.run("systemctl", "start", "ordo.socket", "ordo.service")
        self.token, self.key = m.token, ""
        self.assertEqual(m.ask("GET", "/api/v1/funds")[0], 200)
        self.assertEqual(m.path("/var/lib/ordo/api-token").stat().st_mode & 0o777, 0o600)
        for where, text in self.places().items():
            with self.subTest(where):
                self.assertNotIn(self.token, text)


if __name__ == "__main__":
    machine.main()
