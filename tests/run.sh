# shellcheck shell=sh
# `./dev test`, read in by ./dev: uses its configure, compile, say, die. Every step adds to the three
# counts; what cannot run here is named with its reason and counts as skipped.
# shellcheck disable=SC2154  # build, jobs: ./dev sets them
# shellcheck disable=SC2030,SC2031  # beside() has counts of its own, on purpose

passed=0
failed=0
skipped=0
started=$(date +%s)
# Most tests with a daemon wait rather than work.
at_once=$((2 * jobs))

# count STEP PASSED FAILED SKIPPED
count() {
    passed=$((passed + $2))
    failed=$((failed + $3))
    skipped=$((skipped + $4))
    line="$1: $2 passed"
    [ "$3" -eq 0 ] || line="$line, $3 FAILED"
    [ "$4" -eq 0 ] || line="$line, $4 skipped"
    say "[$(($(date +%s) - started)) s] $line"
}

# skip STEP REASON
skip() {
    say "skipped: $1: $2"
    skipped=$((skipped + 1))
}

# suites STEP DIR [MESON-TEST-ARGUMENT...]: run the tests of a build directory and count their cases.
suites() {
    step=$1
    dir=$2
    shift 2
    rm -f "$dir"/meson-logs/testlog*
    meson test -C "$dir" --no-rebuild --quiet --num-processes "$at_once" "$@" >"$dir/test.log" 2>&1 </dev/null || :
    if ! tests/tally.py "$dir" >"$dir/tally" 2>>"$dir/test.log"; then
        tail -n 20 "$dir/test.log"
        count "$step (no result, see $dir/test.log)" 0 1 0
        return
    fi
    # shellcheck disable=SC2046
    count "$step" $(sed -n 1p "$dir/tally")
    sed 1d "$dir/tally" | grep . || :
}

# made STEP DIR [MESON-OPTION...]: set up and compile, or count a failure.
made() {
    step=$1
    dir=$2
    shift 2
    if configure "$dir" -Dtests=true -Dfaults=true -Dwerror="$strict" "$@" && compile "$dir"; then
        return 0
    fi
    count "$step: the build" 0 1 0
    return 1
}

# tests_of DIR [MESON-TEST-OPTION...]: their names.
tests_of() {
    meson test --no-rebuild --list -C "$@" 2>/dev/null | sed -n 's,^.* / ,,p'
}

built=no
plain() {
    if build_tests -Dwerror="$strict"; then
        built=yes
        # The tests wait more than they work: the checks of the sources run beside them.
        if [ "$quick" = no ]; then
            nice tests/lint/run.sh "$build" >"$build/lint.txt" 2>&1 </dev/null &
            lint_job=$!
        fi
        suites 'unit, contract, integration' "$build"
    else
        count 'unit, contract, integration: the build' 0 1 0
    fi
}

# Left out in all of the following: torture and soak, which are long and watch the daemon from outside, and what
# was run once on SQLite and runs again on PostgreSQL, whose driver has its contract, its outages and its daemons.
without_repeats() {
    tests_of "$1" --no-suite torture | grep -v -e '-postgres$'
}

# Counts lines too, for coverage().
address_sanitizer() {
    made 'address and undefined sanitizer' build-asan -Db_sanitize=address,undefined \
        -Db_lundef=false -Db_coverage=true || return 0
    find build-asan -name '*.gcda' -delete
    # shellcheck disable=SC2046
    ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1 \
    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 CK_TIMEOUT_MULTIPLIER=3 TEST_SLOW=3 \
        suites 'address and undefined sanitizer' build-asan -t 3 $(without_repeats build-asan)
}

# Left out: what is one thread and long, the adapters' contract and the explorer; what waits for simulated
# brokers, where the daemon's threads do nothing that the other programs do not show.
thread_sanitizer() {
    made 'thread sanitizer' build-tsan -Db_sanitize=thread -Db_lundef=false || return 0
    # shellcheck disable=SC2046
    TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 CK_TIMEOUT_MULTIPLIER=5 TEST_SLOW=5 \
        suites 'thread sanitizer' build-tsan -t 5 \
        $(without_repeats build-tsan | grep -vE '^(adapter-|explore|(matrix|flatten|flatten_elsewhere|lanes|egress|retries|reconcile|real_gates)$)')
}

