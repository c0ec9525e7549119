#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run -- speed, as ratios against named peers on the same cores in the same run.   tests/bench
#   tests/bench/run.sh [BUILD_DIR] [NAME]
#     train    a pretraining step and inference, ours and PyTorch's alternating; GFLOP/s of live work against sgemm's
#     layers   the convolutions layer by layer: forward, data gradient, weight gradient; ours and oneDNN's alternating
#     augment  the five augmentations of a box, ours and MONAI's
#     tsne     3,000 embeddings of 512 numbers on a plane, ours and scikit-learn's
#     load     scans in: reading against nibabel and pydicom, whole pipelines, workers (load.sh); regions against scikit-image and SciPy
#     gpu      a GPU's step, ours and PyTorch's twice over, and the convolutions against their floors (gpu.sh); 69 where there is none
#     all      train, layers and augment (the default)
# THREADS=2 PAIRS="8 32 128" ROUNDS=2, PETREL_PYTHON (a Python with the peers) and PETREL_PEERS (a venv with them) may be set. A peer that is not
# installed is said aloud and left out. Other work on the machine makes every figure wrong: how much there was is printed.
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath -m "${1:-build}") name=${2:-all}
threads=${THREADS:-$(nproc)} pairs=${PAIRS:-8 32 128} rounds=${ROUNDS:-2}
work=$(mktemp -d "${TMPDIR:-/tmp}/petrel-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
# glibc keeps what is freed, so that PyTorch does not ask the kernel for the same pages at every step
kept=(MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TOP_PAD_=268435456)

field() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p"; }                  # field KEY <line
python_with() { # a Python that has the module
    local p
    for p in ${PETREL_PYTHON:+"$PETREL_PYTHON"} "${PETREL_PEERS:-build/peers}/bin/python" /usr/bin/python3 python3; do
        "$p" -c "import $1" 2>/dev/null && { echo "$p"; return 0; }
    done
    return 1
}

# ---- the state of the machine: busy time of all processes less that of our own ----
busy_s() { awk -v hz="$(getconf CLK_TCK)" '/^cpu / { print ($2 + $3 + $4 + $7 + $8) / hz; exit }' /proc/stat; }
children_s() { awk 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, t, "m"); s += t[1] * 60 + t[2] } print s }' "$work/times"; }
machine_begin() {
    echo "machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $threads threads; $(uname -sr); $(date -u +%F)"
    begun=$SECONDS busy=$(busy_s)
    times >"$work/times" # of this shell: a subshell would begin at nought
    own=$(children_s)
    echo "load average before: $(cut -d' ' -f1-3 /proc/loadavg)"
}
machine_end() {
    times >"$work/times"
    awk -v b0="$busy" -v b1="$(busy_s)" -v o0="$own" -v o1="$(children_s)" -v t=$((SECONDS - begun)) -v n="$(nproc)" 'BEGIN {
        other = (b1 - b0) - (o1 - o0); if (other < 0) other = 0
        share = (t > 0) ? 100 * other / (t * n) : 0
        printf "other processes took %.0f %% of the cores in these %d s%s\n", share, t,
            (share > 5) ? ": the machine was NOT quiet, trust only ratios" : "" }'
    echo "load average after: $(cut -d' ' -f1-3 /proc/loadavg)"
}

