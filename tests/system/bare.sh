#!/bin/sh
# A newcomer's first minutes: a Debian 12 with nothing but git, a clone, `./dev run --once`.
# Needs root, mmdebstrap, systemd-nspawn and a package mirror. The empty tree is kept in the cache and
# used again; apt's configuration is this machine's own. Exit status 77: cannot run here.
set -eu
cd "$(dirname "$0")/../.."
source=$(pwd)
cache=${XDG_CACHE_HOME:-/var/cache}/ordo-tests
base=$cache/bookworm-minbase

skip() {
    echo "$*"
    exit 77
}
[ "${CI-}" != true ] || skip 'builds a Debian tree, which takes too long in CI'
[ "$(id -u)" -eq 0 ] || skip 'needs root'
command -v mmdebstrap >/dev/null || skip 'needs mmdebstrap'
command -v systemd-nspawn >/dev/null || skip 'needs systemd-nspawn (package systemd-container)'

mkdir -p "$cache"
if [ ! -e "$base/.complete" ]; then
    rm -rf "$base"
    # This machine's own sources; without any, mmdebstrap's default.
    set -- "$base"
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
        if [ -s "$list" ]; then set -- "$@" "$list"; fi
    done
    mmdebstrap --variant=minbase --include=git,ca-certificates bookworm "$@"
    touch "$base/.complete"
fi

tree=$(mktemp -d "$cache/bare.XXXXXX")
trap 'rm -rf "$tree"' EXIT INT TERM
cp -a "$base/." "$tree/"
rm -rf "$tree/etc/apt"
cp -a /etc/apt "$tree/etc/apt"
# A clone of what is in the work tree, committed or not.
git clone -q "$source" "$tree/root/ordo"
git ls-files -co --exclude-standard | while read -r file; do [ ! -e "$file" ] || echo "$file"; done |
    tar -C "$source" -c -T - | tar -C "$tree/root/ordo" -x

nspawn() {
    systemd-nspawn -q -D "$tree" --register=no --keep-unit --pipe --resolv-conf=copy-host \
        --setenv=ORDO_LISTEN="${ORDO_LISTEN:-127.0.0.1:18080}" --chdir=/root/ordo "$@"
}
out=$tree/root/out
nspawn /bin/sh -c './dev run --once' >"$out" 2>&1 || {
    cat "$out"
    exit 1
}
cat "$out"
grep -q '^HTTP/1.1 201 ' "$out"
for account in paper:demo paper:second; do
    grep -q "\"account\": *\"$account\"" "$out"
done
# Every test a bare machine can run, when asked for.
if [ "${BARE_TEST-}" = yes ]; then
    nspawn ./dev test --quick | tee "$out"
    tail -n 1 "$out" | grep -qE '^[0-9]+ passed, 0 failed, [0-9]+ skipped$'
fi
