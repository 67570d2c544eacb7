"""Upgrade and back: two images over one volume, the newer with a migration of its own. What was there before stays."""
import os
import pathlib
import tempfile
import shutil
import sys

import engine
import machine
from test_upgrade import with_version

os.environ.setdefault("ORDO_BUILD", str(engine.SOURCE / "build"))
sys.path.insert(0, str(engine.SOURCE / "tests/integration"))
import brokersim  # noqa: E402

# What a release may do to the ledger: a column more, which the one before it does without.
MIGRATION = "-- needs: {needs}\nALTER TABLE orders ADD COLUMN rehearsal TEXT NOT NULL DEFAULT '';\n"
NEWER = """FROM ordo:latest
COPY {deb} {migration} /package/
RUN dpkg -i /package/{deb} && mv /package/{migration} /usr/share/ordo/migrations/sqlite/
"""
OPTIONS = """services:
  ordo:
    environment:
      ORDO_ACCOUNTS: paper:demo,mstock:main
      ORDO_PAPER_DEMO_MARKET: static
      ORDO_MSTOCK_MAIN_BASE_URL: {base}
      ORDO_MSTOCK_MAIN_MASTER_URL: {master}
      ORDO_MSTOCK_MAIN_CLIENT_ID: MA1000001
      ORDO_MSTOCK_MAIN_API_KEY: SIMmstock+Key/01@@
      ORDO_MSTOCK_MAIN_TOTP_SECRET: JBSWY3DPEHPK3PXP
"""


class Rollback(engine.Case):
    ENGINE = "docker"

    def newer_image(self):
        """The image of the next release, ordo:next: another version and one more migration."""
        d = pathlib.Path(tempfile.mkdtemp(prefix="ordo-next-"))
        self.addCleanup(shutil.rmtree, d)
        # The package out of the image, so that both hold the same but for what is said here.
        name = self.e.docker("create", "ordo:latest").stdout.strip()
        self.e.docker("cp", f"{name}:/package/ordo.deb", str(d / "ordo.deb"))
        self.e.docker("rm", name)
        version = machine.call("dpkg-deb", "-f", str(d / "ordo.deb"), "Version").strip() + "+1"
        deb = with_version(d / "ordo.deb", version, str(d)).name
        known = len(list((engine.SOURCE / "migrations/sqlite").glob("*.sql")))
        migration = f"{known + 1:04d}_rehearsal.sql"
        (d / migration).write_text(MIGRATION.format(needs=known))
        (d / "Containerfile").write_text(NEWER.format(deb=deb, migration=migration))
        self.e.docker("build", "-q", "--network", "host", "-t", "ordo:next", "-f", str(d / "Containerfile"), str(d))
        return version, known + 1

    def test_upgrade_and_rollback(self):
        version, migrations = self.newer_image()
        with self.e.network():
            sim = brokersim.Sim("--rows", "1500").start()
            self.addCleanup(sim.stop)
            options = OPTIONS.format(base=sim.base("mstock"), master=sim.master("mstock"))
        directory = self.clean_clone()
        (directory / "container/options.yaml").write_text(options)
        files = ("compose.yaml", "options.yaml")
        old = self.project(*files, directory=directory)

        def answer(p):
            p.until(lambda: p.curl("http://127.0.0.1:8080/health", check=False) == '{"status":"ok"}')
            p.until(lambda: p.ask("GET", "/ready")[0] == 200, why="not ready")
        answer(old)
        # A session, of the kind that needs no person.
        old.ask("POST", "/api/v1/auth/mstock/main/login")
        old.until(lambda: old.ask("GET", "/api/v1/auth/mstock/main")[1]["state"] == "active", 60, "no session")
        with self.e.network():
            logins = sim.calls("mstock")["login"]
        placed = {}

        def place(p, name):
            status, placed[name] = p.order(key=name, client_order_id=name)
            self.assertEqual(status, 201, placed[name])

        def nothing_is_lost(p):
            answer(p)
            for name, order in placed.items():
                self.assertEqual(p.order(key=name, client_order_id=name), (201, order))
            status, page = p.ask("GET", "/api/v1/orders?limit=500")
            self.assertEqual((status, sorted(o["order_id"] for o in page["orders"])),
                             (200, sorted(o["order_id"] for o in placed.values())))
            self.assertEqual(p.ask("GET", "/api/v1/auth/mstock/main")[1]["state"], "active")
            with self.e.network():
                self.assertEqual(sim.calls("mstock")["login"], logins)
            p.sh("ordoctl audit verify")
        place(old, "by-the-old")
        nothing_is_lost(old)

        newer = self.project(*files, directory=directory, env={"TAG": "next"})
        nothing_is_lost(newer)
        self.assertEqual(newer.sh("dpkg-query -W -f '${Version}' ordo"), version)
        self.assertIn("rehearsal", newer.sh("ordoctl migrate status"))
        place(newer, "by-the-newer")

        back = self.project(*files, directory=directory)
        nothing_is_lost(back)
        self.assertEqual(back.sh("dpkg-query -W -f '${Version}' ordo") + "+1", version)
        place(back, "by-the-old-again")
        nothing_is_lost(back)
        print(f"# 3 orders, their keys, a session and the audit over an upgrade to migration {migrations} and back")


if __name__ == "__main__":
    engine.main()
