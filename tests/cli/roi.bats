# SPDX-License-Identifier: Apache-2.0
# petrel-roi: its options, and real and made scans through load, suv, roi and cache
bats_require_minimum_version 1.5.0

setup() {
    BIN=$(realpath "${PETREL_BIN:-$BATS_TEST_DIRNAME/../../build/bin}")
    cd "$BATS_TEST_TMPDIR" || return 1
    mkdir run
    export PETREL_RUN_DIR=$BATS_TEST_TMPDIR/run
}

# scans_to_cache "LOAD WORDS" "ROI WORDS": into ./cache, roi's log in roi.log
scans_to_cache() {
    "$BIN/petrel-load" $1 2>load.log &
    "$BIN/petrel-suv" 2>suv.log &
    "$BIN/petrel-roi" $2 2>roi.log &
    timeout 60 "$BIN/petrel-cache" collect cache 2>cache.log || { cat ./*.log; return 1; }
    wait
}

@test "help shows the live defaults" {
    run -0 "$BIN/petrel-roi" --help
    [[ $output == *"--roi-method fcm|fixed|relative|percist"* ]]
    [[ $output == *"(0.41)"* ]]
}

@test "organs nobody knows are refused" {
    run -78 "$BIN/petrel-roi" --exclude brain,toe
    [[ $output == *"exclude has 'toe'"* ]]
    run -64 "$BIN/petrel-roi" --liver 1,2
    [[ $output == *"--liver wants three numbers"* ]]
}

@test "a connectivity that is none is refused" {
    run -78 "$BIN/petrel-roi" --connectivity 8
    [[ $output == *"connectivity"*"6, 18 or 26"* ]]
}

@test "words that are no options are refused" {
    run -64 "$BIN/petrel-roi" scan.nii.gz
    [[ $output == *"'scan.nii.gz'"* ]]
}

@test "a simulated scan comes through: regions, tumours, a line a scan; two processes give the same" {
    "$BIN/petrel-simulate" --quiet --out cohort --patients 2 --scale quick --seed 3
    scans_to_cache cohort
    grep -c 'event=regions .*regions=[0-9]* tumours=[0-9]* .*floor_suv=[0-9.]* noise_sd=[0-9.]*"* seconds=' roi.log | grep -qx 2
    grep -q '2 scans, [0-9]* regions' roi.log
    "$BIN/petrel-cache" verify cache
    "$BIN/petrel-cache" ls cache --json >one.json
    rm -r run && mkdir run
    mv cache first
    "$BIN/petrel-roi" 2>roi2.log &
    scans_to_cache cohort
    "$BIN/petrel-cache" verify cache
    "$BIN/petrel-cache" ls cache --json >two.json
    diff one.json two.json
}

@test "organs are left out by the organ map beside a simulated scan, or by rule; percist says its liver" {
    "$BIN/petrel-simulate" --quiet --out cohort --patients 1 --scale quick --seed 3
    scans_to_cache cohort
    grep 'event=excluded .*regions=[1-9].*brain 1.*by organ map' roi.log
    "$BIN/petrel-cache" verify cache
    mv cache by_map && rm -r run && mkdir run
    printf 'scan\tpatient\torgans\n%s\tP1\t-\n' SIMULATED_0001/SIMULATED_PETCT/PET.nii.gz >cohort/no_map.tsv
    scans_to_cache cohort/no_map.tsv --method=percist
    grep 'event=liver .*mean [12].[0-9]* sd .*by rule' roi.log
    grep 'event=excluded .*by rule' roi.log
    "$BIN/petrel-cache" ls cache --json | grep 'percist floor_suv=.*liver mean'
}

@test "the sarcoma of a real whole-body scan is a region labelled tumour" {
    [ -d "${PETREL_DATA:-}/ge_sarcoma_dicom" ] || skip "no real scans (PETREL_DATA)"
    scans_to_cache "--roi GTV_Mass $PETREL_DATA/ge_sarcoma_dicom"
    grep -qE 'event=regions .*tumours=[1-9]' roi.log
    "$BIN/petrel-cache" ls cache
}
