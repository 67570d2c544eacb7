#!/bin/sh
# clang-tidy over src, several at a time. A file is looked at again when it, any header, the rules or
# the build options are newer than its last clean pass. usage: tidy.sh BUILD-DIR
set -eu
build=$1
cd "$(dirname "$0")/../.."
stamps=$build/tidy
mkdir -p "$stamps"

newest=$(find src .clang-tidy meson.build \( -name '*.h' -o -name .clang-tidy -o -name meson.build \) \
    -printf '%T@ %p\n' | sort -rn | sed -n '1s/^[^ ]* //p')

export build stamps newest
# shellcheck disable=SC2016  # the inner shell expands
find src -name '*.c' -size +0 | sort | xargs -r -P "$(nproc)" -n 1 sh -c '
    stamp=$stamps/$(echo "$1" | tr / _)
    if [ -e "$stamp" ] && [ "$stamp" -nt "$1" ] && [ "$stamp" -nt "$newest" ]; then exit 0; fi
    rm -f "$stamp"
    if out=$(clang-tidy --quiet -p "$build" "$1" 2>&1); then
        touch "$stamp"
    else
        # The finding and its line; `clang-tidy -p BUILD-DIR FILE` shows the path that leads there.
        printf "%s\n" "$out" | grep -E -A 2 "(error|warning): " | grep -vE "^--|: note: " || :
        exit 1
    fi' tidy
