"""What the workflows do, without GitHub: publication into a registry, scans, the list of packages, the notes of a release.
Needs docker-registry and debsecan beside docker."""
import json
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import zlib

import engine
import machine

REGISTRY = """version: 0.1
storage: {{filesystem: {{rootdirectory: {directory}}}}}
http: {{addr: "127.0.0.1:5000"}}
"""


class Publication(engine.Case):
    ENGINE = "docker"

    def setUp(self):
        if not shutil.which("docker-registry"):
            self.skipTest("needs docker-registry")
        directory = pathlib.Path(tempfile.mkdtemp(prefix="ordo-registry-"))
        self.addCleanup(shutil.rmtree, directory)
        (directory / "config.yml").write_text(REGISTRY.format(directory=directory / "data"))
        p = subprocess.Popen(["nsenter", "-t", str(self.e.init), "-n", "docker-registry", "serve",
                              str(directory / "config.yml")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, preexec_fn=machine.die_with_parent)
        self.addCleanup(p.wait)
        self.addCleanup(p.send_signal, signal.SIGTERM)
        end = time.monotonic() + 20
        while self.e.curl("http://127.0.0.1:5000/v2/", check=False) != "{}":
            self.assertLess(time.monotonic(), end, "the registry does not start")
            time.sleep(0.05)

    def test_commit_and_latest(self):
        """Both images under the commit and under latest; what is said of them is what the registry has."""
        image = "127.0.0.1:5000/ordo"
        out = self.e.run("container/publish.sh", "push", env={"REGISTRY_IMAGE": image}, cwd=engine.SOURCE).stdout
        said = dict(line.split("=", 1) for line in out.splitlines())
        commit = machine.call("git", "-C", str(engine.SOURCE), "rev-parse", "HEAD").strip()
        tags = json.loads(self.e.curl("http://127.0.0.1:5000/v2/ordo/tags/list"))["tags"]
        self.assertEqual(sorted(tags), sorted([commit, commit + "-plain", "latest", "latest-plain"]))
        self.assertEqual(said["name"], image)
        self.e.docker("rmi", f"{image}:latest", f"{image}:{commit}")
        self.e.docker("pull", f"{image}@{said['digest']}")
        labels = json.loads(self.e.docker("inspect", f"{image}@{said['digest']}").stdout)[0]["Config"]["Labels"]
        self.assertEqual(labels["org.opencontainers.image.revision"], commit)


class Contents(engine.Case):
    ENGINE = "docker"

    def test_sbom(self):
        """Every package of the image, once, with its version."""
        out = self.e.run("./dev", "sbom", "ordo:latest-plain", cwd=engine.SOURCE, env={"SOURCE_DATE_EPOCH": "0"}).stdout
        listed = {(p["name"], p["versionInfo"]) for p in json.loads(out)["packages"]}
        there = self.e.docker("run", "--rm", "--network", "none", "ordo:latest-plain", "dpkg-query", "-W", "-f",
                              r"${Package}\t${Version}\n").stdout
        self.assertEqual(listed, {tuple(line.split("\t")) for line in there.splitlines()})
        self.assertIn("ordo", {name for name, _ in listed})
        again = self.e.run("./dev", "sbom", "ordo:latest-plain", cwd=engine.SOURCE, env={"SOURCE_DATE_EPOCH": "0"})
        self.assertEqual(again.stdout, out)

    def test_scan(self):
        """A weakness that Debian has corrected in a package of the image is found; one in another package is not."""
        if not shutil.which("debsecan"):
            self.skipTest("needs debsecan")
        with tempfile.TemporaryDirectory() as d:
            for package, fixed, code in (("zlib1g", "1:999", 1), ("zlib1g", "1:0.1", 0), ("nginx", "1:999", 0)):
                # Package, its weakness, flags (binary package, low, not remote, corrected), corrected in, also in.
                data = f"VERSION 1\nCVE-2026-0001,,a rehearsal\n\n{package},0,BL F,{fixed},\n\n\n"
                (pathlib.Path(d) / "bookworm").write_bytes(zlib.compress(data.encode()))
                with self.subTest(package=package, fixed=fixed):
                    r = self.e.run("./dev", "scan", "ordo:latest-plain", env={"DEBSECAN_SOURCE": f"file://{d}"},
                                   cwd=engine.SOURCE, check=False)
                    self.assertEqual((r.returncode, "CVE-2026-0001" in r.stdout), (code, bool(code)), r)


class Release(unittest.TestCase):
    """release.sh on a tree that is ready, and on ones that are not."""

    def notes(self, tag, changelog):
        with tempfile.TemporaryDirectory() as d:
            tree = pathlib.Path(d)
            for name in (".github/release.sh", "debian/changelog", "meson.build"):
                (tree / name).parent.mkdir(exist_ok=True)
                shutil.copy2(engine.SOURCE / name, tree / name)
            (tree / "CHANGELOG.md").write_text(changelog)
            return subprocess.run([tree / ".github/release.sh", "notes", tag], capture_output=True, text=True)

    def test_notes(self):
        version = machine.call("dpkg-parsechangelog", "-l", str(engine.SOURCE / "debian/changelog"), "-S",
                               "Version").strip()
        good = f"# Changelog\n\n## [9.9.9]\n\nnext\n\n## [{version}] - 2026-12-01\n\n- this\n\n## [0.0.1]\n\n- old\n"
        r = self.notes("v" + version, good)
        self.assertEqual((r.returncode, r.stdout.strip()), (0, "- this"), r)
        for tag, text, why in ((version, good, "is not v and a version"), ("v9.9.9", good, "not the version of"),
                               ("v" + version, good.replace("2026-12-01", "(unreleased)"), "unreleased"),
                               ("v" + version, "# Changelog\n", "no section")):
            with self.subTest(why):
                r = self.notes(tag, text)
                self.assertNotEqual(r.returncode, 0)
                self.assertIn(why, r.stderr)
                self.assertEqual(r.stdout, "")


if __name__ == "__main__":
    engine.main()
