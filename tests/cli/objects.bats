# SPDX-License-Identifier: Apache-2.0
# petrel-export: DICOM objects and BIDS of a result; what others' readers make of them, where these are installed
bats_require_minimum_version 1.5.0
load small

setup_file() { small_visits; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cp -r "$LATER" result
    scan=$SMALL/visits/SIMULATED_0001/SIMULATED_FOLLOWUP
}

readers() { # result: every voxel and number as highdicom and dcmqi read them
    local peers=${PETREL_PEERS:-$TOP/build/peers} why="tests/peers.sh was not run: it installs highdicom and dcmqi in build/peers"
    [[ $BIN != */build-[at]san/* ]] || skip "compared in the build without sanitizers"
    [ ! -e "$peers.missing" ] || why=$(<"$peers.missing")
    [ ! -e "$peers.missing" ] && [ -x "$peers/bin/python" ] || skip "$why"
    "$peers/bin/python" -W ignore "$TOP/tests/golden/objects/readers.py" "$1"
}

export_all() { petrel-export --quiet result --from "$scan" --dicom seg,sr,rtstruct,probability "$@"; }

@test "all objects; again the same bytes; into a folder of their own; those of tumours alone" {
    export_all
    [ "$(cd result && ls *.dcm | tr '\n' ' ')" = "probability.dcm rtstruct.dcm seg.dcm sr.dcm " ]
    sums result | grep dcm >before
    export_all
    diff before <(sums result | grep dcm)
    export_all --out elsewhere
    for f in seg sr rtstruct probability; do cmp result/$f.dcm elsewhere/result/$f.dcm; done
    # a report refers to its segmentation, so that comes along
    petrel-export --quiet result --from "$scan" --dicom sr --out report
    [ "$(ls report/result | tr '\n' ' ')" = "seg.dcm sr.dcm " ]
    sed -i 's/"tumour": 1,/"tumour": 0,/' result/regions.json
    petrel-export result --from "$scan" --dicom seg,sr --which tumour --out none 2>log
    grep -q "no region called tumour: no SEG" log
    [ "$(ls none/result)" = sr.dcm ]
}

@test "petrel-load takes the segmentation back as the truth of its series: every region" {
    export_all
    mkdir both
    cp -r "$scan/PET" both
    cp result/seg.dcm both
    petrel-load --check both
    petrel-suv explain both 2>/dev/null | grep -q . # it is the scan it was
}

@test "only the series that was read is taken: others, changed files and none are refused, and why" {
    run -65 petrel-export result --from "$SMALL/visits/SIMULATED_0001/SIMULATED_PETCT" --dicom seg
    [[ $output == *"of 1 PET series none is it"*"PETCT/PET/0001.dcm'"* ]]
    [ ! -e result/seg.dcm ]
    run -65 petrel-export result --from "$scan/CT" --dicom seg
    [[ $output == *"no PET series is there"* ]]
    cp -r "$scan/PET" changed
    printf x >>changed/0001.dcm
    run -65 petrel-export result --from changed --dicom seg
    [[ $output == *"SHA-256 differs"* ]]
    rm changed/0002.dcm
    run -65 petrel-export result --from changed --dicom seg
    [[ $output == *"slices of"*"the label map"* ]]
    # among others it is found
    petrel-export --quiet result --from "$SMALL/visits/SIMULATED_0001" --dicom seg
    sed -i 's/"voxels": [0-9][0-9]*/"voxels": 3/' result/regions.json
    run -65 petrel-export result --from "$scan" --dicom seg
    [[ $output == *"its row in the table says 3"* ]]
}

@test "words that are missing or unknown" {
    run -64 petrel-export result
    [[ $output == *"nothing was asked for"* ]]
    run -64 petrel-export result --dicom seg
    [[ $output == *"--from is missing"* ]]
    run -64 petrel-export result --dicom seg,pdf --from "$scan"
    [[ $output == *"'pdf' is none of"* ]]
    run -64 petrel-export --bids tree
    [[ $output == *"no result was named"* ]]
    mkdir empty
    run -66 petrel-export empty --bids tree
    [[ $output == *"'empty' holds no result"* ]]
}

@test "BIDS: names, sidecars, the same bytes again; a tree of somebody else's is left alone" {
    petrel-export --quiet result --bids tree
    for f in patient study scan; do printf '%s\n' "$(sed -n "s/.*\"$f\": \"\([0-9a-f]*\)\",/\1/p" result/regions.json)"; done >names
    { read -r patient; read -r study; read -r scan; } <names
    stem=tree/sub-$patient/ses-$study/pet/sub-${patient}_ses-${study}_rec-${scan}_desc-
    for f in regions_dseg.nii.gz regions_dseg.tsv regions_dseg.json tumour_mask.nii.gz tumour_mask.json probability_probseg.nii.gz; do [ -s "$stem$f" ]; done
    ! find tree -type f -o -type d | sed 's/.*\///; s/\.nii\.gz$//' | grep -E '_(sub|ses|rec|desc)-[^_]*[^A-Za-z0-9_.-]'
    cmp <(nifti counts result/labels.nii.gz) <(nifti counts "${stem}regions_dseg.nii.gz")
    diff <(nifti grid result/labels.nii.gz) <(nifti grid "${stem}probability_probseg.nii.gz")
    [ "$(head -n 1 "${stem}regions_dseg.tsv" | cut -f 1-4)" = $'index\tname\ttumour\tprobability' ]
    [ "$(($(wc -l <"${stem}regions_dseg.tsv") - 1))" = "$(($(nifti counts result/labels.nii.gz | wc -l) - 1))" ]
    grep -q '"GeneratedBy"' tree/dataset_description.json
    grep -q '"SourceSHA256": "'"$(sed -n 's/.*"sha256": "\([0-9a-f]*\)",/\1/p' result/regions.json)" "${stem}regions_dseg.json"
    sums tree >before
    petrel-export --quiet result --bids tree
    diff before <(sums tree)
    mkdir theirs
    echo '{"Name": "theirs", "BIDSVersion": "1.9.0"}' >theirs/dataset_description.json
    run -73 petrel-export result --bids theirs
    [[ $output == *"no derivative of petrel-classify"* ]]
    [ "$(find theirs -type f | wc -l)" = 1 ]
}

@test "petrel-classify --dicom, alone and in the pipeline: the same objects; one that was killed before the export goes on with it" {
    model=$SMALL/model/model.safetensors
    petrel-classify --quiet --model "$model" "$scan" --out alone --dicom seg,sr --bids tree
    "$TOP/pipelines/classify.sh" --model "$model" "$scan" --out piped -j 1 --dicom seg,sr
    diff <(cd alone && sums .) <(cd piped && sums .)
    [ -s alone/*/seg.dcm ] && [ -s tree/dataset_description.json ]
    rm alone/*/*.dcm
    for dir in alone/*/; do [ ! -d "$dir" ] || : >"$dir/export.wanted"; done
    petrel-classify --quiet --model "$model" "$SMALL/visits/SIMULATED_0001/SIMULATED_PETCT" --from "$SMALL/visits" --out alone --dicom seg
    [ "$(ls alone/*/seg.dcm | wc -l)" = 2 ] && [ -z "$(find alone -name export.wanted)" ]
    # a scan that is no DICOM has no study to join
    run -65 petrel-classify --quiet --model "$model" "$(small_scan 4)" --out image --dicom seg
    [[ $output == *"is not among the DICOM files given"* ]]
    [ -s image/*/regions.json ]
    petrel-export --quiet image/*_* --bids named # names of a simulation are not hashed: letters and digits of them
    [ -s named/sub-SIMULATED0004/ses-SIMULATEDPETCT/pet/sub-SIMULATED0004_ses-SIMULATEDPETCT_rec-PET_desc-regions_dseg.nii.gz ]
    grep -q "SIMULATED scan" named/sub-*/ses-*/pet/*regions_dseg.json
}

# A threshold between the regions' probabilities, so that some are kept and some go: half_of RESULT
half_of() { awk -F '\t' '/^[0-9]/ { print $2 }' "$1/regions.tsv" | sort -g | awk '{ p[NR] = $1 } END { print (p[int(NR / 2)] + p[int(NR / 2) + 1]) / 2 }'; }
keep() { petrel-classify --quiet --model "$SMALL/model/model.safetensors" --threshold "$(half_of result)" "$scan" --keep tumour "$@"; }

@test "--keep tumour: a SEG comes back as a SEG, an RTSTRUCT as an RTSTRUCT, with what is kept and nothing else" {
    export_all
    for kind in seg rtstruct; do
        keep --regions result/$kind.dcm --out $kind
        kept=$(echo $kind/*_*_*/kept.dcm) dir=$(dirname $kind/*_*_*/kept.dcm)
        [ "$(nifti counts "$dir/kept.nii.gz" | wc -l)" -gt 2 ] && [ "$(nifti counts "$dir/taken_out.nii.gz" | wc -l)" -gt 2 ]
        # read again it is what was kept, and what is called tumour once is called so again
        keep --regions "$kept" --out $kind.again
        grep -q '"taken_out_parts": 0,' $kind.again/*_*_*/regions.json
        cmp <(nifti counts $kind.again/*_*_*/kept.nii.gz | awk '{ print $2 }' | sort) <(nifti counts "$dir/kept.nii.gz" | awk '{ print $2 }' | sort)
        ! cmp -s "$kept" result/$kind.dcm
        # the same bytes, whichever way it is asked for, by a list, too; another file of that name is not taken
        printf 'scan\tregions\n%s\t%s\n' "$scan" "$PWD/result/$kind.dcm" >list.tsv
        petrel-classify --quiet --model "$SMALL/model/model.safetensors" --threshold "$(half_of result)" list.tsv --roi-method given --keep tumour --out $kind.list
        cmp "$kept" $kind.list/*_*_*/kept.dcm
        rm "$kept"
        petrel-export --quiet "$dir" --from result --dicom kept
        cmp "$kept" $kind.list/*_*_*/kept.dcm
        run -65 petrel-export "$dir" --from "$scan" --dicom kept
        [[ $output == *"not among the files given: of "*" DICOM files none has"* ]]
    done
}

@test "the written-back objects by pydicom, highdicom and dcmqi: fractional, overlapping, label maps, other grids, holes, keyholes, points" {
    export_all
    local peers=${PETREL_PEERS:-$TOP/build/peers}
    [ -x "$peers/bin/python" ] && [ ! -e "$peers.missing" ] || skip "tests/peers.sh was not run: it installs highdicom and dcmqi in build/peers"
    [[ $BIN != */build-[at]san/* ]] || skip "compared in the build without sanitizers"
    "$peers/bin/python" -W ignore "$TOP/tests/golden/objects/kept.py" make "$scan/PET" result odd
    cp result/seg.dcm result/rtstruct.dcm odd
    for f in odd/*.dcm; do
        name=$(basename "$f" .dcm)
        keep --regions "$f" --out kept.$name
        "$peers/bin/python" -W ignore "$TOP/tests/golden/objects/kept.py" check "$f" kept.$name/*_*_*
        ! command -v dciodvfy >/dev/null || ! dciodvfy -new kept.$name/*_*_*/kept.dcm 2>&1 | grep '^Error' >said || diff <(dciodvfy -new "$f" 2>&1 | grep '^Error') said
    done
}

@test "a list of scans says where the series lie: --dicom without --from" {
    printf 'scan\n%s\n' "$scan" >list.tsv
    petrel-classify --quiet --model "$SMALL/model/model.safetensors" list.tsv --out listed --dicom seg
    petrel-classify --quiet --model "$SMALL/model/model.safetensors" "$scan" --out named --dicom seg
    cmp listed/*_*_*/seg.dcm named/*_*_*/seg.dcm
}

@test "dciodvfy finds no error in any of them" {
    command -v dciodvfy >/dev/null || skip "dciodvfy is not installed (Debian's dicom3tools)"
    export_all
    for f in result/*.dcm; do
        dciodvfy -new "$f" >said 2>&1
        cat said
        ! grep -q '^Error' said
    done
}

@test "highdicom, dcmqi and pydicom read what was written, every voxel and number" {
    export_all
    readers result
}

@test "a real whole-body scan: readers agree with its table, dciodvfy with the standard, and no log names the patient" {
    [ -d "${PETREL_DATA:-}/ge_sarcoma_dicom" ] || skip "no real scans (PETREL_DATA)"
    petrel-classify --model "$SMALL/model/model.safetensors" "$PETREL_DATA/ge_sarcoma_dicom" --out real --dicom seg,sr,rtstruct,probability >log 2>&1
    ! grep -q STS_001 log
    for f in real/*/*.dcm; do
        grep -q STS_001 "$f" # the patient's own study
        ! command -v dciodvfy >/dev/null || ! dciodvfy -new "$f" 2>&1 | grep '^Error'
    done
    ! grep -q STS_001 real/*/*.json real/*/*.csv
    readers real/*_*_*
}
