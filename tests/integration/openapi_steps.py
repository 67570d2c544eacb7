"""How each documented status of each route comes about: the table of the OpenAPI walk (test_openapi.py). `t` is the
walk, which makes daemons in every state that is needed."""
import hashlib
import http.client
import json
import resource
import signal
import subprocess
import uuid

import ordo

ORDERS, API = "/api/v1/orders", "/api/v1"
ORDER = {"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "quantity": 10, "price": "1000.00",
         "product": "CNC", "validity": "DAY", "targets": ["paper:demo"]}
KEYS = {  # name: scopes, accounts
    "reads": (["read"], None),
    "trades": (["trade"], None),
    "administers": (["admin"], None),
    "narrow": (["read", "trade", "admin"], ["paper:second"]),
}
# Paper accounts need no second step to log in and never refuse a cancel; these come about with a real broker only.
NEEDS_A_BROKER = {
    ("DELETE", ORDERS + "/{id}", 422),
    ("POST", API + "/auth/{broker}/{account}/login", 422),
    ("POST", API + "/auth/{broker}/{account}/login", 424),
    ("POST", API + "/auth/{broker}/{account}/complete", 200),
    ("POST", API + "/auth/{broker}/{account}/complete", 422),
    ("POST", API + "/auth/{broker}/{account}/complete", 424),
    ("POST", API + "/auth/{broker}/{account}/complete", 503),
    ("GET", API + "/auth/callback/{broker}/{account}", 200),
    ("GET", API + "/auth/callback/{broker}/{account}", 422),
    ("GET", API + "/auth/callback/{broker}/{account}", 424),
    ("GET", API + "/auth/callback/{broker}/{account}", 503),
}
STEPS = {}


def step(method, path, *statuses):
    def add(f):
        for s in statuses:
            assert (method, path, s) not in STEPS, (method, path, s)
            STEPS[method, path, s] = f
        return f
    return add


def token_of(name):
    return "ordo_" + hashlib.sha256(name.encode()).hexdigest()[:43]


def write_keys(path):
    keys = []
    for name, (scopes, accounts) in KEYS.items():
        key = {"name": name, "scopes": scopes,
               "hash": "sha256:" + hashlib.sha256(token_of(name).encode()).hexdigest()}
        if accounts:
            key["accounts"] = accounts
        keys.append(key)
    path.write_text(json.dumps({"keys": keys}))
    path.chmod(0o600)


def path_of(path):
    """A path with something in it for each capture."""
    return (path.replace("{broker}/{account}", "paper/demo").replace("{id}", "01KAR8Z6J200000000000000")
            .replace("{leg}", "1"))


# --- what routes have in common ---------------------------------------------------------------------


def common(document):
    """{(method, path, status): f(walk)} of the statuses that every route of a kind must document."""
    table = {}
    for (method, path), o in document.operations.items():
        table[method, path, 400] = malformed
        if o["x-scope"] != "none":
            table[method, path, 401] = unauthorized
            table[method, path, 403] = forbidden
            table[method, path, 429] = too_many
        if "requestBody" in o:
            table[method, path, 413] = too_large
            table[method, path, 415] = not_json
    return table


def malformed(t, method, path):
    return t.d.request(method, path_of(path), headers={"X-Correlation-ID": "not one"})


def unauthorized(t, method, path):
    return t.d.request(method, path_of(path), token=None)


def forbidden(t, method, path):
    scope = t.document.operations[method, path]["x-scope"]
    other = {"read": "trades", "trade": "reads", "admin": "trades"}[scope]
    return t.d.request(method, path_of(path), token=token_of(other))


def too_many(t, method, path):
    if method != "GET" and path.startswith(API + "/killswitch"):  # the rate of requests does not hold it up
        d = t.own()
        for _ in range(50):
            a = d.request(method, path, {"level": "HALT", "reason": "walk"}, token="no-such-token")
            if a.status == 429:
                break
        return a
    cls = type(t)
    if not hasattr(cls, "slow"):
        cls.slow = ordo.Daemon(env={"ORDO_API_RATE": "1", "ORDO_LIMITS": "on"}).start()
        cls.addClassCleanup(cls.slow.cleanup)
    for _ in range(5):
        a = cls.slow.request(method, path_of(path))
        if a.status == 429:
            return a
    return a


