"""The daily login of every broker, from outside: ordod and ordoctl against a simulator of the brokers' own wire."""
import json
import os
import pty
import re
import select
import socket
import subprocess
import time
import urllib.parse

import brokersim
import ordo

CTL = ordo.BUILD / "src/ordoctl/ordoctl"
OK, USAGE, REFUSED, PARTIAL, INPUT_MISSING = range(5)
AUTH = "/api/v1/auth"
PASSWORD, OTP, PIN = "simpassword", "123456", "2580"
SECRETS = {"fyers": "SIMSECRET1", "hdfc": "simhdfcsecret01", "mstock": "simmstocksecret01"}
CLIENTS = {"fyers": "XS00001", "hdfc": "10000001", "mstock": "MA1000001"}
KEYS = {"fyers": "SIMFYERS01-100", "hdfc": "simhdfckey01", "mstock": "SIMmstock+Key/01@@"}


class Case(ordo.Case):
    def setUp(self):
        # enough rows for the masters of Fyers and m.Stock to be a day's
        self.sim = brokersim.Sim("--rows", "1500")
        self.sim.start()
        self.addCleanup(self.sim.stop)

    def access(self, broker, d=None, **more):
        """The options of an account; `more`: CLIENT_ID="…", None takes one away."""
        options = {"CLIENT_ID": CLIENTS[broker], "API_KEY": KEYS[broker],
                   "API_SECRET": SECRETS[broker],
                   "BASE_URL": self.sim.base(broker),
                   "MASTER_URL": self.sim.master(broker), **more}
        return {f"ORDO_{broker.upper()}_MAIN_{k}": v for k, v in options.items() if v is not None}

    def with_accounts(self, *brokers, **options):
        """A daemon with an account at each; `options` by broker."""
        env = {}
        for b in brokers:
            env.update(self.access(b, **options.get(b, {})))
        d = self.daemon(accounts=",".join(f"{b}:main" for b in brokers), env=env)
        for b in brokers:
            d.env.pop(f"ORDO_{b.upper()}_MAIN_MARKET", None)
        if "fyers" in brokers:
            d.env.setdefault("ORDO_FYERS_MAIN_REDIRECT_URI", self.callback(d, "fyers"))
        if "hdfc" in brokers:
            self.sim.user("hdfc", redirect_uri=self.callback(d, "hdfc"))
        return d.start()

    @staticmethod
    def callback(d, broker):
        return f"http://127.0.0.1:{d.port}{AUTH}/callback/{broker}/main"

    def session(self, d, broker):
        return d.get(f"{AUTH}/{broker}/main").json

    def begin(self, d, broker):
        r = d.post(f"{AUTH}/{broker}/main/login")
        self.assertEqual(r.status, 200, r)
        return r.json

    def complete(self, d, broker, **body):
        return d.post(f"{AUTH}/{broker}/main/complete", body)

    def browse(self, login_url, action="approve"):
        """What a person does on the broker's page."""
        path = login_url[login_url.index("/", len("http://")):]
        return self.sim.request("POST", path, form={"otp": OTP, "pin": PIN, "action": action},
                                headers={"User-Agent": "tests", "Accept": "text/html"})

    def come_back(self, d, login_url, **kw):
        """The browser: through the broker's page, back to where that sends it."""
        back = self.browse(login_url, **kw)
        self.assertEqual(back.status, 302, back)
        location = urllib.parse.urlsplit(back.headers["location"])
        return f"{location.path}?{location.query}", back.form

    def ctl(self, d, *args, code=OK, **extra):
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **d.env, **extra}
        r = subprocess.run([CTL, *args], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=120 * ordo.SLOW)
        self.assertEqual(r.returncode, code, f"{args}\n{r.stdout}\n{r.stderr}")
        return r

    def assertNowhere(self, d, *secrets):
        """Neither in the log nor readable in the state directory."""
        d.stop()
        for path in d.state.rglob("*"):
            if path.is_file() and path.name not in ("ordo.db.reserve",):
                data = path.read_bytes()
                for s in secrets:
                    self.assertNotIn(s.encode(), data, path)


