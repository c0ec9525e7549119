#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# programs -- R4 and R12: every program at its work, the k-th call of a kind failing (preload/preload.c): a disk that is full, broken or takes
# half, a file that cannot be read, memory that is gone. It leaves with a documented code and a sentence, never by a signal; what was
# there before is as it was or whole and new; and the same command afterwards makes what it would have made.
#   tests/fault/programs.sh [BUILD_DIR] [N]      N attacks of each kind on each program; k falls evenly on its calls. Without N one attack a
#                                                program, of a kind after another, and none on those of pipelines
#   PETREL_FAULT_KINDS="full broken short unread memory"   PETREL_FAULT_ROWS=REGEX   some alone
. "$(dirname "$0")/lib.sh" "${1:-build}"
each=${2:-1} kinds=${PETREL_FAULT_KINDS:-full broken short unread memory} in_turn=${2:+no}
preload=$build/tests/fault/preload.so
[ -e "$preload" ] || skip "no $preload: make tests"
nm -D "$build/bin/petrel-cache" 2>/dev/null | grep -qE '__(asan|tsan)_init' && skip "a sanitizer has an allocator of its own"
small_quietly small_model
small_quietly small_visits
visits=$SMALL/visits run=$(find "$SMALL" -maxdepth 1 -name 'cache*.run' | head -n 1) model=$SMALL/model/model.safetensors cache=$SMALL/cache scan=$(small_scan 1)
for i in $(seq 0 15); do printf '%d\t%d\n' "$i" $((i + 9)); done >pairs.tsv
small_recipe 2 >small.conf
# what each program does, from a folder of its own with a copy of the cache; what it makes lies in out/. A third word: which program of a
# pipeline is attacked
rois='"$TOP/pipelines/rois.sh" "$scan" --out out/cache --run "$work/run" -j 1 --spacing 6,6,6'
rows=(
    'simulate|petrel-simulate --quiet --out out --patients 1 --scale quick'
    'load --check|petrel-load --check "$scan"'
    'suv explain|petrel-suv explain "$scan"'
    'cache verify|petrel-cache verify cache'
    'cache ls|petrel-cache ls --json cache'
    'cache recall|petrel-cache recall --json cache'
    'cache split|petrel-cache split cache --force --seed 7'
    'cache pictures|petrel-cache pictures cache'
    'pairs show|petrel-pairs show --cache cache --batch 4'
    'train pretrain|petrel-train pretrain --quiet --cache cache --pair-list ../pairs.tsv --recipe ../small.conf --threads 1 --run out'
    'train export|petrel-train export --quiet --init "$model" --compact out/compact --onnx out/model.onnx'
    'train describe|petrel-train describe --recipe ../small.conf'
    'eval report|petrel-eval report --quiet --threads 1 --cache cache --model "$model" --out out'
    'eval embed|petrel-eval embed --quiet --threads 1 --cache cache --model "$model" --split all --out out/e.tsv'
    'eval compare|petrel-eval compare --quiet --threads 1 --cache cache --name a --name b "$model" "$model" --out out/t.html --format html'
    'classify|petrel-classify --quiet --threads 1 --model "$model" "$scan" --out out'
    "load|$rois|petrel-load"
    "suv|$rois|petrel-suv"
    "roi|$rois|petrel-roi"
    "cache collect|$rois|petrel-cache"
    'pairs|bash ../serve.sh|petrel-pairs'
    'train|bash ../serve.sh|petrel-train'
    'export|petrel-export --quiet "$LATER" --dicom seg,sr,rtstruct --from "$visits/SIMULATED_0001/SIMULATED_FOLLOWUP" --out out --bids out/bids'
    'followup|petrel-followup --quiet earlier later'
    'top|petrel-top --once "$run"'
)
cat >serve.sh <<END
. "$TOP/pipelines/lib.sh"
run_begin "$work/run"
node pairs petrel-pairs cache --recipe ../small.conf
node train petrel-train pretrain --cache cache --run "$work/run" --out out/encoder.safetensors --recipe ../small.conf --threads 1
run_wait
END

