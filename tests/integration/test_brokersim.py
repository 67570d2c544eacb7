"""The simulated brokers speak as their documents say: login, orders, books, masters. No daemon."""
import base64
import csv
import gzip
import hashlib
import hmac
import io
import json
import struct
import time
import unittest
import urllib.parse

import brokersim
import ordo

BROKERS = ("fyers", "hdfc", "mstock")


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def totp(secret):
    key = base64.b32decode(secret)
    mac = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000:06d}"


class Case(unittest.TestCase):
    ARGUMENTS = ()

    @classmethod
    def setUpClass(cls):
        cls.sim = brokersim.Sim(*cls.ARGUMENTS).start()

    @classmethod
    def tearDownClass(cls):
        cls.sim.stop()

    def setUp(self):
        self.sim.reset()

    def place(self, broker, **kw):
        r = self.sim.place(broker, **kw)
        self.assertEqual(r.status, 200, r)
        return self.sim.order_id(r)

    def row(self, broker, order_id):
        """The order in the broker's own book."""
        path = {"fyers": "/api/v3/orders", "hdfc": "/orders", "mstock": "/orders"}[broker]
        rows = self.sim.call(broker, "GET", path).json
        rows = rows["orderBook"] if broker == "fyers" else rows["data"]
        return next(r for r in rows if r.get("id", r.get("order_id")) == order_id)


