#!/bin/bash
# What docs/brokersim.md tells to paste works: every block under a line `<!-- tested -->`, in order and in one
# shell. One TAP case a block. usage: rehearsal.sh ORDOD ORDOCTL ORDO-BROKERSIM
set -euo pipefail
ordod=$(realpath "$1")
ordoctl=$(realpath "$2")
sim=$(realpath "$3")
cd "$(dirname "$0")/../.."
source=$PWD
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

read -r daemon_port sim_port < <(PYTHONPATH=tests/integration python3 -c 'import ordo; print(ordo.free_port(), ordo.free_port())')

# The programs as they would be if they were installed.
mkdir "$scratch/bin" "$scratch/desk"
cat >"$scratch/bin/ordod" <<END
#!/bin/sh
ORDO_MARKET_DIR=$source/data/market ORDO_MIGRATIONS_DIR=$source/migrations exec $ordod "\$@"
END
cat >"$scratch/bin/ordo-brokersim" <<END
#!/bin/sh
exec $sim --market-dir $source/data/market --listen 127.0.0.1:$sim_port "\$@"
END
chmod +x "$scratch/bin/ordod" "$scratch/bin/ordo-brokersim"
ln -s "$ordoctl" "$scratch/bin/ordoctl"

block() {
    awk -v want="$1" '/^<!-- tested -->$/ { n++ } /^```sh$/ && n == want { on = 1; next } /^```$/ { if (on) exit }
        on' docs/brokersim.md | sed "s,127\.0\.0\.1:8090,127.0.0.1:$daemon_port,g; s,127\.0\.0\.1:7700,127.0.0.1:$sim_port,g"
}

blocks=$(grep -c '^<!-- tested -->$' docs/brokersim.md)
echo "1..$blocks"
# A refused request is a failure here, and so is any command that fails.
cat >"$scratch/run" <<'EOT'
set -euo pipefail
set -m # what is started with & has no terminal to lose
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
curl() { command curl --retry 20 --retry-connrefused --retry-delay 1 "$@"; }
EOT
for ((n = 1; n <= blocks; n++)); do
    {
        echo "echo '--- block $n'"
        block "$n"
        echo "echo; echo 'done $n'"
    } >>"$scratch/run"
done
rc=0
(cd "$scratch/desk" && PATH="$scratch/bin:$PATH" timeout 200 bash "$scratch/run") >"$scratch/out" 2>&1 </dev/null || rc=$?
bad=0
for ((n = 1; n <= blocks; n++)); do
    if grep -qx "done $n" "$scratch/out"; then
        echo "ok $n - docs/brokersim.md block $n"
    else
        echo "not ok $n - docs/brokersim.md block $n"
        bad=1
    fi
done
if [ $bad -ne 0 ] || [ $rc -ne 0 ]; then
    sed 's/^/# /' "$scratch/out" | tail -n 60
    tail -n 20 "$scratch/desk/rehearsal/log" | sed 's/^/# ordod: /'
    exit 1
fi
