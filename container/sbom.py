#!/usr/bin/env python3
"""A list of what is in an image, or on this machine, as SPDX 2.3 (JSON).
usage: sbom.py [IMAGE]     docker, or ENGINE

Every Debian package with its version, its source and its place in Debian. The same packages give the same list but for
its time, which SOURCE_DATE_EPOCH sets.
"""
import datetime
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys

FORMAT = r"${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${Maintainer}\n"


def query(image):
    command = ["dpkg-query", "-W", "-f", FORMAT]
    if image:
        command = [*shlex.split(os.environ.get("ENGINE", "docker")), "run", "--rm", "--network", "none",
                   "--entrypoint", command[0], image, *command[1:]]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def package(line):
    name, version, architecture, source, source_version, maintainer = line.split("\t")
    own = source == "ordo"
    origin = "" if own else "debian/"
    return {
        "SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", f"{name}-{architecture}"),
        "name": name,
        "versionInfo": version,
        "supplier": "Organization: " + re.sub(r" *<.*", "", maintainer),
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "MIT" if own else "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "sourceInfo": f"built from {source} {source_version}",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
            "referenceLocator": f"pkg:deb/{origin}{name}@{version.replace(':', '%3A').replace('+', '%2B')}"
                                f"?arch={architecture}" + ("" if own else "&distro=bookworm")}],
    }


def main(image=None):
    out = query(image)
    packages = sorted((package(line) for line in out.splitlines()), key=lambda p: p["SPDXID"])
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc) if epoch else \
        datetime.datetime.now(datetime.timezone.utc)
    json.dump({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": image or "machine",
        "documentNamespace": "https://spdx.invalid/ordo/" + hashlib.sha256(out.encode()).hexdigest(),
        "creationInfo": {"created": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: ordo-sbom"]},
        "documentDescribes": [p["SPDXID"] for p in packages],
        "packages": packages,
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                           "relatedSpdxElement": p["SPDXID"]} for p in packages],
    }, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
