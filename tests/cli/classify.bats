# SPDX-License-Identifier: Apache-2.0
# petrel-classify: alone and in a pipeline, on the scan's own grid, and what is wrong said in a sentence
bats_require_minimum_version 1.5.0
load small

setup_file() { small_model; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    model=$SMALL/model/model.safetensors
    scan=$(small_scan 4)
    name=SIMULATED_0004_SIMULATED_PETCT_PET
    TMPDIR=$(mktemp -d /tmp/petrel-c.XXXXXX) # short: there are sockets in it
    export TMPDIR
}

teardown() { rm -rf "$TMPDIR"; }

rows() { grep -c '^[0-9]' "$1"; }

# Nothing of a run of its own is left: no directory, no program.
nothing_left() {
    [ -z "$(ls "$TMPDIR")" ]
    ! pgrep -f "$TMPDIR/petrel-" >/dev/null
}

@test "alone and through the pipeline: the same bytes, a row a region, and what the model was trained on" {
    run -0 --separate-stderr petrel-classify --model "$model" "$scan" --out alone
    [[ $output == "alone/$name"$'\t'*" regions"$'\t'*"model of a simulated cohort" ]]
    [[ $stderr == *"the model was trained on a simulated cohort"* ]]
    nothing_left
    run -0 "$TOP/pipelines/classify.sh" --model "$model" "$scan" --out piped -j 2
    diff -r alone piped
    [ "$(ls "alone/$name" | tr '\n' ' ')" = "labels.nii.gz mip.png probability.nii.gz reading.html regions.csv regions.json regions.tsv scan.csv tumour.nii.gz " ]
    [ "$(rows "alone/$name/regions.tsv")" = "$(petrel-cache ls "$SMALL/cache" | awk '$2 == "SIMULATED_0004" { print $3 }')" ]
    [[ $(head -n 1 "alone/$name/regions.tsv") == "# the model was trained on a simulated cohort"* ]]
    grep -q "^# scan '.*PET.nii.gz', simulated" "alone/$name/regions.tsv"
    awk -F '\t' '/^[0-9]/ && ($2 < 0 || $2 > 1 || $3 != ($2 >= 0.5)) { exit 1 }' "alone/$name/regions.tsv"
    [ "$(head -c 8 "alone/$name/mip.png" | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ]
    # again into the same folder: the same
    petrel-classify --quiet --model "$model" "$scan" --out alone
    diff -r alone piped
}

@test "masks lie on the scan's own grid, for a scan stored backwards too" {
    petrel-classify --quiet --model "$model" "$scan" --out straight
    nifti grid "$scan/PET.nii.gz" >grid
    diff grid <(nifti grid "straight/$name/labels.nii.gz")
    diff grid <(nifti grid "straight/$name/tumour.nii.gz")
    # every region has the voxels its row says
    diff <(nifti counts "straight/$name/labels.nii.gz" | sed 1d) <(awk -F '\t' '/^[0-9]/ { print $1, $8 }' "straight/$name/regions.tsv")
    mkdir back
    nifti flip xz "$scan/PET.nii.gz" back/PET.nii.gz
    nifti flip xz "$scan/ORGANS.nii.gz" back/ORGANS.nii.gz
    cp "$scan/PET.json" back
    petrel-classify --quiet --model "$model" back --out backwards
    diff <(nifti grid back/PET.nii.gz) <(nifti grid "backwards/$name/labels.nii.gz")
    diff <(cut -f 1-12 "straight/$name/regions.tsv" | grep -v '^# scan') <(cut -f 1-12 "backwards/$name/regions.tsv" | grep -v '^# scan')
    nifti flip xz "backwards/$name/labels.nii.gz" turned.nii.gz
    cmp <(zcat turned.nii.gz | tail -c +353) <(zcat "straight/$name/labels.nii.gz" | tail -c +353)
}

@test "two scans of one study are two results" {
    mkdir study
    cp "$scan/PET.nii.gz" study/early.nii.gz
    cp "$(small_scan 5)/PET.nii.gz" study/late.nii.gz
    cp "$scan/PET.json" study/early.json
    cp "$scan/PET.json" study/late.json
    petrel-classify --quiet --model "$model" study --out out
    [ "$(ls -d out/*/ | tr '\n' ' ')" = "out/SIMULATED_0004_SIMULATED_PETCT_early/ out/SIMULATED_0004_SIMULATED_PETCT_late/ " ]
    [ "$(wc -l <out/scans.csv)" = 3 ]
}

@test "a truncated scan among good ones: named once, the other is done, code 65; alone and in the pipeline" {
    mkdir -p both/cut
    cp -r "$scan" both/good
    head -c 30000 "$(small_scan 5)/PET.nii.gz" >both/cut/PET.nii.gz
    cp "$(small_scan 5)/PET.json" both/cut
    run -65 --separate-stderr petrel-classify --model "$model" both --out alone
    [ "$(grep -c 'both/cut/PET.nii.gz.*truncated' <<<"$stderr")" = 1 ]
    [ "$(rows alone/*/regions.tsv)" -gt 0 ]
    nothing_left
    run -65 --separate-stderr "$TOP/pipelines/classify.sh" --model "$model" both --out piped -j 1
    [ "$(grep -c 'both/cut/PET.nii.gz.*truncated' <<<"$stderr")" = 1 ]
    diff -r alone piped
}

@test "an image that does not say its units: named by its own path, and taken with --units" {
    mkdir -p ward/visit
    cp "$scan/PET.nii.gz" ward/visit/image.nii.gz
    run -65 --separate-stderr petrel-classify --model "$model" ward --out out
    [ "$(grep -c "refused 'ward/visit/image.nii.gz': .*--units" <<<"$stderr")" = 1 ]
    # its values are Bq/mL in truth: no body has such SUV
    run -65 --separate-stderr petrel-classify --model "$model" ward --out out --units suv
    [[ $stderr == *"no patient's scan is like this: SUVmax is "* ]]
    run -0 --separate-stderr petrel-classify --model "$model" ward --out out --units suv --accept-implausible
    [ "$(ls -d out/*/ | wc -l)" = 1 ]
    nothing_left
}

@test "no scan there: 66, and no word too many" {
    mkdir empty
    for where in empty gone; do
        run -66 --separate-stderr petrel-classify --model "$model" "$where" --out out
        [ "$(grep -c "'$where'" <<<"$stderr")" = 1 ]
        nothing_left
        run -66 --separate-stderr timeout 60 "$TOP/pipelines/classify.sh" --model "$model" "$where" --out out -j 1
        [ "$(grep -c "'$where'" <<<"$stderr")" = 1 ]
    done
}

@test "a model that cannot be used: 65, alone and in a pipeline, which does not wait for it" {
    head -c 5000 "$model" >cut
    safetensors "$model" two channels 2
    for bad in "$SMALL/model/encoder.safetensors" cut two; do
        run -65 --separate-stderr petrel-classify --quiet --model "$bad" "$scan" --out out
        [ "$(grep -c '^petrel-classify:' <<<"$stderr")" = 1 ]
        nothing_left
        # with --recipe, the model is first opened by the pipeline's last node
        run -65 --separate-stderr timeout 60 "$TOP/pipelines/classify.sh" --model "$bad" "$scan" --out out -j 1 --recipe "$SMALL/small.conf"
        [ "$(grep -c "classifier\|cut short\|channels" <<<"$stderr")" = 1 ]
    done
    run -65 --separate-stderr "$TOP/pipelines/classify.sh" --model cut "$scan" --out out -j 1
    [[ $stderr == *"'cut'"* ]]
    [ -z "$(ls out)" ]
}

@test "a child that is killed is started again: the same results; one that crashes ten times in a row, or cannot be started, ends it" {
    cp "$BIN/petrel-classify" .
    run -69 --separate-stderr timeout 60 ./petrel-classify --model "$model" "$scan" --out out
    [[ $stderr == *"petrel-"*" ended with code 69"* ]] # whichever was seen first
    nothing_left
    cp "$BIN"/petrel-{load,suv} .
    printf '#!/bin/sh\necho >>begun\n[ $(wc -l <begun) -ge 4 ] || kill -9 $$\nexec "%s" "$@"\n' "$BIN/petrel-roi" >petrel-roi
    chmod +x petrel-roi
    run -0 --separate-stderr timeout 60 ./petrel-classify --model "$model" "$scan" --out out
    [ "$(grep -c "petrel-roi was killed by signal 9 and is started again" <<<"$stderr")" = 3 ]
    petrel-classify --quiet --model "$model" "$scan" --out undisturbed
    diff -r out undisturbed
    nothing_left
    printf '#!/bin/sh\necho >>crashed\nkill -SEGV $$\n' >petrel-roi
    run -70 --separate-stderr timeout 60 ./petrel-classify --model "$model" "$scan" --out out
    [[ $stderr == *"petrel-roi was killed by signal 11 again and again"* ]]
    [ "$(wc -l <crashed)" = 10 ]
    nothing_left
}

@test "asked to stop: 75, and nothing is left" {
    cp "$BIN"/petrel-{classify,load,roi} .
    printf '#!/bin/sh\necho here >>waits\nexec sleep 100\n' >petrel-suv
    chmod +x petrel-suv
    ./petrel-classify --quiet --model "$model" "$scan" --out out 2>log 3>&- &
    until [ -e waits ]; do sleep 0.05; done
    sleep 0.3
    kill -TERM $!
    wait $! && code=0 || code=$?
    cat log
    [ $code = 75 ]
    nothing_left
}

@test "words that are missing" {
    run -64 petrel-classify "$scan" --out out
    [[ $output == *"--model is missing"* ]]
    run -64 petrel-classify --model "$model" "$scan"
    [[ $output == *"--out is missing"* ]]
    PETREL_RUN_DIR='' run -64 petrel-classify --model "$model" --out out
    [[ $output == *"no scan was named"* ]]
    run -64 "$TOP/pipelines/classify.sh" --model "$model" --out out
    [ ! -e out ]
}

@test "no GPU: 69, and what was looked for" {
    [ ! -e /dev/nvidia0 ] || skip "a GPU is here"
    run -69 --separate-stderr petrel-classify --model "$model" "$scan" --out out --backend cuda
    [[ $stderr == *"GPU"* ]]
    nothing_left
}

@test "settings: the model's own recipe, which other programs take" {
    run -0 --separate-stderr petrel-classify settings --model "$model"
    [[ ${lines[0]} == "recipe_name = small" ]]
    echo "$output" >again.conf
    petrel-train describe --recipe again.conf >a
    petrel-train describe --recipe "$SMALL/small.conf" >b
    diff a b
}

@test "settings opens no back end" {
    run -0 --separate-stderr petrel-classify settings --model "$model"
    [[ $stderr != *"back end"* ]]
    # one that cannot be opened here does not matter
    PETREL_CUDA=/nonexistent PETREL_CPU=none run -0 --separate-stderr petrel-classify settings --model "$model" --backend cuda
    [[ ${lines[0]} == "recipe_name = small" ]]
    PETREL_CPU=none run ! petrel-classify --model "$model" nothing.nii --out out --backend cpu
    [[ $output == *"PETREL_CPU"* ]]
}

@test "a real whole-body scan" {
    [ -d "${PETREL_DATA:-}/ge_sarcoma_dicom" ] || skip "no real scans (PETREL_DATA)"
    run -0 --separate-stderr petrel-classify --model "$model" "$PETREL_DATA/ge_sarcoma_dicom" --out out
    [[ $output == *"model of a simulated cohort" ]]
    [ "$(rows out/*/regions.tsv)" -gt 10 ]
    ! grep -q 'simulated$' out/*/regions.tsv # the scan is not
    [ "$(rows out/*/regions.tsv)" = "$(($(nifti counts out/*/labels.nii.gz | wc -l) - 1))" ]
    # no name of the patient's in what was written
    ! grep -rqa STS_001 out
}