def too_large(t, method, path):
    return t.d.request(method, path_of(path), raw=b" " * 65537)


def not_json(t, method, path):
    return t.d.request(method, path_of(path), raw=b"a=b",
                       headers={"Content-Type": "application/x-www-form-urlencoded"})


# --- orders -----------------------------------------------------------------------------------------


@step("POST", ORDERS, 201)
def _(t):
    a = t.d.order()
    t.assertEqual(a.headers["location"], f"{ORDERS}/{a.json['order_id']}")
    return a


@step("POST", ORDERS, 202)
def _(t):
    d, key, location = t.unknown()
    a = d.order(key=key, price="1000.00")
    t.assertEqual(a.headers["location"], location)
    return a


@step("POST", ORDERS, 207)
def _(t):
    return t.half()[0].order(targets=["paper:demo", "paper:second"], quantity=3)


@step("POST", ORDERS, 404)
def _(t):
    return t.d.order(targets=["paper:nobody"])


@step("POST", ORDERS, 409)
def _(t):
    t.d.order(client_order_id="taken")
    return t.d.order(client_order_id="taken")


@step("POST", ORDERS, 422)
def _(t):
    t.check("POST", ORDERS, t.d.order(price="1050.03"), 422)
    return t.d.order(side="SELL", symbol="NSE:TCS", price="2300.00")


@step("POST", ORDERS, 423)
def _(t):
    d = t.own()
    d.post(API + "/killswitch", {"level": "HALT", "reason": "walk"})
    t.check("POST", ORDERS + "/validate", d.post(ORDERS + "/validate", ORDER), 423)
    return d.order()


@step("POST", ORDERS, 424)
def _(t):
    return t.half()[0].order(targets=["paper:second"])


@step("POST", ORDERS, 503)
def _(t):
    d = t.own()
    t.locked(d)
    return d.order()


@step("GET", ORDERS, 200)
def _(t):
    t.place(targets=["paper:demo", "paper:second"])
    return t.d.get(ORDERS + "?limit=2&accounts=paper:demo&symbol=NSE:SBIN&status=OPEN")


@step("GET", ORDERS, 404)
def _(t):
    return t.d.get(ORDERS + "?accounts=paper:nobody")


@step("GET", ORDERS, 414)
def _(t):
    return t.d.get(ORDERS + "?cursor=" + "a" * 9000)


@step("GET", ORDERS, 503)
def _(t):
    d = t.own()
    t.without_table(d, "orders")
    return d.get(ORDERS)


@step("POST", ORDERS + "/validate", 200)
def _(t):
    return t.d.post(ORDERS + "/validate", ORDER)


@step("POST", ORDERS + "/validate", 404)
def _(t):
    return t.d.post(ORDERS + "/validate", {**ORDER, "targets": ["paper:nobody"]})


@step("POST", ORDERS + "/validate", 422)
def _(t):
    return t.d.post(ORDERS + "/validate", {**ORDER, "price": "1050.03"})


@step("POST", ORDERS + "/validate", 423)
def _(t):
    d = t.own()
    d.post(API + "/killswitch", {"level": "HALT", "reason": "walk"})
    return d.post(ORDERS + "/validate", ORDER)


@step("POST", ORDERS + "/validate", 424)
def _(t):
    return t.half()[0].post(ORDERS + "/validate", {**ORDER, "targets": ["paper:second"]})


def posting(path, body, key=True):
    text = json.dumps(body)
    idempotency = f"Idempotency-Key: {uuid.uuid4()}\r\n" if key else ""
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer TOKEN\r\n{idempotency}"
            f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n" + text)


