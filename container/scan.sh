#!/bin/sh
# Known weaknesses of Debian's packages for which Debian has a correction: any is a failure.
# usage: scan.sh [IMAGE]     of this machine, or of an image (docker, or ENGINE)
# Asks Debian's security tracker, or what DEBSECAN_SOURCE names (a URL of the same data).
set -eu
image=${1-}
status=/var/lib/dpkg/status

command -v debsecan >/dev/null || {
    echo 'scan.sh: debsecan is missing (package debsecan)' >&2
    exit 1
}
if [ -n "$image" ]; then
    status=$(mktemp)
    trap 'rm -f "$status"' EXIT
    # shellcheck disable=SC2086
    ${ENGINE:-docker} run --rm --network none --entrypoint cat "$image" /var/lib/dpkg/status >"$status"
fi
found=$(debsecan --suite bookworm --only-fixed --status "$status" ${DEBSECAN_SOURCE:+--source "$DEBSECAN_SOURCE"})
if [ -n "$found" ]; then
    printf '%s\n' "$found"
    echo "${image:-this machine}: the above are corrected in Debian; build anew, or upgrade" >&2
    exit 1
fi
echo "${image:-this machine}: nothing that Debian has a correction for"
