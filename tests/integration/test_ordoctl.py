"""ordoctl as people and scripts use it: the real program against a real daemon."""
import contextlib
import http.server
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import ordo

CTL = ordo.BUILD / "src/ordoctl/ordoctl"
DOCUMENTS = ordo.BUILD / "src/ordoctl/ordoctl-documents"
OK, USAGE, REFUSED, PARTIAL, INPUT_MISSING, NETWORK, UNEXPECTED = range(7)


class Case(ordo.Case):
    ENV = {"ORDO_LIMITS": "off"}

    def env(self, d, **extra):
        e = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **d.env}
        e.update(extra)
        return {k: v for k, v in e.items() if v is not None}

    def ctl(self, *args, code=OK, d=None, stdin=subprocess.DEVNULL, **extra):
        r = subprocess.run([CTL, *args], env=self.env(d or self.d, **extra), stdin=stdin,
                           capture_output=True, text=True, timeout=60 * ordo.SLOW)
        self.assertEqual(r.returncode, code, f"{args}\n{r.stdout}\n{r.stderr}")
        return r

    def json(self, *args, **kw):
        return json.loads(self.ctl("--json", *args, **kw).stdout)

    def buy(self, *args, price="1050.00", symbol="NSE:SBIN", **kw):
        return self.ctl("order", "buy", symbol, "10", "--price", price, "--account", "paper:demo",
                        *args, **kw)


