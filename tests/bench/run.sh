#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run -- speed, as ratios against named peers on the same cores in the same run.   tests/bench
#   tests/bench/run.sh [BUILD_DIR] [NAME]
#     train    a pretraining step and inference, float32 beside float32 and bfloat16 beside bfloat16, ours, Debian's PyTorch's and (where
#              tests/peers.sh --newest has put it in build/peers-newest, or PETREL_NEWEST) PyPI's newest alternating; live GFLOP/s against sgemm's
#     layers   the convolutions layer by layer: forward, data gradient, weight gradient; ours and oneDNN's alternating
#     augment  the five augmentations of a box, ours and MONAI's
#     methods  a step of every method of pretraining (pipelines/recipes/methods) and of every backbone with VICReg, float32, ours and both
#              PyTorches' in turns; METHODS="vicreg byol", BACKBONES="vit densenet" ("" for none), PAIRS, REPEAT
#     backbones    the backbones alone
#     tsne     3,000 embeddings of 512 numbers on a plane, ours and scikit-learn's
#     load     scans in: reading against nibabel and pydicom, whole pipelines, workers (load.sh); regions against scikit-image and SciPy
#     classify a scan from DICOM to its page: wall and processor seconds, peak memory (classify.sh)
#     keep     false positives that --keep tumour takes out of made masks of simulated patients, and lesions lost (keep.sh)
#     followup what became of lesions between two scans of simulated patients, as petrel-followup says and as it was (followup.sh)
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
precisions=(float32 bfloat16)
declare -A torch_python=() torch_version=() policy=() format=() # by "debian" or "newest", with ".precision"
petrel_step() { # POLICY PAIRS PRECISION
    env OMP_WAIT_POLICY="$1" "$build/tests/bench/step" --brief 1 --threads "$threads" --pairs "$2" --repeat 5 --precision "$3"
}
torch_step() { # WHICH POLICY FORMAT PAIRS REPEAT PRECISION
    env OMP_WAIT_POLICY="$2" "${kept[@]}" "${torch_python[$1]}" -W ignore tests/bench/train_torch.py --threads "$threads" --format "$3" --pairs "$4" --repeat "$5" \
        --precision "$6"
}
torches() { # who there is
    local which python=
    python=$(python_with torch) && torch_python[debian]=$python || echo "torch is not installed (apt-get install python3-torch)"
    python=${PETREL_NEWEST:-build/peers-newest/bin/python}
    "$python" -W ignore -c 'import torch' 2>/dev/null && torch_python[newest]=$python ||
        echo "the newest PyTorch is not there (tests/peers.sh --newest installs it): a comparison without it flatters"
    for which in "${!torch_python[@]}"; do
        torch_version[$which]=$("${torch_python[$which]}" -W ignore -c 'import torch; print(torch.__version__)')
    done
}
faster() { [ -z "$2" ] || awk "BEGIN { exit !($1 < $2) }"; } # SECONDS BEST
choose() { # fastest way of waiting (and memory format) at 32 pairs: each side is shown at its best, in each precision
    local p q f s best which
    for p in "${precisions[@]}"; do
        best=
        for q in active passive; do
            s=$(petrel_step $q 32 "$p" | field step_s)
            if [ -n "$s" ] && faster "$s" "$best"; then best=$s policy[petrel.$p]=$q; fi
        done
        [ -n "$best" ] || { echo "petrel: no $p here"; continue; }
        echo "petrel, $p: threads that wait are '${policy[petrel.$p]}', the faster at 32 pairs ($best s)"
        for which in "${!torch_python[@]}"; do
            best=
            for q in active passive; do
                for f in contiguous channels_last; do
                    s=$(torch_step "$which" $q $f 32 1 "$p" | field step_s)
                    echo "    torch ${torch_version[$which]}, $p, 32 pairs, $q, $f: ${s:-failed} s"
                    if [ -n "$s" ] && faster "$s" "$best"; then best=$s policy[$which.$p]=$q format[$which.$p]=$f; fi
                done
            done
        done
    done
    echo "torch is taken at the fastest of those; its inference always contiguous"
}
best_of() { # KEY lowest|highest FILE: over the rounds
    [ ! -s "$3" ] || field "$1" <"$3" | sort -g | { if [ "$2" = lowest ]; then head -n 1; else tail -n 1; fi; }
}
bench_train() {
    local round n p which gemm
    echo "== train: one step (forward, backward, VICReg, LARS) of the paper's network, two views; inference is the encoder alone"
    machine_begin
    torches
    "$build/tests/bench/sgemm" --threads "$threads" | tee "$work/sgemm"
    choose
    for round in $(seq "$rounds"); do
        for n in $pairs; do
            for p in "${precisions[@]}"; do
                [ -n "${policy[petrel.$p]:-}" ] || continue
                petrel_step "${policy[petrel.$p]}" "$n" "$p" >>"$work/petrel.$n.$p"
                for which in "${!torch_python[@]}"; do
                    [ -z "${policy[$which.$p]:-}" ] || torch_step "$which" "${policy[$which.$p]}" "${format[$which.$p]}" "$n" 2 "$p" >>"$work/$which.$n.$p"
                done
            done
        done
    done
    "$build/tests/bench/sgemm" --threads "$threads" | tee -a "$work/sgemm"
    machine_end
    gemm=$(best_of gflop_per_s highest "$work/sgemm")
    echo "glibc $(getconf GNU_LIBC_VERSION | cut -d' ' -f2), tuned for PyTorch; best of $rounds rounds, alternating; both sides of a row in the row's precision"
    printf '\n| pairs | | precision, both sides | Petrel | PyTorch %s | ratio | PyTorch %s | ratio | Petrel live GFLOP/s | of sgemm (%.0f) | peak GiB: Petrel | %s | %s |\n' \
        "${torch_version[debian]:-(Debian)}" "${torch_version[newest]:-(newest)}" "$gemm" "${torch_version[debian]:--}" "${torch_version[newest]:--}"
    echo '|---|---|---|---|---|---|---|---|---|---|---|---|---|'
    for n in $pairs; do
        for p in "${precisions[@]}"; do
            [ ! -s "$work/petrel.$n.$p" ] || row "$n" "step, s" "$p" step_s lowest step_live_gflop_per_s "$gemm"
        done
        for p in "${precisions[@]}"; do
            [ ! -s "$work/petrel.$n.$p" ] || row "$n" "inference, boxes/s" "$p" boxes_per_s highest infer_live_gflop_per_s "$gemm"
        done
    done
}
# ---- methods and backbones: a PyTorch stays open for all of them, asked by a line and answering by one ----
rows_of() { grep -oE '(^|[^_A-Z])(FIRST|ROW)\([a-z0-9_]+\)' "$1" | sed 's/.*(\(.*\))/\1/'; } # of a table of kernels/, such as methods.def
bench_methods() {
    local case m backbone n round which line key fd cases=() sizes=${PAIRS:-32 128} repeat=${REPEAT:-3}
    local -A ask=() answer=() pid=()
    for m in ${METHODS-$(rows_of kernels/methods/methods.def)}; do cases+=("$m"); done
    for backbone in ${BACKBONES-$(rows_of kernels/nets/backbones.def)}; do cases+=("vicreg $backbone"); done
    echo "== methods: one step (forward, backward, the method's loss, teacher and states, LARS) with PEB, float32; of ResNet18 where no backbone is named"
    machine_begin
    torches
    for which in "${!torch_python[@]}"; do
        mkfifo "$work/$which.ask" "$work/$which.answer"
        env OMP_WAIT_POLICY=passive "${kept[@]}" "${torch_python[$which]}" -W ignore tests/bench/methods_torch.py --threads "$threads" \
            --format "${FORMAT:-contiguous}" <"$work/$which.ask" >"$work/$which.answer" 2>"$work/$which.log" &
        pid[$which]=$!
        exec {fd}>"$work/$which.ask"
        ask[$which]=$fd
        exec {fd}<"$work/$which.answer"
        answer[$which]=$fd
    done
    for n in $sizes; do
        for case in "${cases[@]}"; do
            read -r m backbone <<<"$case"
            for round in $(seq "$rounds"); do
                env OMP_WAIT_POLICY=passive "$build/tests/bench/methods" --recipe "pipelines/recipes/methods/$m.conf" ${backbone:+--backbone "$backbone"} \
                    --pairs "$n" --repeat "$repeat" --threads "$threads" >>"$work/petrel.$case.$n" || return 70
                for which in "${!torch_python[@]}"; do
                    echo "$m $n $repeat $backbone" >&"${ask[$which]}"
                    read -r line <&"${answer[$which]}" && echo "$line" >>"$work/$which.$case.$n" || { cat "$work/$which.log" >&2; return 70; }
                done
            done
            echo "$n pairs, $case: $(best_of step_s lowest "$work/petrel.$case.$n") s$(for which in "${!torch_python[@]}"; do
                printf '; torch %s %s s' "${torch_version[$which]}" "$(best_of step_s lowest "$work/$which.$case.$n")$(field missing <"$work/$which.$case.$n" | head -n 1)"
            done); load $(cut -d' ' -f1 /proc/loadavg)" >&2
            params_agree "$case.$n"
        done
    done
    for which in "${!torch_python[@]}"; do
        eval "exec ${ask[$which]}>&- ${answer[$which]}<&-"
    done
    for which in "${!torch_python[@]}"; do # all are asked to end first: one holds the ends of those opened before it
        wait "${pid[$which]}"
    done
    machine_end
    echo "best of $repeat steps and $rounds rounds, in turns; threads that wait sleep; PyTorch's images ${FORMAT:-contiguous}; CPU: processor time of a step, which other work disturbs less"
    printf '\n| method | backbone | pairs | boxes | Petrel, s | PyTorch %s, s | ratio | PyTorch %s, s | ratio | Petrel, CPU s | PyTorch %s, CPU s | ratio | PyTorch %s, CPU s | ratio |\n' \
        "${torch_version[debian]:-(Debian)}" "${torch_version[newest]:-(newest)}" "${torch_version[debian]:-(Debian)}" "${torch_version[newest]:-(newest)}"
    echo '|---|---|---|---|---|---|---|---|---|---|---|---|---|---|'
    for n in $sizes; do
        for case in "${cases[@]}"; do
            read -r m backbone <<<"$case"
            printf '| %s | %s | %d | %d |' "$m" "${backbone:-resnet18}" "$n" $((n * $(field views <"$work/petrel.$case.$n" | head -n 1)))
            for key in step_s cpu_s; do
                awk -v p="$(best_of $key lowest "$work/petrel.$case.$n")" -v d="$(best_of $key lowest "$work/debian.$case.$n")" -v w="$(best_of $key lowest "$work/newest.$case.$n")" 'BEGIN {
                    printf " %.3f | %s | %s | %s | %s |", p, d ? sprintf("%.3f", d) : "-", d ? sprintf("%.1f", d / p) : "-", w ? sprintf("%.3f", w) : "-", w ? sprintf("%.1f", w / p) : "-" }'
            done
            echo
        done
    done
}
params_agree() { # CASE.PAIRS: both sides have one network, or it is said
    local which ours
    ours=$(field params <"$work/petrel.$1" | head -n 1)
    for which in "${!torch_python[@]}"; do
        grep -q "missing=\|params=$ours " "$work/$which.$1" || echo "$1: $ours parameters here, $(field params <"$work/$which.$1" | head -n 1) in $which: NOT one network" >&2
    done
}
bench_backbones() { METHODS='' bench_methods; }
row() { # PAIRS WHAT PRECISION KEY lowest|highest LIVE SGEMM
    local end=$1.$3
    awk -v n="$1" -v what="$2" -v precision="$3" -v better="$5" -v gemm="$7" -v p="$(best_of "$4" "$5" "$work/petrel.$end")" \
        -v t="$(best_of "$4" "$5" "$work/debian.$end")" -v u="$(best_of "$4" "$5" "$work/newest.$end")" -v live="$(best_of "$6" highest "$work/petrel.$end")" \
        -v pm="$(best_of peak_gib lowest "$work/petrel.$end")" -v tm="$(best_of peak_gib lowest "$work/debian.$end")" -v um="$(best_of peak_gib lowest "$work/newest.$end")" '
        function ratio(peer) { return peer == "" ? "-" : sprintf("%.1fx", better == "lowest" ? peer / p : p / peer) }
        function or(x) { return x == "" ? "-" : x }
        BEGIN {
            if (better != "lowest") pm = tm = um = "" # of the step
            printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %.0f %% | %s | %s | %s |\n", n, what, precision, p, or(t), ratio(t), or(u), ratio(u), live,
                100 * live / gemm, pm, tm, um }'
}

