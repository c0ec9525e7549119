# SPDX-License-Identifier: Apache-2.0
# gpu -- a step and inference on a GPU: ours, PyTorch as people write it, PyTorch at its best; convolutions against floors. Sourced by run.sh.
# A PyTorch for the GPU: PETREL_PYTHON names its Python. FLOOR="TB/S TFLOP/S": of a GPU that is not in the table. What is printed is kept
# in tests/gpu/results/. PETREL_GPU_DRY=1: see tests/gpu/find.sh.
# shellcheck shell=bash disable=SC2154 # build, work, rounds are run.sh's
. tests/gpu/find.sh

# Memory's rate and that of dense bfloat16 products summed in float32, from NVIDIA's data sheets and white papers.
gpu_floor() { # DEVICE
    case $1 in
    *H200*) echo 4.8 989 ;;
    *"H100 NVL"*) echo 3.9 835 ;;
    *"H100 PCIe"*) echo 2.0 756 ;;
    *H100*) echo 3.35 989 ;;
    *A100*80GB*) echo 1.94 312 ;;
    *A100*) echo 1.56 312 ;;
    *"RTX 3060"*) echo 0.36 25.5 ;;
    *"RTX 3090"*) echo 0.936 71 ;;
    *"RTX 4090"*) echo 1.008 165 ;;
    esac
}

# Runs a command, its output to the end of a file, and behind it the most memory the device had in use meanwhile, less what it had before.
gpu_watched() { # FILE COMMAND...
    local out=$1 before watcher rc
    shift
    before=$("$smi" -i 0 --query-gpu=memory.used --format=csv,noheader,nounits 2>/dev/null)
    "$smi" -i 0 --query-gpu=memory.used --format=csv,noheader,nounits --loop-ms=50 >"$work/used" 2>/dev/null &
    watcher=$!
    "$@" >>"$out" 2>"$work/said"
    rc=$?
    kill $watcher 2>/dev/null
    wait $watcher 2>/dev/null
    [ $rc = 0 ] || { tail -n 3 "$work/said" >&2; return $rc; }
    echo "device_mib=$(sort -g "$work/used" | tail -n 1 | awk -v b="${before:-0}" '{ print $1 - b }')" >>"$out"
}

gpu_ours() { # NAME PAIRS OPTION...
    gpu_watched "$work/$1.$2" "$build/tests/bench/step" --brief 1 --backend cuda --pairs "$2" --repeat "$repeat" --steps "$steps" "${@:3}"
}
gpu_torch() { # NAME PAIRS OPTION...
    [ -n "$python" ] || return 0
    gpu_watched "$work/$1.$2" "$python" tests/bench/train_torch_gpu.py --pairs "$2" --repeat "$repeat" --steps "$steps" "${@:3}" "${torch_dry[@]}"
}

gpu_row() { # NAME PAIRS WHAT: beside the eager and the best PyTorch
    local f=$work/$1.$2
    [ -s "$f" ] || return 0
    awk -v n="$2" -v what="$3" -v s="$(best_of step_s lowest "$f")" -v boxes="$(best_of boxes_per_s highest "$f")" \
        -v mib="$(best_of device_mib lowest "$f")" -v eager="$(best_of step_s lowest "$work/eager.$2")" -v best="$(best_of step_s lowest "$work/best.$2")" 'BEGIN {
        printf "| %d | %s | %.3f | %s | %s | %s | %s | %s |\n", n, what, s * 1e3, eager ? sprintf("%.2fx", eager / s) : "-",
            best ? sprintf("%.2fx", best / s) : "-", 32000 * s < 1e4 ? sprintf("%.1f", 32000 * s) : "-", boxes, mib == "" ? "-" : mib }'
}

# The whole trainer: pair makers, augmentation, steps, validation, checkpoints, on a simulated cohort; what starting takes is subtracted.
gpu_whole() {
    local on epochs took few=10 many=310 small=()
    [ -z "${PETREL_GPU_DRY:-}" ] || few=1 many=2 small=(--backbone=resnet10 --backbone_width=4 --projection_width=32 --batch=8 --pairs_per_epoch=16)
    { "$build/bin/petrel-simulate" --quiet --out "$work/scans" --patients 12 --scale quick --seed 3 &&
        pipelines/rois.sh "$work/scans" --out "$work/cache" && "$build/bin/petrel-cache" split "$work/cache"; } >"$work/said" 2>&1 || { tail -n 5 "$work/said" >&2; return 1; }
    for on in pairs backend; do
        for epochs in $few $many; do
            took=$(date +%s.%N)
            pipelines/pretrain.sh --cache "$work/cache" --out "$work/$on.$epochs" --backend cuda --precision=bfloat16 --epochs="$epochs" --patience="$epochs" --warmup=1 \
                --augment-on=$on "${small[@]}" >"$work/said" 2>&1 || { tail -n 5 "$work/said" >&2; return 1; }
            echo "$epochs $took $(date +%s.%N)"
        done | awk -v on=$on '{ took[NR] = $3 - $2; n[NR] = $1 }
            END { if (NR < 2) exit 1; each = (took[2] - took[1]) / (n[2] - n[1])
                printf "pretraining, augmented by the %s: %.4f s an epoch, all included; 2000 epochs: %.0f s (computed from epochs %d to %d)\n",
                    on == "pairs" ? "pair makers" : "back end", each, each * 2000, n[1], n[2] }' || return
    done
}