class Fyers(Case):
    def query(self, **more):
        return urllib.parse.urlencode({"client_id": "SIMFYERS01-100", "redirect_uri": "http://x/cb?a=b",
                                       "response_type": "code", "state": "s/1", **more})

    def exchange(self, code, secret="SIMSECRET1"):
        digest = hashlib.sha256(f"SIMFYERS01-100:{secret}".encode()).hexdigest()
        return self.sim.request("POST", "/fyers/api/v3/validate-authcode", {
            "grant_type": "authorization_code", "appIdHash": digest, "code": code})

    def test_login(self):
        url = "/fyers/api/v3/generate-authcode?" + self.query()
        page = self.sim.request("GET", url)
        self.assertEqual(page.status, 200)
        self.assertIn(b"XS00001", page.raw)
        wrong = self.sim.request("POST", url, form={"otp": "000000", "pin": "2580"})
        self.assertEqual((wrong.status, wrong.headers.get("location")), (401, None))
        refused = self.sim.request("POST", url, form={"action": "refuse"})
        self.assertEqual((refused.status, refused.form["s"]), (302, "error"))
        back = self.sim.request("POST", url, form={"otp": totp("JBSWY3DPEHPK3PXP"), "pin": "2580"})
        self.assertTrue(back.headers["location"].startswith("http://x/cb?a=b&"))
        self.assertEqual((back.form["s"], back.form["state"], back.form["code"]), ("ok", "s/1", "200"))

        self.assertEqual(self.exchange(back.form["auth_code"], "guess").json["code"], -371)
        r = self.exchange(back.form["auth_code"]).json
        self.assertEqual((r["s"], r["code"]), ("ok", 200))
        self.assertEqual(claims(r["access_token"])["fy_id"], "XS00001")
        left = claims(r["access_token"])["exp"] - time.time()
        self.assertTrue(0 < left <= 86400, left)
        self.assertEqual(self.exchange(back.form["auth_code"]).json["code"], -437, "a code is good once")

        token = r["access_token"]
        profile = self.sim.call("fyers", "GET", "/api/v3/profile", token=token).json
        self.assertEqual(profile["data"]["fy_id"], "XS00001")
        self.assertEqual(self.sim.call("fyers", "POST", "/api/v3/logout", token=token).json["s"], "ok")
        self.assertEqual(self.sim.call("fyers", "GET", "/api/v3/profile", token=token).status, 401)

    def test_login_without_page(self):
        self.sim.user("fyers", auto_login=True)
        self.addCleanup(self.sim.user, "fyers", auto_login=False)
        back = self.sim.request("GET", "/fyers/api/v3/generate-authcode?" + self.query())
        self.assertEqual((back.status, back.form["s"]), (302, "ok"))

    def test_helper_logs_in(self):
        self.assertEqual(claims(self.sim.login_fyers())["sub"], "access_token")

    def test_tokens_end(self):
        self.sim.user("fyers", token_seconds=1)
        self.addCleanup(self.sim.user, "fyers", token_seconds=0)
        token = self.sim.token("fyers")
        self.assertEqual(self.sim.call("fyers", "GET", "/api/v3/funds", token=token).status, 200)
        time.sleep(1.1)
        self.assertEqual(self.sim.call("fyers", "GET", "/api/v3/funds", token=token).json["code"], -15)

    def test_order_of_its_life(self):
        i = self.place("fyers", tag="abc1")
        row = self.row("fyers", i)
        self.assertEqual((row["status"], row["orderTag"], row["symbol"], row["limitPrice"]),
                         (6, "1:abc1", "NSE:SBIN-EQ", 1000))
        r = self.sim.call("fyers", "PATCH", "/api/v3/orders/sync",
                          {"id": i, "type": 1, "limitPrice": 1001, "qty": 20})
        self.assertEqual((r.json["code"], r.json["id"]), (1102, i))
        self.sim.price("NSE:SBIN", "1001.00", liquidity=5)
        row = self.row("fyers", i)
        self.assertEqual((row["status"], row["filledQty"], row["remainingQuantity"]), (6, 5, 15))
        self.assertEqual(self.sim.call("fyers", "DELETE", "/api/v3/orders/sync", {"id": i}).json["code"], 1103)
        row = self.row("fyers", i)
        self.assertEqual((row["status"], row["filledQty"], row["tradedPrice"]), (1, 5, 1001))
        again = self.sim.call("fyers", "DELETE", f"/api/v3/orders/{i}/sync").json
        self.assertEqual((again["s"], again["code"]), ("error", -99))
        position = self.sim.call("fyers", "GET", "/api/v3/positions").json["netPositions"][0]
        self.assertEqual((position["netQty"], position["netAvg"]), (5, 1001))
        trade = self.sim.call("fyers", "GET", "/api/v3/tradebook?order_tag=1:abc1").json["tradeBook"]
        self.assertEqual([(t["orderNumber"], t["tradedQty"]) for t in trade], [(i, 5)])
        self.assertEqual(self.sim.call("fyers", "GET", f"/api/v3/orders?id={i}").json["orderBook"][0]["id"], i)
        found = self.sim.call("fyers", "GET", "/api/v3/orders?order_tag=1:abc1").json["orderBook"]
        self.assertEqual([o["id"] for o in found], [i])
        self.assertEqual(self.sim.call("fyers", "GET", "/api/v3/orders?order_tag=1:other").json["orderBook"], [])
        self.assertEqual([r["operation"] for r in self.sim.received(None)],
                         ["place", "modify", "cancel", "cancel"])
        self.assertEqual([b["order_id"] for b in self.sim.booked()], [i])

    def test_refusals_of_form_have_no_id(self):
        for change, code in (({"symbol": "NSE:NOTHING-EQ"}, -300), ({"qty": "10"}, -50), ({"qty": 0}, -50),
                             ({"limitPrice": 1000.03}, -50), ({"limitPrice": "1000"}, -50),
                             ({"productType": "MARGIN"}, -50), ({"orderTag": "with-dash"}, -50),
                             ({"stopPrice": None}, -50), ({"side": 0}, -50)):
            body = {"symbol": "NSE:SBIN-EQ", "qty": 10, "type": 1, "side": 1, "productType": "CNC",
                    "limitPrice": 1000, "stopPrice": 0, "disclosedQty": 0, "validity": "DAY",
                    "offlineOrder": False, **change}
            with self.subTest(change):
                r = self.sim.call("fyers", "POST", "/api/v3/orders/sync", body)
                self.assertEqual((r.status, r.json["s"], r.json["code"], "id" in r.json),
                                 (400, "error", code, False))
        self.assertEqual((len(self.sim.received()), len(self.sim.booked())), (9, 0))

    def test_refusals_of_risk_have_an_id(self):
        r = self.sim.place("fyers", quantity=9000000).json
        self.assertEqual((r["s"], r["code"]), ("error", -99))
        self.assertIn("Margin Shortfall", r["message"])
        self.assertEqual(self.row("fyers", r["id"])["status"], 5)
        self.assertEqual(self.sim.booked(), [])
        self.sim.market(False)
        self.assertIn("closed", self.sim.place("fyers").json["message"])

    def test_market_stop_and_ioc(self):
        base = {"symbol": "NSE:SBIN-EQ", "qty": 10, "side": 1, "productType": "INTRADAY",
                "limitPrice": 0, "stopPrice": 0, "disclosedQty": 0, "validity": "DAY",
                "offlineOrder": False}
        market = self.sim.call("fyers", "POST", "/api/v3/orders/sync", {**base, "type": 2}).json
        self.assertEqual((self.row("fyers", market["id"])["status"],
                          self.row("fyers", market["id"])["tradedPrice"]), (2, 1050))
        stop = self.sim.call("fyers", "POST", "/api/v3/orders/sync",
                             {**base, "type": 3, "side": -1, "stopPrice": 1040}).json
        self.assertEqual(self.row("fyers", stop["id"])["status"], 6)
        self.sim.price("NSE:SBIN", "1039.00")
        self.assertEqual(self.row("fyers", stop["id"])["status"], 2)
        ioc = self.sim.call("fyers", "POST", "/api/v3/orders/sync",
                            {**base, "type": 1, "limitPrice": 1000, "validity": "IOC"}).json
        self.assertEqual(self.row("fyers", ioc["id"])["status"], 1)

    def test_reads(self):
        q = self.sim.call("fyers", "GET", "/data/quotes?symbols=NSE:SBIN-EQ,NSE:M%26M-EQ,NSE:NO-EQ").json["d"]
        self.assertEqual([(e["n"], e["s"]) for e in q],
                         [("NSE:SBIN-EQ", "ok"), ("NSE:M&M-EQ", "ok"), ("NSE:NO-EQ", "error")])
        self.assertEqual(q[0]["v"]["lp"], 1050)
        self.place("fyers")
        funds = self.sim.call("fyers", "GET", "/api/v3/funds").json["fund_limit"]
        funds = {f["id"]: f["equityAmount"] for f in funds}
        self.assertEqual((funds[10], funds[2]), (100000000 - 10000, 10000))
        held = self.sim.call("fyers", "GET", "/api/v3/holdings").json["holdings"]
        self.assertIn("NSE:SBIN-EQ", [h["symbol"] for h in held])
        margin = self.sim.call("fyers", "POST", "/api/v3/multiorder/margin", {"data": [
            {"symbol": "NSE:SBIN-EQ", "qty": 10, "side": 1, "type": 1, "productType": "INTRADAY",
             "limitPrice": 1000, "stopLoss": 0, "stopPrice": 0, "takeProfit": 0}]}).json
        self.assertEqual(margin["data"]["margin_new_order"], 2000)
        status = self.sim.call("fyers", "GET", "/data/marketStatus").json["marketStatus"]
        self.assertEqual({s["status"] for s in status}, {"OPEN"})

    def test_master(self):
        rows = {}
        for file in ("NSE_CM", "NSE_FO", "NSE_CD", "BSE_FO", "MCX_COM"):
            r = self.sim.request("GET", f"/fyers/sym_details/{file}.csv")
            self.assertEqual(r.raw, self.sim.request("GET", f"/fyers/master/{file}.csv").raw)
            rows[file] = list(csv.reader(io.StringIO(r.raw.decode())))
            self.assertEqual({len(row) for row in rows[file]}, {21}, file)
        sbin = next(r for r in rows["NSE_CM"] if r[9] == "NSE:SBIN-EQ")
        self.assertEqual((sbin[2], sbin[3], sbin[5], sbin[10], sbin[11]), ("0", "1", "INE062A01020", "10", "10"))
        self.assertTrue(sbin[0].startswith("1010000000") and sbin[0].endswith(sbin[12]))
        self.assertRegex(next(r[9] for r in rows["NSE_FO"] if r[2] == "14"), r"^NSE:NIFTY|^NSE:[A-Z]+\d\d")
        self.assertEqual({r[3] for r in rows["NSE_CD"] + rows["MCX_COM"]}, {"1"}, "lots, not units")
        self.assertEqual(self.sim.request("GET", "/fyers/sym_details/OTHER.csv").status, 404)

    def test_contracts_can_be_ordered(self):
        rows = csv.reader(io.StringIO(self.sim.request("GET", "/fyers/master/NSE_FO.csv").raw.decode()))
        future = next(r for r in rows if r[9].startswith("NSE:NIFTY2") and r[9].endswith("FUT"))
        price = self.sim.call("fyers", "GET", f"/data/quotes?symbols={future[9]}").json["d"][0]["v"]["lp"]
        body = {"symbol": future[9], "qty": int(future[3]), "type": 1, "side": -1, "productType": "MARGIN",
                "limitPrice": price, "stopPrice": 0, "disclosedQty": 0, "validity": "DAY",
                "offlineOrder": False}
        r = self.sim.call("fyers", "POST", "/api/v3/orders/sync", body).json
        row = self.row("fyers", r["id"])
        self.assertEqual((row["status"], row["exchange"], row["segment"]), (2, 10, 11))
        bad = self.sim.call("fyers", "POST", "/api/v3/orders/sync", {**body, "qty": 1}).json
        self.assertEqual(bad["code"], -50)

    def test_who_asks(self):
        path = "/fyers/api/v3/funds"
        self.assertEqual(self.sim.request("GET", path).json["code"], -16)
        for header in ("SIMFYERS01-100:no", "Bearer x", ":", "OTHER:" + self.sim.token("fyers"),
                       "SIMFYERS01-100:" + self.sim.token("hdfc")):
            r = self.sim.request("GET", path, headers={"Authorization": header})
            self.assertEqual((r.status, r.json["code"]), (401, -15), header)


