#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh -- the front door of Petrel.
# What it does once everything is built is pipelines/petrel.sh, as for what is installed.
usage() {
    echo "usage: ./run.sh [COMMAND] [--yes] [options]"
    echo
    pipelines/petrel.sh commands
    cat <<'TEXT'
  test [PATTERN]       build and run every test; ends with "N passed, N failed, N skipped"
  bench [NAME]         speed, as ratios against named peers; bench train --newest: installs PyPI's newest PyTorch (5 GB), too
  check [asan|tsan]    the tests under a sanitizer; check valgrind, tidy, analyzer: what these find; check layers: who may include whom

  --yes       install missing Debian packages without asking (also when CI is set)
TEXT
    pipelines/petrel.sh words
}
set -u
caller=$PWD # what people name, they name from where they are
cd "$(dirname "$0")" || exit 1
top=$PWD

build_packages=(build-essential git pkg-config libzmq3-dev libmsgpack-dev libhdf5-dev zlib1g-dev libdeflate-dev libxxhash-dev
    nettle-dev libjansson-dev librandom123-dev libopenblas-dev libdcmtk-dev libpng-dev libprotobuf-c-dev protobuf-c-compiler
    libisal-dev libopenjp2-7-dev libseccomp-dev)
test_packages=(libcmocka-dev bats clang-format-14 hdf5-tools procps dcmtk dcm2niix)
peer_packages=(python3-torch python3-h5py python3-venv) # what else the peers are is in tests/peers*.txt
mpi_packages=(libopenmpi-dev openmpi-bin) # several trainers on processors; a cluster has its own

# Installs what is missing of the named Debian packages; asks first unless --yes or CI. wants: who needs them.
wants="Petrel needs"
need() {
    [ -z "${PETREL_DEPS:-}" ] || return 0 # from a bundle: pipelines/offline/unpack.sh
    local missing=() p sudo=()
    for p in "$@"; do
        dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null | grep -q '^install ok installed' || missing+=("$p")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "$wants these Debian packages, which are not installed:" >&2
    echo "  ${missing[*]}" >&2
    if [ "$(id -u)" != 0 ]; then sudo=(sudo); fi
    echo "  ${sudo[*]:+${sudo[*]} }apt-get install --no-install-recommends ${missing[*]}" >&2
    if [ "$yes" != 1 ]; then
        [ -t 0 ] || { echo "run.sh: run that command, or run this one again with --yes" >&2; exit 69; }
        read -r -p "Run it now? [y/N] " answer
        [[ $answer =~ ^[yY] ]] || exit 69
    fi
    "${sudo[@]}" apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq \
        --no-install-recommends "${missing[@]}" >"${TMPDIR:-/tmp}/petrel-apt.log" 2>&1 || {
        tail -n 5 "${TMPDIR:-/tmp}/petrel-apt.log" >&2
        echo "run.sh: installing failed; the log is ${TMPDIR:-/tmp}/petrel-apt.log" >&2
        exit 69
    }
}
# Other people's software to compare with; who goes on without it says so and leaves those comparisons out.
export PETREL_PEERS=${PETREL_PEERS:-$top/build/peers}
peers() { # peers [--bench]
    (wants="to be compared with others, Petrel also wants" && need "${peer_packages[@]}" ${1:+libdnnl-dev})
    tests/peers.sh "$@" || true
}
build() { # build TARGET...: quiet when it works, whole when it does not
    local log=$top/build/make.log
    mkdir -p build
    printf 'building ... ' >&2
    if ! make -j"$(nproc)" "$@" >"$log" 2>&1; then
        echo failed >&2
        grep -E -B2 -A8 'error|Error' "$log" | head -n 60 >&2
        echo "run.sh: the build failed; the whole log is $log" >&2
        exit 70
    fi
    echo done >&2
}
gpu_or_leave() { # WHO: asks for one
    (. tests/gpu/find.sh && gpu_find build || { echo "$1: $gpu_why" >&2; exit 69; }) || exit
}
# The part for GPUs is built where there is one, or where it is asked for.
build_for() { # WORD...: the pipeline's
    case " $* " in
    *" --backend cuda "* | *" --backend=cuda "*)
        gpu_or_leave "run.sh: --backend cuda"
        build all CUDA=1
        ;;
    *" --backend"*) build all CUDA=0 ;;
    *)
        if (. tests/gpu/find.sh && gpu_find build); then
            (build all CUDA=1) && return
            echo "run.sh: a GPU is here, but its part could not be built: going on with the processors" >&2
        fi
        build all CUDA=0
        ;;
    esac
}

command=demo
case ${1:-} in
packages) printf '%s\n' "${build_packages[@]}" "${test_packages[@]}"; exit 0 ;; # for pipelines/offline/bundle.sh
demo | test | rois | train | classify | watch | simulate | tables | submit | bench | check) command=$1; shift ;;
-h | --help | help) usage; exit 0 ;;
'' | -*) ;;
*) echo "run.sh: unknown command '$1'; ./run.sh --help lists them" >&2; exit 64 ;;
esac
yes=0
[ -z "${CI:-}" ] || yes=1
words=()
for w in "$@"; do
    case $w in
    --yes) yes=1 ;;
    --help) usage; exit 0 ;;
    *) words+=("$w") ;;
    esac
done
set -- ${words[@]+"${words[@]}"}

export PATH=$top/build/bin:$PATH
front() { # what is named or written is the caller's, wherever this file lies
    cd "$caller" && PETREL_FRONT=$0 exec "$top/pipelines/petrel.sh" "$command" "$@"
}
case $command in
test)
    need "${build_packages[@]}" "${test_packages[@]}" "${mpi_packages[@]}"
    build all tests CUDA=0
    [[ ! tests/cli/peers.bats =~ ${1:-.} ]] || peers
    exec tests/run.sh build "$@"
    ;;
demo | train | classify | watch | tables | submit)
    need "${build_packages[@]}"
    build_for "$@"
    front "$@"
    ;;
rois | simulate)
    need "${build_packages[@]}"
    build all CUDA=0
    front "$@"
    ;;
bench)
    need "${build_packages[@]}" "${test_packages[@]}"
    if [ "${1:-}" = gpu ]; then # its PyTorch is another: PETREL_PYTHON
        gpu_or_leave "bench gpu"
        build all bench-programs CUDA=1
    else
        peers --bench
        if [ "${2:-}" = --newest ]; then # gigabytes: only where they are asked for
            tests/peers.sh --newest || exit
        fi
        build all bench-programs CUDA=0
    fi
    exec tests/bench/run.sh build "$@"
    ;;
check)
    need "${build_packages[@]}" "${test_packages[@]}"
    case ${1:-asan} in
    layers) exec make -s layers ;;
    asan) build all tests asan=1 CUDA=0; exec tests/run.sh build-asan "${@:2}" ;;
    tsan)
        build all tests tsan=1 CUDA=0 MPI=0
        export TSAN_OPTIONS="suppressions=$top/tests/sanitize/tsan.supp exitcode=66 die_after_fork=0"
        exec tests/run.sh build-tsan "${@:2}"
        ;;
    valgrind | tidy | analyzer)
        need valgrind clang-tidy-14
        build all CUDA=0
        [ "$1" = valgrind ] || exec "tests/sanitize/$1.sh" "${@:2}"
        build all memcheck=1 CUDA=0 MPI=0
        exec tests/sanitize/valgrind.sh build-memcheck "${@:2}"
        ;;
    *) echo "run.sh: check what? asan, tsan, valgrind, tidy, analyzer or layers" >&2; exit 64 ;;
    esac
    ;;
esac
