#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# recall -- of simulated lesions, those that each way of finding regions finds: the tables of docs/regions.md.
#   tests/bench/recall.sh WORK [COHORT...]      PETREL_BIN: the programs (default build/bin); PETREL_ANATOMY: organ maps (petrel-simulate --help)
#   COHORT is scale-site or scale-site-anatomy (quick-A, full-B, quick-A-anatomy); default: all of them there are maps for
#   PATIENTS (40), SEED (1), METHODS (fcm fixed relative percist). What is in WORK already is not made again.
set -u
[ $# -ge 1 ] || { sed -n '3,7s/^# *//p' "$0" >&2; exit 64; }
bin=$(realpath "${PETREL_BIN:-build/bin}")
mkdir -p "$1" && cd "$1" || exit 73
shift
cohorts=("$@")
[ ${#cohorts[@]} -gt 0 ] || {
    cohorts=(quick-A quick-B full-A full-B)
    [ -z "${PETREL_ANATOMY:-}" ] || cohorts+=(quick-A-anatomy quick-B-anatomy full-A-anatomy full-B-anatomy)
}

cohort_make() { # COHORT
    local scale=${1%%-*} site=${1#*-} words=()
    [[ $1 != *-anatomy ]] || words=(--anatomy "$PETREL_ANATOMY")
    "$bin/petrel-simulate" --quiet --out "$1" --patients "${PATIENTS:-40}" --seed "${SEED:-1}" --scale "$scale" --site "${site%%-*}" "${words[@]+"${words[@]}"}"
}
cache_make() { # COHORT METHOD
    [ ! -e "$1.$2/done" ] || return 0
    rm -rf "$1.$2" run
    mkdir run
    PETREL_RUN_DIR=$PWD/run
    export PETREL_RUN_DIR
    "$bin/petrel-load" --quiet "$1" 2>"$1.$2.log" &
    "$bin/petrel-suv" --quiet 2>>"$1.$2.log" &
    "$bin/petrel-roi" --roi-method "$2" 2>"$1.$2.roi.log" &
    "$bin/petrel-cache" collect "$1.$2" --roi-method "$2" --quiet 2>>"$1.$2.log"
    wait
    [ -s "$1.$2/manifest" ] && touch "$1.$2/done"
}

printf '| cohort (simulated) | method | scans | regions a scan | lesions of 0.5 ml, SUVmax 4 and more | in a region | its own | tumour regions | in organs left out | its own, apart from those | s a scan |\n'
printf '|---|---|---|---|---|---|---|---|---|---|---|\n'
for cohort in "${cohorts[@]}"; do
    cohort_make "$cohort" || exit
    for method in ${METHODS:-fcm fixed relative percist}; do
        cache_make "$cohort" "$method" || { echo "recall: no cache of $cohort by $method, see $PWD/$cohort.$method.log" >&2; exit 70; }
        seconds=$(sed -n 's/.*event=regions .* seconds=\([0-9.]*\).*/\1/p' "$cohort.$method.roi.log" | awk '{ s += $1 } END { printf "%.3f", s / NR }')
        "$bin/petrel-cache" recall "$cohort.$method" | awk -v cohort="$cohort" -v method="$method" -v s="$seconds" '
            /scans with a truth/ { scans = $1; regions = $6 }
            /^0.5 ml and SUVmax 4/ { n = NF; printf "| %s | %s | %d | %s | %d | %.1f %% | %.1f %% | %.1f %% | %d | %.1f %% | %s |\n",
                cohort, method, scans, regions, $(n-7), 100*$(n-6), 100*$(n-5), 100*$(n-4), $(n-3), 100*$(n-2), s }'
    done
done
