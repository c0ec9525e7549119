# SPDX-License-Identifier: Apache-2.0
# CT as a second channel, end to end: found, boxed, learned from, asked for; and what is said where there is none
bats_require_minimum_version 1.5.0
load small

setup_file() { small_ct && small_make ct-model make_ct_model; }
make_ct_model() {
    mkdir -p "$1"
    { small_recipe 1 && echo "channels = pet,ct"; } >"$1/both.conf"
    small_recipe 1 >"$1/pet.conf"
    "$TOP/pipelines/train.sh" --cache "$SMALL/ct/cache" --out "$1" --recipe "$1/both.conf" -j 2
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cache=$SMALL/ct/cache cohort=$SMALL/ct/cohort model=$SMALL/ct-model/model.safetensors
    TMPDIR=$(mktemp -d /tmp/petrel-t.XXXXXX) # short: there are sockets in it
    export TMPDIR
}

teardown() { rm -rf "$TMPDIR"; }

refused() { # refused CODE SENTENCE COMMAND...
    local code=$1 says=$2
    shift 2
    run -"$code" --separate-stderr "$@"
    [[ $stderr == *"$says"* ]]
}

@test "ct: boxes have both channels, a model takes both, and what it says of a cache and of a scan agrees" {
    petrel-cache verify "$cache"
    [ "$(awk -F '\t' '$1 == "shard" { print $10 }' "$cache/manifest" | sort -u)" = 2 ]
    [ "$(safetensors "$model" - get channels)" = 2 ]
    [[ $(safetensors "$model" - get settings) == *"channels = pet,ct"* ]]
    petrel-eval report --quiet --cache "$cache" --model "$model" --out report
    [ -s report/report.html ]
    petrel-eval embed --quiet --cache "$cache" --model "$model" --split all --out embed.tsv
    petrel-classify --quiet --model "$model" "$cohort/SIMULATED_0002" --out alone
    awk -F '\t' '$2 == "SIMULATED_0002" { print $4 }' embed.tsv >of_cache # six digits here, four there
    awk -F '\t' '/^[0-9]/ { print $2 }' alone/*/regions.tsv >of_scan
    [ "$(wc -l <of_cache)" -gt 10 ]
    [ "$(wc -l <of_cache)" = "$(wc -l <of_scan)" ]
    paste of_cache of_scan | awk '{ d = $1 - $2; if (d > 0.000051 || d < -0.000051) exit 1 }'
    "$TOP/pipelines/classify.sh" --model "$model" "$cohort/SIMULATED_0002" --out piped -j 2
    diff -r alone piped
}

@test "ct: the CT makes a difference, and the PET's part is what it is without" {
    cp -r "$cohort/SIMULATED_0002" other
    nifti flip y other/SIMULATED_PETCT/CTres.nii.gz turned.nii.gz && mv turned.nii.gz other/SIMULATED_PETCT/CT.nii.gz
    rm other/SIMULATED_PETCT/CTres.nii.gz # the same CT, its file turned: put where it was
    petrel-classify --quiet --model "$model" "$cohort/SIMULATED_0002" --out straight
    petrel-classify --quiet --model "$model" other --out turned
    diff <(grep '^[0-9]' straight/*/regions.tsv) <(grep '^[0-9]' turned/*/regions.tsv)
    cp "$cohort/SIMULATED_0003/SIMULATED_PETCT/CTres.nii.gz" other/SIMULATED_PETCT/CT.nii.gz # somebody else's
    petrel-classify --quiet --model "$model" other --out else
    diff <(grep '^[0-9]' straight/*/regions.tsv | cut -f 4-) <(grep '^[0-9]' else/*/regions.tsv | cut -f 4-)
    ! diff -q <(grep '^[0-9]' straight/*/regions.tsv | cut -f 2) <(grep '^[0-9]' else/*/regions.tsv | cut -f 2)
}

@test "ct: a scan without one is refused by name, the others go on" {
    cp -r "$cohort" short && rm short/SIMULATED_0003/SIMULATED_PETCT/CTres.nii.gz
    run -65 --separate-stderr petrel-load --check --channels pet,ct short
    [ "$(wc -l <<<"$output")" = 2 ]
    [[ $output == *"SIMULATED_0003/SIMULATED_PETCT/PET.nii.gz' has no CT that is known (channels = pet,ct)"* ]]
    run -65 "$TOP/pipelines/rois.sh" short --out some --channels pet,ct -j 2
    [[ $output == *"3 scans,"*"1 refused"* ]]
    petrel-cache ls some | grep "refused by load: .*SIMULATED_0003.*has no CT"
    refused 65 "has no CT that is known" petrel-classify --model "$model" short/SIMULATED_0003 --out none
    run -0 petrel-load --check short # nobody asked for it
}

@test "ct: --ct and the list's column name it" {
    scan=$cohort/SIMULATED_0002/SIMULATED_PETCT
    mkdir apart && cp "$scan"/PET.* apart
    cp "$scan/CTres.nii.gz" here.nii.gz
    petrel-load --check --quiet --channels pet,ct --ct here.nii.gz apart
    printf 'scan\tct\n%s\t%s\n' apart here.nii.gz >list.tsv
    petrel-load --check --quiet --channels pet,ct list.tsv
    refused 64 "give --channels pet,ct, too" petrel-load --check --ct here.nii.gz apart
    refused 64 "is the CT of one scan, but 4 are given" petrel-load --check --channels pet,ct --ct here.nii.gz "$cohort"
    refused 66 "no such file or folder: 'gone.nii.gz' (CT)" petrel-load --check --channels pet,ct --ct gone.nii.gz apart
}

@test "ct: PET alone can be learned from boxes of both, both not from boxes of PET" {
    "$TOP/pipelines/train.sh" --cache "$cache" --out pet --recipe "$SMALL/ct-model/pet.conf" -j 2
    [ "$(safetensors pet/model.safetensors - get channels)" = 1 ]
    petrel-eval compare --quiet --cache "$cache" --model pet/model.safetensors --model "$model"
    "$TOP/pipelines/rois.sh" "$cohort" --out alone -j 2
    cp "$cache/splits.tsv" alone
    says="cache 'alone' has boxes of pet, and channels = pet,ct is asked for"
    refused 78 "$says" petrel-train pretrain --cache alone --run r --recipe "$SMALL/ct-model/both.conf"
    refused 78 "$says" petrel-eval embed --cache alone --model "$model" --out e.tsv
    refused 78 "$says" petrel-pairs apply --op none --row 0 --out x.nii --channels pet,ct alone
    # what is learned from the PET is the same, whether a CT lay beside it or not
    petrel-eval embed --quiet --cache "$cache" --model pet/model.safetensors --split all --out a.tsv
    petrel-eval embed --quiet --cache alone --model pet/model.safetensors --split all --out b.tsv
    cmp a.tsv b.tsv
    # and a classifier of both does not stand on an encoder of one
    refused 78 "was pretrained with channels = pet" petrel-train classifier --cache "$cache" --run r --init pet/encoder.safetensors \
        --recipe "$SMALL/ct-model/both.conf"
}

@test "ct: late fusion: a backbone each, trained, reported, asked of a scan, exported, killed with -9 the same bytes; it wants both" {
    small_recipe 1 >late.conf
    printf 'channels = pet,ct\nfusion = late\n' >>late.conf
    "$TOP/pipelines/train.sh" --cache "$cache" --out late --recipe late.conf -j 1
    [ "$(safetensors late/model.safetensors - shape backbone.conv1.weight)" = 4,1,7,7,7 ]
    [ "$(safetensors late/model.safetensors - shape backbone_ct.conv1.weight)" = 4,1,7,7,7 ]
    [ "$(safetensors late/model.safetensors - shape peb.mix.weight)" = 32,96 ]
    [ "$(safetensors late/model.safetensors - sum backbone.conv1.weight)" != "$(safetensors late/model.safetensors - sum backbone_ct.conv1.weight)" ]
    petrel-eval report --quiet --cache "$cache" --model late/model.safetensors --out report
    petrel-classify --quiet --model late/model.safetensors "$cohort/SIMULATED_0002" --out scan
    [ "$(grep -c '^[0-9]' scan/*/regions.tsv)" -gt 10 ]
    petrel-train export --quiet --init late/model.safetensors --compact compact.safetensors --onnx late.onnx
    strings late.onnx | grep -q backbone_ct.conv1.weight
    petrel-eval embed --quiet --cache "$cache" --model late/model.safetensors --split all --out whole.tsv
    petrel-eval embed --quiet --cache "$cache" --model compact.safetensors --split all --out compact.tsv
    cmp <(grep -v '^#' whole.tsv) <(grep -v '^#' compact.tsv)

    mkdir killed
    same=(--quiet --cache "$cache" --recipe late.conf --run killed)
    petrel-pairs "${same[@]}" --silence 1.5 >/dev/null 2>&1 3>&- &
    petrel-train pretrain "${same[@]}" --checkpoint-s 0 --ahead 1 2>/dev/null 3>&- &
    trainer=$!
    for _ in $(seq 400); do
        [ "$(cat killed/losses.csv 2>/dev/null | grep -c train)" -lt 2 ] || break
        sleep 0.01
    done
    kill -9 $trainer 2>/dev/null || true
    wait $trainer || true
    petrel-train pretrain "${same[@]}" 3>&-
    wait
    cmp killed/pretrained.safetensors late/encoder.safetensors

    run -0 petrel-train describe --recipe late.conf --no-position
    [[ $output == *backbone_ct*"without PEB"* ]]
    refused 78 "channels = pet,ct" petrel-train describe --fusion late
    refused 78 "fusion = late" petrel-train classifier --quiet --cache "$cache" --run other --recipe late.conf --fusion early --init late/encoder.safetensors
}
