# SPDX-License-Identifier: Apache-2.0
# petrel-followup: what became of a simulated patient's lesions, of which it is known
bats_require_minimum_version 1.5.0
load small

setup_file() { small_visits; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cp -r "$EARLIER" earlier
    cp -r "$LATER" later
    truth=$SMALL/visits/SIMULATED_0001/SIMULATED_FOLLOWUP/followup.tsv
}

# The regions that hold the truth's lesions: "FATE EARLIER LATER", 0: none does
lesions_in_regions() {
    local fate x y z u v w
    grep -v '^#' "$truth" | sed 1d | cut -f 1,6-11 | tr '\t' ' ' | while IFS= read -r line; do
        read -r fate x y z u v w <<<"$line"
        case $fate in
            gone) echo "$fate $(nifti at earlier/labels.nii.gz "$x" "$y" "$z") 0" ;;
            new) echo "$fate 0 $(nifti at later/labels.nii.gz "$x" "$y" "$z")" ;;
            *) echo "$fate $(nifti at earlier/labels.nii.gz "$x" "$y" "$z") $(nifti at later/labels.nii.gz "$u" "$v" "$w")" ;;
        esac
    done
}

row() { # column 4 (earlier), 5 (later) REGION: the lesion's row
    awk -F , -v c="$1" -v n="$2" 'NR > 1 { k = split($c, of, " "); for (i = 1; i <= k; i++) if (of[i] == n) print }' later/followup.csv
}

@test "two visits of a simulated patient: every lesion both scans show is one row, with what became of it" {
    run -0 --separate-stderr petrel-followup earlier later
    [[ $output == later$'\t'*" stable"*"TMTV "* ]]
    lesions_in_regions >pairs
    cat pairs
    [ "$(grep -c '^\(stable\|grown\|shrunk\) [1-9][0-9]* [1-9]' pairs)" -ge 4 ]
    while read -r fate from to; do
        [ "$from" = 0 ] || [ "$to" = 0 ] || [ "$(row 4 "$from")" = "$(row 5 "$to")" ]
        [ "$from" = 0 ] || [ "$to" = 0 ] || [ "$(row 4 "$from" | wc -l)" = 1 ]
        [ "$fate" != grown ] || row 4 "$from" | grep -q ',grown,'
    done <pairs
    # laid on each other: as alike as two scans of one body are
    [ "$(sed -n 's/^  "correlation": 0.\([0-9][0-9]\).*/\1/p' later/followup.json)" -ge 98 ]
}

@test "the same bytes again; every region of a lesion keeps its name, in the table and in DICOM" {
    petrel-followup --quiet earlier later
    sums later >before
    petrel-followup --quiet earlier later
    diff before <(sums later)
    petrel-export --quiet earlier --from "$SMALL/visits" --dicom seg
    petrel-export --quiet later --from "$SMALL/visits" --dicom seg
    # a lesion that both have has one tracking UID in both segmentations
    uid=$(awk -F , 'NR > 1 && $4 != "" && $5 != "" { print $2; exit }' later/followup.csv)
    grep -qa "$uid" earlier/seg.dcm
    grep -qa "$uid" later/seg.dcm
    gone=$(awk -F , '$3 == "gone" { print $2; exit }' later/followup.csv)
    grep -qa "$gone" earlier/seg.dcm
    ! grep -qa "$gone" later/seg.dcm
}

@test "two patients are refused unless they are said to be one; one scan twice; no body map" {
    sed -i 's/"patient": "[0-9a-f]*"/"patient": "another"/' earlier/regions.json
    run -65 petrel-followup earlier later
    [[ $output == *"'another'"*"--same-patient"* ]]
    [ ! -e later/followup.csv ]
    run -0 petrel-followup earlier later --same-patient
    [[ $output == *"taken on your word"* ]]
    grep -q '"patients_differ": true' later/followup.json
    run -65 petrel-followup later later
    [[ $output == *"are one scan"* ]]
    rm earlier/body.nii.gz
    run -65 petrel-followup earlier later --same-patient
    [[ $output == *"no body.nii.gz"* ]]
    run -64 petrel-followup earlier
}

@test "what is no body of the same shape is not followed" {
    nifti noise earlier/body.nii.gz noise.nii.gz
    mv noise.nii.gz earlier/body.nii.gz
    run -65 petrel-followup earlier later
    [[ $output == *"cannot be laid on each other"* ]]
    [ ! -e later/followup.json ]
}

@test "petrel-classify --earlier SCAN and --earlier RESULT: the same follow-up" {
    model=$SMALL/model/model.safetensors visits=$SMALL/visits/SIMULATED_0001
    petrel-classify --quiet --model "$model" --threshold 0 "$visits/SIMULATED_FOLLOWUP" --earlier "$visits/SIMULATED_PETCT" --out scan
    petrel-classify --quiet --model "$model" --threshold 0 "$visits/SIMULATED_FOLLOWUP" --earlier scan/earlier/*_* --out result
    diff scan/[0-9a-f]*_*_*/followup.csv result/[0-9a-f]*_*_*/followup.csv
    cmp scan/[0-9a-f]*_*_*/followup.json result/[0-9a-f]*_*_*/followup.json
    run -66 petrel-classify --quiet --model "$model" "$visits/SIMULATED_FOLLOWUP" --earlier nowhere --out result
    [[ $output == *"'nowhere' (--earlier)"* ]]
    run -65 petrel-classify --quiet --model "$model" "$visits/SIMULATED_FOLLOWUP" --earlier "$(small_scan 4)" --out result
    [[ $output == *"--same-patient"* ]]
}
