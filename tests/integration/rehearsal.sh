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

. tests/integration/pasted.sh
instead="s,127\.0\.0\.1:8090,127.0.0.1:$daemon_port,g; s,127\.0\.0\.1:7700,127.0.0.1:$sim_port,g"
at_desk() {
    (cd "$scratch/desk" && PATH="$scratch/bin:$PATH" timeout 200 bash "$@")
}
# A refused request is a failure here, and so is any command that fails.
if ! pasted docs/brokersim.md "$instead" at_desk; then
    tail -n 20 "$scratch/desk/rehearsal/log" | sed 's/^/# ordod: /'
    exit 1
fi <<'EOF'
set -euo pipefail
set -m # what is started with & has no terminal to lose
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
curl() { command curl --retry 20 --retry-connrefused --retry-delay 1 "$@"; }
EOF
