"""A primary that dies and a standby that takes over: one that has every commit, one that has not, and a primary that
comes back."""

import contextlib
import subprocess
import threading
import time

import ordo
import postgres
import test_postgres


class Pair(ordo.Case):
    """A daemon whose address names two servers; the second follows the first."""
    ENV = {"ORDO_LIMITS": "off", "ORDO_DRAIN_TIMEOUT": "2s"}
    LACKS = "commits that it had confirmed"

    def setUp(self):
        self.primary = postgres.Server(settings=["wal_level=replica", "hot_standby=on"])
        self.standby = postgres.Server(primary=self.primary)
        self.addCleanup(self.use, postgres.Server.shared)
        for server in (self.standby, self.primary):
            self.addCleanup(server.remove)
        self.use(self.primary)

    def use(self, server):
        """Whom the tests ask."""
        postgres.Server.shared = server

    def synchronous(self):
        """No commit is answered that the standby has not."""
        self.primary.query("postgres", "ALTER SYSTEM SET synchronous_standby_names='*'")
        self.primary.query("postgres", "SELECT pg_reload_conf()")
        self.until(lambda: self.primary.query("postgres", "SELECT sync_state FROM pg_stat_replication") == [("sync",)])

    def following(self):
        """The standby has all that the primary has."""
        behind = "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn=pg_current_wal_lsn()"
        self.until(lambda: self.primary.query("postgres", behind) == [(1,)])

    def over_both(self):
        d = self.daemon()
        name = postgres.STATES[d.state]
        self.following()
        d.env["ORDO_DATABASE_URL"] = (f"postgresql:///{name}?host={self.primary.dir},{self.standby.dir}&user=ordo"
                                      "&target_session_attrs=read-write")
        self.addCleanup(d.stop)
        return d

    def ready(self, d):
        return d.get("/ready", token=None)

    def take_over(self):
        """kill -9 of the primary; the standby is promoted. When the latter took writes."""
        self.primary.kill()
        self.standby.promote()
        self.use(self.standby)
        return time.monotonic()


class Synchronous(Pair, test_postgres.Load):
    def test_killed_in_mid_load(self):
        """0 doubled, 0 lost, and it goes on by itself."""
        self.synchronous()
        d = self.over_both().start()
        answers, stop = {}, threading.Event()
        self.addCleanup(stop.set)
        threads = [threading.Thread(target=self.client, args=(d, n, answers, stop)) for n in range(self.CLIENTS)]
        for t in threads:
            t.start()
        total = self.CLIENTS * self.ORDERS
        self.until(lambda: len(answers) >= total // 2, test_postgres.seconds(60))
        killed = time.monotonic()
        promoted = self.take_over()
        before = len(answers)
        self.until(lambda: len(answers) > before + self.CLIENTS, 30)
        orders = time.monotonic()
        self.until(lambda: self.ready(d).status == 200, 30)
        for t in threads:
            t.join(test_postgres.seconds(120))
        self.assertEqual(len(answers), total)
        self.judge(d, answers)
        print(f"# {before} orders before, {total - before} after; the standby took writes {promoted - killed:.2f} s after "
              f"the kill, orders went on {orders - promoted:.2f} s later", flush=True)

    def test_the_old_primary_comes_back(self):
        """It takes writes, is named first in the address, and knows nothing of what came after it."""
        self.synchronous()
        d = self.over_both().start()
        self.assertEqual(d.order(key="before").status, 201)
        self.take_over()
        self.until(lambda: d.order(key="after", quantity=2).status == 201, 30)
        with open(self.primary.data / "postgresql.auto.conf", "a", encoding="ascii") as f:
            f.write("synchronous_standby_names=''\n")  # it waits for nobody
        self.primary.start()
        # the session with the new one lives on
        self.assertEqual(d.order(key="then", quantity=3).status, 201)
        self.standby.stop()
        self.until(lambda: "another server has taken over from this one" in d.log_text(), 30)
        self.assertProblem(d.order(key="never", quantity=4), 503, "STORE_UNAVAILABLE")
        again = d.order(key="after", quantity=2)  # the daemon still knows it
        self.assertEqual((again.status, again.headers.get("idempotent-replayed")), (201, "true"))
        self.assertEqual(self.primary.query(postgres.STATES[d.state], "SELECT count(*) FROM orders"), [(1,)])
        # nothing of it was placed, and the right one is taken up again
        self.primary.stop()
        self.standby.start()
        self.until(lambda: self.ready(d).status == 200, 30)
        again = d.order(key="after", quantity=2)
        self.assertEqual((again.status, again.headers.get("idempotent-replayed")), (201, "true"))
        self.assertEqual(d.order(key="never", quantity=4).status, 201)
        self.assertEqual(len(d.book()), 4)


class Asynchronous(Pair):
    def test_a_standby_that_lagged_behind(self):
        """Orders that were answered are not in its ledger: nothing is placed until somebody has looked."""
        d = self.over_both().start()
        self.assertEqual(d.order(key="known").status, 201)
        self.following()
        self.standby.stop()
        for i in range(3):
            self.assertEqual(d.order(key=f"lost-{i}", quantity=2 + i).status, 201)
        last = d.rows("SELECT max(seq) FROM audit")[0][0]
        self.until(lambda: d.exported() >= last, 20)
        self.primary.kill()
        self.standby.start()
        self.standby.promote()
        self.use(self.standby)
        self.until(lambda: self.LACKS in d.log_text(), 30)
        self.until(lambda: self.ready(d).status == 503, 30)
        self.assertProblem(d.order(key="new", quantity=7), 503, "STORE_UNAVAILABLE")
        # the daemon still knows those that its ledger has lost
        self.assertEqual(d.order(key="lost-0", quantity=2).headers.get("idempotent-replayed"), "true")
        self.assertEqual(d.rows("SELECT count(*) FROM orders"), [(1,)])
        before = d.cpu_seconds()
        time.sleep(1)
        self.assertLess(d.cpu_seconds() - before, 0.5)  # it does not ask again and again
        # a restart is no consent: the audit's files know more than the ledger
        d.stop()
        d.start(wait=False)
        not_ready = self.until(lambda: self.answer(d))
        self.assertEqual(not_ready.status, 503)
        self.assertIn(f"the audit's files have {last}", not_ready.raw.decode())
        self.assertProblem(d.order(key="new", quantity=7), 423, "KILL_SWITCH")
        # somebody has looked; the new files begin where this ledger does, which has deleted its first records
        d.rows("DELETE FROM audit WHERE seq<=3")
        self.assertEqual(d.post("/api/v1/killswitch", {"level": "NONE", "scope": "global", "reason": "compared"}).status,
                         200)
        self.assertEqual(self.ready(d).status, 200)
        self.assertEqual(d.order(key="new", quantity=7).status, 201)
        self.until(lambda: list(d.state.glob("audit-before-*")) and d.exported() > 0, 20)
        d.stop()
        d.start()
        self.assertEqual(d.get("/api/v1/killswitch").json["level"], "NONE")
        verified = subprocess.run([ordo.BUILD / "src/ordoctl/ordoctl", "audit", "verify"], env=d.env, check=False,
                                  capture_output=True, text=True)
        self.assertEqual(verified.returncode, 0, verified)
        self.assertIn("3 records are not in these files (marked gaps: 1,", verified.stdout)
        self.assertEqual(len([r for r in d.records() if "the gap is marked" in r.get("message", "")]), 1)

    def answer(self, d):
        """Of /ready, once it listens."""
        with contextlib.suppress(OSError):
            return self.ready(d)
        return None


if __name__ == "__main__":
    ordo.main()
