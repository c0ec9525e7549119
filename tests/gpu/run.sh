#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run -- what only a GPU can show, in one command: does the CUDA back end compute what it should?   tests/gpu
#   tests/gpu/run.sh [BUILD_DIR]
# Every operation against ref (float32 to 1e-5, bfloat16 to 5e-3); a step of the paper's network against the cpu back end; the same
# bytes twice; a recorded step against a plain one; every way of convolving against another; 100 steps against PyTorch; running out
# of memory; compute-sanitizer's memcheck and racecheck; two GPUs, where there are; the device's properties as cuDNN sees them.
# Builds what is not built. The results go, dated, with device and versions, to tests/gpu/results/: commit them. Without a GPU it
# says what it looked for and leaves with 77 (PETREL_GPU_DRY=1: find.sh). Speed is another command: ./run.sh bench gpu.
# PETREL_PYTHON names the Python that has torch and h5py; what is not installed is skipped aloud.
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath -m "${1:-build}") here=tests/gpu
work=$(mktemp -d "${TMPDIR:-/tmp}/petrel-gpu.XXXXXX")
trap 'rm -rf "$work"' EXIT

. tests/gpu/find.sh
gpu_find "$build" || { echo "skipped: $gpu_why"; exit 77; }

units=(ops_{image,rows,losses,more} cuda_augment)
part=${PETREL_CUDA:-$build/lib/petrel-cuda.so} missing=()
for p in "$part" "$build"/bin/petrel-train "$build"/tests/gpu/device "${units[@]/#/$build/tests/unit/}"; do
    [ -e "$p" ] || missing+=("${p#"$build"/}")
