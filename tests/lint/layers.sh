#!/bin/sh
# Who may include whom: the arrows of docs/architecture.md, and the few files that may see a library
# which must stay replaceable or whose functions block.
set -eu
cd "$(dirname "$0")/../.."

# folder: the folders (or single headers) of ours it may include, besides itself. Only daemon, and
# ordod.c above it, see all.
arrows='
base:
domain: base
loop: base
config: domain base
broker: domain base
net: loop base
store: domain loop base
audit: domain base
paper: domain base
orchestrator: broker net store audit domain loop base
http: orchestrator domain loop base
service: loop base domain/event.h
daemon: audit broker config domain http loop net orchestrator paper service store base
ordoctl: config store audit domain loop base http/keys.h
'

# header pattern: the files (shell patterns) under src that may include it.
guards='
h2o: loop/loop.c http/server.c http/exchange.c http/access.c
systemd/: loop/* net/curl* base/log*.c service/*
curl/: net/* ordoctl/*
sqlite3: store/*
libpq: store/*
openssl/: domain/audit_chain.c http/server.c http/tls.*
'

bad=0
complain() {
    bad=1
    echo "$*"
}

# check FOLDER ALLOWED FILE
check() {
    # shellcheck disable=SC2013  # folder names are words
    for target in $(sed -n 's/^ *# *include *"\([a-z0-9_]*\/.*\)".*/\1/p' "$3" | sort -u); do
        case " $1 $2 " in
        *" ${target%%/*} "* | *" $target "*) ;;
        *) complain "$3: $1 may not include $target" ;;
        esac
    done
    if grep -nE '^ *# *include *"[^/]*"' "$3"; then
        complain "$3: include as \"folder/name.h\""
    fi
}

for dir in src/*/; do
    folder=$(basename "$dir")
    allowed=$(printf '%s' "$arrows" | sed -n "s/^$folder: *//p")
    printf '%s' "$arrows" | grep -q "^$folder:" || complain "src/$folder: not in the table of tests/lint/layers.sh"
    for file in "$dir"*.[ch]; do
        [ -f "$file" ] || continue
        check "$folder" "$allowed" "$file"
    done
done

# The simulated brokers are written from the brokers' documents; an adapter's mistake must not find
# itself in them.
for file in tests/brokersim/*.[ch]; do
    check brokersim 'base domain' "$file"
done

printf '%s\n' "$guards" | while IFS=: read -r header files; do
    [ -n "$header" ] || continue
    grep -rlE "^ *# *include *<$header" src | while read -r file; do
        found=no
        # The patterns are matched by case, not by the file system.
        set -f
        for pattern in $files; do
            # shellcheck disable=SC2254
            case ${file#src/} in $pattern) found=yes ;; esac
        done
        set +f
        [ $found = yes ] || echo "$file: may not include <$header…>"
    done
done >"${TMPDIR:-/tmp}/ordo-layers.$$"
if [ -s "${TMPDIR:-/tmp}/ordo-layers.$$" ]; then
    cat "${TMPDIR:-/tmp}/ordo-layers.$$"
    bad=1
fi
rm -f "${TMPDIR:-/tmp}/ordo-layers.$$"
exit $bad