class Talking(Case):
    def test_status(self):
        r = self.ctl("status")
        lines = r.stdout.splitlines()
        self.assertRegex(lines[0], r"^Status +ok$")
        head = next(i for i, line in enumerate(lines) if line.startswith("ACCOUNT"))
        self.assertEqual([line.split()[0] for line in lines[head + 1:]], ["paper:demo", "paper:second"])
        self.assertNotIn("\033", r.stdout)
        self.assertEqual(self.json("status")["status"], "ok")

    def test_json_is_the_daemons_answer(self):
        self.assertEqual(self.ctl("accounts", "--json").stdout.strip(),
                         self.d.get("/api/v1/accounts").raw.decode().strip())

    def test_order_is_placed_shown_and_listed(self):
        r = self.buy("--client-id", "shown", "--account", "paper:second:2")
        order = re.search(r"^Order (\w{26}): success$", r.stdout, re.M).group(1)
        self.assertRegex(r.stdout, r"(?m)^Key +[0-9a-f-]{36}$")
        legs = self.d.get(f"/api/v1/orders/{order}").json["legs"]
        self.assertEqual([(leg["account"], leg["quantity"]) for leg in legs],
                         [("paper:demo", 10), ("paper:second", 20)])
        for name in (order, "client:shown"):
            shown = self.ctl("show", name).stdout
            self.assertIn(order, shown)
            self.assertRegex(shown, r"(?m)^Price +1050\.00$")
            self.assertRegex(shown, r"(?m)^ +2 +paper:second +accepted")
        self.assertEqual(self.json("show", order)["order_id"], order)
        listed = self.ctl("orders", "--account", "paper:second", "--symbol", "NSE:SBIN").stdout
        self.assertIn(order, listed)
        self.assertEqual(self.json("orders", "--limit", "1")["orders"][0]["order_id"], order)

    def test_lists_say_how_to_go_on(self):
        self.buy()
        self.buy()
        first = self.ctl("orders", "--limit", "1").stdout
        cursor = re.search(r"--cursor (\S+)", first).group(1)
        second = self.ctl("orders", "--limit", "1", "--cursor", cursor).stdout
        self.assertNotEqual(first.splitlines()[1], second.splitlines()[1])

    def test_prices_decide_the_type(self):
        def kind(*prices):
            r = self.json("order", "sell", "NSE:TCS", "1", "--product", "INTRADAY",
                          "--account", "paper:demo", *prices)
            return self.d.get("/api/v1/orders/" + r["order_id"]).json["type"]

        self.assertEqual(kind(), "MARKET")
        self.assertEqual(kind("--price", "2310"), "LIMIT")
        self.assertEqual(kind("--trigger", "2250"), "STOP")
        self.assertEqual(kind("--trigger", "2250", "--price", "2240"), "STOP_LIMIT")

    def test_every_order_option_arrives(self):
        r = self.json("order", "buy", "NSE:INFY", "20", "--price=1100", "--product=INTRADAY",
                      "--validity=IOC", "--client-id=all.options", "--type=LIMIT",
                      "--account=paper:demo,paper:second:0.5", "--key=every-option")
        o = self.d.get("/api/v1/orders/" + r["order_id"]).json
        self.assertEqual((o["product"], o["validity"], o["client_order_id"], o["quantity"]),
                         ("INTRADAY", "IOC", "all.options", 20))
        self.assertEqual([leg["quantity"] for leg in o["legs"]], [20, 10])
        r = self.ctl("order", "sell", "NSE:HDFCBANK", "5", "--reduce-only", "--account", "paper:demo",
                     code=REFUSED)
        self.assertIn("NOT_REDUCING", r.stderr)
        self.ctl("order", "buy", "NSE:INFY", "5", "--market-policy", "reject", "--account",
                 "paper:demo", code=REFUSED)

    def test_validate_sends_nothing(self):
        before = len(self.json("orders", "--limit", "500")["orders"])
        self.assertIn("Checked only: success", self.buy("--validate").stdout)
        self.assertEqual(len(self.json("orders", "--limit", "500")["orders"]), before)

    def test_same_key_is_one_order(self):
        first, again = self.buy("--key", "mine"), self.buy("--key", "mine")
        self.assertIn("Key   mine\n", first.stdout)
        self.assertIn("nothing was sent now", again.stdout)
        self.assertEqual(first.stdout.split()[1], again.stdout.split()[1])
        r = self.buy("--key", "mine", price="1049.00", code=REFUSED)
        self.assertIn("IDEMPOTENCY_MISMATCH, HTTP 422", r.stderr)

    def test_refusals_say_why_and_what_to_do(self):
        r = self.ctl("order", "buy", "NSE:NOPE", "1", code=REFUSED)
        self.assertIn("INVALID_REQUEST", r.stderr)
        self.assertIn("/targets is required", r.stderr)
        r = self.ctl("order", "buy", "NSE:NOPE", "1", "--account", "paper:demo", code=REFUSED)
        self.assertIn("The instrument is not known (INSTRUMENT_UNKNOWN, HTTP 422)", r.stderr)
        self.assertIn("Search with", r.stderr)
        self.assertIn("Correlation id", r.stderr)
        self.assertEqual(self.json("show", "NOSUCHORDER", code=REFUSED)["code"], "ORDER_NOT_FOUND")

    def test_partly_refused_is_three(self):
        self.ctl("killswitch", "halt", "--scope", "account:paper:second", "--reason", "test")
        try:
            r = self.buy("--account", "paper:second", code=PARTIAL)
            self.assertRegex(r.stdout, r"(?m)^paper:second +failed .*KILL_SWITCH")
            r = self.ctl("order", "buy", "NSE:SBIN", "1", "--account", "paper:second", code=REFUSED)
            self.assertIn("KILL_SWITCH, HTTP 423", r.stderr)
        finally:
            self.ctl("killswitch", "release", "--scope", "account:paper:second", "--reason", "test",
                     "--yes")

    def test_modify_and_cancel(self):
        self.buy("--client-id", "patient", price="1000.00")
        self.ctl("modify", "client:patient", "--price", "1001", "--quantity", "12")
        order = self.json("show", "client:patient")
        self.assertEqual((order["price"], order["legs"][0]["quantity"]), ("1001.00", 12))
        self.assertIn("CANCELLED", self.ctl("cancel", "client:patient").stdout)
        self.assertIn("ORDER_NOT_OPEN", self.ctl("cancel", "client:patient", code=REFUSED).stderr)

    def test_cancel_all_takes_filters(self):
        self.buy("--client-id", "f1", price="1000.00")
        self.buy("--client-id", "f2", price="1090.00", symbol="NSE:INFY")
        self.ctl("cancel", "--all", "--symbol", "NSE:INFY", "--account", "paper:second")
        self.ctl("cancel", "--all", "--symbol", "NSE:INFY", "--account", "paper:demo")
        status = [self.json("show", f"client:{n}")["legs"][0]["order_status"] for n in ("f1", "f2")]
        self.assertEqual(status, ["OPEN", "CANCELLED"])
        self.ctl("cancel", "--all")
        self.assertIn("nothing to do", self.ctl("cancel", "--all").stdout)

    def test_what_accounts_have(self):
        self.buy()
        self.assertRegex(self.ctl("trades").stdout, r"NSE:SBIN +BUY +CNC +10 +1050\.00")
        self.assertRegex(self.ctl("positions").stdout, r"(?m)^paper:demo +NSE:SBIN +CNC")
        self.assertRegex(self.ctl("funds").stdout, r"(?m)^all +\d+\.\d\d")
        self.assertNotIn("paper:second", self.ctl("funds", "--account", "paper:demo").stdout)
        self.assertIn("There are no holdings.", self.ctl("holdings").stdout)
        for part in ("Funds", "Holdings", "Positions"):
            self.assertIn(part + "\n", self.ctl("portfolio").stdout)
        self.assertIn("ACCOUNT_NOT_FOUND",
                      self.ctl("funds", "--account", "paper:nobody", code=REFUSED).stderr)

    def test_columns_are_aligned(self):
        lines = self.ctl("quote", "NSE:SBIN", "NSE:M&M").stdout.splitlines()
        self.assertEqual(lines[0].split()[:2], ["SYMBOL", "LAST"])
        end = lines[0].index("LAST") + len("LAST")
        for line in lines[1:]:
            self.assertRegex(line[:end], r"^NSE:\S+ +[0-9.]+$")
            self.assertEqual(line[end], " ")

    def test_instruments(self):
        out = self.ctl("instruments", "SBIN", "--exchange", "NSE").stdout
        self.assertRegex(out, r"(?m)^NSE:SBIN +State Bank of India +EQUITY")
        self.assertIn("No instrument fits.", self.ctl("instruments", "ZZZZZZ").stdout)

    def test_jobs_accounts_audit(self):
        self.assertIn("audit-export", self.ctl("jobs").stdout)
        self.assertIn("protect(1)", self.ctl("accounts").stdout)
        order = self.json("order", "buy", "NSE:SBIN", "1", "--price", "1050", "--account",
                          "paper:demo")["order_id"]
        rows = self.ctl("audit", "--order", order).stdout
        self.assertIn("order.intent", rows)
        self.assertEqual({r["order_id"] for r in self.json("audit", "list", "--order", order)["records"]},
                         {order})

    def test_resolve_is_refused_for_a_settled_leg(self):
        order = self.buy().stdout.split()[1].rstrip(":")
        self.ctl("resolve", order, "1", "rejected", code=USAGE)
        r = self.ctl("resolve", order, "1", "rejected", "--reason", "test", code=REFUSED)
        self.assertIn("LEG_ALREADY_SETTLED", r.stderr)

    def test_login_and_logout(self):
        log = self.d.state / "login.log"
        self.assertRegex(self.ctl("login").stdout, r"(?m)^paper:demo +ok +has a session$")
        self.ctl("logout", "paper:second")
        self.assertNotEqual(self.d.get("/api/v1/auth/paper/second").json["state"], "active")
        r = self.ctl("login", "--non-interactive", "--retry-failed", "--log-file", str(log))
        self.assertRegex(r.stdout, r"(?m)^paper:second +ok +logged in$")
        lines = [json.loads(x) for x in log.read_text().splitlines()]
        self.assertEqual([(x["account"], x["status"]) for x in lines],
                         [("paper:demo", "ok"), ("paper:second", "ok")])
        self.assertEqual(self.ctl("login", "--quiet").stdout, "")
        reports = [r for r in self.json("audit", "--limit", "500")["records"]
                   if r["action"] == "login.report"]
        self.assertIn("ordoctl", json.dumps(reports[-1]["payload"]))
        r = self.ctl("login", "paper:nobody", code=REFUSED)
        self.assertRegex(r.stdout, r"paper:nobody +failed +ACCOUNT_NOT_FOUND")
        self.ctl("login", "paper:demo", "paper:nobody", code=PARTIAL)
        self.ctl("login", "nonsense", code=USAGE)
        self.ctl("login", "--otp", "1", code=USAGE)

    def test_address_and_token(self):
        token = self.d.state / "copy-of-token"
        token.write_text(self.d.token + "\n")
        self.ctl("status", "--token-file", str(token), ORDO_STATE_DIR=None)
        self.ctl("status", "--url", f"http://127.0.0.1:{self.d.port}/", ORDO_LISTEN=None)
        self.ctl("status", ORDO_LISTEN=None, ORDO_URL=f"0.0.0.0:{self.d.port}")
        self.ctl("status", ORDO_STATE_DIR=None, ORDO_API_TOKEN=self.d.token)
        self.ctl("status", ORDO_STATE_DIR=None, ORDO_API_TOKEN_FILE=str(token))
        self.ctl("status", ORDO_STATE_DIR=None, STATE_DIRECTORY=f"{self.d.state}:/other")
        r = self.ctl("status", code=USAGE, ORDO_STATE_DIR=None)
        self.assertIn("there is no API token", r.stderr)
        r = self.ctl("status", "--token-file", "/nonexistent", code=USAGE)
        self.assertIn("No such file", r.stderr)


