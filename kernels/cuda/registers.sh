#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# registers -- what ptxas says of every kernel for every GPU, a line each: file, kernel, GPU, registers a thread, bytes of static
# shared memory, of stack, spilled (stores and loads).   kernels/cuda
#   make -C kernels/cuda registers, or: registers.sh BUILD/cuda/*.ptxas
awk -v OFS='\t' '
    BEGIN { print "file", "kernel", "gpu", "registers", "shared", "stack", "spilled" }
    FNR == 1 { file = FILENAME; sub(".*/", "", file); sub("[.]cu[.]ptxas$", "", file) }
    /Compiling entry function/ { split($0, part, "\047"); kernel = part[2]; gpu = part[4]; stack = spilled = 0 }
    /Function properties for/ { named = $NF }
    # of a device function that was not put in line, too: its kernel bears it
    /bytes stack frame/ { stack += $1; spilled += $5 + $9 }
    /Used [0-9]+ registers/ {
        registers = shared = 0
        for (i = 2; i <= NF; i++) {
            if ($i ~ /^registers/) registers = $(i - 1)
            if ($i ~ /^smem/) shared = $(i - 2)
        }
        print file, kernel, gpu, registers, shared, stack, spilled
    }' "$@" | if command -v c++filt >/dev/null; then c++filt -p; else cat; fi
