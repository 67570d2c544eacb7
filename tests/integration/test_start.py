"""Starting: what is said when something is wrong, what is made, where it listens, how keys are read again."""
import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import unittest

import ordo

ORDOD = str(ordo.BUILD / "src/ordod")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20 * ordo.SLOW)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def run(*args, env=None):
    return subprocess.run([ORDOD, *args], env={"PATH": os.environ["PATH"], **(env or {})},
                          capture_output=True, text=True, timeout=30 * ordo.SLOW)


class CommandLine(ordo.Case):
    def test_version_and_help(self):
        r = run("--version")
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        self.assertRegex(r.stdout, r"^ordod \S+\n$")
        r = run("--help")
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        self.assertIn("--check-config", r.stdout)

    def test_wrong_arguments(self):
        for args in (["--no-such"], ["start"], ["--version", "--help"], ["--check-config", "x"], [""]):
            r = run(*args)
            self.assertEqual((r.returncode, r.stdout), (1, ""), args)
            self.assertIn("Usage:", r.stderr)

    def test_good_configuration(self):
        d = self.daemon()
        r = run("--check-config", env=d.env)
        self.assertEqual((r.returncode, r.stdout), (0, "The configuration is good: 2 accounts.\n"), r.stderr)
        # Nothing was made: it only looks.
        self.assertEqual(os.listdir(d.state), [])

    def test_every_error_at_once(self):
        secret = "hunter2"
        env = {
            "ORDO_LISTEN": "0.0.0.0:80", "ORDO_ACCOUNTS": "paper:Demo,paper:x,paper:x,zerodha:me",
            "ORDO_FOO": "1", "ORDO_API_RATE": "many", "ORDO_ORDER_DEADLINE": "1h", "ORDO_API_TOKEN": secret,
            "ORDO_PAPER_X_FUND": "1", "ORDO_PAPER_X_MARKET_POLICY": "protect(200)", "ORDO_LOG": "loud",
            "ORDO_STATE_DIR": "relative", "ORDO_TLS_CLIENT_CA": "/nowhere/ca.pem",
            "ORDO_PAPER_X_ORDERS_PER_SECOND": "11", "ORDO_ACOUNTS": "paper:demo",
        }
        for args in (["--check-config"], []):
            r = run(*args, env=env)
            self.assertEqual((r.returncode, r.stdout), (1, ""))
            for name in set(env):
                self.assertIn(f"error: {name} ", r.stderr)
            errors = [e.splitlines() for e in r.stderr.split("\n\n") if e.strip()]
            for e in errors:  # name and source, what, remedy
                self.assertEqual(len(e), 3, e)
                self.assertRegex(e[0], r"^error: ORDO_\w+ \(from environment\)$")
            self.assertIn("Did you mean ORDO_ACCOUNTS?", r.stderr)
            self.assertIn("Did you mean ORDO_PAPER_X_FUNDS?", r.stderr)
            self.assertIn('There is no broker "zerodha"', r.stderr)
            self.assertNotIn(secret, r.stderr)

    def test_unlisted_account_only_warns(self):
        d = self.daemon(env={"ORDO_PAPER_OTHER_FUNDS": "1.00"})
        r = run("--check-config", env=d.env)
        self.assertEqual(r.returncode, 0)
        self.assertIn("warning: ORDO_PAPER_OTHER_FUNDS", r.stderr)

    def test_secret_files_and_credentials(self):
        d = self.daemon()
        token = "correct-horse-battery-staple"
        (d.state / "t").write_text(token + "\n")
        r = run("--check-config", env={**d.env, "ORDO_API_TOKEN_FILE": str(d.state / "t")})
        self.assertEqual(r.returncode, 0, r.stderr)
        r = run("--check-config", env={**d.env, "ORDO_API_TOKEN_FILE": str(d.state / "none")})
        self.assertEqual(r.returncode, 1)
        self.assertIn(str(d.state / "none"), r.stderr)
        r = run("--check-config", env={**d.env, "ORDO_API_TOKEN_FILE": str(d.state / "t"),
                                       "ORDO_API_TOKEN": token})
        self.assertEqual(r.returncode, 0)
        self.assertIn("warning: ORDO_API_TOKEN", r.stderr)
        credentials = d.state / "credentials"
        credentials.mkdir()
        (credentials / "ORDO_API_TOKEN").write_text(token)
        d.env["CREDENTIALS_DIRECTORY"] = str(credentials)
        d.start(wait=False)
        self.until(lambda: "is ready" in d.log_text())
        self.assertEqual(d.get("/api/v1/status", token=token).status, 200)
        self.assertProblem(d.get("/api/v1/status", token=token + "x"), 401, "UNAUTHORIZED")
        self.assertFalse((d.state / "api-token").exists())
        self.assertNotIn(token, d.log_text())
        d.stop()