class Addresses(Case):
    def reaches(self, d, *args, **extra):
        def ask():
            return subprocess.run([CTL, "status", *args], env=self.env(d, **extra),
                                  capture_output=True, text=True).returncode == OK
        self.until(ask)

    def test_unix_socket(self):
        d = self.daemon()
        d.env["ORDO_LISTEN"] = f"unix:{d.state}/ordo.sock"
        d.start(wait=False)
        self.reaches(d)
        r = self.ctl("order", "buy", "NSE:SBIN", "1", "--account", "paper:demo", d=d)
        self.assertIn("success", r.stdout)
        self.ctl("status", d=d, ORDO_URL=f"unix:{d.state}/nobody.sock", code=NETWORK)
        d.stop()

    def test_tls(self):
        d = self.daemon()
        key, cert = d.state / "key.pem", d.state / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=ordo",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
        d.env.update(ORDO_TLS_CERT=str(cert), ORDO_TLS_KEY=str(key))
        d.start(wait=False)
        self.reaches(d, "--ca-file", str(cert))
        r = self.ctl("status", d=d, code=NETWORK)
        self.assertRegex(r.stderr, "(?i)certificate")
        self.ctl("status", "--url", f"http://127.0.0.1:{d.port}", d=d, code=NETWORK)
        d.stop()


class Usage(Case):
    def test_bad_usage(self):
        for args, words in (
                (("ordr",), "did you mean order?"),
                (("help", "stats"), "did you mean status?"),
                (("frobnicate",), "there is no command"),
                (("order", "buy", "NSE:SBIN"), "more arguments"),
                (("order", "hold", "NSE:SBIN", "1"), "buy or sell"),
                (("order", "buy", "NSE:SBIN", "ten"), "whole number"),
                (("order", "buy", "NSE:SBIN", "-1"), "no option -1"),
                (("order", "buy", "NSE:SBIN", "1", "--price", "1e3x"), "not a price"),
                (("order", "buy", "NSE:SBIN", "1", "--price"), "needs a value"),
                (("order", "buy", "NSE:SBIN", "1", "--price=1", "--price=2"), "given twice"),
                (("order", "buy", "NSE:SBIN", "1", "--cheap"), "no option --cheap"),
                (("order", "buy", "NSE:SBIN", "1", "--account", "demo"), "paper:demo"),
                (("order", "buy", "NSE:SBIN", "1", "--account", "paper:demo:x"), "multiplier"),
                (("order", "buy", "NSE:SBIN", "1", "--key", "a b"), "--key"),
                (("status", "--json=yes"), "takes no value"),
                (("status", "more"), "too many"),
                (("cancel",), "either"),
                (("cancel", "X", "--all"), "either"),
                (("cancel", "X", "--symbol", "NSE:SBIN"), "belong to --all"),
                (("modify", "X"), "nothing to change"),
                (("killswitch", "stop", "--reason", "x"), "halt, cancel, flatten or release"),
                (("killswitch", "halt"), "--reason"),
                (("events", "--limit", "0"), "--limit"),
                (("events", "--after", "x"), "--after"),
                (("migrate", "down"), "status, up or verify"),
                (("audit", "check"), "list or verify"),
                (("key", "show"), "list, add or remove"),
                (("status", "--url", "ftp://127.0.0.1"), "not an address"),
                (("status", "--url", "127.0.0.1:99999"), "not an address"),
                (("--token", "x"), "no option --token")):
            r = self.ctl(*args, code=USAGE)
            self.assertIn(words, r.stderr, args)
            self.assertEqual(r.stdout, "", args)

    def test_help(self):
        everything = self.ctl("help").stdout
        self.assertEqual(self.ctl("--help").stdout, everything)
        self.assertEqual(self.ctl(code=USAGE).stdout, everything)
        names = re.findall(r"^  ([a-z][a-z-]+) ", everything, re.M)
        self.assertIn("killswitch", names)
        for name in names:
            shown = self.ctl("help", name).stdout
            self.assertIn(f"Usage: ordoctl {name}", shown)
            self.assertEqual(self.ctl(name, "--help").stdout, shown)
            self.assertLess(max(map(len, shown.split("Options")[0].splitlines())), 101)
        self.assertEqual(self.ctl("version").stdout, self.ctl("--version").stdout)

    def test_documents_are_in_step(self):
        bash = subprocess.run([DOCUMENTS, "bash"], capture_output=True, text=True, check=True).stdout
        committed = ordo.SOURCE / "src/ordoctl/ordoctl.bash"
        self.assertEqual(committed.read_text(), bash, f"run ordoctl-documents bash >{committed}")
        for page, words in (("ordoctl.1", "killswitch"), ("ordo.env.5", "ORDO_LISTEN")):
            frame = ordo.SOURCE / "docs/man" / (page + ".in")
            out = subprocess.run([DOCUMENTS, "page", frame], capture_output=True, text=True, check=True)
            self.assertIn(words, out.stdout)
            self.assertNotRegex(out.stdout, "(?m)^@")

    def test_completion(self):
        def complete(*words):
            script = (f"source {ordo.SOURCE}/src/ordoctl/ordoctl.bash; COMP_WORDS=(\"$@\"); "
                      "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _ordoctl; printf '%s\\n' \"${COMPREPLY[@]}\"")
            return subprocess.run(["bash", "-c", script, "bash", "ordoctl", *words],
                                  capture_output=True, text=True, check=True).stdout.split()

        self.assertEqual(complete("kill"), ["killswitch"])
        self.assertEqual(complete("killswitch", "f"), ["flatten"])
        self.assertEqual(complete("order", "buy", "NSE:SBIN", "1", "--pro"), ["--product"])
        self.assertEqual(complete("order", "--validity", ""), ["DAY", "IOC"])
        self.assertIn("backup", complete("help", ""))
        self.assertEqual(complete("--url", "http://x", "stat"), ["status"])

    def test_daemon_down(self):
        d = self.daemon()
        (d.state / "api-token").write_text("0123456789abcdef0123456789abcdef")
        for args in (("status",), ("order", "buy", "NSE:SBIN", "1"), ("events",), ("login",)):
            r = self.ctl(*args, code=NETWORK, d=d)
            self.assertIn("cannot reach the daemon", r.stderr)
        self.assertIn("No order was sent", self.ctl("order", "buy", "NSE:SBIN", "1", code=NETWORK,
                                                    d=d).stderr)

    def test_wrong_token(self):
        d = self.daemon().start()
        r = self.ctl("status", code=REFUSED, d=d, ORDO_API_TOKEN="0123456789abcdef-wrong",
                     ORDO_STATE_DIR=None)
        self.assertIn("UNAUTHORIZED", r.stderr)
        self.assertNotIn("0123456789abcdef-wrong", r.stderr)


