#!/bin/sh
# units/backup.sh with an ordoctl that does what the case wants: which backups stay. Prints TAP.
set -eu
script=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM
mkdir "$dir/bin"
PATH=$dir/bin:$PATH
export PATH BACKUP_DIR="$dir/backups"

n=0
# ok DESCRIPTION CONDITION...
ok() {
    n=$((n + 1))
    description=$1
    shift
    if "$@"; then echo "ok $n - $description"; else echo "not ok $n - $description"; fi
}

# begin: five backups of other days, and what is none.
begin() {
    rm -rf "$BACKUP_DIR"
    mkdir "$BACKUP_DIR"
    for day in 01 02 03 04 05; do echo "$day" >"$BACKUP_DIR/ordo-202601${day}T200000Z.db"; done
    echo mine >"$BACKUP_DIR/ordo-before-the-move.db"
}
ordoctl_that() {
    printf '#!/bin/sh\n%s\n' "$1" >"$dir/bin/ordoctl"
    chmod +x "$dir/bin/ordoctl"
}
# shellcheck disable=SC2317  # called by ok
stay() { [ "$(cd "$BACKUP_DIR" && echo ordo-202601??T*)" = "$1" ]; }
# shellcheck disable=SC2317
count() { [ "$(find "$BACKUP_DIR" -type f | wc -l)" -eq "$1" ]; }
run() { BACKUP_KEEP=$1 "$script" >"$dir/out" 2>&1; }
# shellcheck disable=SC2317
refused() { ! run "$1"; }

# shellcheck disable=SC2016  # the fake expands
ordoctl_that '[ "$1" = backup ] && echo new >"$2"'
begin
ok 'a backup is made' run 3
ok 'as many stay as are wanted, and files of other names' count 4
ok 'the new one is among them' grep -rq new "$BACKUP_DIR"
ok 'the newest of the old ones stay' stay 'ordo-20260104T200000Z.db ordo-20260105T200000Z.db'
begin
ok 'fewer than may stay' run 14
ok 'nothing is deleted then' count 7

ordoctl_that 'echo "the ledger cannot be read" >&2; exit 2'
begin
ok 'a failed backup is a failure' refused 1
ok 'it deletes nothing' count 6

# shellcheck disable=SC2016
ordoctl_that 'echo new >"$2"'
for keep in 0 -1 x 3x '' 01; do
    begin
    ok "BACKUP_KEEP=$keep is refused" refused "$keep"
    ok 'before anything is done' count 6
done
echo "1..$n"
