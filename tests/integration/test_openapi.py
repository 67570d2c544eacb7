"""The OpenAPI walk: every route, every documented status and every example, against the running daemon.

openapi_steps says how each (method, path, status) comes about; what every route has in common (400, 401, 403, 413,
415, 429) is said once, in common(). A documented status without steps fails, and so do steps without
documentation."""
import contextlib
import http.client
import json
import signal
import socket
import sqlite3
import urllib.parse
import uuid

import openapi_walk
import ordo
from openapi_steps import API, NEEDS_A_BROKER, ORDERS, STEPS, common, path_of, write_keys


class Walk(ordo.Case):
    ENV = {"ORDO_LIMITS": "off", "ORDO_PAPER_DEMO_FUNDS": "1000000000.00"}

    @property
    def d(self):
        cls = type(self)
        if not cls.shared:
            cls.shared = ordo.Daemon(accounts=cls.ACCOUNTS, env=cls.ENV)
            write_keys(cls.shared.state / "keys.json")
            cls.shared.start()
        return cls.shared

    @property
    def document(self):
        cls = type(self)
        if not hasattr(cls, "_document"):
            cls._document = openapi_walk.Document(self.d.get("/openapi.json", token=None).json)
        return cls._document

    def check(self, method, path, answer, status):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(self.document.answer_faults(method, path, answer), [], answer)
        headers = self.document.responses()[method, path, status].get("headers", {})
        for name in set(headers) - ({"Retry-After"} if status == 409 else set()):
            self.assertIn(name.lower(), answer.headers, answer)
        if answer.headers["content-type"] == "application/problem+json":
            self.assertEqual(answer.json["status"], status)

    def own(self, **env):
        """A daemon for one test, with the limits of the class."""
        d = self.daemon(env=env)
        write_keys(d.state / "keys.json")
        return d.start()

    def place(self, d=None, **fields):
        d = d or self.d
        r = d.order(**{"price": "1000.00", **fields})
        self.assertEqual(r.status, 201, r)
        return r

    def locked(self, d):
        """Nobody else may write to the ledger until the test is over."""
        db = sqlite3.connect(d.state / "ordo.db", timeout=5, isolation_level=None)
        self.addCleanup(db.close)
        db.execute("BEGIN IMMEDIATE")

    def without_table(self, d, name):
        """The ledger lacks a table until the test is over."""
        db = sqlite3.connect(d.state / "ordo.db", timeout=5, isolation_level=None)
        self.addCleanup(db.close)
        db.execute("pragma legacy_alter_table=on")
        db.execute(f"alter table {name} rename to {name}_away")
        self.addCleanup(db.execute, f"alter table {name}_away rename to {name}")

    def half(self):
        """An order on two accounts, of which the second has been logged out."""
        d = self.own()
        r = self.place(d, targets=["paper:demo", "paper:second"])
        self.assertEqual(d.request("DELETE", API + "/auth/paper/second").status, 200)
        return d, r.headers["location"]

    def unknown(self):
        """A daemon with one order whose outcome nobody knows: as if the reply had been lost."""
        d = self.own()
        key = str(uuid.uuid4())
        r = self.place(d, key=key)
        order_id = r.json["order_id"]
        # Without a session nobody reads the book, which would settle it.
        self.assertEqual(d.request("DELETE", API + "/auth/paper/demo").status, 200)
        d.stop()
        db = sqlite3.connect(d.state / "ordo.db")
        with db:
            row, = db.execute("select row from orders where id=?", (order_id,)).fetchone()
            db.execute("update legs set state='needs_operator', outcome='unknown', watch=2,"
                       " status='PENDING', broker_order_id='' where row/64=?", (row,))
            db.execute("delete from answers where order_row=?", (row,))
            db.execute("delete from guest_rows where guest='paper' and kind='order'")
        db.close()
        d.start()
        return d, key, r.headers["location"]

    def stopping(self, request):
        """What a daemon answers to a request whose end comes when it no longer lingers, but drains."""
        d = self.own()
        with contextlib.ExitStack() as stack:
            s, idle = (stack.enter_context(socket.create_connection(("127.0.0.1", d.port), timeout=20))
                       for _ in range(2))
            request = request.replace("TOKEN", d.token).encode()
            s.sendall(request[:-1])
            self.until(lambda: b"ordo_http_connections 3" in d.get("/metrics").raw)
            d.process.send_signal(signal.SIGTERM)
            self.assertEqual(idle.recv(1), b"")  # idle connections end when the lingering does
            s.sendall(request[-1:])
            r = http.client.HTTPResponse(s)
            r.begin()
            return ordo.Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())

    # --- the document itself ---------------------------------------------------------------------

    def test_document(self):
        served = self.d.get("/openapi.json", token=None)
        self.assertEqual(served.json, json.loads((ordo.SOURCE / "src/http/assets/openapi.json").read_text()))
        root = self.document.root
        self.assertRegex(root["openapi"], r"^3\.1\.\d+$")
        self.assertTrue(root["info"]["title"] and root["info"]["version"])
        ids = [o["operationId"] for o in self.document.operations.values()]
        self.assertEqual(len(ids), len(set(ids)))
        used = set()

        def walk(o):
            if isinstance(o, dict):
                if "$ref" in o:
                    used.add(o["$ref"])
                    self.document.resolve(o)
                for v in o.values():
                    walk(v)
            elif isinstance(o, list):
                for v in o:
                    walk(v)
        walk(root)
        for kind, named in root["components"].items():
            for name in named:
                if kind != "securitySchemes":
                    self.assertIn(f"#/components/{kind}/{name}", used, "nothing refers to it")
        for (method, path), o in self.document.operations.items():
            captures = [self.document.resolve(p)["name"] for p in o.get("parameters", [])
                        if self.document.resolve(p)["in"] == "path"]
            self.assertEqual([f"{{{c}}}" for c in captures],
                             [s for s in path.split("/") if s.startswith("{")], (method, path))
            self.assertEqual(bool(o.get("security")), o["x-scope"] != "none", (method, path))

    def test_every_documented_status_has_steps_and_every_step_is_documented(self):
        documented = set(self.document.responses())
        provoked = set(STEPS) | set(common(self.document))
        self.assertEqual(documented - provoked - NEEDS_A_BROKER, set(), "documented, without steps")
        self.assertEqual((provoked | NEEDS_A_BROKER) - documented, set(), "steps, not documented")
        self.assertEqual(provoked & NEEDS_A_BROKER, set())

    def test_request_examples_fit_their_schemas(self):
        for method, path, name, value in self.document.examples():
            schema = self.document.operations[method, path]["requestBody"]["content"]["application/json"]
            self.assertEqual(self.document.faults(schema["schema"], value), [], (method, path, name))

    def test_answer_and_schema_examples_fit_their_schemas(self):
        for key, response in self.document.responses().items():
            for media in response.get("content", {}).values():
                examples = [e["value"] for e in media.get("examples", {}).values()]
                for value in examples + ([media["example"]] if "example" in media else []):
                    self.assertEqual(self.document.faults(media["schema"], value), [], key)
        for name, schema in self.document.root["components"]["schemas"].items():
            for value in schema.get("examples", []):
                self.assertEqual(self.document.faults(schema, value), [], name)

    def test_request_examples_are_answered_with_a_documented_status(self):
        """As a newcomer sends them: to a daemon with default limits."""
        expected = {"resolve": 409, "complete": 409}
        d = self.daemon(env={"ORDO_LIMITS": "on", "ORDO_PAPER_DEMO_REPEAT_WINDOW_MS": "0"}).start()
        order_id = self.place(d).json["order_id"]
        for method, path, name, value in self.document.examples():
            with self.subTest(method=method, path=path, example=name):
                d.post(API + "/killswitch", {"level": "NONE", "reason": "examples"})
                target = path_of(path)
                if "{id}" in path:
                    target = path.replace("{id}", order_id).replace("{leg}", "1")
                if path.endswith("/{id}"):
                    target = path.replace("{id}", self.place(d, quantity=3).json["order_id"])
                a = d.request(method, target, value, headers={"Idempotency-Key": str(uuid.uuid4())})
                status = expected.get(path.rsplit("/", 1)[-1])
                self.assertTrue(status == a.status if status else a.status in (200, 201), a)
                self.check(method, path, a, a.status)

    def test_parameter_examples_are_taken(self):
        for (method, path), o in self.document.operations.items():
            for p in map(self.document.resolve, o.get("parameters", [])):
                if p["in"] != "query" or "example" not in p:
                    continue
                with self.subTest(method=method, path=path, parameter=p["name"]):
                    if path.endswith("/events"):
                        continue  # streams: step_events
                    value = urllib.parse.quote(p["example"], safe=":,")
                    more = "&q=NIFTY" if path.endswith("instruments") and p["name"] != "q" else ""
                    a = self.d.request(method, f"{path}?{p['name']}={value}{more}")
                    self.assertEqual(a.status, 200, a)

    def test_query_parameters_are_those_documented(self):
        for (method, path), o in self.document.operations.items():
            names = [p["name"] for p in map(self.document.resolve, o.get("parameters", []))
                     if p["in"] == "query"]
            for name in names:
                a = self.d.request(method, f"{path_of(path)}?{name}=a&{name}=b")
                self.assertProblem(a, 400, "INVALID_QUERY", "/" + name)
                self.assertIn("more than once", a.json["errors"][0]["detail"])

    def test_other_paths_are_404_and_other_methods_405(self):
        for path in ("/", "/api", "/api/v1", "/api/v2/orders", ORDERS + "/", "/openapi.yaml",
                     "/api/v1/orders/a/b/c", "/docs/", "/favicon.ico", API + "/auth/paper",
                     "/api/v1/order", "//health", "/Health"):
            self.assertProblem(self.d.get(path), 404, "NOT_FOUND")
        paths = {}
        for method, path in self.document.operations:
            paths.setdefault(path, set()).add(method)
        for path, methods in paths.items():
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"} - methods:
                a = self.d.request(method, path_of(path))
                self.assertProblem(a, 405, "METHOD_NOT_ALLOWED")
                allowed = set(a.headers["allow"].split(", "))
                self.assertEqual(allowed - {"HEAD"}, methods, path)


def add_tests():
    source = openapi_walk.Document(json.loads((ordo.SOURCE / "src/http/assets/openapi.json").read_text()))

    def add(method, path, status, f):
        name = "test_" + "_".join([method, *path.strip("/").replace("{", "").replace("}", "").split("/")])
        setattr(Walk, f"{name}_{status}", lambda t: t.check(method, path, f(t), status))

    for (method, path, status), f in STEPS.items():
        add(method, path, status, f)
    for (method, path, status), f in common(source).items():
        add(method, path, status, lambda t, f=f, m=method, p=path: f(t, m, p))


add_tests()

if __name__ == "__main__":
    ordo.main()