class Preopen(Case):
    def account(self, **fields):
        return {"account": "paper:demo", "ready": True, "session": "active", "session_expires_at": None,
                "kill_switch": "NONE", "unresolved_legs": 0, "needs_operator": 0, **fields}

    def status(self, *accounts, store="ok", masters=()):
        return 200, {}, json.dumps({"status": "ok", "store": {"state": store, "error": "the disk is full"},
                                    "accounts": list(accounts), "masters": list(masters)}).encode()

    def scripted(self, *answers, code=OK, args=("--wait", "0")):
        s = Scripted(*answers)
        return self.ctl("preopen", *args, "--url", s.url, code=code), s

    def test_all_is_well(self):
        r = self.ctl("preopen")
        self.assertRegex(r.stdout, r"(?m)^paper:demo +active +yes$")
        self.assertEqual(self.json("preopen"), {"accounts": [
            {"account": "paper:demo", "ready": True, "session": "active"},
            {"account": "paper:second", "ready": True, "session": "active"}], "ledger": True, "ready": True})

    def test_without_a_session(self):
        d = self.daemon().start()
        self.assertEqual(d.request("DELETE", "/api/v1/auth/paper/second").status, 200)
        r = self.ctl("preopen", d=d, code=PARTIAL)
        self.assertRegex(r.stdout, r"(?m)^paper:second +none +no +It has no session: ordoctl login paper:second$")
        self.assertRegex(r.stdout, r"(?m)^paper:demo +active +yes$")
        a = self.json("preopen", d=d, code=PARTIAL)
        self.assertFalse(a["ready"])
        self.assertEqual([x["ready"] for x in a["accounts"]], [True, False])
        d.stop()

    def test_instruments(self):
        accounts = [self.account(account="fyers:main"), self.account(account="fyersx:main")]
        master = {"broker": "fyers", "state": "missing", "last_error": "404"}
        r, _ = self.scripted(self.status(*accounts, masters=[master]), code=PARTIAL)
        self.assertRegex(r.stdout, r"(?m)^fyers:main +active +no +Its broker's instruments are missing")
        self.assertRegex(r.stdout, r"(?m)^fyersx:main +active +yes$")
        master["state"] = "stale"
        r, _ = self.scripted(self.status(*accounts, masters=[master]))
        self.assertRegex(r.stdout, r"(?m)^fyers:main +active +yes +Its broker's instruments are of an earlier")
        # The first list is on its way: it is waited for.
        coming = self.status(*accounts, masters=[{"broker": "fyers", "state": "missing", "last_error": None}])
        master["state"] = "loaded"
        r, s = self.scripted(coming, coming, self.status(*accounts, masters=[master]), args=("--wait", "30"))
        self.assertRegex(r.stdout, r"(?m)^fyers:main +active +yes$")

    def test_wakes_the_daemon(self):
        """The connection waits in systemd's socket while the daemon starts."""
        s = ordo.listening()
        self.addCleanup(s.close)
        d = self.daemon(sockets=[s])
        (d.state / "api-token").write_text("a" * 64)
        with subprocess.Popen([CTL, "preopen"], stdout=subprocess.PIPE, text=True,
                              env=self.env(d, ORDO_URL=f"http://127.0.0.1:{d.port}")) as p:
            time.sleep(0.5)
            self.assertIsNone(p.poll())
            d.start(wait=False)
            out, _ = p.communicate(timeout=60 * ordo.SLOW)
        self.assertEqual(p.returncode, OK, out)
        self.assertRegex(out, r"(?m)^paper:second +active +yes$")
        d.stop()

    def test_waits_for_a_daemon_that_starts(self):
        d = self.daemon()
        (d.state / "api-token").write_text("a" * 64)
        with subprocess.Popen([CTL, "preopen"], stdout=subprocess.PIPE, env=self.env(d)) as p:
            time.sleep(0.7)
            d.start(wait=False)
            p.communicate(timeout=60 * ordo.SLOW)
        self.assertEqual(p.returncode, OK)
        d.stop()

    def test_no_daemon(self):
        d = self.daemon()
        (d.state / "api-token").write_text("a" * 64)
        began = time.monotonic()
        r = self.ctl("preopen", "--wait", "1", d=d, code=NETWORK)
        self.assertIn("cannot reach the daemon", r.stderr)
        self.assertLess(time.monotonic() - began, 10 * ordo.SLOW)

    def test_waits_until_the_books_are_read(self):
        r, s = self.scripted(problem(503, "SHUTTING_DOWN"), self.status(self.account(ready=False)),
                             self.status(self.account()), args=())
        self.assertEqual(len(s.requests), 3)
        r, _ = self.scripted(self.status(self.account(ready=False)), code=PARTIAL)
        self.assertIn("Its order book could not be read yet", r.stdout)

    def test_session_must_last_for_the_day(self):
        now = time.time()
        for expires, code in ((now - 60, PARTIAL), (now + 60 * 60 * 24, OK)):
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires))
            r, _ = self.scripted(self.status(self.account(session_expires_at=at)), code=code)
            self.assertEqual("Its session ends before the market closes" in r.stdout, code == PARTIAL)

    def test_what_is_only_remarked(self):
        for fields, note in (({"needs_operator": 1, "unresolved_legs": 1}, "1 legs need an operator"),
                             ({"unresolved_legs": 2}, "The outcome of 2 legs is being looked for"),
                             ({"kill_switch": "HALT"}, "The kill switch is at HALT")):
            r, _ = self.scripted(self.status(self.account(**fields)))
            self.assertIn(note, r.stdout)

    def test_ledger(self):
        r, _ = self.scripted(self.status(self.account(), store="failing"), code=PARTIAL)
        self.assertIn("The ledger cannot be written: the disk is full", r.stdout)

    def test_other_answers(self):
        self.scripted(problem(401, "UNAUTHORIZED"), code=REFUSED)
        self.scripted(problem(503, "OVERLOADED"), code=REFUSED)
        self.scripted((200, {}, b"<html>"), code=UNEXPECTED)
        self.scripted((200, {}, b"{}"), code=UNEXPECTED)
        for wait in ("x", "-1", "3601", ""):
            self.ctl("preopen", f"--wait={wait}", code=USAGE)


