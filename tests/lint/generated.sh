#!/bin/sh
# Generated files are what their generators print today. usage: generated.sh [--write] BUILD-DIR
set -eu
write=no
if [ "$1" = --write ]; then
    write=yes
    shift
fi
build=$1
cd "$(dirname "$0")/../.."

bad=0
# same FILE GENERATOR ARGUMENT...
same() {
    file=$1
    shift
    if [ ! -x "$1" ]; then
        echo "$file: its generator $1 is not built"
        bad=1
    elif ! "$@" >"$build/generated.tmp"; then
        echo "$file: its generator $1 failed"
        bad=1
    elif ! cmp -s "$build/generated.tmp" "$file"; then
        if [ $write = yes ]; then
            cp "$build/generated.tmp" "$file"
            echo "wrote $file"
        else
            echo "$file: not what $1 prints; run ./dev fmt"
            diff -u "$file" "$build/generated.tmp" | head -n 20 || :
            bad=1
        fi
    fi
    rm -f "$build/generated.tmp"
}

same .env.example "$build/src/config/ordo-options" env
same docs/options.md "$build/src/config/ordo-options" docs
same src/ordoctl/ordoctl.bash "$build/src/ordoctl/ordoctl-documents" bash
same docs/guarantees.md tests/matrix/guarantees.py
same docs/problems.md "$build/src/domain/ordo-problems"
exit $bad