# On the plain build. Left out: the programs of the integration tests and the long walks over the paper
# market, too slow under it (the sanitizers have them), and the loop's suite, which measures time.
under_valgrind() {
    [ $built = yes ] || return 0
    # shellcheck disable=SC2046
    at_once=$jobs CK_TIMEOUT_MULTIPLIER=20 suites 'valgrind' "$build" -t 20 --wrapper "valgrind -q --error-exitcode=99 \
        --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite \
        --suppressions=$(pwd)/tests/valgrind.supp" \
        $(tests_of "$build" --suite unit | grep -vE '^(loop-|paper-(market|random)$)')
}

# fuzz_one PROGRAM SECONDS: replay the corpus; with SECONDS, then look for more.
fuzz_one() {
    name=$(basename "$1")
    corpus=tests/fuzz/corpus/${name#fuzz-}
    log=build-fuzz/$name.log
    mkdir -p "build-fuzz/found/$name"
    : >"$log"
    set -- "$1" "$2" -artifact_prefix="build-fuzz/found/$name/" -rss_limit_mb=2048 -timeout=10 \
        -close_fd_mask=3
    program=$1
    seconds=$2
    shift 2
    if [ -d "$corpus" ]; then
        "$program" "$@" -runs=0 "$corpus" >>"$log" 2>&1 </dev/null || return 1
    fi
    [ "$seconds" -gt 0 ] || return 0
    mkdir -p "build-fuzz/corpus/$name"
    # One seed, so that the same tree fares alike each time; FUZZ_SEED=0 (nightly) draws one.
    set -- "$@" -seed="${FUZZ_SEED:-1}" -max_total_time="$seconds" "build-fuzz/corpus/$name"
    [ ! -d "$corpus" ] || set -- "$@" "$corpus"
    "$program" "$@" >>"$log" 2>&1 </dev/null
}

fuzz() {
    if ! echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return 0; }' |
        clang -x c -fsanitize=fuzzer - -o /dev/null 2>/dev/null; then
        skip 'fuzzing' 'this clang has no libFuzzer (package libclang-rt-14-dev)'
        return
    fi
    if ! CC=clang configure build-fuzz -Dtests=true -Dfuzz=true -Db_lundef=false \
        -Db_sanitize=address,undefined; then
        count 'fuzzing: the build' 0 1 0
        return
    fi
    targets=$(ninja -C build-fuzz -t targets all | sed -n 's,^\(tests/fuzz/fuzz-[^/:]*\): .*LINKER$,\1,p')
    # shellcheck disable=SC2086
    if [ -z "$targets" ] || ! compile build-fuzz $targets; then
        count 'fuzzing: the build' 0 1 0
        return
    fi
    seconds=0
    what='fuzzing (corpus replayed)'
    if [ "$fuzz" = yes ]; then
        seconds=${FUZZ_SECONDS:-60}
        what="fuzzing (corpus replayed, $seconds s each)"
    fi
    fuzz_good=0
    fuzz_bad=0
    set --
    for target in $targets; do set -- "$@" "build-fuzz/$target"; done
    # As many at a time as there are processors.
    while [ $# -gt 0 ]; do
        batch=
        n=0
        while [ $# -gt 0 ] && [ $n -lt "$jobs" ]; do
            fuzz_one "$1" "$seconds" &
            batch="$batch $!:$1"
            shift
            n=$((n + 1))
        done
        for job in $batch; do
            if wait "${job%%:*}"; then
                fuzz_good=$((fuzz_good + 1))
            else
                fuzz_bad=$((fuzz_bad + 1))
                say "  $(basename "${job#*:}"): a finding; see build-fuzz/found and its log:"
                grep -E -m 3 'ERROR|SUMMARY|runtime error|Test unit written' \
                    "build-fuzz/$(basename "${job#*:}").log" | sed 's/^/    | /' || :
            fi
        done
    done
    count "$what" $fuzz_good $fuzz_bad 0
}

# beside STEP: the step in the background, with counts of its own; joined() adds them.
beside() {
    rm -f "$build/$1.count"
    (
        passed=0 failed=0 skipped=0
        "$1"
        printf '%s\n' "$passed $failed $skipped" >"$build/$1.count"
    ) >"$build/$1.txt" 2>&1 </dev/null &
    beside_job=$!
}

joined() {
    wait "$beside_job" || :
    cat "$build/$1.txt"
    if [ -s "$build/$1.count" ]; then
        read -r good bad out <"$build/$1.count"
        passed=$((passed + good))
        failed=$((failed + bad))
        skipped=$((skipped + out))
    else
        count "$1 (no result)" 0 1 0
    fi
}

coverage() {
    if [ "$coverage" != yes ]; then
        skip 'coverage' 'asked for with --coverage, and always on in CI'
        return
    fi
    # What the tests under the address sanitizer went through.
    if tests/coverage.py build-asan >build-asan/coverage.txt 2>&1; then
        count 'coverage' "$(grep -c '^ok' build-asan/coverage.txt)" 0 0
    else
        count 'coverage' "$(grep -c '^ok' build-asan/coverage.txt)" \
            "$(grep -vc '^ok' build-asan/coverage.txt)" 0
    fi
    sed 's/^/  /' build-asan/coverage.txt
}

# Begun by plain().
lint() {
    [ $built = yes ] || return 0
    wait "$lint_job" || :
    grep -v '^ok' "$build/lint.txt" | sed 's/^/  /' | head -n 100 || :
    count 'lint' "$(grep -c '^ok' "$build/lint.txt")" "$(grep -c '^not ok' "$build/lint.txt")" 0
}

# The package, built twice in two directories, under lintian. Each of the three counts.
package() {
    rc=0
    (cmd_deb --twice) >"$build/deb.log" 2>&1 </dev/null || rc=$?
    good=$(grep -cE '^(Both builds are the same|lintian: nothing|dist/ordo_)' "$build/deb.log") || :
    [ $rc -eq 0 ] || tail -n 20 "$build/deb.log" | sed 's/^/  | /'
    count 'package (built, the same twice, lintian)' "$good" $((3 - good)) 0
    [ $rc -eq 0 ]
}

# booted_test SCRIPT: its cases in TAP; exit status 77 and its reason as the last line: cannot run here.
booted_test() {
    name=system/$(basename "$1" .py)
    log=$build/$(basename "$1").log
    rc=0
    ORDO_FAULTS=$(pwd)/build-faults/src/ordod python3 "$1" >"$log" 2>&1 </dev/null || rc=$?
    if [ $rc -eq 77 ]; then
        skip "$name" "$(tail -n 1 "$log")"
        return
    fi
    planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$log")
    good=$(grep -c '^ok ' "$log") || :
    out=$(grep -c '^ok .* # SKIP' "$log") || :
    # What has no result, because the machine did not boot or the script broke, has failed.
    bad=$((${planned:-1} - good))
    [ $rc -eq 0 ] || [ $bad -gt 0 ] || bad=1
    if [ $bad -gt 0 ]; then
        sed 's/^/  | /' "$log"
    else
        grep -E '^# |# SKIP' "$log" | sed 's/^/  /' || :
    fi
    count "$name" $((good - out)) $bad "$out"
}

# On a Debian with a booted systemd, the package installed.
booted() {
    if ! package; then
        count 'system: there is no package to install' 0 1 0
        return
    fi
    if ! configure build-faults --prefix=/usr -Dfaults=true -Dtests=false -Dwerror="$strict" ||
        ! compile build-faults src/ordod; then
        count 'system: the build with faults' 0 1 0
        return
    fi
    for script in tests/system/test_*.py; do
        case $script in
        */test_container_*) ;;
        *) booted_test "$script" ;;
        esac
    done
    # Of the image what compose makes of it; the first script has built it.
    if [ "$system" != yes ]; then
        skip 'system/test_container_*' 'the plain image, rollback, PostgreSQL, the host: asked for with --system'
        return
    fi
    export IMAGES_BUILT=yes
    for script in tests/system/test_container_*.py; do booted_test "$script"; done
}

# It builds everything once more, on a Debian without a package: asked for only.
bare() {
    if [ "$system" != yes ]; then
        skip system/bare 'asked for with --system'
        return
    fi
    rc=0
    BARE_TEST=yes tests/system/bare.sh >"$build/bare.log" 2>&1 </dev/null || rc=$?
    case $rc in
    0) count system/bare 1 0 0 ;;
    77) skip system/bare "$(tail -n 1 "$build/bare.log")" ;;
    *)
        tail -n 20 "$build/bare.log" | sed 's/^/  | /'
        count system/bare 0 1 0
        ;;
    esac
}

test_all() {
    quick=no
    fuzz=no
    coverage=no
    system=no
    strict=false
    if [ "${CI-}" = true ]; then
        fuzz=yes
        coverage=yes
        strict=true
    fi
    for option; do
        case $option in
        --quick) quick=yes ;;
        --fuzz) fuzz=yes ;;
        --coverage) coverage=yes ;;
        --system) system=yes ;;
        *) usage >&2 && exit 1 ;;
        esac
    done
    plain
    if [ "$quick" = no ]; then
        lint
        address_sanitizer
        thread_sanitizer
        under_valgrind
        coverage
        # A machine that boots waits for much; fuzzing works all the time.
        beside fuzz
        booted
        joined fuzz
        bare
    fi
    say ''
    say "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
