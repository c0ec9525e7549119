# SPDX-License-Identifier: Apache-2.0
# small -- a cohort, its cache and models as small as they can be; made once, for whichever file of tests asks first.
# Sourced by bats ("load small"). BIN: the programs. SMALL: what was made; small_copy for those who write.
# shellcheck shell=bash
BIN=$(realpath "${PETREL_BIN:-$BATS_TEST_DIRNAME/../../build/bin}")
TOP=$(realpath "$BATS_TEST_DIRNAME/../..")
SMALL=${PETREL_TEST_DIR:-$BATS_RUN_TMPDIR}/small
export PETREL_BIN=$BIN PATH=$BIN:$PATH XDG_CONFIG_HOME=$SMALL/config

small_recipe() { # small_recipe EPOCHS
    cat <<END
recipe_name = small
backbone = resnet10
backbone_width = 4
projection_width = 32
batch = 8
pairs_per_epoch = 32
epochs = $1
patience = $1
warmup = 1
lr = 0.05
classifier_epochs = 3
classifier_batch = 32
classifier_views = 1
END
}

# What a function makes is made in a folder of its own and moved when it is whole: small_make NAME FUNCTION
# Files of tests run side by side: one makes it, the others wait.
small_make() {
    local lock code=0
    [ ! -e "$SMALL/$1" ] || return 0
    mkdir -p "$SMALL"
    exec {lock}>"$SMALL/$1.lock"
    flock "$lock"
    [ -e "$SMALL/$1" ] || {
        rm -rf "$SMALL/$1.tmp"
        "$2" "$SMALL/$1.tmp" >"$SMALL/$1.log" 2>&1 3>&- {lock}>&- && mv "$SMALL/$1.tmp" "$SMALL/$1" || { cat "$SMALL/$1.log" >&2; code=1; }
    }
    exec {lock}>&-
    return $code
}

# 6 patients; scans.tsv
small_cohort() { small_make cohort make_cohort; }
make_cohort() { petrel-simulate --out "$1" --patients 6 --scale quick --seed 3 -j 2; }

# of that cohort, split so that every set has both classes
small_cache() { small_cohort && small_make cache make_cache; }
make_cache() {
    "$TOP/pipelines/rois.sh" "$SMALL/cohort/scans.tsv" --out "$1" -j 2 --run "$1.run" && make_split "$1"
}
make_split() {
    local seed
    for seed in $(seq 50); do
        petrel-cache split "$1" --force --seed "$seed" --validation 0.3 --test 0.3 >"$1.table" || return
        [ "$(awk 'NR > 1 && $5 > 0 && $5 < $4' "$1.table" | wc -l)" = 3 ] && return
    done
    echo "no seed gives every set both classes" && return 1
}

# ct/cohort, 4 patients with CT; ct/cache, of both channels
small_ct() { small_make ct make_ct; }
make_ct() {
    mkdir -p "$1" && petrel-simulate --out "$1/cohort" --patients 4 --scale quick --seed 3 --ct -j 2 &&
        "$TOP/pipelines/rois.sh" "$1/cohort" --out "$1/cache" --channels pet,ct -j 2 --run "$1/cache.run" && make_split "$1/cache"
}

# model/{model,encoder}.safetensors, model/{pretrain,classifier}: pipelines/train.sh with 2 epochs
small_model() { small_cache && small_make model make_model; }
make_model() {
    small_recipe 2 >"$SMALL/small.conf"
    "$TOP/pipelines/train.sh" --cache "$SMALL/cache" --out "$1" --recipe "$SMALL/small.conf" -j 2
}

# visits/SIMULATED_0001/{SIMULATED_PETCT,SIMULATED_FOLLOWUP}: two visits of a patient, as DICOM; visits/{earlier,later}: what small_model
# finds in them, all of it called tumour, in the folders $EARLIER and $LATER
small_visits() { small_model && small_make visits make_visits; }
EARLIER=$SMALL/visits/earlier/SIMULATED_0001_SIMULATED_PETCT LATER=$SMALL/visits/later/SIMULATED_0001_SIMULATED_FOLLOWUP
make_visits() {
    local visit
    petrel-simulate --out "$1" --patients 1 --scale quick --seed 3 --dicom --follow-up &&
        for visit in earlier:PETCT later:FOLLOWUP; do
            petrel-classify --model "$SMALL/model/model.safetensors" --threshold 0 --out "$1/${visit%:*}" "$1/SIMULATED_0001/SIMULATED_${visit#*:}" &&
                mv "$1/${visit%:*}"/*_*_* "$1/${visit%:*}/SIMULATED_0001_SIMULATED_${visit#*:}" || return
        done
}

# scan N (1..) of the cohort, its folder
small_scan() { printf '%s/cohort/SIMULATED_%04d/SIMULATED_PETCT' "$SMALL" "$1"; }

nifti() { perl "$TOP/tests/cli/nifti.pl" "$@"; }
safetensors() { perl "$TOP/tests/cli/safetensors.pl" "$@"; }
sums() { (cd "$1" && find . -type f ! -path '*/logs/*' ! -path '*/progress/*' ! -path '*/channels/*' ! -name lock ! -name FAILED ! -name '*.lock' |
    sort | xargs sha256sum); }
