"""A running ordo-brokersim for tests, and a client of its control interface (docs/brokersim.md).

    with brokersim.Sim() as sim:
        token = sim.token("fyers")
        sim.fault(broker="fyers", operation="place", fault="close_after", book=True)
        ...
        sim.booked()

Control goes over one connection of its own, which faults of connections spare.
"""

import hashlib
import http.client
import json
import re
import ssl
import subprocess
import tempfile
import threading
import urllib.parse

from ordo import BUILD, SLOW, SOURCE, free_port


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.raw = body

    @property
    def json(self):
        return json.loads(self.raw)

    @property
    def form(self):
        """The query of the address that the browser is sent to."""
        query = urllib.parse.urlsplit(self.headers["location"]).query
        return dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

    def __repr__(self):
        return f"{self.status} {self.raw[:400]!r}"


class Sim:
    """`tls`: (certificate, key) files, for a second address that speaks HTTPS."""

    def __init__(self, *arguments, tls=None):
        self.arguments = list(arguments)
        self.tls = tls
        self.process = None
        self.port = self.tls_port = None
        self.log = tempfile.TemporaryFile()
        self.lock = threading.Lock()
        self.connection = None

    def start(self):
        command = [str(BUILD / "tests/brokersim/ordo-brokersim"), "--market-dir",
                   str(SOURCE / "data/market"), "--listen", f"127.0.0.1:{self.port or free_port()}"]
        if self.tls:
            command += ["--listen-tls", f"127.0.0.1:{self.tls_port or free_port()}",
                        "--tls-cert", str(self.tls[0]), "--tls-key", str(self.tls[1])]
        self.process = subprocess.Popen(command + self.arguments, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.log)
        self.port = self.read_port()
        if self.tls:
            self.tls_port = self.read_port()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30 * SLOW)
        return self

    def read_port(self):
        line = self.process.stdout.readline().decode()
        found = re.search(r" listens at https?://[^:]*:(\d+)$", line)
        if not found:
            raise RuntimeError(f"brokersim does not start: {line!r} {self.errors()}")
        return int(found.group(1))

    def errors(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def stop(self):
        if self.connection:
            self.connection.close()
            self.connection = None
        if self.process:
            self.process.terminate()
            code = self.process.wait(timeout=30 * SLOW)
            self.process.stdout.close()
            self.process = None
            if code != 0:
                raise AssertionError(f"brokersim ended with {code}: {self.errors()}")

    def kill(self):
        self.connection.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def base(self, broker, tls=False):
        """What ORDO_<BROKER>_<NAME>_BASE_URL is to be."""
        url = f"https://127.0.0.1:{self.tls_port}" if tls else self.url
        return url + {"fyers": "/fyers", "hdfc": "/hdfc", "mstock": "/mstock/openapi/typea"}[broker]

    def master(self, broker, tls=False):
        """What ORDO_<BROKER>_<NAME>_MASTER_URL is to be."""
        return self.base(broker, tls) + {"fyers": "/sym_details", "hdfc": "/oapi/v1", "mstock": ""}[broker]

    def options(self, broker, name="main", client_id=None, tls=False):
        """The options of an account of Ordo, broker:name, that lives here."""
        u = next(u for u in self.users()
                 if u["broker"] == broker and client_id in (None, u["client_id"]))
        values = {"BASE_URL": self.base(broker, tls), "MASTER_URL": self.master(broker, tls),
                  "CLIENT_ID": u["client_id"], "API_KEY": u["api_key"]}
        if broker != "mstock":
            values["API_SECRET"] = u["api_secret"]
        if broker == "fyers":
            values["REDIRECT_URI"] = f"http://127.0.0.1:8080/api/v1/auth/callback/{broker}/{name}"
        if tls:
            values["CA_FILE"] = str(self.tls[0])
        return {f"ORDO_{broker}_{name}_{k}".upper(): v for k, v in values.items()}

    # --- control --------------------------------------------------------------------------------

    def control(self, method, path, body=None):
        with self.lock:
            data = None if body is None else json.dumps(body)
            for attempt in (0, 1):
                try:
                    self.connection.request(method, "/_sim/" + path, body=data)
                    r = self.connection.getresponse()
                    answer = Answer(r.status, dict(r.getheaders()), r.read())
                    break
                except (OSError, http.client.HTTPException):
                    self.connection.close()
                    if attempt:
                        raise
        if answer.status != 200:
            raise AssertionError(f"{method} /_sim/{path}: {answer}")
        return answer.json

    def log_of(self, name):
        lines = []
        while True:
            after = lines[-1]["number"] if lines else 0
            more = self.control("GET", f"{name}?after={after}")
            if more["forgotten"]:
                raise AssertionError(f"{name} has forgotten {more['forgotten']} lines")
            lines += more[name]
            if not more[name] or len(lines) >= more["count"]:
                return lines

    def received(self, operation="place", **fields):
        """Every order that arrived; `operation` place, modify, cancel or None for all three."""
        return [r for r in self.log_of("received")
                if operation in (None, r["operation"])
                and all(r[k] == v for k, v in fields.items())]

    def booked(self, **fields):
        """Every order that stands in a broker's book, refused ones aside."""
        return [b for b in self.log_of("booked")
                if all(b[k] == v for k, v in fields.items())]

    def orders(self, broker=None):
        return self.control("GET", "orders" + (f"?broker={broker}" if broker else ""))["orders"]

    def calls(self, broker, client_id=None):
        """How often each operation was called; of one account what came with a good session."""
        query = f"?client_id={urllib.parse.quote(client_id)}" if client_id else ""
        return self.control("GET", "calls" + query)[broker]

    def reset(self, what="all"):
        self.control("POST", "reset", {"what": what})

    def fault(self, fault, **rule):
        return self.control("POST", "faults", {"fault": fault, **rule})["id"]

    def faults(self):
        return self.control("GET", "faults")["faults"]

    def clear_faults(self):
        self.control("DELETE", "faults")

    def users(self):
        return self.control("GET", "users")["users"]

    def user(self, broker, client_id=None, **fields):
        """Makes or changes an account; without `client_id` the broker's first one."""
        if client_id is None:
            client_id = next(u["client_id"] for u in self.users() if u["broker"] == broker)
        return self.control("POST", "users", {"broker": broker, "client_id": client_id, **fields})

    def token(self, broker, client_id=None):
        """An access token without the ceremony of a login."""
        who = {"broker": broker, **({"client_id": client_id} if client_id else {})}
        return self.control("POST", "token", who)["access_token"]

    def expire(self, broker, client_id=None):
        who = {"broker": broker, **({"client_id": client_id} if client_id else {})}
        self.control("POST", "expire", who)

    def price(self, symbol, price=None, liquidity=None):
        body = {"symbol": symbol}
        if price is not None:
            body["price"] = str(price)
        if liquidity is not None:
            body["liquidity"] = liquidity
        self.control("POST", "price", body)

    def market(self, is_open):
        self.control("POST", "market", {"open": is_open})

    def fill(self, order_id, quantity, price=None):
        body = {"order_id": order_id, "fill": quantity}
        if price is not None:
            body["price"] = str(price)
        return self.control("POST", "order", body)

    def flip(self, order_id, status, message=None):
        body = {"order_id": order_id, "status": status}
        if message is not None:
            body["message"] = message
        return self.control("POST", "order", body)

    def place_elsewhere(self, broker, **order):
        """An order that did not come through the API."""
        return self.control("POST", "place", {"broker": broker, **order})

    # --- the brokers' side, as a browser or a client sees it ------------------------------------

    def request(self, method, path, body=None, headers=None, form=None, timeout=30, tls=None):
        """One request over a connection of its own; `tls`: the CA's file, to use the HTTPS address."""
        h = dict(headers or {})
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        if form is not None:
            data = urllib.parse.urlencode(form).encode()
            h.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif data is not None:
            h.setdefault("Content-Type", "application/json")
        if tls:
            context = ssl.create_default_context(cafile=str(tls))
            context.check_hostname = False
            c = http.client.HTTPSConnection("127.0.0.1", self.tls_port, timeout=timeout * SLOW,
                                            context=context)
        else:
            c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout * SLOW)
        try:
            c.request(method, path, body=data, headers=h)
            r = c.getresponse()
            return Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())
        finally:
            c.close()

    def call(self, broker, method, path, body=None, token=None, headers=None, **kw):
        """One request as a client of this broker sends it; `path` begins behind the base that its
        document gives. Without `token` a fresh one of the broker's first account."""
        u = next(u for u in self.users() if u["broker"] == broker)
        token = token or self.token(broker)
        h = {"fyers": {"Authorization": f"{u['api_key']}:{token}"},
             "hdfc": {"Authorization": token, "User-Agent": "Mozilla/5.0"},
             "mstock": {"Authorization": f"token {u['api_key']}:{token}", "X-Mirae-Version": "1"}}[broker]
        h.update(headers or {})
        if broker == "hdfc":
            path += ("&" if "?" in path else "?") + "api_key=" + urllib.parse.quote(u["api_key"], safe="")
        base = {"fyers": "/fyers", "hdfc": "/hdfc/oapi/v1", "mstock": "/mstock/openapi/typea"}[broker]
        return self.request(method, base + path, body, h, **kw)

    def place(self, broker, price="1000.00", side="BUY", quantity=10, tag="7001", **kw):
        """A limit order for SBIN, in each broker's own form; it rests below 1050.00."""
        if broker == "fyers":
            return self.call("fyers", "POST", "/api/v3/orders/sync", {
                "symbol": "NSE:SBIN-EQ", "qty": quantity, "type": 1, "side": 1 if side == "BUY" else -1,
                "productType": "CNC", "limitPrice": float(price), "stopPrice": 0, "disclosedQty": 0,
                "validity": "DAY", "offlineOrder": False, "orderTag": tag}, **kw)
        if broker == "hdfc":
            return self.call("hdfc", "POST", "/orders/regular", {
                "exchange": "NSE", "security_id": "SBINXXEQNR", "instrument_segment": "EQUITY",
                "transaction_type": side, "product": "DELIVERY", "quantity": quantity,
                "order_type": "LIMIT", "price": float(price), "trigger_price": 0,
                "disclosed_quantity": 0, "validity": "DAY", "amo": False,
                "external_reference_number": tag}, **kw)
        return self.call("mstock", "POST", "/orders/regular", form={
            "tradingsymbol": "SBIN-EQ", "exchange": "NSE", "transaction_type": side,
            "order_type": "LIMIT", "quantity": quantity, "product": "CNC", "validity": "DAY",
            "price": price, "trigger_price": 0, "disclosed_quantity": 0, "tag": tag}, **kw)

    @staticmethod
    def order_id(answer):
        """Out of any broker's reply to an order."""
        body = answer.json
        body = body[0] if isinstance(body, list) else body
        return body.get("id") or body["data"]["order_id"]

    def browse(self, login_url, otp="123456", pin="2580", action="approve"):
        """What a person does on the login page of `login_url`; the answer sends the browser back."""
        path = login_url[login_url.index("/", login_url.index("://") + 3):]
        return self.request("POST", path, form={"otp": otp, "pin": pin, "action": action})

    def login_fyers(self, client_id="XS00001"):
        """The whole way of Fyers' login; returns the access token."""
        u = next(u for u in self.users() if u["client_id"] == client_id)
        query = urllib.parse.urlencode({"client_id": u["api_key"], "redirect_uri": "http://x/cb",
                                        "response_type": "code", "state": "s1"})
        back = self.browse(f"{self.url}/fyers/api/v3/generate-authcode?{query}", u["otp"], u["pin"])
        digest = hashlib.sha256(f"{u['api_key']}:{u['api_secret']}".encode()).hexdigest()
        r = self.request("POST", "/fyers/api/v3/validate-authcode", {
            "grant_type": "authorization_code", "appIdHash": digest, "code": back.form["auth_code"]})
        return r.json["access_token"]
