#!/bin/sh
# Expand, then contract: the release before this one runs on this release's schema, so that going back is
# installing it again. Its sources come from git; its migrations are replaced by ours, and its own contract
# suites run, on SQLite and PostgreSQL: every statement that it has is executed on the new schema, and what it
# reads back is what it wrote.
#
# usage: previous.sh SOURCE [TAG [MIGRATIONS]]
# TAG is the last release before HEAD when it is not given. MIGRATIONS are SOURCE's own, unless others are to
# be judged. Skipped where there is nothing to compare with: no git, or no release yet.
set -eu
source=$1
tag=${2-}
migrations=${3:-$source/migrations}

skip() {
    echo "1..0 # SKIP $1"
    exit 0
}
say() { printf '# %s\n' "$*"; }
fail() {
    printf 'not ok - %s\n' "$*"
    exit 1
}

git -C "$source" rev-parse --git-dir >/dev/null 2>&1 || skip 'no git here: the release before is not at hand'
[ -n "$tag" ] || tag=$(git -C "$source" describe --tags --match 'v[0-9]*' --abbrev=0 HEAD^ 2>/dev/null) ||
    skip 'no release has been tagged yet, or the tags were not fetched'

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM
mkdir "$dir/old"
git -C "$source" archive "$tag" | tar -x -C "$dir/old"

# What a release has applied is never edited, and what comes after it says that it runs on it.
for driver in "$dir"/old/migrations/*/; do
    driver=$(basename "$driver")
    known=0
    for file in "$dir/old/migrations/$driver"/[0-9]*.sql; do
        name=$driver/$(basename "$file")
        cmp -s "$file" "$migrations/$name" || fail "migrations/$name is in $tag and was changed since"
        known=$((known + 1))
    done
    for file in "$migrations/$driver"/[0-9]*.sql; do
        name=$driver/$(basename "$file")
        [ -e "$dir/old/migrations/$name" ] && continue
        needs=$(sed -n '1s/^-- needs: \([0-9]*\)$/\1/p' "$file")
        [ "${needs:-999}" -le "$known" ] ||
            fail "migrations/$name does not begin with \"-- needs: $known\": $tag would refuse the schema"
    done
    say "$tag knows $known migrations of $driver, there are $(find "$migrations/$driver" -name '[0-9]*.sql' | wc -l)"
done
rm -r "$dir/old/migrations"
cp -r "$migrations" "$dir/old/migrations"

meson setup "$dir/build" "$dir/old" -Dtests=true >"$dir/log" 2>&1 || {
    tail -n 20 "$dir/log"
    fail "$tag cannot be configured"
}
for driver in sqlite postgres; do
    suite=tests/contract/contract-store_$driver
    ninja -C "$dir/build" "$suite" >"$dir/log" 2>&1 || {
        tail -n 20 "$dir/log"
        fail "$suite of $tag cannot be built"
    }
    # Only the contract: the rest of the old suite knows how its own schema looks.
    TEST_CONTRACT_ONLY=1 "$dir/build/$suite" >"$dir/$driver" 2>"$dir/log" || {
        grep '^not ok' "$dir/$driver" || tail -n 20 "$dir/log"
        fail "$tag does not run on this schema of $driver"
    }
    say "$driver: $(sed -n 's/^1\.\.0 # SKIP //p' "$dir/$driver")$(grep -c '^ok' "$dir/$driver" || true) cases of $tag pass"
done
echo 'ok 1 - the release before runs on this schema'
echo '1..1'
