#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who may include whom (see README.md, the tour): stages -> proto -> common; stages/{train,eval,classify} and stages/*.c -> kernels
# -> common/{base,rng}. Never stage -> stage, never downwards up. One library, one file.
cd "$(dirname "$0")/.." || exit 1
bad=0
say() { echo "layers: $*" >&2; bad=1; }

# room of an included path or a file: common, proto, kernels, stages/X, stages, datasets/X
room() {
    local rest=${1#*/}
    case $1 in stages/*/* | datasets/*/*) echo "${1%%/*}/${rest%%/*}" ;; *) echo "${1%%/*}" ;; esac
}
while IFS=: read -r file _ line; do
    target=$(sed -n 's/.*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' <<<"$line")
    [ -n "$target" ] || continue
    [ -f "$target" ] || { say "$file includes '$target', which is no path from the top"; continue; }
    from=$(room "$file") to=$(room "$target")
    [ "$from" = "$to" ] && continue
    case "$from>$to" in
        proto\>common | stages\>common | stages\>proto | stages\>kernels | stages/*\>common | stages/*\>proto | stages/*\>stages) ;;
        stages/train\>kernels | stages/eval\>kernels | stages/classify\>kernels) ;;
        datasets/*\>common | datasets/*\>proto) ;;
        kernels\>common) case $target in common/base.h | common/rng.h | common/augmentation.*) ;; *) say "$file includes $target: kernels see common/base.h, rng.h and augmentation.h only" ;; esac ;;
        *) say "$file includes $target: $from may not see $to" ;;
    esac
    case "$from>$target" in stages/load\>stages/model.h | stages/suv\>stages/model.h | stages/roi\>stages/model.h | stages/cache\>stages/model.h | stages/pairs\>stages/model.h)
        say "$file includes $target: only train, eval and classify see models" ;; esac
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' --include='*.[ch]' --include='*.cc' --include='*.cu' --include='*.cuh' common proto kernels stages datasets)

# a setting's row lies beside its owner; proto/recipe.def alone gathers them
while IFS=: read -r file _ line; do
    case $file in proto/recipe.def) ;; *)
        target=$(sed -n 's/.*"\([^"]*\)".*/\1/p' <<<"$line")
        [ "${target%%/*}" = common ] || [ "$file $target" = "proto/recipe.h proto/recipe.def" ] || [ "$file $target" = "proto/recipe.c proto/recipe.def" ] ||
            [ "$(room "$file")" = "$(room "$target")" ] || say "$file includes $target: rows of settings are gathered by proto/recipe.def" ;;
    esac
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^"]*\.def"' common proto kernels stages datasets)

# library header -> the one file (or folder) that may use it
only() {
    local pattern=$1 where=$2 hits
    hits=$(grep -rlE "#[[:space:]]*include[[:space:]]*<$pattern" --include='*.[ch]' --include='*.cc' --include='*.cu' common proto kernels stages datasets 2>/dev/null | grep -vE "^($where)$")
    [ -z "$hits" ] || say "<$pattern> belongs to $where alone, but is included by" $hits
}
only 'zmq\.h' 'proto/(endpoint|curve_keys|zap)\.c'
only 'msgpack' 'proto/message[a-z_]*\.[ch]'
only 'hdf5\.h' 'common/store\.c'
only 'dcmtk' 'stages/(load|export)/dicom[a-z_]*\.cc|stages/load/dicom_stream\.h|stages/export/dicom_inside\.h|datasets/simulate/dicom_write\.cc'
only 'nifti' 'common/nifti\.c'
only 'jansson\.h' '(common|proto|stages|stages/[a-z]+|datasets/[a-z]+)/[a-z_]*json\.c|common/safetensors\.c'
only 'Random123' 'common/rng\.[ch]|kernels/cuda/.*'
only 'cblas\.h' 'kernels/cpu/.*'
only 'openblas' 'kernels/cpu/.*'
only 'mpi\.h' 'kernels/mpi/.*'
only 'cuda' 'kernels/cuda/.*'
only 'cudnn' 'kernels/cuda/.*'
only 'nettle' 'common/file\.c'
only 'libdeflate' 'common/gzip\.c'
only 'isa-l/igzip' 'common/gzip\.c'
only 'openjpeg' 'stages/load/jpeg2000\.c'
only 'seccomp' 'stages/sandbox\.c'
only '(protobuf-c|event\.pb-c)' 'stages/train/output/events\.c'
only 'onnx\.pb-c' 'stages/train/export/onnx_graph\.c'
# random streams have names, all of them in common/rng.h
literal=$(grep -rnE 'rng_make\([^,]+, *[0-9]' --include='*.[ch]' --include='*.cc' --include='*.cu' common proto kernels stages datasets)
[ -z "$literal" ] || say "a stream of random numbers by number, not by a name of common/rng.h: $literal"
[ $bad = 0 ] && echo "layers: ok"
exit $bad
