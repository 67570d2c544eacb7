# shellcheck shell=bash
# What a document tells its reader to paste, run as one script. Sourced by readme.sh and rehearsal.sh.

# pasted DOCUMENT INSTEAD COMMAND...: every block under a line `<!-- tested -->` in order and in one shell, after
# the lines on standard input. INSTEAD is a script of sed that puts this test's addresses and programs in place of
# the document's; COMMAND runs the script that is its last argument. One TAP case a block. False when one failed:
# then the output was shown.
pasted() {
    local document=$1 instead=$2 blocks n rc=0 bad=0
    shift 2
    blocks=$(grep -c '^<!-- tested -->$' "$document")
    echo "1..$blocks"
    {
        cat
        for ((n = 1; n <= blocks; n++)); do
            echo "echo '--- block $n'"
            awk -v want="$n" '/^<!-- tested -->$/ { n++ } /^```sh$/ && n == want { on = 1; next }
                /^```$/ { if (on) exit } on' "$document" | sed -e "$instead"
            echo "echo; echo 'done $n'"
        done
    } >"${scratch:?}/run"
    "$@" "$scratch/run" >"$scratch/out" 2>&1 </dev/null || rc=$?
    for ((n = 1; n <= blocks; n++)); do
        if grep -qx "done $n" "$scratch/out"; then
            echo "ok $n - $document block $n"
        else
            echo "not ok $n - $document block $n"
            bad=1
        fi
    done
    if [ $bad -ne 0 ] || [ $rc -ne 0 ]; then
        sed 's/^/# /' "$scratch/out" | tail -n 60
        return 1
    fi
}