class Fyers(Case):
    def test_browser(self):
        d = self.with_accounts("fyers")
        self.assertEqual(self.session(d, "fyers")["login_method"], "redirect")
        r = d.get(f"{AUTH}/callback/fyers/main?auth_code=x&state=y&s=ok", token=None)
        self.assertEqual(r.status, 409)
        login = self.begin(d, "fyers")
        self.assertEqual(login["method"], "redirect")
        self.assertTrue(login["login_url"].startswith(self.sim.base("fyers")), login)
        self.assertEqual(self.session(d, "fyers")["state"], "pending")
        target, form = self.come_back(d, login["login_url"])
        self.assertIn(f"state={form['state']}", login["login_url"])

        other = target.replace(form["state"], "0" * 32)
        r = d.get(other, token=None)
        self.assertEqual(r.status, 422)
        self.assertNotIn(form["auth_code"], r.raw.decode())
        self.assertEqual(d.request("HEAD", target, token=None).status, 200)
        r = d.get(target, token=None)
        self.assertEqual(r.status, 200, r)
        self.assertIn("fyers:main: The session is ready", r.raw.decode())
        s = self.session(d, "fyers")
        self.assertEqual(s["state"], "active")
        self.assertRegex(s["expires_at"], r"T00:30:00")  # 06:00 of India
        self.assertEqual(d.get(target, token=None).status, 409)
        self.assertEqual(d.get("/api/v1/funds").json["results"][0]["status"], "success")

        token = self.sim.calls("fyers")
        self.assertGreaterEqual(token["profile"], 1)
        self.assertNowhere(d, form["auth_code"], form["state"], SECRETS["fyers"])

    def test_restart_and_logout(self):
        d = self.with_accounts("fyers")
        login = self.begin(d, "fyers")
        target, _ = self.come_back(d, login["login_url"])
        self.assertEqual(d.get(target, token=None).status, 200)
        before = self.session(d, "fyers")
        d.stop()
        d.start()
        after = self.session(d, "fyers")
        self.assertEqual(after, before)
        self.assertEqual(d.get("/api/v1/funds").json["results"][0]["status"], "success")
        logouts = self.sim.calls("fyers")["logout"]
        r = d.request("DELETE", f"{AUTH}/fyers/main")
        self.assertEqual((r.status, r.json["state"]), (200, "none"))
        self.assertEqual(self.sim.calls("fyers")["logout"], logouts + 1)
        r = d.order(targets=["fyers:main"])
        self.assertEqual(r.status, 424, r)
        self.assertEqual(r.json["results"][0]["code"] if "results" in r.json else r.json["code"],
                         "SESSION_REQUIRED")

    def test_somebody_elses(self):
        d = self.with_accounts("fyers", fyers={"CLIENT_ID": "XS09999"})
        login = self.begin(d, "fyers")
        target, _ = self.come_back(d, login["login_url"])
        r = d.get(target, token=None)
        self.assertEqual(r.status, 422)
        self.assertIn("somebody else", r.raw.decode())
        self.assertEqual(self.session(d, "fyers")["state"], "none")
        self.until(lambda: self.sim.calls("fyers")["logout"] == 1)

    def test_refused_in_the_browser(self):
        d = self.with_accounts("fyers")
        login = self.begin(d, "fyers")
        target, _ = self.come_back(d, login["login_url"], action="refuse")
        r = self.complete(d, "fyers", redirect_url=f"http://x{target}")
        self.assertProblem(r, 422, "LOGIN_REFUSED")
        self.assertIn("The user refused", r.json["detail"])
        target, form = self.come_back(d, login["login_url"])
        r = self.complete(d, "fyers", login_id=login["login_id"], auth_code=form["auth_code"],
                          state=form["state"])
        self.assertEqual((r.status, r.json.get("state")), (200, "active"), r)

    def test_second_login(self):
        d = self.with_accounts("fyers")
        first = self.begin(d, "fyers")
        target, _ = self.come_back(d, first["login_url"])
        second = self.begin(d, "fyers")
        self.assertNotEqual(first["login_id"], second["login_id"])
        self.assertProblem(self.complete(d, "fyers", login_id=first["login_id"],
                                         redirect_url=f"http://x{target}"), 409, "LOGIN_NOT_PENDING")
        self.assertEqual(d.get(target, token=None).status, 422)  # its state is not the second one's
        target, _ = self.come_back(d, second["login_url"])
        self.assertEqual(d.get(target, token=None).status, 200)

    def test_broker_ends_it(self):
        d = self.with_accounts("fyers")
        login = self.begin(d, "fyers")
        target, _ = self.come_back(d, login["login_url"])
        self.assertEqual(d.get(target, token=None).status, 200)
        self.sim.expire("fyers")
        d.get("/api/v1/funds")
        self.assertEqual(self.session(d, "fyers")["state"], "expired")
        d.get("/api/v1/funds")
        self.until(lambda: d.records(account="fyers:main", status="expired"))
        time.sleep(0.1)
        ends = d.records(account="fyers:main", status="expired")
        self.assertEqual(len(ends), 1, ends)
        events = [r for r in d.get("/api/v1/audit?limit=500").json["records"]
                  if r["action"] == "session.changed"]
        # before them, during the day: that it needs a login
        self.assertEqual([r["outcome"] for r in events][-3:], ["pending", "active", "expired"])
        login = self.begin(d, "fyers")
        target, _ = self.come_back(d, login["login_url"])
        r = self.complete(d, "fyers", redirect_url=f"http://x{target}")
        self.assertEqual((r.status, r.json.get("state")), (200, "active"), r)

    def test_broker_is_away(self):
        d = self.with_accounts("fyers")
        login = self.begin(d, "fyers")
        target, _ = self.come_back(d, login["login_url"])
        self.sim.stop()
        r = self.complete(d, "fyers", redirect_url=f"http://x{target}")
        self.assertProblem(r, 424, "BROKER_UNREACHABLE")
        self.assertEqual(self.session(d, "fyers")["state"], "pending")