class Start(ordo.Case):
    def fails(self, d, *words, code=None):
        d.start(wait=False)
        got = d.process.wait(timeout=20 * ordo.SLOW)
        self.assertNotEqual(got, 0)
        self.assertGreater(got, 0, "ended by a signal")
        # All of it: a daemon that counts lines and may not write the counts says so, once a file.
        log = d.log.read_text(errors="replace")
        for w in words:
            self.assertIn(w, log)
        d.process = None

    def test_port_in_use(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            address = f"127.0.0.1:{s.getsockname()[1]}"
            self.fails(self.daemon(env={"ORDO_LISTEN": address}), "Another program listens on " + address)

    def test_state_directory_cannot_be_made(self):
        d = self.daemon()
        (d.state / "file").write_text("")
        d.env["ORDO_STATE_DIR"] = str(d.state / "file/state")
        self.fails(d, str(d.state / "file/state"), "ORDO_STATE_DIR")

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root and setpriv")
    def test_state_directory_cannot_be_written(self):
        d = self.daemon(wrapper=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
        state = d.state / "state"
        state.mkdir(mode=0o755)
        d.state.chmod(0o755)
        d.env["ORDO_STATE_DIR"] = str(state)
        self.fails(d, str(state))

    def test_state_directory_and_what_is_in_it_are_private(self):
        d = self.daemon()
        old = os.umask(0)
        d.env["ORDO_STATE_DIR"] = str(d.state / "deep/state")
        try:
            d.start(wait=False)
        finally:
            os.umask(old)
        state = d.state / "deep/state"
        self.until(lambda: "is ready" in d.log_text())
        self.assertEqual(stat.S_IMODE(state.stat().st_mode), 0o700)
        for path in state.rglob("*"):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o077, 0, path)
        self.assertEqual(stat.S_IMODE((state / "api-token").stat().st_mode), 0o600)
        token = (state / "api-token").read_text().strip()
        self.assertRegex(token, r"^[0-9a-f]{64}$")
        self.assertNotIn(token, d.log_text())
        self.assertEqual(d.get("/api/v1/status", token=token).status, 200)
        d.stop()

    def test_token_is_kept(self):
        d = self.daemon().start()
        token = d.token
        d.stop()
        d.start()
        self.assertEqual(d.token, token)
        d.stop()

    def test_token_file_too_short(self):
        d = self.daemon()
        (d.state / "api-token").write_text("short\n")
        self.fails(d, "api-token")

    def market(self, name, edit):
        d = self.daemon()
        copy = d.state / "market"
        shutil.copytree(ordo.SOURCE / "data/market", copy)
        path = copy / name
        path.write_text(edit(path.read_text()))
        d.env["ORDO_MARKET_DIR"] = str(copy)
        return d, path

    def test_broken_market_data_names_file_and_line(self):
        for path in sorted((ordo.SOURCE / "data/market").glob("*.csv")):
            with self.subTest(path.name):
                lines = path.read_text().splitlines()
                last = max(i for i, line in enumerate(lines) if line.strip() and not line.startswith("#"))
                broken = lines[:last] + ["this,is,no,row,of,this,file,at,all,x,y,z"] + lines[last:]
                d, copy = self.market(path.name, lambda _, b=broken: "\n".join(b) + "\n")
                self.fails(d, "ORDO_MARKET_DIR", f"{path.name}:{last + 1}")

    def test_missing_market_data(self):
        d = self.daemon()
        d.env["ORDO_MARKET_DIR"] = str(d.state / "nowhere")
        self.fails(d, "ORDO_MARKET_DIR", str(d.state / "nowhere"))

    def test_missing_migrations(self):
        d = self.daemon()
        d.env["ORDO_MIGRATIONS_DIR"] = str(d.state / "nowhere")
        self.fails(d, str(d.state / "nowhere"))

    def test_logs(self):
        for form in ("json", "text"):
            d = self.daemon(env={"ORDO_LOG": form})
            d.start()
            self.assertEqual(d.order(headers={"X-Correlation-ID": "log-1"}).status, 201)
            d.stop()
            lines = d.log.read_text().splitlines()
            self.assertTrue(lines)
            if form == "json":
                records = [json.loads(line) for line in lines]
                for r in records:
                    self.assertTrue({"timestamp", "level", "message"} <= set(r), r)
                self.assertTrue([r for r in records if r.get("correlation_id") == "log-1"])
            else:
                self.assertTrue([line for line in lines if "log-1" in line or "order.place" in line], lines)
                for line in lines:
                    self.assertFalse(line.startswith("{"), line)

    def test_log_level_and_access_log(self):
        d = self.daemon(env={"ORDO_LOG_LEVEL": "err", "ORDO_LOG_ACCESS": "no"}).start()
        d.order()
        d.stop()
        self.assertEqual(d.log.read_text(), "")
        d = self.daemon(env={"ORDO_LOG_ACCESS": "yes"}).start()
        d.get("/api/v1/quotes?symbols=NSE:SBIN", headers={"X-Correlation-ID": "access-1"})
        self.until(lambda: d.records(correlation_id="access-1"))
        self.assertNotIn(d.token, d.log_text())
        d.stop()


class Listening(ordo.Case):
    def test_unix_socket(self):
        d = self.daemon()
        path = d.state / "http.sock"
        d.env["ORDO_LISTEN"] = f"unix:{path}"
        for _ in range(2):  # the second start finds the socket of the first
            d.start(wait=False)
            self.until(lambda: "is ready" in d.log_text() and path.exists())
            c = UnixConnection(path)
            self.assertEqual(d.get("/api/v1/status", connection=c).status, 200)
            self.assertEqual(d.get("/api/v1/status", connection=c).status, 200)
            self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o007, 0)
            c.close()
            d.kill()
            d.log.write_text("")
        d.start(wait=False)
        self.until(lambda: "is ready" in d.log_text())
        d.stop()

    def test_ipv6(self):
        if not socket.has_ipv6:
            self.skipTest("no IPv6")
        with socket.socket(socket.AF_INET6) as s:
            try:
                s.bind(("::1", 0))
            except OSError:
                self.skipTest("no IPv6 loopback")
            port = s.getsockname()[1]
        d = self.daemon(env={"ORDO_LISTEN": f"[::1]:{port}"})
        d.start(wait=False)
        self.until(lambda: "is ready" in d.log_text())
        c = http.client.HTTPConnection("::1", port, timeout=20)
        self.assertEqual(d.get("/api/v1/status", connection=c).status, 200)
        c.close()
        d.stop()

    def activated(self, listen, name="http", keep_listen=False):
        """A daemon that systemd-socket-activate will start at the first connection."""
        d = self.daemon()
        if not keep_listen:
            del d.env["ORDO_LISTEN"]
        passed = [f"--setenv={k}" for k in d.env if k.startswith(("ORDO_", "ASAN", "LSAN", "UBSAN", "TSAN"))]
        d.wrapper = ["systemd-socket-activate", f"--listen={listen}", f"--fdname={name}", *passed]
        d.port = int(listen.rsplit(":", 1)[1])
        d.start(wait=False)
        self.until(lambda: "Listening" in d.log_text())
        return d

    def test_several_sockets_at_once(self):
        """TCP over both versions of IP and a unix socket, as one socket unit may list them."""
        d = self.daemon()
        path = str(d.state / "http.sock")
        sockets = [ordo.listening(), ordo.listening(socket.AF_UNIX, path)]
        with contextlib.suppress(OSError):
            sockets.append(ordo.listening(socket.AF_INET6, ("::1", 0)))
        for s in sockets:
            self.addCleanup(s.close)
        d = self.daemon(sockets=sockets, state=d.state)
        for _ in range(2):  # what belongs to systemd is still there for the next start
            d.start(wait=False)
            self.until(lambda: "is ready" in d.log_text())
            connections = [http.client.HTTPConnection("127.0.0.1", sockets[0].getsockname()[1], timeout=20),
                           UnixConnection(path)]
            if len(sockets) > 2:
                connections.append(http.client.HTTPConnection("::1", sockets[2].getsockname()[1], timeout=20))
            for c in connections:
                self.assertEqual(d.get("/api/v1/status", connection=c).status, 200)
                c.close()
            self.assertIn(f" and unix:{path}" if len(sockets) == 2 else f", unix:{path} and [::1]:", d.log_text())
            d.stop()
            self.assertTrue(os.path.exists(path), "the socket's file is systemd's")
            d.log.write_text("")

    @unittest.skipUnless(shutil.which("systemd-socket-activate"), "there is no systemd-socket-activate")
    def test_socket_activation(self):
        d = self.activated(f"127.0.0.1:{ordo.free_port()}")
        # The connection that starts the daemon waits in the socket.
        self.assertEqual(d.get("/health", token=None).status, 200)
        # Kept alive: a thousand requests on the one connection.
        local = d.connection.sock.getsockname()
        for _ in range(1000):
            self.assertEqual(d.get("/health", token=None).status, 200)
        self.assertEqual(d.connection.sock.getsockname(), local)
        self.until(lambda: d.accounts_ready())
        self.assertEqual(d.order().status, 201)
        d.stop()

    @unittest.skipUnless(shutil.which("systemd-socket-activate"), "there is no systemd-socket-activate")
    def test_activated_socket_is_checked_too(self):
        """It must not show the token to the network either, it must be ours, and it must be the only address."""
        local = f"127.0.0.1:{ordo.free_port()}"
        for arguments, words in (((f"0.0.0.0:{ordo.free_port()}",), "would show the token"),
                                 ((local, "other"), "FileDescriptorName=http"),
                                 ((local, "http", True), "Both ORDO_LISTEN and a socket of systemd")):
            d = self.activated(*arguments)
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", d.port), timeout=5).close()
            self.assertGreater(d.process.wait(timeout=20 * ordo.SLOW), 0)
            self.assertIn(words, d.log_text())


