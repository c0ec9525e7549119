#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who may include whom (see README.md, the tour): stages -> proto -> common; stages/{train,eval,classify} and stages/*.c -> kernels
# -> common/{base,rng}. Never stage -> stage, never downwards up. One library, one file.
cd "$(dirname "$0")/.." || exit 1
bad=0
say() { echo "layers: $*" >&2; bad=1; }

# room of an included path or a file: common, proto, kernels, stages/X (with the folders in it), stages, datasets/X
room() { case $1 in stages/*/*/*) room "${1%/*}" ;; stages/*/*) echo "${1%/*}" ;; stages/*) echo stages ;; datasets/*/*) echo "${1%/*}" ;; *) echo "${1%%/*}" ;; esac; }
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
        kernels\>common) case $target in common/base.h | common/rng.h) ;; *) say "$file includes $target: kernels see common/base.h and common/rng.h only" ;; esac ;;
        *) say "$file includes $target: $from may not see $to" ;;
    esac
    case "$from>$target" in stages/load\>stages/model.h | stages/suv\>stages/model.h | stages/roi\>stages/model.h | stages/cache\>stages/model.h | stages/pairs\>stages/model.h)
        say "$file includes $target: only train, eval and classify see models" ;; esac
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' --include='*.[ch]' --include='*.cc' --include='*.cu' --include='*.cuh' common proto kernels stages datasets)

# library header -> the one file (or folder) that may use it
only() {
    local pattern=$1 where=$2 hits
    hits=$(grep -rlE "#[[:space:]]*include[[:space:]]*<$pattern" --include='*.[ch]' --include='*.cc' --include='*.cu' common proto kernels stages datasets 2>/dev/null | grep -vE "^($where)$")
    [ -z "$hits" ] || say "<$pattern> belongs to $where alone, but is included by" $hits
}
only 'zmq\.h' 'proto/channel\.c|proto/curve\.c'
only 'msgpack' 'proto/message[a-z_]*\.[ch]'
only 'hdf5\.h' 'common/store\.c'
only 'dcmtk' 'stages/load/dicom[a-z_]*\.cc|stages/load/dicom_stream\.h|datasets/simulate/dicom_write\.cc'
only 'nifti' 'common/nifti\.c'
only 'jansson\.h' '(common|proto|stages/[a-z]+|datasets/[a-z]+)/[a-z_]*json\.c|common/safetensors\.c'
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
only 'seccomp' 'stages/load/sandbox\.c'
only '(protobuf-c|event\.pb-c)' 'stages/train/events\.c'
only 'onnx\.pb-c' 'stages/train/onnx_graph\.c'
[ $bad = 0 ] && echo "layers: ok"
exit $bad
