# SPDX-License-Identifier: Apache-2.0
# names -- people keep names in folders' and files' names: none of them gets into anything that is written down, but the one table that is
# the user's own.
bats_require_minimum_version 1.5.0
load small

setup_file() { small_model; }

# ward/Mustermann^Erika 1951/Erika_Mustermann.nii.gz, bed7-Nachname/..., and files of names that are none of the layout's
setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    model=$SMALL/model/model.safetensors
    places=("ward-Mustermann/Mustermann^Erika 1951" "ward-Mustermann/O'Brien, Séamus" "ward-Mustermann/bed7_Nachname")
    names='Mustermann|Erika|Brien|amus|Nachname|Vorname'
    local i=0 place scan
    for place in "${places[@]}"; do
        mkdir -p "$place"
        i=$((i + 1))
        scan=$(small_scan $i)
        cp "$scan/PET.nii.gz" "$place/Vorname_$i.nii.gz"
        cp "$scan/SEG.nii.gz" "$place/Vorname_${i}_mask.nii.gz"
        # not simulated, as far as it says: what is simulated hides nothing
        perl -pe 's/"[^"]*imulated[^"]*"\s*:\s*(true|"[^"]*"),?//; s/SIMULATED_/PATIENT_/g' "$scan/PET.json" >"$place/Vorname_$i.json"
    done
    head -c 30000 "$(small_scan 4)/PET.nii.gz" >"ward-Mustermann/bed7_Nachname/Vorname_cut.nii.gz"
    echo '{"Units": "SUV"}' >"ward-Mustermann/bed7_Nachname/Vorname_cut.json"
    mkdir ward-Mustermann/Vorname-empty
    echo not a scan >ward-Mustermann/Vorname-empty/Nachname.txt
}

# Names of files, and text in them, under DIR...; pictures and archives by their bytes.
leaks() {
    find "$@" | grep -E "$names"
    grep -raE "$names" "$@"
}

@test "a folder's and a file's name reach no cache, table, log, record, report; the table beside the run has them" {
    run -65 --separate-stderr "$TOP/pipelines/rois.sh" ward-Mustermann --out cache -j 2
    echo "$stderr"
    # who started it is told by name
    [[ $stderr == *"refused 'ward-Mustermann/bed7_Nachname/Vorname_cut.nii.gz': "*"'ward-Mustermann/bed7_Nachname/Vorname_cut.nii.gz'"*truncated* ]]
    run ! leaks cache cache.run
    [ "$(stat -c %a cache.run.names)" = 600 ]
    for name in ward-Mustermann bed7_Nachname Vorname_cut; do
        grep -qP "^[0-9a-f]{12}\t$name\$" cache.run.names
    done
    petrel-cache ls cache >ls && petrel-cache ls --json cache >ls.json
    petrel-cache split cache --validation 0.34 --test 0.33 >split
    petrel-cache recall cache >recall && petrel-cache recall --json cache >recall.json
    petrel-cache verify cache >verify
    run ! leaks ls ls.json split recall recall.json verify cache
    petrel-eval report --quiet --cache cache --model "$model" --out report --split train >said || petrel-eval report --quiet --cache cache \
        --model "$model" --out report >said
    petrel-eval embed --cache cache --model "$model" --out embedding.h5 2>log || true
    run ! leaks report said log $(ls embedding.h5 2>/dev/null)
    # a pseudonym of the cache is found in the table
    key=$(grep -o '"source": "[^"/]*' ls.json | head -n 1 | cut -d '"' -f 4)
    grep -q "^$key" cache.run.names
}

@test "classify: results and their folders without names, the table beside them; --keep-identifiers keeps them" {
    run --separate-stderr petrel-classify --model "$model" "${places[0]}" "${places[2]}" --out results
    [ "$status" = 65 ]
    echo "$stderr"
    [[ $stderr == *"'ward-Mustermann/bed7_Nachname/Vorname_cut.nii.gz': gzip data ends early"* ]]
    run ! leaks results
    [ "$(stat -c %a results.names)" = 600 ]
    "$TOP/pipelines/classify.sh" --model "$model" "${places[0]}" --out piped -j 1
    run ! leaks piped piped.run
    petrel-classify --model "$model" --keep-identifiers "${places[0]}" --out kept
    grep -rq Vorname_1 kept
    [ ! -e kept.names ]
}

@test "a run that fails names the file to whoever started it, and in no file" {
    run -66 --separate-stderr "$TOP/pipelines/rois.sh" ward-Mustermann/Vorname-empty --out cache -j 1
    echo "$stderr"
    [[ $stderr == *"no scan in 'ward-Mustermann/Vorname-empty'"* ]]
    run ! leaks cache.run
    "$TOP/pipelines/rois.sh" "${places[0]}" --out kept --keep-identifiers -j 1
    [ ! -e kept.run.names ]
    petrel-cache ls --json kept | grep -q 'Vorname_1'
}

@test "programs started by hand say names on their stderr, and write none" {
    mkdir run
    petrel-load --run run --channel-out volumes "${places[2]}" 2>said &
    PETREL_RUN_DIR=run petrel-suv 2>>said &
    PETREL_RUN_DIR=run petrel-roi 2>>said &
    PETREL_RUN_DIR=run run -65 timeout 60 petrel-cache collect cache
    wait
    grep -q 'Vorname_cut.nii.gz' said
    run ! leaks cache run
    [ "$(stat -c %a run.names)" = 600 ]
}