@step("POST", ORDERS + "/validate", 503)
def _(t):
    a = t.stopping(posting(ORDERS, ORDER))
    t.check("POST", ORDERS, a, 503)
    t.assertEqual(a.json["code"], "SHUTTING_DOWN")
    return t.stopping(posting(ORDERS + "/validate", ORDER, key=False))


@step("POST", ORDERS + "/cancel", 200)
def _(t):
    d = t.own()
    t.place(d, targets=["paper:demo", "paper:second"])
    a = d.post(ORDERS + "/cancel", {})
    t.assertEqual(len(a.json["results"]), 2)
    return a


@step("POST", ORDERS + "/cancel", 202)
def _(t):
    return t.unknown()[0].post(ORDERS + "/cancel", {})


@step("POST", ORDERS + "/cancel", 207)
def _(t):
    return t.half()[0].post(ORDERS + "/cancel", {})


@step("POST", ORDERS + "/cancel", 404)
def _(t):
    return t.d.post(ORDERS + "/cancel", {"accounts": ["paper:nobody"]})


@step("GET", ORDERS + "/{id}", 200)
def _(t):
    location = t.place(client_order_id="mean-rev-0041").headers["location"]
    t.check("GET", ORDERS + "/{id}", t.d.get(ORDERS + "/client:mean-rev-0041"), 200)
    return t.d.get(location)


@step("GET", ORDERS + "/{id}", 404)
def _(t):
    return t.d.get(path_of(ORDERS + "/{id}"))


@step("GET", ORDERS + "/{id}", 503)
def _(t):
    d = t.own()
    location = t.place(d).headers["location"]
    t.without_table(d, "orders")
    return d.get(location)


@step("PATCH", ORDERS + "/{id}", 200)
def _(t):
    return t.d.request("PATCH", t.place().headers["location"], {"price": "999.00"})


