#!/bin/sh
# What no other tool checks: sizes, leftovers, and functions that Ordo does without.
set -eu
cd "$(dirname "$0")/../.."

max_file=700
max_function=100
max_column=100
# Unbounded, not thread-safe, locale- or state-dependent, or unable to report an error.
banned='strcpy|strcat|strncpy|strncat|stpcpy|sprintf|vsprintf|gets|scanf|sscanf|fscanf|atoi|atol|atoll|atof'
banned="$banned|strtok|rand|srand|random|srandom|drand48|localtime|gmtime|ctime|asctime|mktime|system|popen"
banned="$banned|tmpnam|tempnam|mktemp|alloca|setjmp|longjmp|signal|usleep|sleep"
# Money never meets floating point: these folders have none of it.
exact='src/domain src/broker src/paper src/orchestrator src/store src/audit src/config'

out=$(
    git ls-files -co --exclude-standard -- '*.c' '*.h' | while read -r file; do
        [ -f "$file" ] || continue
        awk -v file="$file" -v max_file=$max_file -v max_function=$max_function '
            /\t/ { printf "%s:%d: a tab\n", file, NR }
            /^\{$/ { start = NR }
            /^\}/ && start {
                if (NR - start - 1 > max_function)
                    printf "%s:%d: a function of %d lines (at most %d)\n", file, start,
                        NR - start - 1, max_function
                start = 0
            }
            END { if (NR > max_file) printf "%s: %d lines (at most %d)\n", file, NR, max_file }
        ' "$file"
        # awk may count bytes; columns are characters.
        LC_ALL=C.UTF-8 grep -nE "^.{$((max_column + 1))}" "$file" |
            sed "s,^\([0-9]*\):.*,$file:\1: longer than $max_column columns," || :
    done
    git grep --untracked -nE '\b(TODO|FIXME|XXX|HACK)\b' -- '*.c' '*.h' '*.sh' '*.md' dev '*meson*' \
        ':!tests/lint/style.sh' || :
    # Comments and strings may name them: cut both before looking.
    git ls-files -co --exclude-standard -- 'src/*.c' 'src/*.h' | while read -r file; do
        [ -f "$file" ] || continue
        sed -E 's/"([^"\\]|\\.)*"/""/g; s,//.*,,; s,/\*.*\*/,,; s,^ *\*.*,,; s,/\*.*,,' "$file" |
            grep -nE "(^|[^A-Za-z0-9_.>])($banned) *\(" | sed "s,^,$file: not used here: ," || :
    done
    for folder in $exact; do
        for file in "$folder"/*.[ch]; do
            [ -f "$file" ] || continue
            sed -E 's/"([^"\\]|\\.)*"/""/g; s,//.*,,; s,/\*.*\*/,,; s,^ *\*.*,,; s,/\*.*,,' "$file" |
                grep -nE '\b(double|float)\b' | sed "s,^,$file: no floating point here: ," || :
        done
    done
)
[ -z "$out" ] || {
    printf '%s\n' "$out"
    exit 1
}