gpu_report() {
    local n floor
    echo "== gpu: one step (forward, backward, VICReg, LARS) of the paper's network, two views; inference is the encoder alone: $device"
    gpu_describe
    machine_begin
    [ -n "$python" ] || echo "no PyTorch that sees the GPU (PETREL_PYTHON names a Python with one): ours alone"
    for _ in $(seq "$rounds"); do
        for n in $gpu_pairs; do
            gpu_ours petrel "$n" --precision bfloat16 --record 1 --put 0 || return
            gpu_torch eager "$n" --mode eager || return
            gpu_torch best "$n" --mode best || return
            gpu_ours host "$n" --precision bfloat16 --record 1 --put 1 || return
            gpu_ours plain "$n" --precision bfloat16 --record 0 --put 0 || return
            gpu_ours full "$n" --precision float32 --record 1 --put 0 || return
        done
    done
    machine_end
    if [ -n "$python" ]; then # the compiled one says what it had to leave out
        echo "PyTorch $(field version <"$work/best.${gpu_pairs%% *}" | head -n 1), cuDNN $(field cudnn <"$work/best.${gpu_pairs%% *}" | head -n 1); its best is without: $(field without <"$work/best.${gpu_pairs%% *}" | head -n 1)"
    fi
    echo "best of $rounds rounds, in turn; 32,000 steps: computed from the step, nothing else counted; device memory: all that the run took, over what was in use"
    printf '\n| pairs | | step, ms | PyTorch eager takes | PyTorch best takes | 32,000 steps, s | inference, boxes/s | device memory, MiB |\n|---|---|---|---|---|---|---|---|\n'
    for n in $gpu_pairs; do
        gpu_row petrel "$n" "Petrel, bfloat16"
        gpu_row eager "$n" "PyTorch eager, bf16 autocast, channels last"
        gpu_row best "$n" "PyTorch best, the same compiled, one CUDA graph"
        gpu_row host "$n" "Petrel, boxes put from the host at every step"
        gpu_row plain "$n" "Petrel, not recorded, each operation waited for"
        gpu_row full "$n" "Petrel, float32 in full"
    done
    echo
    echo "augmentation: by petrel-pairs, on one core of this host, and by the back end, as it puts a batch of 256 boxes"
    "$build/tests/bench/augment" | head -n 1
    "$build/tests/bench/augment" --backend cuda bfloat16 || return
    echo
    gpu_whole || return
    [ -z "${PETREL_GPU_DRY:-}" ] || return 0
    echo
    "$build/tests/bench/step" --backend cuda --precision bfloat16 --pairs 128 --repeat "$repeat" --put 0
    echo
    floor=${FLOOR:-$(gpu_floor "$device")}
    [ -n "$floor" ] || echo "no floors: '$device' is not in tests/bench/gpu.sh; FLOOR=\"TB/S TFLOP/S\" gives them"
    # shellcheck disable=SC2086 # two words
    "$build/tests/bench/conv" --backend cuda --precision bfloat16 --calls 20 ${floor:+--floor $floor} 256 64
}

bench_gpu() {
    local python steps=50 repeat=5 torch_dry=() gpu_pairs=${PAIRS:-128 32} stem
    gpu_find "$build" || { echo "bench gpu: $gpu_why" >&2; exit 69; }
    local sees='sys, torch; sys.exit(not torch.cuda.is_available())' # for python_with
    if [ -n "${PETREL_GPU_DRY:-}" ]; then
        steps=1 repeat=1 rounds=1 gpu_pairs=${PAIRS:-4} torch_dry=(--device cpu --tiny) sees=torch
    fi
    python=$(python_with "$sees")
    [ -e "${PETREL_CUDA:-$build/lib/petrel-cuda.so}" ] || { echo "bench gpu: '$device' is there, but not the CUDA part: make CUDA=1" >&2; exit 69; }
    stem=$(gpu_stem "$work")
    gpu_report 2>&1 | tee "$stem-speed.txt"
    [ "${PIPESTATUS[0]}" = 0 ] || exit 1
    echo "written to $stem-speed.txt"
}