done
if [ ${#missing[@]} -gt 0 ]; then
    [ -e "$part" ] || command -v nvcc >/dev/null || [ -x "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" ] ||
        { echo "skipped: '$device' is there, but neither $part nor an nvcc to build it with (on the PATH, in CUDA_HOME, in /usr/local/cuda)"; exit 77; }
    echo "building ${missing[*]} ..."
    make -j"$(nproc)" CUDA=1 all tests >"$work/make" 2>&1 || { tail -n 30 "$work/make"; echo "the build failed"; exit 1; }
fi

# ---- the record ----
stem=$(gpu_stem "$work")
results=$stem.txt
: >"$results"
say() { echo "$*" | tee -a "$results"; }
say "Petrel's CUDA back end on a GPU: $device"
gpu_describe | tee -a "$results"

passed=0 failed=0 skipped=0
try() { # try NAME WANTED_CODE COMMAND...
    local name=$1 wanted=$2 rc begun=$SECONDS
    shift 2
    timeout "${PETREL_GPU_TIMEOUT:-1200}" "$@" >"$work/out" 2>&1 </dev/null
    rc=$?
    # a TAP line may say that one test of several was skipped
    if [ $rc = "$wanted" ]; then passed=$((passed + 1)); say "ok       $name ($((SECONDS - begun)) s)"
    elif [ $rc = 77 ]; then skipped=$((skipped + 1)); say "skipped  $name"
    else failed=$((failed + 1)); say "FAILED   $name (code $rc, wanted $wanted)"; tail -n 40 "$work/out" | sed 's/^/    | /' | tee -a "$results"
    fi
    grep -E '^(# |skipped|[0-9]+ steps|float32:|bfloat16:|device:)|ERROR SUMMARY|RACECHECK SUMMARY' "$work/out" | sed 's/^/    /' >>"$results"
}

# ---- what it computes ----
export CMOCKA_MESSAGE_OUTPUT=TAP PETREL_TUNED=$work/tuned OPENBLAS_NUM_THREADS=1 PETREL_CUDA=$part
for t in "${units[@]}"; do
    try "every operation against ref, augmentation against stages/pairs: $t" 0 env PETREL_TEST_CUDA=device "$build/tests/unit/$t"
done
try "a step against the cpu, the same bytes twice, recorded and plain, every form" 0 "$build/tests/gpu/device"
try "forms as they would be chosen without timing" 0 env PETREL_CUDA_TUNE=0 "$build/tests/gpu/device"
try "out of memory ends with 71" 71 "$build/tests/gpu/device" memory
grep -q 'out of memory' "$work/out" || { failed=$((failed + 1)); say "FAILED   out of memory is not said: $(head -n 1 "$work/out")"; }

# ---- sanitizers: small, for they are slow ----
if sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null); then
    for tool in memcheck racecheck; do
        try "compute-sanitizer $tool: two networks' steps" 0 env PETREL_CUDA_TUNE=0 PETREL_GPU_PAIRS=4 PETREL_GPU_WIDTH=16 \
            "$sanitizer" --tool $tool --error-exitcode 9 "$build/tests/gpu/device" step
        for t in "${units[@]}"; do
            try "compute-sanitizer $tool: $t" 0 env PETREL_CUDA_TUNE=0 PETREL_TEST_CUDA=device \
                "$sanitizer" --tool $tool --error-exitcode 9 "$build/tests/unit/$t"
        done
    done
else
    skipped=$((skipped + 2))
    say "skipped  compute-sanitizer: not on the PATH and not in /usr/local/cuda/bin"
fi

# ---- 100 steps against PyTorch, on a simulated cohort ----
python='' few=()
[ -z "${PETREL_GPU_DRY:-}" ] || few=(--steps 3 --pairs 4)
for p in ${PETREL_PYTHON:+"$PETREL_PYTHON"} python3 /usr/bin/python3 "$build/peers/bin/python"; do
    "$p" -c 'import torch, h5py' 2>/dev/null && { python=$p; break; }
done
if [ -n "$python" ]; then
    export PATH=$build/bin:$PATH
    petrel-simulate --out "$work/scans" --patients 4 >"$work/out" 2>&1 && pipelines/rois.sh "$work/scans" --out "$work/cache" >>"$work/out" 2>&1 ||
        { failed=$((failed + 1)); say "FAILED   a simulated cohort to train on"; tail -n 20 "$work/out"; }
    if [ -d "$work/cache" ]; then
        for precision in float32 bfloat16; do
            try "100 steps against PyTorch, $precision" 0 env PETREL_BIN="$build/bin" "$python" $here/hundred_steps.py "$work/cache" \
                --precision $precision ${few[@]+"${few[@]}"}
        done
        [ ${#few[@]} != 0 ] || try "gradients against PyTorch in float64" 0 env PETREL_BIN="$build/bin" "$python" tests/golden/train/compare_full.py "$work/cache" --backend cuda
    fi
else
    skipped=$((skipped + 3))
    say "skipped  100 steps against PyTorch: no Python with torch and h5py (PETREL_PYTHON names one)"
fi

# ---- several ----
gpus=$("$smi" --query-gpu=name --format=csv,noheader 2>/dev/null | wc -l)
if [ "$gpus" -lt 2 ] || ! command -v bats >/dev/null; then
    skipped=$((skipped + 1))
    say "skipped  two GPUs by NCCL against one: this needs two, and bats"
else
    try "two GPUs by NCCL against one, and the same bytes twice" 0 env PETREL_TEST_GPUS=2 bats --tap --filter GPUs tests/cli/ranks.bats
fi

# ---- what cuDNN sees ----
if [ -x "$build/tests/gpu/plans" ] && "$build/tests/gpu/plans" describe >"$stem.device.json" 2>"$work/out"; then
    passed=$((passed + 1))
    say "ok       the device's properties: $stem.device.json (for $here/devices)"
else
    rm -f "$stem.device.json"
    skipped=$((skipped + 1))
    say "skipped  the device's properties: $(head -n 1 "$work/out")"
fi
say "$passed passed, $failed failed, $skipped skipped"
echo "written to $results"
[ $failed = 0 ]