bench_layers() {
    echo "== layers: GFLOP/s of live work (taps that fall on padding are not counted)"
    machine_begin
    "$build/tests/bench/conv" --threads "$threads" 256
    machine_end
}

bench_tsne() {
    local n=3000 d=512 round ours theirs
    echo "== tsne: $n points of $d numbers; ours 500 iterations, scikit-learn's its own 1,000 (Barnes-Hut), perplexity 30, both from principal components; threads that wait sleep"
    python=$(python_with sklearn) || { echo "scikit-learn is not installed (tests/peers.sh --bench): nothing to compare with"; return; }
    machine_begin
    "$python" tests/bench/tsne_peers.py make $n $d "$work/points"
    for round in $(seq "$rounds"); do
        OMP_WAIT_POLICY=passive OMP_NUM_THREADS=$threads "$build/tests/bench/tsne" "$work/points" $n $d "$work/ours" | tee -a "$work/tsne.ours"
        OMP_WAIT_POLICY=passive OMP_NUM_THREADS=$threads "$python" tests/bench/tsne_peers.py run $n $d "$work/points" "$work/theirs" | tee -a "$work/tsne.theirs"
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
. tests/bench/classify.sh
. tests/bench/keep.sh
. tests/bench/followup.sh

case $name in
train | layers | augment | methods | backbones | tsne | load | gpu | classify | keep | followup) "bench_$name" ;;
all) bench_train && echo && bench_layers && bench_augment ;;
*) echo "bench: there is no '$name'; there are train, layers, augment, methods, backbones, tsne, load, classify, keep, followup, gpu and all" >&2; exit 64 ;;
esac
