"""Two and three daemons over one ledger in PostgreSQL, their orders at one account of ordo-brokersim: one order
for a key, whoever is asked; the kill switch holds in all; an account's owner dies and another one takes over;
what one does is seen by all."""

import collections
import concurrent.futures
import datetime
import http.client
import json
import signal
import threading
import time
import uuid

import brokersim
import ordo
import postgres
import test_brokers
from test_brokers import access, log_in, trades

TOKEN = "instances-test-token-0123456789abcdef"
KEY = "1f" * 32
ACCOUNT = "fyers:main"
FREE = ("ORDERS_PER_MINUTE", "MAX_ORDERS_PER_DAY", "REPEAT_WINDOW_MS", "MAX_OPEN_ORDERS",
        "MAX_ORDER_VALUE", "REJECT_STORM", "MAX_DAILY_VALUE")


class Daemon(test_brokers.Daemon):
    @property
    def token(self):
        return TOKEN

    @property
    def id(self):
        return self.get("/api/v1/status").json["instance"]


class World(ordo.Case):
    N = 2
    EXTRA = {}

    def setUp(self):
        self.sim = brokersim.Sim().start()
        self.addCleanup(self.sim.stop)
        self.sim.user("fyers", funds="100000000000.00")
        server = postgres.Server.get()
        self.database = server.database()
        self.env = access(self.sim, ("fyers",)) | {
            "ORDO_DATABASE_URL": server.url(self.database), "ORDO_AUTO_MIGRATE": "yes",
            "ORDO_API_TOKEN": TOKEN, "ORDO_VAULT_KEY": KEY,
            "ORDO_FYERS_MAIN_REPEAT_WINDOW_MS": "0", **self.EXTRA}
        self.all = []
        for _ in range(self.N):
            self.begin()
        log_in(self, self.all[0], self.sim, "fyers")
        for d in self.all:
            self.until(lambda d=d: trades(d, ACCOUNT), 60)

    def begin(self):
        d = Daemon(accounts=ACCOUNT, env=self.env)
        self.addCleanup(d.cleanup)
        self.all.append(d.start())
        return d

    def query(self, statements):
        return postgres.Server.get().query(self.database, statements)

    def owner(self, among=None):
        """The daemon that looks after the account, and the others."""
        def found():
            for d in among or self.all:
                a = d.get("/api/v1/status").json["accounts"][0]
                if a["owner"] == d.id and a["ready"]:
                    return d
            return None
        d = self.until(found, 20)
        return d, [x for x in among or self.all if x is not d]

    def order(self, d, key=None, **fields):
        c = http.client.HTTPConnection("127.0.0.1", d.port, timeout=60 * ordo.SLOW)
        body = {"symbol": "NSE:SBIN", "side": "BUY", "type": "LIMIT", "price": "1000.00", "quantity": 1,
                "product": "CNC", "validity": "DAY", "targets": [ACCOUNT], **fields}
        try:
            return d.request("POST", "/api/v1/orders", body, connection=c,
                             headers={"Idempotency-Key": key or str(uuid.uuid4())})
        finally:
            c.close()

    def placed(self, d, **fields):
        """Patiently: the account has its rates."""
        def once():
            r = self.order(d, **fields)
            return None if r.status == 429 else r
        r = self.until(once, 20)
        self.assertEqual(r.status, 201, r)
        return r.json["order_id"]


