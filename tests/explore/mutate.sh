#!/bin/sh
# Shows that the explorer's rules can fail: breaks a copy of the orchestrator in one place after another and expects
# each to be found. usage: tests/explore/mutate.sh [NAME...]; some minutes, and 200 MB in TMPDIR.
set -eu
cd "$(dirname "$0")/../.."
wanted=$*
copy=$(mktemp -d "${TMPDIR:-/tmp}/ordo-mutants-XXXXXX")
trap 'rm -rf "$copy"' EXIT
found=0
missed=0

git ls-files -z | xargs -0 cp --parents -t "$copy"
meson setup "$copy/build" "$copy" -Dtests=true >"$copy/setup.log" 2>&1 || {
    tail -n 20 "$copy/setup.log"
    exit 1
}

# mutant NAME FILE SED-SCRIPT EXPLORE-ARGUMENT...: FILE under src/orchestrator.
mutant() {
    name=$1
    file=$copy/src/orchestrator/$2
    script=$3
    shift 3
    case " ${wanted:-$name} " in *" $name "*) ;; *) return 0 ;; esac
    cp "$file" "$copy/kept"
    sed -i -E "$script" "$file"
    if cmp -s "$file" "$copy/kept"; then
        echo "not ok $name: the source has changed, the mutation no longer applies"
        missed=$((missed + 1))
    elif ! ninja -C "$copy/build" tests/explore/explore >"$copy/build.log" 2>&1; then
        echo "not ok $name: it does not compile"
        grep -m 3 error "$copy/build.log" || :
        missed=$((missed + 1))
    elif "$copy/build/tests/explore/explore" "$@" --seconds 60 >"$copy/out" 2>&1; then
        echo "not ok $name: not found"
        missed=$((missed + 1))
    else
        echo "ok $name"
        sed -n '2,$s/^/    /p' "$copy/out"
        found=$((found + 1))
    fi
    cp "$copy/kept" "$file"
}

mutant sent-without-the-intent place_intent.c \
    's/store_submit\(p->o->store, &p->job.intent.job\);/go_on(p);/' --scenario place
mutant sent-while-the-intent-is-in-doubt place_intent.c \
    's/^ +place_reread\(p\);/                go_on(p);/' --scenario place
mutant unknown-taken-for-not-sent call.c \
    '/default:/{n;s/OUTCOME_UNKNOWN/OUTCOME_NOT_SENT/}' --scenario place
mutant sent-again-after-unknown place_send.c \
    's/^ +take_result\(leg, c\);/        if (c->result.outcome == OUTCOME_UNKNOWN \&\& leg->attempts++ < 2) { call_clear(c); place_send(t); return; }\n&/' \
    --scenario place
mutant the-mark-is-ignored-at-the-start orchestrator.c \
    '/^static int restore_leg/,/^}/{s/leg->state == LEG_STATE_SENDING/leg->state == LEG_STATE_REFUSED/;s/leg->state == LEG_STATE_INTENT/leg->state == LEG_STATE_SENDING/}' \
    --scenario place
mutant sent-before-the-mark place_mark.c \
    's/^ +ledger_outcome\(p->o, &m->put, &m->riders\);/        place_send(t); free(m);/' \
    --scenario lane --crashes 0
mutant a-halt-is-not-asked-at-the-last-moment call.c \
    '/^static bool may_leave/,/^}/s/return false;/(void)0;/' --scenario halt --crashes 0
mutant a-row-of-another-leg-is-adopted candidate.c \
    's/sighting_ours\(&a->sightings, row->broker_order_id\)/false/;s/^ +l->since_us\)$/INT64_MIN)/' \
    --scenario twin
mutant a-row-of-another-price-is-adopted candidate.c \
    's/l->price == row->price && //' --scenario ladder --faults 2 --crashes 0
mutant the-key-is-not-written place_intent.c \
    's/\.idempotency_key = p->key_value,/.idempotency_key = NULL,/' --scenario place
mutant acknowledged-before-it-is-durable place_record.c \
    '/^static void recorded/,/^}/s/if \(job->result == STORE_OK\) \{/if (job) {/' --scenario place
mutant an-owed-cancel-is-forgotten leg_act.c \
    's/bool owed = l->cancel_owed;/bool owed = false;/' --scenario cancel
mutant an-unknown-cancel-is-not-repeated leg_doubt.c \
    's/l->cancel_repeats < CANCEL_REPEATS_MAX/false/' --scenario cancel
mutant an-end-without-its-record leg_write.c \
    's/if \(leg_unresolved\(&before\) && !w->note\.settles\)/if (false)/' --scenario cancel
mutant what-is-owed-to-the-ledger-is-not-tried-again leg_write.c \
    '/^void leg_writes_retry/,/^}/s/l->n_owed > 0/false/' --scenario night
mutant a-replay-tells-what-is-not-durable place_key.c \
    's/show_unresolved\(&p->o->open_legs, found\);/open_legs_apply(\&p->o->open_legs, found);/' \
    --scenario operator

echo "$found found, $missed not found"
[ $missed -eq 0 ]