class Reload(Case):
    def test_reload(self):
        d = self.daemon()
        d.env["ORDO_ENV_FILE"] = str(d.state / "ordo.env")
        (d.state / "ordo.env").write_text("")
        d.start()
        (d.state / "ordo.env").write_text("ORDO_LOG_ACCESS=yes\nORDO_REQUEST_TIMEOUT=7s\n")
        r = self.ctl("reload", d=d)
        self.assertIn("Changed: ORDO_LOG_ACCESS\n", r.stdout)
        self.assertIn("after a restart only: ORDO_REQUEST_TIMEOUT\n", r.stdout)
        (d.state / "ordo.env").write_text("ORDO_LOG_ACCESS=perhaps\n")
        r = self.ctl("reload", d=d, code=REFUSED)
        self.assertIn("ordo.env:1", r.stderr)
        d.stop()

    def test_token_of_the_file(self):
        """Whoever may read the daemon's file needs to say nothing else."""
        d = self.daemon()
        token = "correct-horse-battery-staple"
        d.env["ORDO_ENV_FILE"] = str(d.state / "ordo.env")
        (d.state / "ordo.env").write_text(f"ORDO_API_TOKEN={token}\n")
        (d.state / "ordo.env").chmod(0o600)
        d.start(wait=False)
        self.until(lambda: "is ready" in d.log_text())
        self.ctl("status", d=d)
        d.stop()


class Terminal(Case):
    def on_terminal(self, *args, say=b"", **extra):
        env = self.env(self.d, TERM="xterm", **extra)
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(CTL, [str(CTL), *args], env)
        out = b""
        end = time.monotonic() + 20 * ordo.SLOW
        while time.monotonic() < end:
            if not select.select([fd], [], [], 1)[0]:
                continue
            try:
                piece = os.read(fd, 4096)
            except OSError:
                break
            if not piece:
                break
            out += piece
            if say and b"[y/N]" in out:
                os.write(fd, say)
                say = b""
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), out.decode()

    def level(self):
        return self.d.get("/api/v1/killswitch").json["level"]

    def test_release_asks(self):
        self.ctl("killswitch", "halt", "--reason", "test")
        self.assertEqual(self.level(), "HALT")
        r = self.ctl("killswitch", "release", "--reason", "test", code=INPUT_MISSING)
        self.assertIn("--yes", r.stderr)
        code, _ = self.on_terminal("killswitch", "release", "--reason", "test", say=b"n\n")
        self.assertEqual((code, self.level()), (INPUT_MISSING, "HALT"))
        code, out = self.on_terminal("killswitch", "release", "--reason", "test", say=b"y\n")
        self.assertEqual((code, self.level()), (OK, "NONE"), out)

    def test_engaging_never_asks(self):
        for level in ("cancel", "flatten", "halt"):
            self.ctl("killswitch", level, "--reason", "test", "--scope", "account:paper:demo")
        shown = self.ctl("killswitch").stdout
        self.assertRegex(shown, r"(?m)^account:paper:demo +HALT .* test$")
        self.ctl("killswitch", "none", "--reason", "test", "--scope", "account:paper:demo", "--yes")

    def test_colour_only_on_a_terminal(self):
        self.assertIn("\033[", self.on_terminal("status")[1])
        self.assertNotIn("\033[", self.on_terminal("status", NO_COLOR="1")[1])
        self.assertNotIn("\033[", self.ctl("status").stdout)


class Relay:
    """Sits between ordoctl and the daemon; loses the answers of the first connections."""

    def __init__(self, port, lose):
        self.port, self.lose, self.seen = port, lose, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                with client:
                    self.one(client)

    def one(self, client):
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(65536)
        head, _, body = request.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
        while len(body) < length:
            body += client.recv(65536)
        self.seen.append(re.search(rb"(?i)idempotency-key: (\S+)", head).group(1))
        with socket.create_connection(("127.0.0.1", self.port)) as server:
            server.sendall(head.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n", 1) +
                           b"\r\n\r\n" + body)
            answer = b""
            while piece := server.recv(65536):
                answer += piece
        if len(self.seen) > self.lose:
            client.sendall(answer)