class Together(World):
    def test_they_know_each_other(self):
        ids = {d.id for d in self.all}
        self.assertEqual(len(ids), 2)
        for d in self.all:
            self.until(lambda d=d: {i["id"] for i in d.get("/api/v1/status").json["instances"]} == ids)
            s = d.get("/api/v1/status").json
            self.assertEqual([i["id"] for i in s["instances"] if i["self"]], [s["instance"]])
            self.assertIn(s["accounts"][0]["owner"], ids)
            self.assertIn(f'ordo_instance_info{{instance="{d.id}"}} 1', d.get("/metrics").raw.decode())
            self.assertEqual(json.loads(d.log_text().splitlines()[-1])["instance"], d.id)

    def test_one_too_many(self):
        """The seventeenth does not start, disturbs nobody, and may come when another one has gone."""
        now = "(extract(epoch FROM clock_timestamp())*1000000)::bigint+20000000"
        others = [postgres.Held(self.database) for _ in range(14)]
        for n, other in enumerate(others):
            self.addCleanup(other.close)
            other.execute(f"SET application_name='ordod other {n}'; INSERT INTO instances SELECT 'other {n}',"
                          f"'elsewhere',{n},pg_backend_pid(),0,{now},0,0")
        with self.assertRaisesRegex(RuntimeError, "16 daemons run over this ledger"):
            self.begin()
        self.assertEqual(self.query("SELECT count(*) FROM instances WHERE host='elsewhere'"), [(14,)])
        self.placed(self.all[0])
        others.pop().close()
        self.begin()

    def test_news_that_come_with_an_answer_are_heard_at_once(self):
        """What is announced while the server is asked for something else; the next renewal is half a second away."""
        now = "(extract(epoch FROM clock_timestamp())*1000000)::bigint"
        holder = postgres.Held(self.database)
        self.addCleanup(holder.close)
        holder.execute("BEGIN; LOCK TABLE owners")
        self.until(lambda: self.query("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(self.N,)])
        self.query("NOTIFY ordo, 'somebody obeys'")
        ((released,),) = self.query(f"SELECT {now}")
        holder.execute("COMMIT")
        self.until(lambda: self.query(f"SELECT min(seen_us)>{released} FROM instances") == [("t",)])
        ((first,),) = self.query(f"SELECT max(seen_us)-{released} FROM instances")
        self.assertLess(first, 300000)

    def test_a_login_at_one_is_used_by_all(self):
        for d in self.all:
            self.placed(d)

    def test_orders_of_one_are_seen_by_all(self):
        """In lists, as counts of open legs, with what became of them, and cancelled from anywhere."""
        a, (b,) = self.owner()
        order = self.placed(b)
        path = f"/api/v1/orders/{order}"
        self.until(lambda: a.get("/api/v1/status").json["accounts"][0]["open_legs"] == 1)
        number = a.get(path).json["legs"][0]["broker_order_id"]
        self.assertTrue(number)
        r = a.request("DELETE", path)
        self.assertEqual(r.status, 200, r)
        self.until(lambda: b.get(path).json["legs"][0]["order_status"] == "CANCELLED")
        self.until(lambda: b.get("/api/v1/status").json["accounts"][0]["open_legs"] == 0)
        self.assertEqual(a.get("/api/v1/status").json["accounts"][0]["external_orders"], 0)

    def test_events_of_one_come_from_all_in_order(self):
        c = http.client.HTTPConnection("127.0.0.1", self.all[0].port, timeout=30 * ordo.SLOW)
        c.request("GET", "/api/v1/events", headers={"Authorization": "Bearer " + TOKEN})
        stream = c.getresponse()
        wanted = {self.placed(self.all[i % 2]) for i in range(6)}
        ids, seen = [], set()
        while not wanted <= seen:
            line = stream.readline().decode()
            if line.startswith("id:"):
                ids.append(int(line[3:]))
            elif line.startswith("data:"):
                e = json.loads(line[5:])
                if e.get("action") == "leg.outcome":
                    seen.add(e["order_id"])
        c.close()
        self.assertEqual(ids, sorted(set(ids)))


class Keys(World):
    N = 3
    EXTRA = {f"ORDO_FYERS_MAIN_{x}": "0" for x in FREE}
    KEYS = 60

    def test_each_key_is_one_order(self):
        """Sent to all three at once, again until it is answered for good."""
        keys = [str(uuid.uuid4()) for _ in range(self.KEYS)]
        started = threading.Barrier(self.N)

        def ask(d):
            started.wait()
            answers = {}
            left = collections.deque(enumerate(keys, 1))
            while left:
                n, key = left.popleft()
                r = self.order(d, key, quantity=n)
                if r.status in (409, 429, 503):
                    left.append((n, key))
                    time.sleep(0.02)
                else:
                    answers[key] = (r.status, r.raw)
            return answers

        with concurrent.futures.ThreadPoolExecutor(self.N) as pool:
            answers = list(pool.map(ask, self.all))
        self.assertEqual(len(self.sim.received()), self.KEYS)
        for key in keys:
            self.assertEqual({a[key] for a in answers}, {answers[0][key]})
            self.assertEqual(answers[0][key][0], 201, answers[0][key])


class Rates(World):
    N = 3
    EXTRA = {f"ORDO_FYERS_MAIN_{x}": "0" for x in FREE}
    BURST = 150
    MOST = 10  # in any second, whoever sends them

    def test_the_account_keeps_its_rate_whoever_sends(self):
        """A burst over three daemons: as many as the account may send, and never more; cancels beside it."""
        seen = len(self.sim.received(None))
        numbers = list(range(1, self.BURST + 1))

        def place(n):
            while True:
                r = self.order(self.all[n % self.N], quantity=n)
                if r.status != 429:
                    return r
                time.sleep(0.2)
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            answers = list(pool.map(place, numbers))
        self.assertEqual(collections.Counter(r.status for r in answers), {201: self.BURST})
        times = sorted(datetime.datetime.fromisoformat(r["at"]).timestamp()
                       for r in self.sim.received(None)[seen:])
        self.assertEqual(len(times), self.BURST)
        for first, last in zip(times, times[self.MOST:]):
            self.assertGreaterEqual(last - first, 1.0)
        # It is not so careful that the account stands still: five a second, two at least where programs wait for a processor.
        self.assertLess(times[-1] - times[0], self.BURST / 2 * ordo.SLOW)
        print(f"# {len(times)} orders in {times[-1] - times[0]:.1f} s", flush=True)


class Kill(World):
    N = 3

    def set(self, d, level):
        r = d.post("/api/v1/killswitch", {"level": level, "reason": "test"})
        self.assertEqual(r.status, 200, r)

    def test_it_holds_in_all_when_the_call_returns(self):
        for round in range(5):
            engaging = self.all[round % self.N]
            self.set(engaging, "HALT")
            for d in self.all:
                self.assertProblem(self.order(d), 423, "KILL_SWITCH")
            self.set(self.all[(round + 1) % self.N], "NONE")
            for d in self.all:
                self.placed(d)

    def test_nothing_is_sent_after_it_under_load(self):
        over = threading.Event()

        def load(d):
            while not over.is_set():
                self.order(d)

        with concurrent.futures.ThreadPoolExecutor(self.N * 4) as pool:
            running = [pool.submit(load, d) for d in self.all for _ in range(4)]
            time.sleep(1)
            try:
                self.set(self.all[0], "HALT")
                # What left before the call returned may still be on its way for a moment.
                time.sleep(0.05)
                before = len(self.sim.received())
                time.sleep(2)
                self.assertEqual(len(self.sim.received()), before)
            finally:
                over.set()
            for r in running:
                r.result()

    def test_a_daemon_that_hangs_is_waited_for_until_it_cannot_send(self):
        stopped = self.all[2]
        stopped.process.send_signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            self.set(self.all[0], "HALT")
            took = time.monotonic() - began
        finally:
            stopped.process.send_signal(signal.SIGCONT)
        self.assertLess(took, 4 * ordo.SLOW)
        self.until(lambda: self.order(stopped).status == 423)


class Owners(World):
    def test_another_takes_over(self):
        """The owner is killed while a leg of each daemon is in doubt: both are found, none is sent twice."""
        a, (b,) = self.owner()
        self.placed(a)
        self.until(lambda: a.get("/api/v1/status").json["accounts"][0]["tag_echo"] == "proven", 20)
        self.sim.fault("stall", broker="fyers", operation="place", book=True)
        lost = [None, None]

        def place(i, d):
            with_key = str(uuid.uuid4())
            try:
                lost[i] = self.order(d, with_key, quantity=11 + i)
            except (OSError, http.client.HTTPException):
                lost[i] = None
        threads = [threading.Thread(target=place, args=(i, d)) for i, d in enumerate((a, b))]
        for t in threads:
            t.start()
        self.until(lambda: len(self.sim.received()) == 3, 20)
        a.kill()
        killed = time.monotonic()
        self.sim.clear_faults()
        self.all = [b]
        self.owner()
        self.assertLess(time.monotonic() - killed, 10 * ordo.SLOW)
        for t in threads:
            t.join()

        def settled():
            rows = self.query("SELECT state,outcome FROM legs")
            return rows if all(r == ("settled", "accepted") for r in rows) else None
        self.assertEqual(len(self.until(settled, 40)), 3)
        self.assertEqual(len(self.sim.received()), 3)

    def test_a_daemon_that_stops_gives_its_accounts_back(self):
        a, (b,) = self.owner()
        a.stop()
        self.owner([b])
        self.placed(b)


class Torture(World):
    N = 3
    EXTRA = {f"ORDO_FYERS_MAIN_{x}": "0" for x in FREE}
    ORDERS = 120
    KILLS = 6

    def test_daemons_are_killed_one_after_the_other(self):
        """Clients repeat each key at whichever daemon answers until it is answered for good; meanwhile one
        daemon after the other is killed and started again. Each quantity is one order's, so that the
        broker's log tells what became of each key."""
        left, lock = list(range(self.ORDERS, 0, -1)), threading.Lock()
        answers, over = {}, threading.Event()

        def client(i):
            while not over.is_set():
                with lock:
                    if not left:
                        return
                    n = left.pop()
                key, at, unknown = str(uuid.uuid4()), i, 0
                while n not in answers and not over.is_set():
                    at += 1
                    try:
                        r = self.order(self.all[at % self.N], key, quantity=n)
                    except (OSError, http.client.HTTPException):
                        continue
                    # A mark without an outcome stays unknown for five minutes when the book does not show it.
                    unknown += r.status == 202
                    if r.status == 201 or (r.status in (422, 424) and b'"outcome":"not_sent"' in r.raw) \
                            or unknown > 60:
                        answers[n] = r.status
                    else:
                        time.sleep(0.1)

        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            running = [pool.submit(client, i) for i in range(12)]
            try:
                for k in range(self.KILLS):
                    time.sleep(2.5)
                    d = self.all[k % self.N]
                    d.kill()
                    d.start(wait=False)
                self.until(lambda: len(answers) == self.ORDERS or all(r.done() for r in running), 90)
            finally:
                over.set()
            for r in running:
                r.result()
        self.assertEqual(len(answers), self.ORDERS)
        sent = collections.Counter(r["quantity"] for r in self.sim.received())
        self.assertEqual([n for n, times in sent.items() if times > 1], [])
        print(f"# {collections.Counter(answers.values())}, {len(sent)} sent, {self.KILLS} kills", flush=True)
        self.assertEqual([n for n, status in answers.items()
                          if status != 202 and (status == 201) != (n in sent)], [])
        self.assertLess(sum(status == 202 for status in answers.values()), self.ORDERS / 4)

        def found():
            """What the broker has, the ledger has as accepted."""
            rows = self.query("SELECT quantity FROM legs WHERE outcome='accepted'")
            return {int(q) for (q,) in rows} == set(sent)
        self.until(found, 60)


class Away(World):
    def test_the_server_dies_and_comes_back(self):
        """Nobody owns anything meanwhile, no risk is added, and all goes on by itself."""
        server = postgres.Server.get()
        self.owner()
        server.kill()
        self.addCleanup(server.running)
        for d in self.all:
            self.until(lambda d=d: self.order(d).status == 503)
        time.sleep(6)  # longer than it takes to be given up
        server.start()
        self.owner()
        for d in self.all:
            self.until(lambda d=d: self.order(d).status == 201, 30)
            self.assertIsNone(d.process.poll())


class Paper(ordo.Case):
    def test_its_book_is_in_one_daemon(self):
        server = postgres.Server.get()
        env = {"ORDO_DATABASE_URL": server.url(server.database()), "ORDO_AUTO_MIGRATE": "yes",
               "ORDO_API_TOKEN": TOKEN, "ORDO_VAULT_KEY": KEY}
        a, b = (Daemon(accounts="paper:demo", env=env) for _ in range(2))
        for d in (a, b):
            self.addCleanup(d.cleanup)
        a.start()
        self.assertEqual(a.order().status, 201)
        b.start(wait=False)
        self.until(lambda: self.answers(b))
        self.assertProblem(b.order(), 503, "NOT_READY")
        a.kill()
        b.stop()
        b.start()
        held = b.get("/api/v1/positions?accounts=paper:demo").json["results"][0]["positions"]
        self.assertEqual([p["quantity"] for p in held], [10], held)
        self.assertEqual(b.order(side="SELL").status, 201)

    @staticmethod
    def answers(d):
        try:
            return d.get("/health", token=None).status == 200
        except OSError:
            return False


if __name__ == "__main__":
    ordo.main()