class Hdfc(Case):
    def test_browser(self):
        d = self.with_accounts("hdfc")
        login = self.begin(d, "hdfc")
        self.assertEqual(login["method"], "redirect")
        r = d.get(f"{AUTH}/callback/hdfc/main?request_token=stolen", token=None)
        self.assertEqual(r.status, 422)
        target, form = self.come_back(d, login["login_url"])
        self.assertEqual(d.get(target, token=None).status, 200)
        self.assertEqual(self.session(d, "hdfc")["state"], "active")
        self.assertEqual(d.get("/api/v1/funds").json["results"][0]["status"], "success")
        r = d.request("DELETE", f"{AUTH}/hdfc/main")
        self.assertEqual((r.status, r.json["state"]), (200, "none"))
        self.assertNowhere(d, form["request_token"], SECRETS["hdfc"])

    def test_one_time_password(self):
        d = self.with_accounts("hdfc", hdfc={"USERNAME": CLIENTS["hdfc"], "PASSWORD": PASSWORD})
        login = self.begin(d, "hdfc")
        self.assertEqual(login["method"], "otp")
        self.assertProblem(self.complete(d, "hdfc", otp="999999"), 422, "LOGIN_REFUSED")
        self.assertProblem(self.complete(d, "hdfc", otp=OTP), 409, "LOGIN_NOT_PENDING")
        login = self.begin(d, "hdfc")
        r = self.complete(d, "hdfc", login_id=login["login_id"], otp=OTP)
        self.assertEqual((r.status, r.json.get("state")), (200, "active"), r)
        self.assertNowhere(d, PASSWORD, SECRETS["hdfc"])


class Mstock(Case):
    def test_one_time_password(self):
        d = self.with_accounts("mstock", mstock={"USERNAME": CLIENTS["mstock"], "PASSWORD": PASSWORD})
        login = self.begin(d, "mstock")
        self.assertEqual(login["method"], "otp")
        r = self.complete(d, "mstock", otp=OTP)
        self.assertEqual((r.status, r.json.get("state")), (200, "active"), r)
        self.assertRegex(r.json["expires_at"], "T18:30:00")  # midnight of India
        self.assertEqual(d.get("/api/v1/funds").json["results"][0]["status"], "success")
        self.assertNowhere(d, PASSWORD)

    def test_authenticator(self):
        d = self.with_accounts("mstock", mstock={"TOTP_SECRET": "JBSWY3DPEHPK3PXP"})
        r = self.ctl(d, "preopen", "--wait", "60")
        self.assertRegex(r.stdout, r"(?m)^mstock:main +active .* yes")
        self.assertEqual(self.session(d, "mstock")["login_method"], "totp")
        used = self.sim.calls("mstock")["login"]
        # what is used is not used again: the next one waits for its time and comes by itself
        d.stop()
        d.start()
        login = self.begin(d, "mstock")
        self.assertEqual(login["method"], "totp")
        if login["expires_at"]:
            self.assertEqual(self.sim.calls("mstock")["login"], used)
            self.until(lambda: not self.session(d, "mstock")["login_expires_at"], seconds=40)
        self.assertEqual(self.sim.calls("mstock")["login"], used + 1)
        self.assertEqual(self.session(d, "mstock")["state"], "active")
        self.assertNowhere(d, "JBSWY3DPEHPK3PXP")

    def test_wrong_authenticator(self):
        d = self.with_accounts("mstock", mstock={"TOTP_SECRET": "GEZDGNBVGY3TQOJQ"})
        r = self.ctl(d, "login", "--non-interactive", code=REFUSED)
        self.assertRegex(r.stdout, r"mstock:main +failed +.*LOGIN_REFUSED|came to nothing")


