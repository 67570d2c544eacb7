"""compose.postgres.yaml: the ledger in PostgreSQL, with either image."""
import json

import engine
import machine


class Postgres:
    def with_postgres(self, compose):
        return self.project(compose, "compose.postgres.yaml", directory=self.clean_clone())

    def sql(self, p, query):
        return p.compose("exec", "-T", "postgres", "psql", "-h", "/run/ordo-postgres", "-Atc", query, "ordo").strip()

    def ledger_is_there(self, p):
        p.until(lambda: p.curl("http://127.0.0.1:8080/health", check=False) == '{"status":"ok"}', 60, "no answer")
        p.until(lambda: p.ask("GET", "/ready")[0] == 200, why="not ready")
        status, order = p.order(key="k", client_order_id="in-postgres")
        self.assertEqual(status, 201, order)
        self.assertEqual(self.sql(p, "SELECT id FROM orders"), order["order_id"])
        self.assertEqual(p.sh("ls /var/lib/ordo/ordo.db 2>/dev/null || :"), "")
        # Migrations applied, and nobody asked for a password.
        known = len(list((engine.SOURCE / "migrations/postgres").glob("*.sql")))
        self.assertEqual(self.sql(p, "SELECT count(*) FROM schema_migrations"), str(known))
        # Both containers anew, over the same volumes.
        p.down(volumes=False)
        p.up()
        p.until(lambda: p.curl("http://127.0.0.1:8080/health", check=False) == '{"status":"ok"}', 60, "no answer")
        p.until(lambda: p.ask("GET", "/ready")[0] == 200, why="not ready")
        self.assertEqual(p.order(key="k", client_order_id="in-postgres"), (201, order))
        return order

    def test_systemd(self):
        p = self.with_postgres("compose.yaml")
        p.until(lambda: p.sh("systemctl is-active ordo.socket || :").strip() == "active", why="nobody listens")
        self.assertEqual(p.sh("cat /proc/[0-9]*/comm | grep -cx ordod || :").strip(), "0")
        order = self.ledger_is_there(p)
        records = [json.loads(r) for r in p.sh("journalctl -u ordo -o json --no-pager").splitlines()]
        self.assertTrue(any(r.get("MESSAGE_ID") == machine.EVENTS["STARTED"] for r in records))
        pid = p.sh("systemctl show -p MainPID --value ordo.service").strip()
        p.sh(f"kill -STOP {pid}")
        p.until(lambda: p.sh("systemctl show -p MainPID --value ordo.service").strip() not in (pid, "0"), 60,
                "the watchdog does not bite")
        p.until(lambda: p.curl("http://127.0.0.1:8080/health", check=False) == '{"status":"ok"}', 60, "no answer")
        self.assertEqual(p.order(key="k", client_order_id="in-postgres"), (201, order))

    def test_plain(self):
        self.ledger_is_there(self.with_postgres("compose.plain.yaml"))


class Docker(Postgres, engine.Case):
    ENGINE = "docker"


class Podman(Postgres, engine.Case):
    ENGINE = "podman"


if __name__ == "__main__":
    engine.main()