# prepare: a folder as each row begins with
prepare() {
    rm -rf at
    mkdir at at/out
    cp -r "$cache" at/cache
    if [ "$name" = followup ]; then cp -r "$EARLIER" at/earlier && cp -r "$LATER" at/later; fi
    rm -rf run
}
run_row() { # run_row COMMAND [VARIABLE=VALUE...]: its code; stdout and stderr beside it
    local command=$1
    shift
    (cd at && eval "env $* timeout 120 $command") >stdout 2>stderr </dev/null
}
made() { (cd at && find . -type f ! -name '*.lock' ! -name lock ! -path '*/progress/*' ! -name '*.names' | sort | while read -r f; do
    case $f in
    *losses.csv | *.end | *-cost.tsv) echo "$f" ;; # seconds, energy
    *.html | *.h5) sha256sum <"$f" | sed "s|-|$f|" ;;
    *) sha256sum "$f" ;;
    esac
done); }

attacks=0 bad=0
complain() { # complain WHAT
    bad=$((bad + 1))
    echo "$name, $kind:$k: $1"
    sed 's/^/    | /' stderr | tail -n 5
}
for row in "${rows[@]}"; do
    IFS='|' read -r name command program <<<"$row"
    [[ $name =~ ${PETREL_FAULT_ROWS:-.} ]] || continue
    [ -z "$in_turn" ] || [ -z "$program" ] || continue # a pipeline takes its time
    program=${program:-${command%% *}}
    prepare
    made >before
    run_row "$command" || { kind=none k=0 complain "it fails undisturbed, with $?"; continue; }
    made >whole
    cp stdout whole.stdout
    rows_done=$((${rows_done:--1} + 1))
    here=$kinds
    if [ -z "$in_turn" ]; then
        read -ra each_kind <<<"$kinds"
        here=${each_kind[rows_done % ${#each_kind[@]}]}
    fi
    for kind in $here; do
        case $kind in full | broken | short) counted=writes ;; unread) counted=reads ;; memory) counted=allocations ;; esac
        rm -f count
        prepare
        run_row "$command" LD_PRELOAD="$preload" PETREL_FAULT=$counted:0 PETREL_FAULT_PROGRAM="$program" PETREL_FAULT_COUNT="$work/count"
        total=$(sort -n count 2>/dev/null | tail -n 1)
        [ "${total:-0}" -gt 0 ] || continue
        for ((i = 0; i < each && i < total; i++)); do
            # evenly, and somewhere in its share
            share=$((total / each > 0 ? total / each : 1))
            k=$((1 + i * share + $(below "$share")))
            prepare
            run_row "$command" LD_PRELOAD="$preload" PETREL_FAULT=$kind:$k PETREL_FAULT_PROGRAM="$program"
            code=$?
            attacks=$((attacks + 1))
            case $code in
            0 | 65 | 66 | 71 | 73 | 74 | 75) ;;
            *) complain "it leaves with $code" ;;
            esac
            [ $code = 0 ] || [ -s stderr ] || complain "it leaves with $code without a word"
            [ $code != 0 ] || case $kind in
            unread | memory) diff -q whole.stdout stdout >/dev/null || complain "it leaves with 0 and says other things" ;;
            esac
            # every file that was there is as it was, or as it should become; what has its name at the end is whole
            made | grep -vE '\.tmp$' | grep -vFx -f before | grep -vFx -f whole >half
            [ ! -s half ] || case $name in
            'train pretrain' | simulate | load | suv | roi | 'cache collect' | pairs | train)
                # checkpoints on the way, a cohort that a marker says is not finished, a cache that grows
                ;;
            *) complain "neither old nor new: $(tr '\n' ' ' <half | cut -c 1-200)" ;;
            esac
            # the same again, with nothing in its way
            cp stderr attacked.stderr
            run_row "$command" || { cp attacked.stderr stderr; complain "it does not go on afterwards ($?)"; }
            made | grep -vE '\.tmp$' | diff - whole >differs || complain "it makes other things afterwards: $(head -n 2 differs | tr '\n' ' ')"
        done
    done
done
case $kinds in
memory) tell R12 "an allocation fails: unclean" "$attacks" attacks 0 0 "$bad" ;;
*memory*) tell "R4 R12" "writes, reads and allocations fail: unclean" "$attacks" attacks 0 0 "$bad" ;;
*) tell R4 "writes and reads fail: unclean" "$attacks" attacks 0 0 "$bad" ;;
esac