class Keys(ordo.Case):
    def key(self, name, **fields):
        return {"name": name, "hash": "sha256:" + hashlib.sha256(name.encode()).hexdigest(),
                "scopes": ["read"], **fields}

    def write(self, d, keys, mode=0o600):
        path = d.state / "keys.json"
        path.write_text(keys if isinstance(keys, str) else json.dumps({"keys": keys}))
        path.chmod(mode)

    def status(self, d, token, method="GET", path="/api/v1/status"):
        return d.request(method, path, token=token).status

    def test_reload(self):
        d = self.daemon()
        self.write(d, [self.key("first-key")])
        d.start()
        self.assertEqual(self.status(d, "first-key"), 200)
        self.assertEqual(self.status(d, "first-key", "POST", "/api/v1/orders"), 403)
        # A good file takes the place of the other as a whole.
        self.write(d, [self.key("second-key")])
        self.assertEqual(self.status(d, "second-key"), 401, "read before it was asked to")
        d.process.send_signal(signal.SIGHUP)
        self.until(lambda: self.status(d, "second-key") == 200)
        self.assertEqual(self.status(d, "first-key"), 401)
        # A bad one changes nothing, and every fault is in the log.
        self.write(d, [self.key("third-key"), {"name": "broken", "scopes": ["fly"]}])
        d.process.send_signal(signal.SIGHUP)
        self.until(lambda: "/keys/1/hash" in d.log_text() and "/keys/1/scopes" in d.log_text())
        self.assertEqual(self.status(d, "second-key"), 200)
        self.assertEqual(self.status(d, "third-key"), 401)
        a = d.post("/api/v1/admin/reload")
        self.assertProblem(a, 400, "INVALID_REQUEST")
        self.assertIn("/keys/1/hash", str(a.json["errors"]))
        for text in ("", "{", "[]", '{"keys": 7}', "{} {}", "\x00"):
            self.write(d, text)
            self.assertProblem(d.post("/api/v1/admin/reload"), 400, "INVALID_REQUEST")
        # Others may write to it: refused.
        self.write(d, [self.key("fourth-key")], mode=0o622)
        self.assertProblem(d.post("/api/v1/admin/reload"), 400, "INVALID_REQUEST")
        self.assertEqual(self.status(d, "second-key"), 200)
        self.write(d, [self.key("fourth-key")])
        self.assertEqual(d.post("/api/v1/admin/reload").status, 200)
        self.assertEqual(self.status(d, "fourth-key"), 200)
        d.stop()

    def test_bad_file_at_the_start(self):
        d = self.daemon()
        self.write(d, [{"name": "broken"}])
        d.start(wait=False)
        self.assertGreater(d.process.wait(timeout=20 * ordo.SLOW), 0)
        self.assertIn("/keys/0/hash", d.log_text())
        self.assertRegex(d.log_text(), re.escape(str(d.state / "keys.json")))


if __name__ == "__main__":
    ordo.main()