class Scripted:
    """An HTTP server that answers what it is told, one answer a request; the last one stays."""

    def __init__(self, *answers):
        self.answers, self.requests = list(answers), []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                outer.requests.append((self.command, self.path, dict(self.headers), body))
                status, headers, data = outer.answers[0]
                if len(outer.answers) > 1:
                    outer.answers.pop(0)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = do

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def problem(status, code, **headers):
    return status, headers, json.dumps({"title": "A title", "status": status, "code": code}).encode()


class Retries(Case):
    def test_lost_answers_do_not_double_the_order(self):
        relay = Relay(self.d.port, lose=2)
        before = len(self.json("orders", "--limit", "500")["orders"])
        r = self.buy("--url", relay.address)
        self.assertIn("again with the same key", r.stderr)
        self.assertIn("nothing was sent now", r.stdout)
        self.assertEqual(len(relay.seen), 3)
        self.assertEqual(len(set(relay.seen)), 1)
        self.assertEqual(len(self.json("orders", "--limit", "500")["orders"]), before + 1)

    def test_giving_up_names_the_key(self):
        relay = Relay(self.d.port, lose=99)
        before = len(self.json("orders", "--limit", "500")["orders"])
        r = self.buy("--url", relay.address, code=NETWORK)
        key = re.search(r"--key (\S+)", r.stderr).group(1)
        self.assertEqual({key.encode()}, set(relay.seen))
        self.assertLess(len(relay.seen), 10)
        self.assertIn("nothing was sent now", self.buy("--key", key).stdout)
        self.assertEqual(len(self.json("orders", "--limit", "500")["orders"]), before + 1)

    def test_in_flight_is_waited_for(self):
        good = json.dumps({"order_id": "X" * 26, "overall_status": "success", "results": []}).encode()
        s = Scripted(problem(409, "IDEMPOTENCY_IN_FLIGHT", **{"Retry-After": "1"}),
                     problem(409, "IDEMPOTENCY_IN_FLIGHT", **{"Retry-After": "1"}), (201, {}, good))
        self.buy("--url", s.url)
        self.assertEqual(len({r[2]["Idempotency-Key"] for r in s.requests}), 1)
        self.assertEqual(len(s.requests), 3)

    def test_other_refusals_are_final(self):
        for status, code in ((409, "CLIENT_ORDER_ID_TAKEN"), (429, "RATE_LIMITED"),
                             (503, "STORE_UNAVAILABLE")):
            s = Scripted(problem(status, code))
            self.assertIn(code, self.buy("--url", s.url, code=REFUSED).stderr)
            self.assertEqual(len(s.requests), 1)

    def test_cancel_is_sent_once(self):
        relay = socket.create_server(("127.0.0.1", 0))
        seen = []

        def close_all():
            with contextlib.suppress(OSError):
                while True:
                    c, _ = relay.accept()
                    seen.append(c.recv(65536))
                    c.close()

        threading.Thread(target=close_all, daemon=True).start()
        r = self.ctl("cancel", "X", "--url", "127.0.0.1:%d" % relay.getsockname()[1], code=NETWORK)
        self.assertIn("ordoctl show X", r.stderr)
        self.assertEqual(len(seen), 1)
        relay.close()

    def test_strange_answers(self):
        for answer in ((200, {}, b"<html>hello</html>"), (200, {}, b"[]"), (200, {}, b""),
                       (200, {}, b'{"a":1,"a":2}'), (302, {"Location": "http://127.0.0.1:1/"}, b""),
                       problem(500, "INTERNAL"), (502, {}, b"bad gateway")):
            s = Scripted(answer)
            self.ctl("status", "--url", s.url, code=UNEXPECTED)
            self.assertEqual(len(s.requests), 1)

    def test_unknown_outcome_is_three(self):
        pending = json.dumps({"order_id": "X" * 26, "overall_status": "pending", "results": [
            {"account": "paper:demo", "status": "pending"}]}).encode()
        s = Scripted((202, {}, pending))
        self.assertIn("not known yet", self.buy("--url", s.url, code=PARTIAL).stdout)

    def test_control_characters_do_not_reach_the_terminal(self):
        evil = json.dumps({"quotes": [{"symbol": "NSE:\x1b[2JX\x9b1m\n", "last": "1.00"}]}).encode()
        s = Scripted((200, {}, evil))
        out = self.ctl("quote", "NSE:SBIN", "--url", s.url).stdout
        self.assertNotIn("\x1b", out)
        self.assertNotIn("\x9b", out)
        self.assertEqual(len(out.splitlines()), 2)

    def test_login_with_codes(self):
        accounts = json.dumps({"accounts": [{"account": "fyers:main"}]}).encode()
        none = json.dumps({"state": "none"}).encode()
        wants = json.dumps({"login_id": "L1", "method": "otp", "session": {"state": "pending"}}).encode()
        active = json.dumps({"state": "active"}).encode()
        recorded = b'{"status":"recorded"}'
        s = Scripted((200, {}, accounts), (200, {}, none), (200, {}, wants), (200, {}, recorded))
        r = self.ctl("login", "--url", s.url, code=INPUT_MISSING)
        self.assertRegex(r.stdout, "fyers:main +skipped")
        s = Scripted((200, {}, accounts), (200, {}, none), (200, {}, wants), (200, {}, active),
                     (200, {}, recorded))
        r = self.ctl("login", "--url", s.url, OTP_FYERS_MAIN="424242")
        self.assertRegex(r.stdout, "fyers:main +ok +logged in")
        method, path, _, body = s.requests[3]
        self.assertEqual((method, path), ("POST", "/api/v1/auth/fyers/main/complete"))
        self.assertEqual(json.loads(body), {"login_id": "L1", "otp": "424242"})
        self.assertEqual(json.loads(s.requests[4][3])["accounts"],
                         [{"account": "fyers:main", "status": "ok", "message": "logged in"}])


