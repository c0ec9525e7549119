# SPDX-License-Identifier: Apache-2.0
# find -- is there a GPU, and which? Sourced by tests/gpu/run.sh and tests/bench/gpu.sh.   tests/gpu
# shellcheck shell=bash disable=SC2034 # who sources it uses what it finds
# PETREL_GPU_DRY=1: no GPU, but everything goes on with the emulated back end, small, so that a mistake in a script costs no GPU time;
# what it measures means nothing and is not kept.

# Sets device, driver and smi; or -1 and what was looked for in gpu_why.
gpu_find() { # BUILD_DIR
    if [ -n "${PETREL_GPU_DRY:-}" ]; then
        smi=false device="dry run without a GPU" driver=none
        export PETREL_CUDA=$1/tests/emu/petrel-cuda.so PETREL_GPU_WIDTH=8 PETREL_GPU_PAIRS=8 PETREL_EMU_MIB=3072
        return 0
    fi
    smi=$(command -v nvidia-smi) || for smi in /usr/local/nvidia/bin/nvidia-smi ""; do [ -x "$smi" ] && break; done
    gpu_why="no GPU: looked for nvidia-smi on the PATH and in /usr/local/nvidia/bin, for /dev/nvidia0, and for the driver's libcuda.so.1"
    [ -n "$smi" ] || [ -e /dev/nvidia0 ] || ls /usr/lib/*/libcuda.so.1 /usr/local/nvidia/lib64/libcuda.so.1 >/dev/null 2>&1 || return 1
    gpu_why="no GPU: ${smi:-nvidia-smi (which is not there)} names no device"
    device=$("${smi:-false}" --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1)
    [ -n "$device" ] || return 1
    driver=$("$smi" --query-gpu=driver_version --format=csv,noheader | head -n 1)
}

# Where a record of today on this device is written, without its ending: tests/gpu/results/2026-01-31-NVIDIA-H200
gpu_stem() { # WORK_DIR
    local folder=tests/gpu/results
    [ -z "${PETREL_GPU_DRY:-}" ] || folder=$1
    mkdir -p "$folder"
    echo "$folder/$(date -u +%F)-$(tr -cs 'A-Za-z0-9\n' - <<<"$device" | sed 's/-*$//')"
}
gpu_describe() { # what a record begins with
    echo "source $(git describe --always --dirty --tags 2>/dev/null || cat VERSION); driver $driver; $("$smi" --query-gpu=name,memory.total,clocks.max.sm,power.limit --format=csv,noheader 2>/dev/null | head -n 1)"
    echo "$(nproc) processors; $(uname -sr); $(date -u '+%F %H:%M') UTC"
}
