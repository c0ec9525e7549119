#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The cuda back end as it is built: what ptxas says of its kernels, what the programs link, which test each kernel names.
# Its arithmetic is tested in tests/unit (ops_*, cuda_step, cuda_augment), emulated; on a GPU by tests/gpu/run.sh.

bats_require_minimum_version 1.5.0
load small

built() { [ -f "$BIN/../lib/petrel-cuda.so" ] || skip "built without CUDA: make CUDA=1 needs nvcc 13, cuDNN 9 and cuBLAS"; }

@test "no kernel spills, on any GPU it is compiled for" {
    built
    "$TOP/kernels/cuda/registers.sh" "$BIN"/../cuda/*.ptxas >"$BATS_TEST_TMPDIR/table"
    awk -F'\t' '
        NR == 1 { next }
        { kernels[$2]; on[$3]++; if ($7 > 0 || $6 > 0) { print "spills: " $0; bad = 1 } }
        $4 > 128 { print "more than 128 registers, two blocks of 256 a multiprocessor: " $0; bad = 1 }
        $5 > 49152 { print "more static shared memory than there is: " $0; bad = 1 }
        END {
            for (gpu in on) { all++; if (on[gpu] != length(kernels)) { print gpu " has " on[gpu] " of " length(kernels) " kernels"; bad = 1 } }
            if (length(kernels) < 60 || all < 1) { print "the table has " length(kernels) " kernels for " all + 0 " GPUs"; bad = 1 }
            exit bad
        }' "$BATS_TEST_TMPDIR/table"
}

@test "every file of kernels names the test that runs them, and the test is there" {
    for file in $(grep -l __global__ "$TOP"/kernels/cuda/*.cu); do
        names=$(sed '1{/SPDX/d}; /\*\//q' "$file" | tr '\n' ' ' | sed -n 's/.*tests: \([a-z0-9_/, *]*[a-z0-9_]\) *\*\/.*/\1/p' | tr -d '*,')
        [ -n "$names" ] || { echo "$file names no test"; return 1; }
        for name in $names; do
            ls "$TOP/tests/unit/$name.c" "$TOP/tests/$name.c" 2>/dev/null | grep -q . || { echo "$file: no test is called $name"; return 1; }
        done
    done
}

@test "no program links a CUDA library; the part finds its own" {
    for program in "$BIN"/petrel-*; do
        run ldd "$program"
        ! grep -iE 'libcu(da|dart|blas|dnn)' <<<"$output" || { echo "$program: $output"; return 1; }
    done
    built
    run ldd "$BIN/../lib/petrel-cuda.so"
    [[ $output == *libcudnn.so.9* && $output == *libcublas.so* && $output != *"not found"* ]]
    [[ $output != *libcuda.so* ]] # the driver's: opened where there is one
}

@test "--backend cuda without a GPU: 69, what was looked for, and what to do" {
    [ ! -e /dev/nvidia0 ] || skip "a GPU is here"
    small_cache
    cd "$BATS_TEST_TMPDIR" || return 1
    run -69 petrel-train pretrain --cache "$SMALL/cache" --run run --backend cuda
    [[ $output == *"no usable GPU"*"libcuda.so.1"*"--backend cpu"* ]]
    built
    # past the driver's library, which who names a part himself must know: the part opens, and says the same for itself
    PETREL_CUDA=$BIN/../lib/petrel-cuda.so run -69 petrel-train pretrain --cache "$SMALL/cache" --run run --backend cuda
    [[ $output == *"no usable GPU"*"--backend cpu"* ]]
}