class Events(Case):
    def follow(self, d, *args):
        p = subprocess.Popen([CTL, "events", *args], env=self.env(d), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        self.addCleanup(p.stdout.close)
        self.addCleanup(p.stderr.close)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        return p

    def place(self, d, n):
        ids = [d.order(quantity=1).json["order_id"] for _ in range(n)]
        return ids

    def test_live_and_across_a_restart(self):
        d = self.daemon().start()
        last = d.get("/api/v1/status").json["last_event_id"]
        p = self.follow(d, "--json", "--types", "order", "--after", str(last), "--limit", "6")
        ids = self.place(d, 3)
        first = [json.loads(p.stdout.readline())["order_id"] for _ in range(3)]
        self.assertEqual(first, ids)
        d.stop()
        d.start()
        ids = self.place(d, 3)
        self.assertEqual([json.loads(p.stdout.readline())["order_id"] for _ in range(3)], ids)
        self.assertEqual(p.wait(timeout=30 * ordo.SLOW), OK)
        d.stop()

    def test_text_filters_and_interrupt(self):
        d = self.daemon().start()
        p = self.follow(d, "--account", "paper:second", "--types", "leg,order", "--after", "0")
        d.order(targets=["paper:demo"], quantity=1)
        d.order(targets=["paper:second"], quantity=1)
        line = ""
        while "leg.outcome" not in line:
            line = p.stdout.readline()
            self.assertTrue(line)
            self.assertNotIn("paper:demo", line)
        self.assertIn("paper:second", line)
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(timeout=10 * ordo.SLOW), OK)
        d.stop()

    def test_refused(self):
        self.assertIn("order, leg, session", self.ctl("events", "--types", "weather",
                                                      code=REFUSED).stderr)
        self.assertIn("ACCOUNT_NOT_FOUND",
                      self.ctl("events", "--account", "paper:nobody", code=REFUSED).stderr)