class Ordoctl(Case):
    PASSWORDS = {"hdfc": {"USERNAME": CLIENTS["hdfc"], "PASSWORD": PASSWORD},
                 "mstock": {"USERNAME": CLIENTS["mstock"], "PASSWORD": PASSWORD}}

    def on_terminal(self, d, *args, do=(), **extra):
        """`do`: pairs of what to wait for and what to do then; returns exit code and output."""
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "NO_COLOR": "1", **d.env, **extra}
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(CTL, [str(CTL), *args], env)
        out, steps = "", list(do)
        end = time.monotonic() + 60 * ordo.SLOW
        while time.monotonic() < end:
            if not select.select([fd], [], [], 1)[0]:
                continue
            try:
                piece = os.read(fd, 4096)
            except OSError:
                break
            if not piece:
                break
            out += piece.decode()
            while steps and (found := re.search(steps[0][0], out)):
                typed = steps.pop(0)[1](found)
                if typed:
                    os.write(fd, typed.encode() + b"\n")
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), out

    def test_codes_from_the_environment(self):
        d = self.with_accounts("hdfc", "mstock", **self.PASSWORDS)
        r = self.ctl(d, "login", code=INPUT_MISSING)
        self.assertRegex(r.stdout, r"hdfc:main +skipped +no one-time password given")
        self.assertEqual(self.sim.calls("mstock")["login"], 0)  # nobody's phone was bothered
        r = self.ctl(d, "login", "--non-interactive", code=PARTIAL,
                     OTP_CODES="hdfc:main=000000,mstock:main=123456")
        self.assertRegex(r.stdout, r"hdfc:main +failed +LOGIN_REFUSED")
        self.assertRegex(r.stdout, r"mstock:main +ok +logged in")
        self.assertEqual(r.stderr.count("warning: one-time passwords in the environment"), 1)
        r = self.ctl(d, "login", OTP_HDFC_MAIN=OTP)
        self.assertRegex(r.stdout, r"hdfc:main +ok +logged in\nmstock:main +ok +has a session")
        for secret in (OTP, "000000"):
            self.assertNotIn(secret, r.stdout + r.stderr)
        reports = [r for r in d.get("/api/v1/audit?limit=500").json["records"]
                   if r["action"] == "login.report"]
        self.assertEqual(len(reports), 3)

    def test_one_code_by_option(self):
        d = self.with_accounts("mstock", **self.PASSWORDS)
        r = self.ctl(d, "login", "mstock:main", "--otp", OTP, "--quiet")
        self.assertEqual((r.stdout, r.stderr), ("", ""))

    def test_prompt_shows_nothing(self):
        d = self.with_accounts("mstock", **self.PASSWORDS)
        code, out = self.on_terminal(d, "login", do=[("one-time password: ", lambda _: OTP)])
        self.assertEqual(code, OK, out)
        self.assertNotIn(OTP, out)
        self.assertRegex(out, r"mstock:main +ok +logged in")

    def test_browser_comes_back_by_itself(self):
        d = self.with_accounts("fyers")

        def browse(found):
            target, _ = self.come_back(d, found.group(1))
            self.assertEqual(d.get(target, token=None).status, 200)

        code, out = self.on_terminal(d, "login", do=[(r"(http://\S+state=\S+)\r", browse)])
        self.assertEqual(code, OK, out)
        self.assertRegex(out, r"fyers:main +ok +logged in")

    def test_address_is_pasted(self):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            away = f"http://127.0.0.1:{nobody.getsockname()[1]}/cb"
        d = self.with_accounts("fyers", fyers={"REDIRECT_URI": away})

        def browse(found):
            return self.browse(found.group(1)).headers["location"]

        code, out = self.on_terminal(d, "login", do=[(r"(http://\S+state=\S+)\r", browse)])
        self.assertEqual(code, OK, out)
        self.assertRegex(out, r"fyers:main +ok +logged in")

    def test_browser_and_nobody_there(self):
        d = self.with_accounts("fyers")
        r = self.ctl(d, "login", "--non-interactive", code=INPUT_MISSING)
        self.assertRegex(r.stdout, "fyers:main +skipped +the broker wants a login in the browser")
        self.assertEqual(self.session(d, "fyers")["state"], "none")
        r = self.ctl(d, "login", "--wait", "1", code=INPUT_MISSING)
        self.assertIn("/api/v3/generate-authcode", r.stderr)
        self.assertRegex(r.stdout, "fyers:main +skipped +nobody logged in in time")
        r = self.ctl(d, "preopen", "--wait", "1", code=PARTIAL)
        self.assertIn("ordoctl login fyers:main", r.stdout)
        self.ctl(d, "login", "--wait", "x", code=USAGE)


if __name__ == "__main__":
    ordo.main()