@step("PATCH", ORDERS + "/{id}", 202)
def _(t):
    """The disk fills up between the two commits: the broker has the change, the ledger has not."""
    d = t.daemon()

    def ignore():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    with open(d.log, "ab") as log:
        d.process = subprocess.Popen([str(ordo.BUILD / "src/ordod")], env=d.env, preexec_fn=ignore,
                                     stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    d.wait_ready()
    location = t.place(d).headers["location"]
    wal = d.state / "ordo.db-wal"
    for room in range(0, 200 << 10, 4 << 10):
        resource.prlimit(d.process.pid, resource.RLIMIT_FSIZE,
                         (wal.stat().st_size + room, resource.RLIM_INFINITY))
        a = d.request("PATCH", location, {"price": f"9{room >> 12:02d}.00"})
        resource.prlimit(d.process.pid, resource.RLIMIT_FSIZE,
                         (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        if a.status == 202:
            break
        t.assertIn(a.status, (200, 503), a)
        t.until(lambda: d.get("/ready", token=None).status == 200)
    return a


@step("PATCH", ORDERS + "/{id}", 207)
def _(t):
    d, location = t.half()
    return d.request("PATCH", location, {"price": "999.00"})


@step("PATCH", ORDERS + "/{id}", 404)
def _(t):
    return t.d.request("PATCH", path_of(ORDERS + "/{id}"), {"price": "999.00"})


@step("PATCH", ORDERS + "/{id}", 409)
def _(t):
    return t.d.request("PATCH", t.place(price="1050.00").headers["location"], {"price": "999.00"})


@step("PATCH", ORDERS + "/{id}", 422)
def _(t):
    return t.d.request("PATCH", t.place().headers["location"], {"price": "999.03"})


@step("PATCH", ORDERS + "/{id}", 423)
def _(t):
    d = t.own()
    location = t.place(d).headers["location"]
    d.post(API + "/killswitch", {"level": "HALT", "reason": "walk"})
    return d.request("PATCH", location, {"price": "999.00"})


def logged_out(t, method, body=None):
    d = t.own()
    location = t.place(d).headers["location"]
    t.assertEqual(d.request("DELETE", API + "/auth/paper/demo").status, 200)
    return d.request(method, location, body)


@step("PATCH", ORDERS + "/{id}", 424)
def _(t):
    return logged_out(t, "PATCH", {"price": "999.00"})


@step("PATCH", ORDERS + "/{id}", 503)
def _(t):
    d = t.own()
    location = t.place(d).headers["location"]
    t.locked(d)
    return d.request("PATCH", location, {"price": "999.00"})


@step("DELETE", ORDERS + "/{id}", 200)
def _(t):
    return t.d.request("DELETE", t.place().headers["location"])


@step("DELETE", ORDERS + "/{id}", 202)
def _(t):
    d, _, location = t.unknown()
    return d.request("DELETE", location)


@step("DELETE", ORDERS + "/{id}", 207)
def _(t):
    d, location = t.half()
    return d.request("DELETE", location)


@step("DELETE", ORDERS + "/{id}", 404)
def _(t):
    return t.d.request("DELETE", path_of(ORDERS + "/{id}"))


@step("DELETE", ORDERS + "/{id}", 409)
def _(t):
    return t.d.request("DELETE", t.place(price="1050.00").headers["location"])


@step("DELETE", ORDERS + "/{id}", 424)
def _(t):
    return logged_out(t, "DELETE")


@step("DELETE", ORDERS + "/{id}", 503)
def _(t):
    # What is live is known without the ledger, and is cancelled; what is over stands in the ledger only.
    d = t.own()
    location = t.place(d).headers["location"]
    t.check("DELETE", ORDERS + "/{id}", d.request("DELETE", location), 200)
    t.without_table(d, "orders")
    return d.request("DELETE", location)


RESOLVE = ORDERS + "/{id}/legs/{leg}/resolve"
RESOLUTION = {"outcome": "not_placed", "reason": "not in the broker's book"}


@step("POST", RESOLVE, 200)
def _(t):
    for more in ({"outcome": "not_placed"}, {"outcome": "rejected"},
                 {"outcome": "accepted", "broker_order_id": "26112300000017"}):
        d, _, location = t.unknown()
        a = d.post(location + "/legs/1/resolve", {**RESOLUTION, **more})
        t.check("POST", RESOLVE, a, 200)
        t.assertEqual(a.json["results"][0]["outcome"], more["outcome"])
    return a


@step("POST", RESOLVE, 404)
def _(t):
    t.check("POST", RESOLVE, t.d.post(path_of(RESOLVE), RESOLUTION), 404)
    return t.d.post(t.place().headers["location"] + "/legs/2/resolve", RESOLUTION)


@step("POST", RESOLVE, 409)
def _(t):
    return t.d.post(t.place().headers["location"] + "/legs/1/resolve", RESOLUTION)


@step("POST", RESOLVE, 503)
def _(t):
    d, _, location = t.unknown()
    t.locked(d)
    return d.post(location + "/legs/1/resolve", RESOLUTION)


# --- portfolio --------------------------------------------------------------------------------------


def queries():
    for name in ("trades", "portfolio", "funds", "holdings", "positions"):
        path = f"{API}/{name}"

        @step("GET", path, 200)
        def _(t, path=path):
            t.place(price="1050.00", targets=["paper:demo", "paper:second"])
            return t.d.get(path + "?accounts=paper:demo,paper:second")

        @step("GET", path, 207)
        def _(t, path=path):
            return t.half()[0].get(path)

        @step("GET", path, 404)
        def _(t, path=path):
            return t.d.get(path + "?accounts=paper:nobody")


queries()

# --- market -----------------------------------------------------------------------------------------


@step("GET", API + "/quotes", 200)
def _(t):
    return t.d.get(API + "/quotes?symbols=NSE:SBIN,NSE:M%26M")


@step("GET", API + "/quotes", 404)
def _(t):
    return t.d.get(API + "/quotes?symbols=NSE:SBIN&account=paper:nobody")


@step("GET", API + "/quotes", 422)
def _(t):
    return t.d.get(API + "/quotes?symbols=NSE:NOSUCH")


@step("GET", API + "/quotes", 424)
def _(t):
    return t.half()[0].get(API + "/quotes?symbols=NSE:SBIN&account=paper:second")


@step("GET", API + "/instruments", 200)
def _(t):
    for q in ("q=NIFTY&exchange=NFO&limit=500", "q=SENSEX&limit=500", "q=USDINR", "q=GOLD", "q=SBIN"):
        t.check("GET", API + "/instruments", t.d.get(f"{API}/instruments?{q}"), 200)
    return t.d.get(API + "/instruments?q=NOSUCHTHING")


# --- control ----------------------------------------------------------------------------------------


@step("GET", API + "/killswitch", 200)
def _(t):
    return t.d.get(API + "/killswitch")


@step("POST", API + "/killswitch", 200)
def _(t):
    d = t.own()
    t.place(d)
    for level in ("HALT", "CANCEL", "FLATTEN"):
        a = d.post(API + "/killswitch", {"level": level, "scope": "account:paper:demo", "reason": "walk"})
        t.check("POST", API + "/killswitch", a, 200)
    t.check("POST", ORDERS, d.order(), 423)
    # only an administrator releases
    a = d.post(API + "/killswitch", {"level": "NONE", "scope": "account:paper:demo", "reason": "walk"},
               token=token_of("trades"))
    t.check("POST", API + "/killswitch", a, 403)
    return d.post(API + "/killswitch", {"level": "NONE", "scope": "account:paper:demo", "reason": "walk"})


@step("POST", API + "/killswitch/heartbeat", 200)
def _(t):
    return t.d.post(API + "/killswitch/heartbeat")


@step("DELETE", API + "/killswitch/heartbeat", 200)
def _(t):
    return t.d.request("DELETE", API + "/killswitch/heartbeat")


@step("POST", API + "/killswitch", 503)
def _(t):
    d = t.own()
    t.locked(d)
    return d.post(API + "/killswitch", {"level": "HALT", "reason": "walk"})


# --- events -----------------------------------------------------------------------------------------


def stream(t, query="", headers=None):
    c = http.client.HTTPConnection("127.0.0.1", t.d.port, timeout=20)
    t.addCleanup(c.close)
    c.request("GET", API + "/events" + query,
              headers={"Authorization": "Bearer " + t.d.token, **(headers or {})})
    return c.getresponse()


@step("GET", API + "/events", 200)
def _(t):
    r = stream(t, "?accounts=paper:demo&types=order,leg", {"Last-Event-ID": "0"})
    t.place()
    text = b""
    while b"\ndata: " not in text:
        text += r.fp.readline()
    return ordo.Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, text)


@step("GET", API + "/events", 404)
def _(t):
    return t.d.get(API + "/events?accounts=paper:nobody")


@step("GET", API + "/events", 503)
def _(t):
    return t.stopping(f"GET {API}/events HTTP/1.1\r\nHost: localhost\r\n"
                      "Authorization: Bearer TOKEN\r\n\r\n")


# --- accounts ---------------------------------------------------------------------------------------


SESSION = API + "/auth/{broker}/{account}"


@step("GET", API + "/accounts", 200)
def _(t):
    a = t.d.get(API + "/accounts")
    t.assertEqual([x["account"] for x in a.json["accounts"]], ["paper:demo", "paper:second"])
    t.check("GET", API + "/accounts", t.d.get(API + "/accounts", token=token_of("narrow")), 200)
    return a


RECONCILE = API + "/accounts/reconcile"


@step("POST", RECONCILE, 200)
def _(t):
    return t.d.post(RECONCILE, {"accounts": ["paper:demo"]})


@step("POST", RECONCILE, 207)
def _(t):
    return t.half()[0].post(RECONCILE, {})


@step("POST", RECONCILE, 404)
def _(t):
    return t.d.post(RECONCILE, {"accounts": ["paper:nobody"]})


@step("POST", SESSION + "/login", 200)
def _(t):
    return t.d.post(API + "/auth/paper/demo/login")


@step("POST", SESSION + "/login", 404)
def _(t):
    return t.d.post(API + "/auth/paper/nobody/login")


@step("POST", SESSION + "/login", 503)
def _(t):
    d = t.half()[0]
    t.locked(d)
    return d.post(API + "/auth/paper/second/login")


@step("POST", SESSION + "/complete", 404)
def _(t):
    return t.d.post(API + "/auth/paper/nobody/complete", {"otp": "123456"})


@step("POST", SESSION + "/complete", 409)
def _(t):
    return t.d.post(API + "/auth/paper/demo/complete", {"otp": "123456"})


@step("GET", API + "/auth/callback/{broker}/{account}", 409)
def _(t):
    return t.d.get(API + "/auth/callback/paper/demo?auth_code=x&state=y", token=None)


@step("GET", SESSION, 200)
def _(t):
    return t.d.get(API + "/auth/paper/demo")


@step("GET", SESSION, 404)
def _(t):
    return t.d.get(API + "/auth/paper/nobody")


@step("DELETE", SESSION, 200)
def _(t):
    return t.own().request("DELETE", API + "/auth/paper/demo")


@step("DELETE", SESSION, 404)
def _(t):
    return t.d.request("DELETE", API + "/auth/paper/nobody")


@step("DELETE", SESSION, 503)
def _(t):
    d = t.own()
    t.locked(d)
    return d.request("DELETE", API + "/auth/paper/demo")


REPORT = {"helper": "preopen", "accounts": [{"account": "paper:demo", "status": "ok"}]}


@step("POST", API + "/auth/report", 200)
def _(t):
    return t.d.post(API + "/auth/report", REPORT)


@step("POST", API + "/auth/report", 503)
def _(t):
    d = t.own()
    t.locked(d)
    return d.post(API + "/auth/report", REPORT)


# --- operation --------------------------------------------------------------------------------------


@step("GET", API + "/status", 200)
def _(t):
    t.place()
    return t.d.get(API + "/status")


@step("GET", API + "/jobs", 200)
def _(t):
    return t.d.get(API + "/jobs")


@step("GET", API + "/audit", 200)
def _(t):
    order_id = t.place().json["order_id"]
    t.check("GET", API + "/audit", t.d.get(f"{API}/audit?order_id={order_id}"), 200)
    page = t.d.get(API + "/audit?limit=1")
    t.assertTrue(page.json["next_cursor"])
    return t.d.get(f"{API}/audit?limit=2&cursor={page.json['next_cursor']}")


@step("GET", API + "/audit", 503)
def _(t):
    d = t.own()
    t.without_table(d, "audit")
    return d.get(API + "/audit")


@step("POST", API + "/admin/reload", 200)
def _(t):
    return t.d.post(API + "/admin/reload")


@step("GET", "/health", 200)
def _(t):
    a = t.d.get("/health", token=None)
    t.assertEqual(a.json, {"status": "ok"})
    return a


@step("GET", "/ready", 200)
def _(t):
    return t.d.get("/ready", token=None)


@step("GET", "/ready", 503)
def _(t):
    d = t.own()
    t.locked(d)
    t.assertEqual(d.order().status, 503)
    a = d.get("/ready", token=None)
    t.assertTrue(a.json["reasons"])
    return a


@step("GET", "/metrics", 200)
def _(t):
    return t.d.get("/metrics")


@step("GET", "/openapi.json", 200)
def _(t):
    return t.d.get("/openapi.json", token=None)


@step("GET", "/docs", 200)
def _(t):
    a = t.d.get("/docs", token=None)
    # offline: nothing is fetched from anywhere else
    for word in (b"http://", b"https://", b"//cdn", b"@import"):
        t.assertNotIn(word, a.raw.replace(b"http://www.w3.org/2000/svg", b""))
    return a