class Offline(Case):
    def setUp(self):
        self.k = self.daemon().start()

    def off(self, *args, **kw):
        return self.ctl(*args, d=self.k, **kw)

    def exported(self, n):
        def lines():
            files = list((self.k.state / "audit").glob("*.jsonl"))
            return files and sum(len(f.read_bytes().splitlines()) for f in files) >= n and files[0]
        return self.until(lines, 30)

    def test_verify_good_beside_the_daemon_and_without(self):
        for _ in range(5):
            self.k.order(quantity=1)
        self.assertIn("The audit is whole", self.off("audit", "verify").stdout)
        self.exported(10)
        report = json.loads(self.off("--json", "audit", "verify").stdout)
        self.assertEqual((report["status"], report["fault"]), ("ok", "none"))
        self.assertGreaterEqual(report["records"], 10)
        self.k.stop()
        self.assertIn("The audit is whole", self.off("audit", "verify").stdout)

    def test_verify_under_load(self):
        end = time.monotonic() + 3
        codes = set()

        def load():
            while time.monotonic() < end:
                codes.add(self.k.order(quantity=1).status)

        t = threading.Thread(target=load)
        t.start()
        while time.monotonic() < end:
            self.off("audit", "verify")
        t.join()
        self.assertEqual(codes, {201})

    def test_changed_byte_in_a_segment(self):
        for _ in range(5):
            self.k.order(quantity=1)
        segment = self.exported(8)
        self.k.stop()
        lines = segment.read_bytes().splitlines(keepends=True)
        lines[4] = lines[4].replace(b'"component":"orchestrator"', b'"component":"orchestratoR"')
        segment.write_bytes(b"".join(lines))
        r = self.off("audit", "verify", code=REFUSED)
        self.assertRegex(r.stdout, r"first broken record +5\n")
        self.assertIn(f"{segment.name}, line 5", r.stdout)
        self.assertRegex(r.stdout, r"reason +hash: ")

    def test_changed_row_in_the_ledger(self):
        for _ in range(5):
            self.k.order(quantity=1)
        self.exported(8)
        self.k.stop()
        with contextlib.closing(sqlite3.connect(self.k.state / "ordo.db")) as db:
            n = db.execute("update audit set record=replace(record, '\"actor\":\"api-token\"', "
                           "'\"actor\":\"nobody-1\"') where seq=4").rowcount
            db.commit()
        self.assertEqual(n, 1)
        report = json.loads(self.off("--json", "audit", "verify", code=REFUSED).stdout)
        self.assertEqual((report["status"], report["file"], report["seq"], report["fault"]),
                         ("broken", "ledger", 4, "differs"))

    def test_removed_rows(self):
        for _ in range(5):
            self.k.order(quantity=1)
        self.k.stop()
        with contextlib.closing(sqlite3.connect(self.k.state / "ordo.db")) as db:
            last = db.execute("select max(seq) from audit").fetchone()[0]
            db.execute("delete from audit where seq=?", (last - 1,))
            db.commit()
        r = self.off("audit", "verify", code=REFUSED)
        self.assertRegex(r.stdout, r"reason +gap: ")

    def test_no_ledger(self):
        self.k.stop()
        (self.k.state / "ordo.db").unlink()
        for args in (("audit", "verify"), ("backup", str(self.k.state / "copy.db"))):
            self.assertIn("cannot be read", self.off(*args, code=REFUSED).stderr)
        self.assertIn("no ledger yet", self.off("migrate", "status").stdout)
        (self.k.state / "ordo.db").write_bytes(b"not a database at all, really" * 100)
        self.assertIn("cannot be read", self.off("audit", "verify", code=REFUSED).stderr)

    def test_backup_while_running_and_restore(self):
        placed, stop = [], threading.Event()

        def load():
            while not stop.is_set():
                placed.append(self.k.order(quantity=1).json["order_id"])

        t = threading.Thread(target=load)
        t.start()
        try:
            self.until(lambda: len(placed) > 5)
            before = list(placed)
            copy = self.k.state / "copy.db"
            self.assertIn("verified", self.off("backup", str(copy)).stdout)
        finally:
            stop.set()
            t.join()
        self.assertEqual(copy.stat().st_mode & 0o777, 0o600)
        self.assertIn("exists", self.off("backup", str(copy), code=REFUSED).stderr)
        self.k.stop()
        restored = self.daemon()
        shutil.copy(copy, restored.state / "ordo.db")
        for name in ("api-token", "vault-key"):
            if (self.k.state / name).exists():
                shutil.copy(self.k.state / name, restored.state / name)
        restored.start()
        for order in before:
            self.assertEqual(restored.get(f"/api/v1/orders/{order}").status, 200)
        self.assertEqual(restored.order(quantity=1).status, 201)
        restored.stop()
        self.ctl("audit", "verify", d=restored)

    def test_keys(self):
        r = self.off("key", "add", "desk", "--scope", "read", "--account", "paper:demo", "--expires",
                     "2099-01-01T00:00:00+05:30", "--cidr", "127.0.0.0/8")
        token = r.stdout.strip()
        self.assertRegex(token, r"^ordo_\S{43}$")
        self.assertIn("systemctl reload ordo", r.stderr)
        keys = self.k.state / "keys.json"
        self.assertNotIn(token, keys.read_text())
        self.assertEqual(keys.stat().st_mode & 0o777, 0o600)
        self.assertRegex(self.off("key", "list").stdout,
                         r"(?m)^desk +read +paper:demo +127\.0\.0\.0/8 +2099-01-01 00:00:00 +ok$")

        if os.geteuid() == 0:
            os.chown(self.k.state, 12345, 12345)
            self.off("key", "add", "other", "--scope", "read")
            self.assertEqual((keys.stat().st_uid, keys.stat().st_gid), (12345, 12345))
            self.assertIn("belongs to user 12345", self.off("migrate", "up", code=USAGE).stderr)
            os.chown(self.k.state, 0, 0)
            os.chown(keys, 0, 0)

        def status():
            return self.k.get("/api/v1/funds", token=token).status

        self.assertEqual(status(), 401)
        self.k.process.send_signal(signal.SIGHUP)
        self.until(lambda: status() == 200)
        r = self.ctl("order", "buy", "NSE:SBIN", "1", "--account", "paper:demo", d=self.k, code=REFUSED,
                     ORDO_API_TOKEN=token)
        self.assertIn("FORBIDDEN", r.stderr)
        self.assertIn("already", self.off("key", "add", "desk", "--scope", "read", code=REFUSED).stderr)
        self.off("key", "remove", "desk")
        self.off("key", "remove", "desk", code=REFUSED)
        self.k.process.send_signal(signal.SIGHUP)
        self.until(lambda: status() == 401)
        for args in (("key", "add", "x"), ("key", "add", "x", "--scope", "all"),
                     ("key", "add", "api-token", "--scope", "read"), ("key", "add"), ("key", "list", "x"),
                     ("key", "add", "x", "--scope", "read", "--cidr", "1.2.3.4/40"),
                     ("key", "add", "x", "--scope", "read", "--account", "demo"),
                     ("key", "add", "x", "--scope", "read", "--expires", "tomorrow"),
                     ("key", "add", "x", "--scope", "read", "--expires", "2020-01-01T00:00:00Z")):
            self.off(*args, code=USAGE)
        keys.write_text('{"keys": [{"name": "x"}]}')
        self.assertIn("/keys/0/hash", self.off("key", "list", code=USAGE).stderr)

    def test_migrate(self):
        out = self.off("migrate", "status").stdout
        self.assertRegex(out, r"(?m)^ +1 +ledger +applied +[0-9a-f]{64}$")
        self.assertIn("held by process", self.off("migrate", "up", code=REFUSED).stderr)
        self.off("migrate", "verify")
        self.k.stop()
        self.assertIn("The schema is version", self.off("migrate", "up").stdout)
        edited = self.k.state / "migrations"
        shutil.copytree(ordo.SOURCE / "migrations", edited)
        first = sorted((edited / "sqlite").glob("*.sql"))[0]
        first.write_text(first.read_text() + "\n-- edited\n")
        env = {"ORDO_MIGRATIONS_DIR": str(edited)}
        self.assertIn("was edited", self.off("migrate", "verify", code=REFUSED, **env).stderr)
        self.assertRegex(self.off("migrate", "status", **env).stdout, r"ledger +edited")
        shutil.rmtree(edited)
        shutil.copytree(ordo.SOURCE / "migrations", edited)
        n = len(list((edited / "sqlite").glob("*.sql"))) + 1
        (edited / "sqlite" / f"{n:04d}_more.sql").write_text("CREATE TABLE more (x INTEGER) STRICT;\n")
        self.assertRegex(self.off("migrate", "status", **env).stdout, rf"(?m)^ +{n} +more +pending")
        self.assertIn("1 pending", self.off("migrate", "verify", **env).stdout)
        lines = self.off("--json", "migrate", "up", **env).stdout.splitlines()
        self.assertEqual([json.loads(line) for line in lines], [
            {"event": "copy", "version": n, "name": "more", "of": n},
            {"event": "migrate", "version": n, "name": "more", "of": n}, {"event": "done", "version": n}])
        self.assertIn(f"version {n}", self.off("migrate", "up", **env).stdout)
        states = [m["state"] for m in json.loads(self.off("--json", "migrate", "status", **env).stdout)
                  ["migrations"]]
        self.assertEqual(states, ["applied"] * n)
        self.assertRegex(self.off("migrate", "status").stdout, "more +unknown to this release")

    def test_check_config(self):
        self.assertIn("2 accounts", self.off("check-config", ORDO_URL="http://127.0.0.1:1").stdout)
        r = self.off("check-config", code=USAGE, ORDO_LISTNE="x", ORDO_LOG="loud")
        self.assertIn("ORDO_LISTEN", r.stderr)
        self.assertIn("ORDO_LOG", r.stderr)
        self.off("backup", "/tmp/never", code=USAGE, ORDO_LOG="loud")
        self.assertFalse(pathlib.Path("/tmp/never").exists())


if __name__ == "__main__":
    ordo.main()
