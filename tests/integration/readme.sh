#!/bin/bash
# What README.md tells a newcomer to paste works: every block under a line `<!-- tested -->`, in order and
# in one shell, against a daemon of its own. One TAP case a block. usage: readme.sh ORDOD ORDOCTL
set -euo pipefail
ordod=$(realpath "$1")
bin=$(dirname "$(realpath "$2")")
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
pid=
stop() {
    [ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null || :
    wait || :
    rm -rf "$scratch"
}
trap stop EXIT

port=$(PYTHONPATH=tests/integration python3 -c 'import ordo; print(ordo.free_port())')
env ORDO_LISTEN="127.0.0.1:$port" ORDO_ACCOUNTS=paper:demo,paper:second ORDO_STATE_DIR="$scratch/state" \
    ORDO_MARKET_DIR="$PWD/data/market" ORDO_MIGRATIONS_DIR="$PWD/migrations" ORDO_LOG=text \
    "$ordod" >"$scratch/ordod.log" 2>&1 &
pid=$!
for ((i = 0; i < 100; i++)); do
    if [ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/ready")" = 200 ]; then break; fi
    sleep 0.1
done

. tests/integration/pasted.sh
# The path of the state directory is there with $PWD and without.
instead="s,127\.0\.0\.1:8080,127.0.0.1:$port,g; s,\\\$PWD/\.dev/state,$scratch/state,g; s,\.dev/state,$scratch/state,g
    s,\\\$PWD/build/src/ordoctl,$bin,g"
# A refused request is a failure here, and so is any command that fails.
if ! pasted README.md "$instead" bash; then
    tail -n 20 "$scratch/ordod.log" | sed 's/^/# ordod: /'
    exit 1
fi <<'EOF'
set -euo pipefail
curl() { command curl --fail-with-body "$@"; }
EOF
