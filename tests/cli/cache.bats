# SPDX-License-Identifier: Apache-2.0
# petrel-cache: collect, resume, refuse, verify, ls, split
bats_require_minimum_version 1.5.0

setup_file() {
    export BIN
    BIN=$(realpath "${PETREL_BIN:-$BATS_TEST_DIRNAME/../../build/bin}")
    cd "$BATS_FILE_TMPDIR" || return 1
    "$BIN/petrel-simulate" --quiet --out cohort --patients 4 --scale quick --seed 3
    collect made 0 cohort
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cp -r "$BATS_FILE_TMPDIR/made" cache
}

# collect CACHE CODE SCAN... [-- ROI AND CACHE WORDS]: load, suv, roi and cache in a run of their own
collect() {
    local cache=$1 code=$2 scans=() run
    shift 2
    while [ $# -gt 0 ] && [ "$1" != -- ]; do scans+=("$1") && shift; done
    [ $# = 0 ] || shift
    run=$(mktemp -d "$BATS_FILE_TMPDIR/run.XXXXXX")
    PETREL_RUN_DIR=$run "$BIN/petrel-load" --skip-cache "$cache" "${scans[@]}" 2>"$run/load.log" &
    PETREL_RUN_DIR=$run "$BIN/petrel-suv" 2>"$run/suv.log" &
    PETREL_RUN_DIR=$run "$BIN/petrel-roi" "$@" 2>"$run/roi.log" &
    local got=0
    PETREL_RUN_DIR=$run timeout 60 "$BIN/petrel-cache" collect "$cache" "$@" 2>"$run/cache.log" || got=$?
    wait
    cat "$run/cache.log"
    [ "$got" = "$code" ]
}

@test "what was collected verifies, and h5dump reads it" {
    run -0 --separate-stderr "$BIN/petrel-cache" verify cache
    [[ ${lines[0]} == "4 scans, "*" 0 refused; 0 damaged" ]]
    command -v h5dump >/dev/null || skip "no h5dump"
    for shard in cache/*.h5; do h5dump "$shard" >/dev/null; done
    h5dump -a /scan/patient "$(ls cache/*.h5 | head -n 1)" | grep -q SIMULATED_
}

@test "collecting again adds nothing and says the same digest" {
    run -0 "$BIN/petrel-cache" verify cache
    before=$output
    sums=$(sha256sum cache/*.h5)
    collect cache 0 "$BATS_FILE_TMPDIR/cohort" | grep -q '4 scans'
    [ "$(sha256sum cache/*.h5)" = "$sums" ]
    [ "$("$BIN/petrel-cache" verify cache)" = "$before" ]
}

@test "a cache cut down to its first shard is filled up to the same digest" {
    before=$("$BIN/petrel-cache" verify cache | tail -n 1)
    head -n 2 cache/manifest >short && cp short cache/manifest
    printf 'shard\thalf a li' >>cache/manifest
    rm "cache/$(ls cache | grep h5 | grep -v "$(cut -f 4 short | tail -n 1)" | head -n 1)"
    collect cache 0 "$BATS_FILE_TMPDIR/cohort"
    [ "$("$BIN/petrel-cache" verify cache | tail -n 1)" = "$before" ]
}

@test "a refused scan is listed with code 65, and taken in once it is mended" {
    cp -r "$BATS_FILE_TMPDIR/cohort" broken
    pet=$(find broken -name 'PET.nii.gz' | sort | head -n 1)
    mv "$pet" whole && head -c 20000 whole >"$pet"
    rm -r cache
    collect cache 65 broken >log
    grep -q '3 scans' log
    grep -q 'refused' log
    run -0 "$BIN/petrel-cache" ls cache
    [[ $output == *"refused by load: "*"PET.nii.gz"* ]]
    [[ $output == *"3 scans, "*" 1 refused; simulated cohort" ]]
    mv whole "$pet"
    collect cache 0 broken >log
    grep -q '4 scans' log
    run -0 "$BIN/petrel-cache" ls cache
    [[ $output == *"4 scans, "*" 0 refused"* ]]
}

@test "other settings into the same directory are refused by name" {
    collect cache 78 "$BATS_FILE_TMPDIR/cohort" -- --roi-method fixed >log
    grep -q "made with other settings (roi_method = fcm there, fixed here)" log
    "$BIN/petrel-cache" verify cache
}

@test "a damaged shard is named with code 65" {
    shard=$(ls cache/*.h5 | head -n 1)
    size=$(stat -c %s "$shard")
    printf '\xff\xfe\xff' | dd of="$shard" bs=1 seek=$((size / 2)) conv=notrunc status=none
    run -65 "$BIN/petrel-cache" verify cache
    [[ $output == *"$(basename "$shard")"* ]]
    [[ $output == *"1 damaged"* ]]
}

@test "a lost shard, another version, no cache: a sentence each" {
    shard=$(ls cache/*.h5 | head -n 1)
    mv "$shard" kept
    run -65 "$BIN/petrel-cache" ls cache
    [[ $output == *"has lost its shard '$(basename "$shard")'"* ]]
    mv kept "$shard"
    sed -i '1s/layout 1/layout 7/' cache/manifest
    run -65 "$BIN/petrel-cache" ls cache
    [[ $output == *"cache 'cache' has layout version 7, this petrel reads 1: make it again with petrel-cache collect"* ]]
    run -66 "$BIN/petrel-cache" verify nothing
    mkdir empty
    run -66 "$BIN/petrel-cache" ls empty
}

@test "ls --json has every scan with its facts" {
    run -0 --separate-stderr "$BIN/petrel-cache" ls --json cache
    [ "$(grep -c '"suv_max": [0-9]' <<<"$output")" = 4 ]
    [ "$(grep -c '"simulated": 1' <<<"$output")" -ge 4 ]
    if command -v python3 >/dev/null; then python3 -m json.tool <<<"$output" >/dev/null; fi
}

@test "split divides patients by the seed and repeats itself" {
    "$BIN/petrel-cache" split cache --validation 0.25 --test 0.25 --seed 7 >table
    [ "$(sed 1d table | awk '{ print $1, $2 }')" = $'train 2\nvalidation 1\ntest 1' ]
    cp cache/splits.tsv first
    "$BIN/petrel-cache" split cache --validation 0.25 --test 0.25 --seed 7 >/dev/null
    cmp first cache/splits.tsv
    [ "$("$BIN/petrel-cache" ls cache | grep -c ' test ')" = 1 ]
    run -64 "$BIN/petrel-cache" split cache --validation 0.6 --test 0.6
    # another split is not laid over it in silence
    run -64 "$BIN/petrel-cache" split cache --validation 0.5 --test 0.25 --seed 7
    [[ $output == *"'cache' is split already"*"--force"* ]]
    cmp first cache/splits.tsv
    "$BIN/petrel-cache" split cache --validation 0.5 --test 0.25 --seed 7 --force >/dev/null
    run -1 cmp -s first cache/splits.tsv
}

@test "pictures: a PNG a scan, drawn once" {
    run -0 "$BIN/petrel-cache" pictures cache
    [[ $output == "cache/pictures: 4 pictures, 4 of them new; "* ]]
    for shard in cache/*.h5; do
        picture=cache/pictures/$(basename "$shard" .h5).png
        [ "$(head -c 8 "$picture" | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ]
    done
    rm "$picture"
    "$BIN/petrel-cache" pictures cache | grep -q '4 pictures, 1 of them new'
    [ -s "$picture" ]
    "$BIN/petrel-cache" verify cache | grep -q ' 0 damaged'
    run -66 "$BIN/petrel-cache" pictures nowhere
    [ ! -e nowhere ]
}

@test "words that make no sense are refused with 64" {
    run -64 "$BIN/petrel-cache"
    run -64 "$BIN/petrel-cache" polish cache
    [[ $output == *"'polish' is none of collect, verify, ls, split, merge, recall, pictures"* ]]
    run -64 "$BIN/petrel-cache" verify a b
}
