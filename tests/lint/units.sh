#!/bin/sh
# The units are ones that systemd understands, and their sandbox is as tight as it was measured.
# usage: units.sh BUILD-DIR
set -eu
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM

# What a unit starts must exist: here it is what was built, and is not installed.
for unit in "$build"/units/*.service units/*.socket units/*.timer; do
    sed "/^Exec/ {
            s,=[^ ]*/ordod,=$build/src/ordod,
            s,=[^ ]*/ordoctl,=$build/src/ordoctl/ordoctl,
            s,=[^ ]*/ordo/backup,=$(pwd)/units/backup.sh,
        }" "$unit" >"$dir/${unit##*/}"
done

bad=0
# Without --recursive-errors=no an unknown key is only a warning.
systemd-analyze verify --man=no --recursive-errors=no "$dir"/* || bad=1
for unit in "$dir"/*.service; do
    # 12 is 1.2; what is open is the network that brokers are reached by.
    systemd-analyze security --offline=yes --threshold=12 --no-pager "$unit" >"$dir/report" 2>&1 || {
        echo "${unit##*/}: too much is open to it"
        grep -E '^✗|exposure' "$dir/report" || cat "$dir/report"
        bad=1
    }
done
exit $bad
