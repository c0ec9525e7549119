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

@test "on an organ map: who is who in the list, the same bytes for any -j, and another anatomy is another cohort" {
    "$BIN/petrel-simulate" --quiet --out "$DIR/made" --patients 1 --scale quick --seed 5
    mkdir -p "$DIR/maps/organs"
    cp "$DIR/made/SIMULATED_0001/SIMULATED_PETCT/ORGANS.nii.gz" "$DIR/maps/organs/s1.nii.gz"
    printf 'study\tpatient\tdiagnosis\tsex\tage_y\tvoxel_clicks_tumour\tvoxel_clicks_background\ns1\tp1\tMELANOMA\tF\t57\t80,50,120;60,50,130\t70,50,60\n' \
        >"$DIR/maps/studies.tsv"
    "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 2 --scale quick --anatomy "$DIR/maps" -j 1
    "$BIN/petrel-simulate" --quiet --out "$DIR/b" --patients 2 --scale quick --anatomy "$DIR/maps" -j 2
    [ "$(sums "$DIR/a")" = "$(sums "$DIR/b")" ]
    # one anatomy is one patient, however often it is simulated
    [ "$(cut -f1,2 "$DIR/a/scans.tsv" | tail -n 2)" = "SIMULATED_0001"$'\t'"SIMULATED_PETCT"$'\n'"SIMULATED_0001"$'\t'"SIMULATED_PETCT_2" ]
    [ -f "$DIR/a/SIMULATED_0001/SIMULATED_PETCT_2/SEG.nii.gz" ]
    zcat "$DIR/a/SIMULATED_0001/SIMULATED_PETCT/ORGANS.nii.gz" | head -c 348 | grep -aq SIMULATED
    run "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 2 --scale quick
    [ "$status" = 73 ]
    [[ "$output" == *"anatomy"* ]]
}

@test "organ maps that are not there, or say nothing" {
    run "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 1 --anatomy "$DIR/none"
    [ "$status" != 0 ]
    [[ "$output" == *"none/studies.tsv"* ]]
    mkdir "$DIR/maps"
    echo study >"$DIR/maps/studies.tsv"
    run "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 1 --anatomy "$DIR/maps"
    [ "$status" = 65 ]
    [[ "$output" == *"cannot use '$DIR/maps/studies.tsv': it has no column 'patient'"* ]]
}

@test "metadata as autoPET has it, CT where asked for, and a folder is one scan a study" {
    "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 2 --scale quick --seed 5 --ct
    [ "$(grep -c ^SIMULATED "$DIR/a/metadata.csv")" = 6 ]
    zcat "$DIR/a/SIMULATED_0001/SIMULATED_PETCT/CTres.nii.gz" | head -c 348 | grep -aq SIMULATED
    "$BATS_TEST_DIRNAME/../../datasets/autopet/list.sh" "$DIR/a" "$DIR/a/metadata.csv" >"$DIR/list.tsv"
    [ "$(wc -l <"$DIR/list.tsv")" = 3 ]
    grep -qE $'^SIMULATED_0002\tSIMULATED_PETCT\t.*/PET.nii.gz\t.*/SEG.nii.gz\t(MELANOMA|NEGATIVE)\t[MF]\t[0-9]+$' "$DIR/list.tsv"
    # petrel-load given the folder reads PET.nii.gz with its PET.json, and nothing else
    BIN=$(realpath "$BIN")
    export PETREL_RUN_DIR="$DIR/run" XDG_CONFIG_HOME="$DIR/config"
    mkdir "$DIR/run"
    "$BIN/petrel-load" --quiet "$DIR/a" 3>&- &
    "$BIN/petrel-suv" --quiet 3>&- &
    "$BIN/petrel-roi" --quiet 3>&- &
    timeout 60 "$BIN/petrel-cache" collect --quiet "$DIR/cache" 3>&-
    wait
    "$BIN/petrel-cache" ls "$DIR/cache" --json >"$DIR/ls.json"
    [ "$(grep -c '"units": "BQML"' "$DIR/ls.json")" = 2 ]
    grep -q '"source": "a/SIMULATED_0001/SIMULATED_PETCT/PET.nii.gz"' "$DIR/ls.json"
}

@test "check: a cohort and its regions beside the published figures" {
    BIN=$(realpath "$BIN")
    "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 3 --scale quick --seed 5
    PATH=$BIN:$PATH "$BATS_TEST_DIRNAME/../../pipelines/rois.sh" "$DIR/a" --out "$DIR/cache" -j 1
    run "$BIN/petrel-simulate" check "$DIR/a" "$DIR/cache"
    echo "$output"
    [ "$status" = 0 ]
    [[ "$output" == *"3 scans"*"| liver | "*" | 1543 +- 363 | "*"| share of tumours |"*"below 0.90"* ]]
    run "$BIN/petrel-simulate" check "$DIR" "$DIR/cache"
    [ "$status" != 0 ]
    [[ "$output" == *"ORGANS.nii.gz"* ]]
}

@test "site B: the same patients in another scanner" {
    "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 1 --scale quick --seed 5
    "$BIN/petrel-simulate" --quiet --out "$DIR/b" --patients 1 --scale quick --seed 5 --site B
    dimensions() { zcat "$1/SIMULATED_0001/SIMULATED_PETCT/PET.nii.gz" | head -c 48 | od -An -td2 -j42 -N6; }
    [ "$(dimensions "$DIR/a")" != "$(dimensions "$DIR/b")" ]
    grep -q "site B" "$DIR/b/SIMULATED.txt"
    # lesions are the same, what is seen of them is not
    [ "$(cut -f1-6 "$DIR/a/SIMULATED_0001/SIMULATED_PETCT/regions.tsv" | head -n 3)" = "$(cut -f1-6 "$DIR/b/SIMULATED_0001/SIMULATED_PETCT/regions.tsv" | head -n 3)" ]
}
