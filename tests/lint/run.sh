#!/bin/sh
# Every check of the sources: one line each, `ok NAME` or `not ok NAME` with what it found below it.
# usage: run.sh BUILD-DIR [CHECK...]     BUILD-DIR must be built (compile_commands.json, generators).
# shellcheck disable=SC2317  # the checks are called by name
set -eu
build=$1
shift
cd "$(dirname "$0")/../.."

# A file that was removed but not yet committed is still listed by git.
sources() {
    git ls-files -co --exclude-standard -- "$@" | while read -r f; do
        [ ! -f "$f" ] || echo "$f"
    done
}


format() {
    sources '*.c' '*.h' | {
        bad=0
        while read -r f; do
            clang-format --dry-run -Werror "$f" 2>/dev/null || {
                echo "$f: not formatted; run ./dev fmt"
                bad=1
            }
        done
        return "$bad"
    }
}
tidy() { tests/lint/tidy.sh "$build"; }
cppchecked() {
    mkdir -p "$build/cppcheck"
    cppcheck -q -j "$(nproc)" --enable=warning,portability,performance --error-exitcode=1 \
        --inline-suppr --std=c11 --cppcheck-build-dir="$build/cppcheck" \
        --suppressions-list=tests/lint/cppcheck.txt --include=/usr/include/uthash.h \
        -I src -DH2O_USE_LIBUV=0 -D_GNU_SOURCE -DORDO_VERSION='""' src
}
# Scripts are known by their first line, not by their name.
scripts() {
    sources | while read -r f; do
        case $f in
        *.sh) echo "$f" ;;
        *) head -c 64 "$f" | grep -qaE '^#!.*[/ ](sh|bash)( |$)' && echo "$f" ;;
        esac
    done || :
}
shell() { scripts | sort -u | xargs shellcheck -x; }
layers() { tests/lint/layers.sh; }
style() { tests/lint/style.sh; }
generated() { tests/lint/generated.sh "$build"; }
units() { tests/lint/units.sh "$build"; }
workflows() { tests/lint/workflows.sh "$build"; }

[ $# -gt 0 ] || set -- format layers style generated units workflows shell cppcheck tidy
bad=0
for check; do
    case $check in
    cppcheck) command=cppchecked ;;
    format | tidy | shell | layers | style | generated | units | workflows) command=$check ;;
    *)
        echo "no such check: $check (format, layers, style, generated, units, workflows, shell, cppcheck, tidy)" >&2
        exit 1
        ;;
    esac
    if out=$($command 2>&1); then
        echo "ok $check"
    else
        bad=1
        echo "not ok $check"
        printf '%s\n' "$out" | sed 's/^/  /'
    fi
done
exit $bad
