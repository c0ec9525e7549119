#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a scan's SUV comes from, as people see it: petrel-suv explain, facts of the user's own, the gate; and that --check foretells the
# pipeline. Of a simulated DICOM series whose tags DCMTK's tools change.
bats_require_minimum_version 1.5.0

setup_file() {
    export BIN=$(realpath "${PETREL_BIN:-build/bin}")
    cd "$BATS_FILE_TMPDIR" || return 1
    command -v dcmodify >/dev/null || return 0
    "$BIN/petrel-simulate" --out cohort --patients 1 --scale quick --dicom >simulate.log 2>&1
    # the PET alone: a CT's and a structure's tags are not what this is about
    mkdir pet
    find cohort -type f | while read -r f; do
        if dcmdump +P 0008,0060 "$f" 2>/dev/null | grep -q '\[PT\]'; then cp "$f" "pet/$(basename "$f")"; fi
    done
    chmod u+w pet/*
}
setup() {
    command -v dcmodify >/dev/null || skip "DCMTK's tools (package dcmtk) are not installed"
    cd "$BATS_FILE_TMPDIR" || return 1
    export XDG_CONFIG_HOME=$PWD/config
}
# variant NAME DCMODIFY_OPTION...: a copy of the series, changed
variant() {
    rm -rf "$1"
    cp -r pet "$1"
    [ $# = 1 ] || dcmodify -nb -imt "${@:2}" "$1"/* 2>/dev/null
}
# pipeline ARGUMENTS...: petrel-load | petrel-suv | petrel-roi | petrel-cache collect cache
pipeline() {
    rm -rf run cache
    mkdir -m 700 run
    export PETREL_RUN_DIR=$PWD/run
    "$BIN/petrel-load" "$@" >load.log 2>&1 3>&- &
    "$BIN/petrel-suv" $suv_options >suv.log 2>&1 3>&- &
    "$BIN/petrel-roi" --in suv --out regions >roi.log 2>&1 3>&- &
    "$BIN/petrel-cache" collect cache --in regions >cache.log 2>&1 3>&- || true
    wait
    unset PETREL_RUN_DIR
}

@test "explain: a page names the tags, the rule that was used, the factor and what else it could be" {
    variant plain
    run --separate-stderr "$BIN/petrel-suv" explain plain
    echo "$output"
    [ "$status" = 0 ]
    [[ $output == *"(0018,1074) RadionuclideTotalDose"* && $output == *"SUVbw = Bq/mL * weight_g"* ]]
    grep -qE '\(0008,0031\) SeriesTime .* used$' <<<"$output"
    grep -qE 'DecayCorrection ADMIN +[0-9.e-]+, 0\.[0-9]+ times; delay 0 s$' <<<"$output"
    grep -qE 'SUVmax [0-9.]+, mean of the body (0\.[5-9]|1\.)[0-9]*, share of the dose 0\.[0-9]+$' <<<"$output"
    # and of one that is refused, why, with all there is
    variant no_weight -e '(0010,1030)'
    run "$BIN/petrel-suv" explain no_weight
    [ "$status" = 65 ]
    [[ $output == *"(0010,1030) PatientWeight is missing"* && $output == *"(0010,1030) PatientWeight                      -"* ]]
}

@test "override: a fact in place of the file's is used, told, and stands in the cache" {
    variant no_weight -e '(0010,1030)'
    suv_options= pipeline no_weight --override weight_g=80000
    cat ./*.log
    grep -q "weight_g=80000 was given by the user" suv.log
    run "$BIN/petrel-cache" ls --json cache
    [[ $output == *'"overridden": "weight_g=80000"'* && $output == *'"weight_g": 80000'* ]]
    # another run than without: nothing of that one is taken for it
    run "$BIN/petrel-load" --check no_weight
    [ "$status" = 65 ]
}

@test "override: from a table, each scan its own; what makes no sense is refused before anything is read" {
    mkdir -p two
    variant two/a -e '(0010,1030)' -m '(0020,000e)=1.2.3.1'
    variant two/b -m '(0020,000e)=1.2.3.2'
    printf '# weights from the ward\nscan\tweight_g\tinjection_s\ntwo/a\t61500\t\nelsewhere\t1\t\n' >facts.tsv
    run "$BIN/petrel-load" --explain --override from=facts.tsv two
    echo "$output"
    [ "$status" = 0 ]
    [ "$(grep -c 'given by the user  *weight_g=61500' <<<"$output")" = 1 ]
    [[ $output == *"its row 'elsewhere' names no scan here"* ]]
    for words in weight_kg=70 weight_g=heavy weight_g suv_factor=1; do
        run "$BIN/petrel-load" --check --override $words two
        echo "$words: $status $output"
        [ "$status" = 64 ]
    done
    printf 'scan\tweight\ntwo/a\t61500\n' >facts.tsv
    run "$BIN/petrel-load" --check --override from=facts.tsv two
    [ "$status" = 64 ]
    [[ $output == *"its column 'weight' is no fact that can be given"* ]]
}

@test "the gate refuses what no body can be like, with the figures; --accept-implausible tells it instead" {
    variant slope -m '(0028,1053)=1e-7'
    run "$BIN/petrel-load" --check slope
    echo "$output"
    [ "$status" = 65 ]
    [[ $output == *"no patient's scan is like this: SUVmax is "*"share of the dose"* ]]
    suv_options= pipeline slope
    grep -q "refused 'slope': no patient's scan is like this" suv.log
    suv_options=--accept-implausible pipeline slope
    grep -q "implausible, and accepted" suv.log
    run "$BIN/petrel-load" --check --accept-implausible slope
    [ "$status" = 0 ]
}

@test "--check and the pipeline say the same of every change" {
    local n=0 change same=0
    for change in "-m (0054,1001)=CNTS" "-m (0054,1001)=PROPCPS" "-m (0054,1102)=ADMIN" "-m (0054,1102)=NONE" "-m (0010,1030)=155lb" "-m (0010,1030)=70,5" \
        "-m (0054,0016)[0].(0018,1074)=370" "-m (0054,0016)[0].(0018,1075)=109.77" "-m (0054,0016)[0].(0018,1072)=0900" \
        "-m (0054,0016)[0].(0018,1072)=9:5x" "-m (0028,0051)=DECY" "-m (0054,1101)=NONE" "-m (0028,1053)=0" "-m (0028,1053)=1e6" "-m (0008,0020)=19800101" \
        "-m (0008,0032)=0930" "-e (0008,0032)" "-e (0018,1242)" "-i (0054,0016)[1].(0018,1074)=1e8" "-m (0010,1030)=7000"; do
        n=$((n + 1))
        rm -rf all/$n
        mkdir -p all
        # shellcheck disable=SC2086
        variant "all/$n" $change
        dcmodify -nb -m "(0020,000e)=1.2.3.4.$n" all/$n/* 2>/dev/null
    done
    "$BIN/petrel-load" --check all >check.tsv 2>check.log || [ $? = 65 ]
    suv_options= pipeline all
    sed 1d check.tsv | cut -f2 | sort >foretold
    sed -n "s/.*refused '\(all\/[0-9]*\)':.*/\1/p" load.log suv.log | sort >done
    cat check.tsv ./*.log
    diff foretold done
    # some of either kind
    [ "$(wc -l <done)" -ge 8 ] && [ "$(wc -l <done)" -le 16 ]
}