class Hdfc(Case):
    def api(self, method, path, body=None, agent="Mozilla/5.0", **query):
        query = urllib.parse.urlencode({"api_key": "simhdfckey01", **query})
        h = {"Accept": "application/json", **({"User-Agent": agent} if agent else {})}
        return self.sim.request(method, f"/hdfc/oapi/v1/{path}?{query}", body, h)

    def token(self, request_token):
        return self.api("POST", "access-token", {"apiSecret": "simhdfcsecret01"}, request_token=request_token)

    def test_login_by_browser(self):
        url = "/hdfc/oapi/v1/login?api_key=simhdfckey01"
        browser = {"Accept": "text/html,application/xhtml+xml", "User-Agent": "Mozilla/5.0"}
        self.assertIn(b"<form", self.sim.request("GET", url, headers=browser).raw)
        back = self.sim.request("POST", url, form={"otp": "123456"}, headers=browser)
        self.assertEqual(back.status, 302)
        self.assertTrue(back.headers["location"].startswith("http://127.0.0.1:8080/"))
        self.assertTrue(set("+/=") & set(back.form["request_token"]), "something to encode")
        r = self.token(back.form["request_token"])
        c = claims(r.json["accessToken"])
        self.assertEqual((c["sub"], c["exp"] - c["iat"], c["merchant_api_key"]),
                         ("10000001", 28800, "simhdfckey01"))
        self.assertEqual(self.token(back.form["request_token"]).status, 401, "good once")
        r = self.sim.call("hdfc", "GET", "/user/margins", token=r.json["accessToken"])
        self.assertEqual(r.json["data"]["equity"]["total_available_limit"], 100000000)

    def test_login_by_api(self):
        i = self.api("GET", "login").json["tokenId"]
        self.assertEqual(self.api("POST", "login/validate", {"username": "10000001", "password": "x"},
                                  token_id=i).status, 401)
        self.assertEqual(self.api("POST", "twofa/validate", {"answer": "123456"}, token_id=i).status, 401)
        r = self.api("POST", "login/validate", {"username": "10000001", "password": "simpassword"},
                     token_id=i).json
        self.assertEqual((r["recaptcha"], r["twoFAEnabled"]), (False, True))
        self.sim.user("hdfc", otp="654321")
        self.addCleanup(self.sim.user, "hdfc", otp="123456")
        self.assertEqual(self.api("GET", "twofa/resend", token_id=i).status, 200)
        self.assertEqual(self.api("POST", "twofa/validate", {"answer": "123456"}, token_id=i).status, 400)
        r = self.api("POST", "twofa/validate", {"answer": "654321"}, token_id=i).json
        self.assertIs(r["authorised"], False)
        self.assertEqual(self.token(r["requestToken"]).status, 403, "not without consent")
        done = self.api("GET", "authorise", token_id=i, consent="true", request_token=r["requestToken"]).json
        self.assertEqual(done["requestToken"], r["requestToken"])
        self.assertEqual(self.token(done["requestToken"]).status, 200)

    def test_who_asks(self):
        token = self.sim.token("hdfc")
        self.assertEqual(self.api("GET", "login", agent=None).status, 403)
        for headers, query in (({"Authorization": token, "User-Agent": "x"}, ""),
                               ({"Authorization": "Bearer " + token, "User-Agent": "x"}, "?api_key=simhdfckey01"),
                               ({"User-Agent": "x"}, "?api_key=simhdfckey01"),
                               ({"Authorization": token, "User-Agent": "x"}, "?api_key=other")):
            r = self.sim.request("GET", "/hdfc/oapi/v1/orders" + query, headers=headers)
            self.assertEqual(r.status, 401, (headers, r))

    def test_order_of_its_life(self):
        i = self.place("hdfc", tag="1795405831001")
        row = self.row("hdfc", i)
        self.assertEqual((row["status"], row["transaction_type"], row["product"], row["order_slot"]),
                         ("Pending", "Buy", "DELIVERY", "Online"))
        self.assertTrue(row["external_reference_number"].startswith("STAPI"))
        self.sim.user("hdfc", echo_tags=True)
        self.addCleanup(self.sim.user, "hdfc", echo_tags=False)
        self.assertEqual(self.row("hdfc", i)["external_reference_number"], "1795405831001")
        change = {"quantity": 20, "order_type": "LIMIT", "validity": "DAY", "disclosed_quantity": 0,
                  "product": "DELIVERY", "price": 1001, "trigger_price": 0, "amo": False}
        r = self.sim.call("hdfc", "PUT", f"/orders/regular/{i}", change)
        self.assertEqual(r.json, {"status": "success", "data": {"order_id": i}})
        self.sim.fill(i, 5, "1000.50")
        row = self.row("hdfc", i)
        self.assertEqual((row["status"], row["filled_quantity"], row["average_price"], row["modified"]),
                         ("Partially Traded", 5, 1000.5, True))
        self.assertEqual(self.sim.call("hdfc", "DELETE", f"/orders/regular/{i}").json["status"], "success")
        self.assertEqual(self.sim.call("hdfc", "GET", f"/orders/{i}").json["data"][0]["status"], "CANCELLED")
        self.assertEqual(self.sim.call("hdfc", "DELETE", f"/orders/regular/{i}").status, 422)
        self.assertEqual(self.sim.call("hdfc", "DELETE", "/orders/regular/1").status, 404)
        trades = self.sim.call("hdfc", "GET", "/trades").json["data"]
        self.assertEqual([(t["order_id"], t["filled_quantity"], t["security_id"]) for t in trades],
                         [(i, 5, "SBIN")])
        trades = self.sim.call("hdfc", "GET", f"/orders/{i}/trades").json["data"]
        self.assertEqual([(t["orderId"], t["averagePrice"]) for t in trades], [(i, 1000.5)])
        net = self.sim.call("hdfc", "GET", "/portfolio/cumulative-positions").json["data"]["net"]
        self.assertEqual([(p["net_qty"], p["average_buy_price"]) for p in net], [(5, 1000.5)])

    def test_refusals_stand_in_the_book(self):
        i = self.place("hdfc", price="1000.03")
        row = self.row("hdfc", i)
        self.assertEqual(row["status"], "Rejected")
        self.assertTrue(row["status_message"].startswith("16283 "), row["status_message"])
        i = self.place("hdfc", quantity=9000000)
        self.assertTrue(self.row("hdfc", i)["status_message"].startswith("12001 "))
        r = self.sim.call("hdfc", "POST", "/orders/regular", {"exchange": "NSE", "security_id": "NO"})
        self.assertEqual((r.status, r.json["status"]), (400, "error"))
        self.assertEqual((len(self.sim.received()), len(self.sim.booked())), (3, 0))

    def test_master_and_contracts(self):
        r = self.sim.request("GET", "/hdfc/oapi/v1/security-master")
        rows = list(csv.DictReader(io.StringIO(r.raw.decode())))
        self.assertEqual(r.raw, self.sim.request("GET", "/hdfc/master/security-master").raw)
        sbin = next(r for r in rows if r["security_id"] == "SBINXXEQNR")
        self.assertEqual((sbin["symbol_name"], sbin["tick_size"], sbin["exchange"]), ("SBIN", "10", "NSE"))
        self.assertEqual(next(r for r in rows if r["instrument_segment"] == "FUTCUR")["tick_size"], ".0025")
        o = next(r for r in rows if r["instrument_segment"] == "OPTIDX" and r["symbol_name"] == "NIFTY")
        self.assertEqual(o["underline_symbol"], "NIFTYEQEQNR")
        body = {"exchange": "NSE", "security_id": o["security_id"], "instrument_segment": "OPTIDX",
                "transaction_type": "BUY", "product": "OVERNIGHT", "quantity": int(o["lot_size"]),
                "order_type": "MARKET", "price": 0, "trigger_price": 0, "validity": "DAY",
                "expiry_date": o["expiry_date"].replace("-", ""), "strike_price": float(o["strike_price"]),
                "option_type": o["option_type"], "underlying_symbol": "NIFTYEQEQNR"}
        r = self.sim.call("hdfc", "POST", "/orders/regular", body)
        row = self.row("hdfc", self.sim.order_id(r))
        self.assertEqual((row["status"], row["option_type"][:1], row["underlying_symbol"]),
                         ("Traded", o["option_type"][:1], "NIFTYEQEQNR"))
        for wrong in ({"expiry_date": o["expiry_date"]}, {"option_type": "CALL"}, {"strike_price": 1},
                      {"underlying_symbol": "NIFTY"}, {"instrument_segment": "EQUITY"}):
            r = self.sim.call("hdfc", "POST", "/orders/regular", {**body, **wrong})
            self.assertEqual(r.status, 400, wrong)
        r = self.sim.call("hdfc", "PUT", "/fetch-ltp", {"data": [
            {"exchange": "NSE", "token": o["exch_security_id"]}, {"exchange": "NSE", "token": "1"},
            {"exchange": "NSE_INDEX", "token": "26000"}]}).json
        self.assertEqual([d["token"] for d in r["data"]], [int(o["exch_security_id"]), 26000])
        self.assertNotIn("status", r)
        many = {"data": [{"exchange": "NSE", "token": "1047"}] * 11}
        self.assertEqual(self.sim.call("hdfc", "PUT", "/fetch-ltp", many).status, 400)

    def test_portfolio(self):
        held = self.sim.call("hdfc", "GET", "/portfolio/holdings").json["data"]
        self.assertIn("INE062A01020", [h["isin"] for h in held])
        self.assertIsInstance(held[0]["investment_value"], str)
        u = self.sim.users()[1]
        r = self.sim.request("GET", f"/hdfc/oapi/v3/user/profile?api_key={u['api_key']}",
                             headers={"Authorization": self.sim.token("hdfc"), "User-Agent": "x"})
        self.assertEqual(r.json["data"][0]["user_id"], "10000001")
        self.assertIn("EQUITY", r.json["data"][0]["exchanges:NSE"])


