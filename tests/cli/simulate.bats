# petrel-simulate: the same bytes for any -j, stopped and resumed; files that say what they are

setup() { BIN=${PETREL_BIN:-build/bin}; DIR=$BATS_TEST_TMPDIR; }
sums() { (cd "$1" && find . -type f | sort | xargs sha256sum); }

@test "the same bytes for -j 1 and -j 2, and after a kill" {
    "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 2 --scale quick --seed 5 -j 1
    "$BIN/petrel-simulate" --quiet --out "$DIR/b" --patients 2 --scale quick --seed 5 -j 2
    [ "$(sums "$DIR/a")" = "$(sums "$DIR/b")" ]
    rm "$DIR/b/SIMULATED_0002/SIMULATED_PETCT/PET.json" # as a kill between two files would leave it
    "$BIN/petrel-simulate" --quiet --out "$DIR/b" --patients 2 --scale quick --seed 5
    [ "$(sums "$DIR/a")" = "$(sums "$DIR/b")" ]
    grep -q '"Simulated": true' "$DIR/a/SIMULATED_0001/SIMULATED_PETCT/PET.json"
    zcat "$DIR/a/SIMULATED_0001/SIMULATED_PETCT/PET.nii.gz" | head -c 348 | grep -aq SIMULATED
    [ "$(wc -l <"$DIR/a/scans.tsv")" = 3 ]
}

@test "another cohort in the same folder is refused" {
    "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 1 --scale quick --seed 5
    run "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 1 --scale quick --seed 6
    [ "$status" = 73 ]
    [[ "$output" == *"holds another cohort (simulated cohort, seed 5"* ]]
}

@test "another seed is another cohort" {
    "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 1 --scale quick --seed 5
    "$BIN/petrel-simulate" --quiet --out "$DIR/b" --patients 1 --scale quick --seed 6
    ! cmp -s "$DIR/a/SIMULATED_0001/SIMULATED_PETCT/PET.nii.gz" "$DIR/b/SIMULATED_0001/SIMULATED_PETCT/PET.nii.gz"
}
