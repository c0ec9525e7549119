# SPDX-License-Identifier: Apache-2.0
# arguments -- the words every pipeline takes, sorted by who wants them. Sourced; see the pipelines.
#   --out PATH, -j N, --recipe FILE, --run DIR, --seed N, --backend B, --cache DIR, --model FILE, --patients N   the pipeline's own
#   --mask --organs --ct --units --roi --salt --keep-identifiers --memory-limit --metadata --diagnosis --first-study --override   petrel-load's
#   --accept-implausible                                                                 petrel-suv's
#   --liver                                                                              petrel-roi's
#   --tensorboard --augment-on                                                           petrel-train's
#   --channels, any other --KEY=VALUE, --flag                                            recipe settings, for every stage
#   the rest                                                                             scans
# Petrel's own programs complain about what they do not know, so nothing is checked twice here.

# the programs of this very checkout, unless others are on the PATH
command -v petrel-load >/dev/null || PATH=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/build/bin:$PATH

usage() {
    echo "usage: ${0#./} $*" >&2
    exit 64
}

arguments() {
    out='' jobs=$(nproc) recipe='' run='' cache='' model='' seed=1 backend='' patients=''
    scans=() settings=() load_settings=() suv_settings=() roi_settings=() train_settings=() pretrain_settings=()
    local word value
    while [ $# -gt 0 ]; do
        word=$1
        shift
        case $word in
        --out | --recipe | --run | --cache | --model | --seed | --backend | --patients | --mask | --organs | --ct | --units | --roi | --salt | --memory-limit | --metadata | --diagnosis | --override | \
            --spacing | --crop | --thigh-mm | --clip | --formula | --liver | --tensorboard | --augment-on | --channels | -j)
            [ $# -gt 0 ] || { echo "${0#./}: $word needs a value" >&2; exit 64; }
            value=$1
            shift
            ;;
        --*=*) value=${word#*=} word=${word%%=*} ;;
        *) value= ;;
        esac
        case $word in
        --out) out=$value ;;
        -j) jobs=$value ;;
        --recipe) recipe=$value ;;
        --run) run=$value ;;
        --cache) cache=$value ;;
        --model) model=$value ;;
        --seed) seed=$value ;;
        --backend) backend=$value ;;
        --patients) patients=$value ;;
        --mask | --organs | --ct | --units | --roi | --salt | --memory-limit | --metadata | --diagnosis | --override) load_settings+=("$word=$value") ;;
        --keep-identifiers | --first-study) load_settings+=("$word") ;;
        --accept-implausible) suv_settings+=("$word") ;;
        --liver) roi_settings+=("$word=$value") ;;
        --augment-on) pretrain_settings+=("$word=$value") ;;
        --tensorboard) train_settings+=("$word=$value") ;;
        --*) settings+=("$word${value:+=$value}") ;;
        *) scans+=("$word") ;;
        esac
    done
    chosen_recipe=$recipe
    recipe=${recipe:-$(dirname "${BASH_SOURCE[0]}")/recipes/paper.conf}
}