# ---- train ----
petrel_step() { # POLICY PAIRS [PRECISION]
    env OMP_WAIT_POLICY="$1" "$build/tests/bench/step" --brief 1 --threads "$threads" --pairs "$2" --repeat 5 --precision "${3:-float32}"
}
torch_step() { # POLICY FORMAT PAIRS REPEAT
    env OMP_WAIT_POLICY="$1" "${kept[@]}" "$python" tests/bench/train_torch.py --threads "$threads" --format "$2" --pairs "$3" --repeat "$4"
}
choose() { # fastest way of waiting (and memory format) at 32 pairs: each side is shown at its best
    local policy format s best=
    for policy in active passive; do
        s=$(petrel_step $policy 32 | field step_s)
        if [ -z "$best" ] || awk "BEGIN { exit !($s < $best) }"; then best=$s petrel_policy=$policy; fi
    done
    echo "petrel: threads that wait are '$petrel_policy', the faster at 32 pairs ($best s)"
    [ -n "$python" ] || return 0
    best=
    for policy in active passive; do
        for format in contiguous channels_last; do
            s=$(torch_step $policy $format 32 1 | field step_s)
            echo "    torch, 32 pairs, $policy, $format: $s s"
            if [ -z "$best" ] || awk "BEGIN { exit !($s < $best) }"; then best=$s torch_policy=$policy torch_format=$format; fi
        done
    done
    echo "torch: threads that wait are '$torch_policy', memory format '$torch_format', the fastest of those; inference always contiguous"
}
best_of() { # KEY lowest|highest FILE: over the rounds
    field "$1" <"$3" | sort -g | { if [ "$2" = lowest ]; then head -n 1; else tail -n 1; fi; }
}
bench_train() {
    local round n gemm p t
    echo "== train: one step (forward, backward, VICReg, LARS) of the paper's network, two views; inference is the encoder alone"
    machine_begin
    python=$(python_with torch) || { python= && echo "torch is not installed (apt-get install python3-torch): ours alone"; }
    "$build/tests/bench/sgemm" --threads "$threads" | tee "$work/sgemm"
    choose
    for round in $(seq "$rounds"); do
        for n in $pairs; do
            petrel_step "$petrel_policy" "$n" >>"$work/petrel.$n"
            petrel_step "$petrel_policy" "$n" bfloat16 >>"$work/narrow.$n" || echo "no bfloat16 rows, then"
            [ -z "$python" ] || torch_step "$torch_policy" "$torch_format" "$n" 2 >>"$work/torch.$n"
        done
    done
    "$build/tests/bench/sgemm" --threads "$threads" | tee -a "$work/sgemm"
    machine_end
    gemm=$(best_of gflop_per_s highest "$work/sgemm")
    if [ -n "$python" ]; then
        echo "PyTorch $(field version <"$work/torch.${pairs%% *}" | head -n 1), glibc $(getconf GNU_LIBC_VERSION | cut -d' ' -f2) tuned; best of $rounds rounds, alternating"
    fi
    printf '\n| pairs | | Petrel | PyTorch | ratio | Petrel live GFLOP/s | of sgemm (%.0f) | peak GiB, Petrel | PyTorch |\n|---|---|---|---|---|---|---|---|---|\n' "$gemm"
    for n in $pairs; do
        p=$work/petrel.$n t=$work/torch.$n
        touch "$t"
        row "$n" "step, s" "$(best_of step_s lowest "$p")" "$(best_of step_s lowest "$t")" lower "$(best_of step_live_gflop_per_s highest "$p")" \
            "$gemm" "$(best_of peak_gib lowest "$p")" "$(best_of peak_gib lowest "$t")"
        [ ! -s "$work/narrow.$n" ] || row "$n" "step, s, bfloat16 convolutions" "$(best_of step_s lowest "$work/narrow.$n")" \
            "$(best_of step_s lowest "$t")" lower "$(best_of step_live_gflop_per_s highest "$work/narrow.$n")" "$gemm" \
            "$(best_of peak_gib lowest "$work/narrow.$n")" ""
        row "$n" "inference, boxes/s" "$(best_of boxes_per_s highest "$p")" "$(best_of boxes_per_s highest "$t")" higher \
            "$(best_of infer_live_gflop_per_s highest "$p")" "$gemm" "" ""
    done
}
row() {
    awk -v n="$1" -v what="$2" -v p="$3" -v t="$4" -v better="$5" -v live="$6" -v gemm="$7" -v pm="$8" -v tm="$9" 'BEGIN {
        ratio = t == "" ? "-" : sprintf("%.1fx", better == "lower" ? t / p : p / t)
        printf "| %s | %s | %s | %s | %s | %s | %.0f %% | %s | %s |\n", n, what, p, t == "" ? "-" : t, ratio, live, 100 * live / gemm, pm, tm }'
}

bench_layers() {
    echo "== layers: GFLOP/s of live work (taps that fall on padding are not counted)"
    machine_begin
    "$build/tests/bench/conv" --threads "$threads" 256
    machine_end
}

bench_tsne() {
    local n=3000 d=512 round ours theirs
    echo "== tsne: $n points of $d numbers; ours 500 iterations, scikit-learn's its own 1,000 (Barnes-Hut), perplexity 30, both from principal components"
    python=$(python_with sklearn) || { echo "scikit-learn is not installed (tests/peers.sh --bench): nothing to compare with"; return; }
    machine_begin
    "$python" tests/bench/tsne_peers.py make $n $d "$work/points"
    for round in $(seq "$rounds"); do
        OMP_NUM_THREADS=$threads "$build/tests/bench/tsne" "$work/points" $n $d "$work/ours" | tee -a "$work/tsne.ours"
        OMP_NUM_THREADS=$threads "$python" tests/bench/tsne_peers.py run $n $d "$work/points" "$work/theirs" | tee -a "$work/tsne.theirs"
    done
    ours=$(best_of seconds lowest "$work/tsne.ours") theirs=$(best_of seconds lowest "$work/tsne.theirs")
    awk -v o="$ours" -v t="$theirs" 'BEGIN { printf "petrel %.2f s, scikit-learn %.2f s: %.1f times as fast\n", o, t, t / o }'
    for round in ours theirs; do echo "$round: $("$python" tests/bench/tsne_peers.py judge $n $d "$work/points" "$work/$round")"; done
    machine_end
}
bench_augment() {
    echo "== augment: affine, flip, rotate, noise, histogram shift, p 0.8 each, 16^3, one core"
    machine_begin
    "$build/tests/bench/augment" | tee "$work/augment"
    if python=$(python_with monai); then
        "$python" tests/bench/augment_monai.py | tee "$work/monai"
        awk -v a="$(head -n 1 "$work/augment" | field boxes_per_s)" -v b="$(field boxes_per_s <"$work/monai")" 'BEGIN { if (b > 0) printf "ratio: %.0fx\n", a / b }'
    else
        echo "MONAI is not installed (tests/golden/augment/make.py says how; PETREL_PYTHON names the Python that has it): ours alone"
    fi
    machine_end
}

. tests/bench/load.sh
. tests/bench/gpu.sh

case $name in
train | layers | augment | tsne | load | gpu) "bench_$name" ;;
all) bench_train && echo && bench_layers && bench_augment ;;
*) echo "bench: there is no '$name'; there are train, layers, augment, load, gpu and all" >&2; exit 64 ;;
esac
