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

# block N: its lines, with this daemon's address, token and program in place of the README's.
block() {
    awk -v want="$1" '/^<!-- tested -->$/ { n++ } /^```sh$/ && n == want { on = 1; next } /^```$/ { if (on) exit }
        on' README.md |
        sed -e "s,127\.0\.0\.1:8080,127.0.0.1:$port,g; s,\$PWD/\.dev/state,$scratch/state,g" \
            -e "s,\.dev/state,$scratch/state,g" \
            -e "s,\\\$PWD/build/src/ordoctl,$bin,g"
}

blocks=$(grep -c '^<!-- tested -->$' README.md)
echo "1..$blocks"
# A refused request is a failure here, and so is any command that fails.
cat >"$scratch/run" <<'EOF'
set -euo pipefail
curl() { command curl --fail-with-body "$@"; }
EOF
for ((n = 1; n <= blocks; n++)); do
    {
        echo "echo '--- block $n'"
        block "$n"
        echo "echo; echo 'done $n'"
    } >>"$scratch/run"
done
rc=0
bash "$scratch/run" >"$scratch/out" 2>&1 </dev/null || rc=$?
bad=0
for ((n = 1; n <= blocks; n++)); do
    if grep -qx "done $n" "$scratch/out"; then
        echo "ok $n - README block $n"
    else
        echo "not ok $n - README block $n"
        bad=1
    fi
done
if [ $bad -ne 0 ] || [ $rc -ne 0 ]; then
    sed 's/^/# /' "$scratch/out" | tail -n 40
    tail -n 20 "$scratch/ordod.log" | sed 's/^/# ordod: /'
    exit 1
fi
