#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# petrel-suv on the command line. Its arithmetic is tested in tests/unit/suv_factor.c, its streams in suv_pipeline.c.

setup() {
    bin=${PETREL_BIN:-build/bin}
    dir=$(mktemp -d)
}
teardown() {
    rm -rf "$dir"
}

@test "suv: --help and --version" {
    run "$bin/petrel-suv" --help
    [ "$status" = 0 ]
    [[ $output == *"--formula bw|james|janmahasatian|bsa"* && $output == *"--spacing MM,MM,MM"* && $output == *"--in NAME"* && $output == *"--out NAME"* ]]
    run "$bin/petrel-suv" --version
    [ "$status" = 0 ]
}

@test "suv: options that make no sense" {
    for words in "64 --formula lbm" "78 --spacing 2,2" "78 --crop 5" "78 --crop 10,-10" "78 --crop knees" "78 --clip 5" "78 --clip 5,1" "64 scan.nii.gz" \
        "64 --spacing 2,x,2"; do
        run "$bin/petrel-suv" --run "$dir" ${words#* }
        echo "$words: $status $output"
        [ "$status" = "${words%% *}" ]
    done
}

@test "suv: no run directory" {
    PETREL_RUN_DIR= run "$bin/petrel-suv"
    [ "$status" = 64 ]
    [[ $output == *"no run directory"* ]]
}

@test "suv: --spacing and --crop reach the regions" {
    [ -n "${PETREL_DATA:-}" ] || skip "no real scans: PETREL_DATA is not set"
    export PETREL_RUN_DIR=$dir/run XDG_CONFIG_HOME=$dir/config
    mkdir -p "$dir/run"
    "$bin/petrel-load" --roi GTV_Mass "$PETREL_DATA/ge_sarcoma_dicom" 2>"$dir/load.log" 3>&- &
    "$bin/petrel-suv" --formula bw --crop -600,0 --spacing 4,4,4 2>"$dir/suv.log" 3>&- &
    "$bin/petrel-roi" --in suv --out regions 2>"$dir/roi.log" 3>&- &
    run "$bin/petrel-cache" collect "$dir/cache" --in regions
    wait
    cat "$dir"/*.log
    [ "$status" = 0 ]
    # without the bladder, which lies below, 66.52 is no longer the largest
    grep -q "factor=0.000242903 .*formula=.SUVbw = Bq/mL" "$dir/suv.log"
    run grep "suv_max=66.52" "$dir/suv.log"
    [ "$status" = 1 ]
}