class Mstock(Case):
    KEY = "SIMmstock+Key/01@@"

    def api(self, path, version="1", **form):
        h = {"X-Mirae-Version": version} if version else {}
        return self.sim.request("POST", "/mstock/openapi/typea/" + path, form=form, headers=h)

    def test_login_by_otp(self):
        early = self.api("session/token", api_key=self.KEY, request_token="123456", checksum="L")
        self.assertEqual(early.status, 401, "no OTP was sent yet")
        self.assertEqual(self.api("connect/login", username="MA1000001", password="x").status, 401)
        r = self.api("connect/login", username="MA1000001", password="simpassword").json
        self.assertEqual((r["status"], r["data"]["is_kyc"]), ("success", True))
        wrong = self.api("session/token", api_key=self.KEY, request_token="111111", checksum="L").json
        self.assertIn("MACM60", wrong["message"])
        r = self.api("session/token", api_key=self.KEY, request_token="123456", checksum="L").json["data"]
        self.assertEqual((r["user_id"], r["api_key"]), ("MA1000001", self.KEY))
        end = claims(r["access_token"])["exp"]
        self.assertEqual((end + 19800) % 86400, 0, "midnight in India")
        self.assertEqual(self.sim.call("mstock", "GET", "/logout", token=r["access_token"]).json["data"], "Success")
        self.assertEqual(self.sim.call("mstock", "GET", "/orders", token=r["access_token"]).status, 401)

    def test_login_by_totp(self):
        r = self.api("session/verifytotp", api_key=self.KEY, totp="000000").json
        self.assertEqual(r["message"], "Please enter correct TOTP")
        r = self.api("session/verifytotp", api_key=self.KEY, totp=totp("JBSWY3DPEHPK3PXP"))
        self.assertEqual(r.json["status"], "success")
        self.assertEqual(self.api("session/verifytotp", api_key="no", totp="1").json["error_type"], "APIKeyException")

    def test_who_asks(self):
        r = self.api("connect/login", version=None, username="MA1000001", password="simpassword")
        self.assertEqual((r.status, r.json["message"]), (400, "Please provide valid api version."))
        for header in ("Bearer x", f"token {self.KEY}:no", f"{self.KEY}:" + self.sim.token("mstock")):
            r = self.sim.request("GET", "/mstock/openapi/typea/orders",
                                 headers={"Authorization": header, "X-Mirae-Version": "1"})
            self.assertEqual((r.status, r.json["error_type"]), (401, "TokenException"), header)

    def test_order_of_its_life(self):
        self.assertEqual(self.sim.call("mstock", "GET", "/orders").json["data"], "None")
        placed = self.sim.place("mstock")
        self.assertIsInstance(placed.json, list)
        i = self.sim.order_id(placed)
        row = self.row("mstock", i)
        self.assertEqual((row["status"], row["tag"], row["parent_order_id"], row["modified"]),
                         ("Pending", [], "None", "False"))
        r = self.sim.call("mstock", "PUT", f"/orders/regular/{i}", form={
            "order_type": "LIMIT", "quantity": 20, "price": 1001, "validity": "DAY", "trigger_price": 0,
            "disclosed_quantity": 0})
        self.assertEqual(r.json, {"status": "success", "data": {"order_id": i}})
        self.assertEqual(self.row("mstock", i)["status"], "O-Modified")
        self.sim.fill(i, 20, "1001.00")
        row = self.row("mstock", i)
        self.assertEqual((row["status"], row["filled_quantity"], row["average_price"]), ("Traded", 20, 1001))
        r = self.sim.call("mstock", "DELETE", f"/orders/regular/{i}")
        self.assertEqual((r.status, r.json["status"]), (200, "error"), "an error under 200")
        trades = self.sim.call("mstock", "GET", "/tradebook").json["data"]
        self.assertEqual([(t["ORDER_NUMBER"], t["BUY_SELL"], t["QUANTITY"]) for t in trades], [(i, "Buy", 20)])
        net = self.sim.call("mstock", "GET", "/portfolio/positions").json["data"]["net"]
        self.assertEqual([(p["tradingsymbol"], p["quantity"]) for p in net], [("SBIN-EQ", 20)])
        one = self.sim.call("mstock", "GET", f"/order/details?order_no={i}&segment=E").json["data"]
        self.assertEqual(one[0]["order_id"], i)
        self.assertEqual(self.sim.call("mstock", "GET", "/order/details?order_no=1&segment=E").json["data"], "None")
        rest = self.place("mstock")
        self.assertEqual(self.sim.call("mstock", "POST", "/orders/cancelall").json["status"], "success")
        self.assertEqual(self.row("mstock", rest)["status"], "Cancelled")

    def test_refusals(self):
        i = self.place("mstock", quantity=9000000)
        self.assertTrue(self.row("mstock", i)["status_message"].startswith("RMS:FUND LIMIT INSUFFICIENT"))
        i = self.place("mstock", price="1000.03")
        self.assertTrue(self.row("mstock", i)["status_message"].startswith("EXCH:16283:"))
        r = self.sim.call("mstock", "POST", "/orders/regular", {"tradingsymbol": "SBIN-EQ"})
        self.assertEqual((r.status, r.json["error_type"]), (400, "InputException"), "JSON is no form")
        self.assertEqual((len(self.sim.received()), len(self.sim.booked())), (3, 0))

    def test_master(self):
        r = self.sim.call("mstock", "GET", "/instruments/scriptmaster")
        self.assertIn(b"\r\n", r.raw)
        rows = list(csv.DictReader(io.StringIO(r.raw.decode())))
        sbin = next(r for r in rows if r["tradingsymbol"] == "SBIN-EQ")
        self.assertEqual((sbin["name"], sbin["exchange"], sbin["tick_size"]), ("State Bank of India", "NSE", "0.1"))
        self.assertNotIn("NIFTY 50", [r["tradingsymbol"] for r in rows])
        packed = self.sim.call("mstock", "GET", "/instruments/scriptmaster", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(packed.headers["content-encoding"], "gzip")
        self.assertEqual(gzip.decompress(packed.raw), r.raw)
        self.assertEqual(self.sim.request("GET", "/mstock/openapi/typea/instruments/scriptmaster",
                                          headers={"X-Mirae-Version": "1"}).status, 401)
        self.assertEqual(self.sim.call("mstock", "GET", "/../../master/scriptmaster").status, 404)

    def test_reads(self):
        q = self.sim.call("mstock", "GET", "/instruments/quote/ohlc?i=NSE:SBIN-EQ&i=NSE:NO&i=NSE:M%26M-EQ").json
        self.assertEqual(sorted(q["data"]), ["NSE:M&M-EQ", "NSE:SBIN-EQ"])
        self.assertEqual(q["data"]["NSE:SBIN-EQ"]["ohlc"]["close"], 1050)
        funds = self.sim.call("mstock", "GET", "/user/fundsummary").json["data"]
        self.assertEqual(funds[0]["AVAILABLE_BALANCE"], "100000000.00")
        held = self.sim.call("mstock", "GET", "/portfolio/holdings").json["data"]
        self.assertIn("State Bank of India", [h["tradingsymbol"] for h in held])
        margin = self.sim.call("mstock", "POST", "/margins/orders", {
            "exchange": "NSE", "tradingsymbol": "SBIN-EQ", "transaction_type": "BUY", "variety": "regular",
            "product": "CNC", "order_type": "LIMIT", "quantity": 1, "price": 101.5, "trigger_price": 0}).json
        self.assertEqual(margin["data"]["total"], 101.5)
        for _ in range(20):
            self.place("mstock")
        r = self.sim.call("mstock", "GET", "/orders", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(len(json.loads(gzip.decompress(r.raw))["data"]), 20)


class Everywhere(Case):
    ARGUMENTS = ("--rows", "20000", "--user", "fyers:XS00002:SECOND-100:SECRET2")

    def test_users_do_not_see_each_other(self):
        i = self.place("fyers")
        token = self.sim.token("fyers", "XS00002")
        h = {"Authorization": "SECOND-100:" + token}
        self.assertEqual(self.sim.request("GET", "/fyers/api/v3/orders", headers=h).json["orderBook"], [])
        r = self.sim.request("DELETE", "/fyers/api/v3/orders/sync", {"id": i}, h)
        self.assertEqual(r.json["code"], -51)
        self.sim.user("hdfc", "20000002", api_key="k2", funds="5.00", holdings=[])
        r = self.sim.request("GET", "/hdfc/oapi/v1/user/margins?api_key=k2",
                             headers={"Authorization": self.sim.token("hdfc", "20000002"), "User-Agent": "x"})
        self.assertEqual(r.json["data"]["equity"]["total_limit"], 5)
        self.sim.expire("fyers", "XS00002")
        self.assertEqual(self.sim.request("GET", "/fyers/api/v3/orders", headers=h).status, 401)

    def test_padded_masters(self):
        fyers = sum(self.sim.request("GET", f"/fyers/master/{f}.csv").raw.count(b"\n")
                    for f in ("NSE_CM", "NSE_FO", "NSE_CD", "NSE_COM", "BSE_CM", "BSE_FO", "MCX_COM"))
        hdfc = self.sim.request("GET", "/hdfc/master/security-master").raw.count(b"\n") - 1
        mstock = self.sim.call("mstock", "GET", "/instruments/scriptmaster").raw.count(b"\n") - 1
        self.assertEqual((fyers, hdfc, mstock), (20000, 20000, 20000 - 3))  # no indices at m.Stock
        rows = csv.reader(io.StringIO(self.sim.request("GET", "/fyers/master/NSE_FO.csv").raw.decode()))
        tickers = [r[9] for r in rows]
        self.assertEqual(len(tickers), len(set(tickers)))

    def test_sells_only_what_is_there(self):
        for broker in BROKERS:
            with self.subTest(broker):
                self.place(broker, side="SELL", price="1060.00", quantity=100)
                r = self.sim.place(broker, side="SELL", price="1060.00", quantity=1)
                i = self.sim.order_id(r)
                orders = {o["order_id"]: o["status"] for o in self.sim.orders(broker)}
                self.assertEqual(orders[i], "REJECTED")

    def test_flip_and_elsewhere(self):
        for broker in BROKERS:
            with self.subTest(broker):
                i = self.place(broker)
                self.assertEqual(self.sim.flip(i, "REJECTED", "late words")["status"], "REJECTED")
                o = self.sim.place_elsewhere(broker, symbol="NSE:INFY", side="BUY", quantity=1, price="1000.00")
                self.assertEqual(o["status"], "OPEN")
        self.assertEqual(len(self.sim.received()), 3)
        self.assertEqual(len(self.sim.booked()), 3, "what came from elsewhere is in the book only")
        self.assertEqual(len(self.sim.orders()), 6)

    def test_funds_come_back(self):
        for broker in BROKERS:
            i = self.place(broker)
            self.sim.flip(i, "CANCELLED")
        for u in self.sim.users():
            self.assertIn(u["available"], ("100000000.00", "5.00"), u)

    def test_control_refuses_what_it_does_not_know(self):
        for method, path, body, status in (
                ("GET", "/_sim/nothing", None, 404), ("DELETE", "/_sim/received", None, 405),
                ("POST", "/_sim/faults", {"fault": "no"}, 400),
                ("POST", "/_sim/faults", {"fault": "late", "tpyo": 1}, 400),
                ("POST", "/_sim/faults", {"fault": "refuse", "broker": "fyers"}, 400),
                ("POST", "/_sim/price", {"symbol": "NSE:NO", "price": "1"}, 404),
                ("POST", "/_sim/price", {"symbol": "NSE:SBIN", "price": "-1"}, 400),
                ("POST", "/_sim/order", {"order_id": "1", "fill": 1}, 404),
                ("POST", "/_sim/token", {"broker": "x"}, 404),
                ("POST", "/_sim/users", {"broker": "fyers"}, 400),
                ("POST", "/_sim/reset", {"what": "x"}, 400)):
            r = self.sim.request(method, path, body)
            self.assertEqual((r.status, list(r.json)), (status, ["error"]), (path, body, r))

    def test_unknown_places(self):
        self.assertEqual(self.sim.request("GET", "/zerodha/orders").status, 404)
        for broker in BROKERS:
            self.assertEqual(self.sim.request("GET", f"/{broker}/nothing").status, 404)
        self.assertEqual(self.sim.request("PUT", "/fyers/api/v3/funds").status, 405)


if __name__ == "__main__":
    ordo.main()
