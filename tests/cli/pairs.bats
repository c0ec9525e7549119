# SPDX-License-Identifier: Apache-2.0
# petrel-pairs: show and apply on a cache, options, and what is refused

setup_file() {
    BIN=${PETREL_BIN:-build/bin}
    export CACHE=$BATS_FILE_TMPDIR/cache RUN=$BATS_FILE_TMPDIR/run
    mkdir -p "$RUN"
    "$BIN/petrel-simulate" --quiet --out "$BATS_FILE_TMPDIR/scans" --patients 4 --scale quick --seed 3 -j 2
    "$BIN/petrel-load" --quiet --run "$RUN" --channel-out volumes "$BATS_FILE_TMPDIR/scans" &
    "$BIN/petrel-suv" --quiet --run "$RUN" --in volumes --out suv &
    "$BIN/petrel-roi" --quiet --run "$RUN" --in suv --out regions &
    "$BIN/petrel-cache" collect "$CACHE" --quiet --run "$RUN"
    wait
    "$BIN/petrel-cache" split "$CACHE" --quiet
}

setup() {
    BIN=${PETREL_BIN:-build/bin}
    small=(--set batch=8 --set pairs_per_epoch=40)
}

@test "show prints a batch, the same each time, another for another step" {
    "$BIN/petrel-pairs" show "$CACHE" "${small[@]}" --seed 5 --epoch 2 --step 1 >"$BATS_TEST_TMPDIR/a"
    "$BIN/petrel-pairs" show "$CACHE" "${small[@]}" --seed 5 --epoch 2 --step 1 >"$BATS_TEST_TMPDIR/b"
    "$BIN/petrel-pairs" show "$CACHE" "${small[@]}" --seed 5 --epoch 2 --step 2 >"$BATS_TEST_TMPDIR/c"
    cmp "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
    ! cmp -s "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/c"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/a")" = 9 ]
    [ "$(awk 'NR > 1 && $4 != $5' "$BATS_TEST_TMPDIR/a" | wc -l)" = 0 ] # partners are of one class
}

@test "without semantic every pair is its own, and augmented" {
    "$BIN/petrel-pairs" show "$CACHE" "${small[@]}" --no-semantic --seed 5 >"$BATS_TEST_TMPDIR/a"
    [ "$(awk 'NR > 1 && $2 != $3' "$BATS_TEST_TMPDIR/a" | wc -l)" = 0 ]
    ! grep -q 'partner' "$BATS_TEST_TMPDIR/a"
}

@test "apply writes a box and says what it drew" {
    run "$BIN/petrel-pairs" apply --op affine,rotate,histogram --seed 2 "$CACHE" --row 1 --out "$BATS_TEST_TMPDIR/box.nii"
    [ "$status" = 0 ]
    [ "$(cut -f 1 <<<"$output" | tr '\n' ' ')" = "affine rotate histogram " ]
    [ "$(stat -c %s "$BATS_TEST_TMPDIR/box.nii")" -ge 16384 ]
    "$BIN/petrel-pairs" apply --op affine,rotate,histogram --seed 2 "$CACHE" --row 1 --out "$BATS_TEST_TMPDIR/again.nii"
    cmp "$BATS_TEST_TMPDIR/box.nii" "$BATS_TEST_TMPDIR/again.nii"
    "$BIN/petrel-pairs" apply --op affine,rotate,histogram --seed 3 "$CACHE" --row 1 --out "$BATS_TEST_TMPDIR/other.nii"
    ! cmp -s "$BATS_TEST_TMPDIR/box.nii" "$BATS_TEST_TMPDIR/other.nii"
}

@test "what cannot be is refused with its exit code" {
    run "$BIN/petrel-pairs" apply --op blur "$CACHE" --row 0 --out "$BATS_TEST_TMPDIR/x.nii"
    [ "$status" = 78 ] && [[ "$output" == *"has 'blur' (some of affine,flip"* ]]
    run "$BIN/petrel-pairs" apply --op flip "$CACHE" --row 1000000 --out "$BATS_TEST_TMPDIR/x.nii"
    [ "$status" = 64 ] && [[ "$output" == *"no row 1000000"* ]]
    [ ! -e "$BATS_TEST_TMPDIR/x.nii" ]
    run "$BIN/petrel-pairs" show "$CACHE" "${small[@]}" --step 99
    [ "$status" = 65 ] && [[ "$output" == *"5 steps an epoch"* ]]
    run "$BIN/petrel-pairs" show "$BATS_TEST_TMPDIR/none"
    [ "$status" = 66 ]
    run "$BIN/petrel-pairs" show
    [ "$status" = 64 ] && [[ "$output" == *"no cache given"* ]]
    run "$BIN/petrel-pairs" "$CACHE" "$CACHE" --run "$RUN"
    [ "$status" = 64 ]
    PETREL_RUN_DIR='' run "$BIN/petrel-pairs" "$CACHE"
    [ "$status" = 64 ] && [[ "$output" == *"--run"* ]]
}

@test "help of all three" {
    for use in "" apply show; do
        run "$BIN/petrel-pairs" $use --help
        [ "$status" = 0 ] && [[ "$output" == *"Usage: petrel-pairs $use"* ]]
    done
}
