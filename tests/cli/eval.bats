# SPDX-License-Identifier: Apache-2.0
# petrel-eval: report, embed, compare; and everything a model file or a cache may have wrong
bats_require_minimum_version 1.5.0
load small

setup_file() { small_model; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cache=$SMALL/cache model=$SMALL/model/model.safetensors
}

# refused CODE TEXT COMMAND...: it leaves with CODE and says one sentence that holds TEXT; nothing is written
refused() {
    local code=$1 text=$2
    shift 2
    run "-$code" --separate-stderr "$@"
    echo "$stderr"
    [ "$(grep -vc '^program=' <<<"$stderr")" = 1 ]
    [[ $stderr == *"$text"* ]]
    [ ! -e out ]
}

@test "words that are missing or make no sense" {
    refused 64 "report, embed, compare, figures, table" petrel-eval
    refused 64 "report, embed, compare, figures, table" petrel-eval polish --cache "$cache" --model "$model"
    refused 64 "--cache is missing" petrel-eval report --model "$model" --out out
    refused 64 "--model is missing" petrel-eval report --cache "$cache" --out out
    refused 64 "--out is missing" petrel-eval report --cache "$cache" --model "$model"
    refused 64 "--split all is for embed" petrel-eval report --cache "$cache" --model "$model" --split all --out out
    refused 64 "two models" petrel-eval compare --cache "$cache" --model "$model"
    refused 64 "one --model" petrel-eval embed --cache "$cache" --model "$model" --model "$model" --out out
}

@test "a cache that is none, of another version, not split, or of one class" {
    refused 66 "nowhere" petrel-eval report --cache nowhere --model "$model" --out out
    mkdir empty
    refused 66 "empty" petrel-eval report --cache empty --model "$model" --out out
    cp -r "$cache" other
    sed -i '1s/layout 1/layout 7/' other/manifest
    refused 65 "'other' has layout version 7" petrel-eval report --cache other --model "$model" --out out
    cp -r "$cache" whole
    rm whole/splits.tsv
    refused 65 "test split of cache 'whole' has 0 regions" petrel-eval report --cache whole --model "$model" --out out
    [[ $stderr == *"petrel-cache split"* ]]
}

@test "a model file with a tensor missing, too many, misshapen: named" {
    safetensors "$model" bad drop peb.weight
    refused 65 "'bad': tensor 'peb.weight' is missing" petrel-eval report --cache "$cache" --model bad --out out
    safetensors "$model" bad drop classifier.2.bias
    refused 65 "'bad': tensor 'classifier.2.bias' is missing" petrel-eval report --cache "$cache" --model bad --out out
    safetensors "$model" bad add backbone.layer5.0.conv1.weight
    refused 65 "'bad': tensor 'backbone.layer5.0.conv1.weight' has no place" petrel-eval report --cache "$cache" --model bad --out out
    safetensors "$model" bad reshape classifier.0.weight
    refused 65 "'bad': tensor 'classifier.0.weight' has shape [1," petrel-eval report --cache "$cache" --model bad --out out
    # the first of several good, the second not
    refused 65 "'bad': tensor" petrel-eval report --cache "$cache" --model "$model" --model bad --out out
}

@test "a model file cut short, damaged, empty, of something else, gone" {
    local size
    size=$(stat -c %s "$model")
    head -c $((size / 2)) "$model" >bad
    refused 65 "'bad'" petrel-eval report --cache "$cache" --model bad --out out
    [[ $stderr == *"cut short"* ]]
    cp "$model" bad
    printf '\x5a\xa5\x5a' | dd of=bad bs=1 seek=$((size - 4000)) conv=notrunc status=none
    refused 65 "damaged" petrel-eval report --cache "$cache" --model bad --out out
    : >bad
    refused 65 "'bad'" petrel-eval report --cache "$cache" --model bad --out out
    refused 65 "no safetensors file" petrel-eval report --cache "$cache" --model "$cache/splits.tsv" --out out
    refused 66 "'gone'" petrel-eval report --cache "$cache" --model gone --out out
    safetensors "$model" bad set petrel
    refused 65 "'bad' has no metadata 'petrel'" petrel-eval report --cache "$cache" --model bad --out out
    safetensors "$model" bad set petrel "model 9"
    refused 65 "'bad' is a 'model 9'" petrel-eval report --cache "$cache" --model bad --out out
    safetensors "$model" bad set settings "colour = red"
    refused 65 "'colour'" petrel-eval report --cache "$cache" --model bad --out out
}

@test "a model whose training diverged says no numbers: refused, not counted as right about what is no tumour" {
    safetensors "$model" diverged.safetensors number classifier.2.bias nan
    refused 65 "says nan of region 1 of scan" petrel-eval report --quiet --cache "$cache" --model diverged.safetensors --out out
}

@test "a model without classifier, a model of other channels" {
    refused 65 "encoder.safetensors' has no classifier" petrel-eval report --cache "$cache" --model "$SMALL/model/encoder.safetensors" --out out
    safetensors "$model" two channels 2
    refused 65 "'two' takes 2 channels, but its settings say channels = pet" petrel-eval report --cache "$cache" --model two --out out
}

@test "no GPU: an error that says what was looked for" {
    [ ! -e /dev/nvidia0 ] || skip "a GPU is here"
    refused 69 "GPU" petrel-eval report --cache "$cache" --model "$model" --backend cuda --out out
}

@test "embed: a row a region, from encoder or model; the same bytes again and with other threads" {
    regions=$(petrel-cache ls "$cache" | sed -n 's/.* scans, \([0-9]*\) regions.*/\1/p')
    run -0 --separate-stderr petrel-eval embed --cache "$cache" --model "$model" --split all --out a.tsv
    [ "$output" = "$regions embeddings: a.tsv" ]
    [[ $(head -n 1 a.tsv) == "# simulated cohort; "* ]]
    [ "$(awk -F '\t' '!/^#/ { print NF }' a.tsv | sort -u)" = $((6 + 32)) ]
    [ "$(sed 1,2d a.tsv | wc -l)" = "$regions" ]
    petrel-eval embed --quiet --cache "$cache" --model "$model" --split all --threads 1 --out b.tsv
    cmp a.tsv b.tsv
    petrel-eval embed --quiet --cache "$cache" --model "$SMALL/model/encoder.safetensors" --split all --out c.tsv
    # frozen: the classifier's encoder is the pretrained one, only the word on each region is new
    cmp <(sed 1,2d a.tsv | cut -f 1-3,5-) <(sed 1,2d c.tsv | cut -f 1-3,5-)
    [ -z "$(sed 1,2d c.tsv | cut -f 4 | tr -d '\n')" ]
    [ "$(sed 1,2d a.tsv | awk -F '\t' '$4 < 0 || $4 > 1 || $4 == ""' | wc -l)" = 0 ]
}

@test "embed follows --split" {
    petrel-eval embed --quiet --cache "$cache" --model "$model" --split test --out t.tsv
    petrel-eval embed --quiet --cache "$cache" --model "$model" --split train --out n.tsv
    [ "$(sed 1,2d t.tsv | cut -f 2 | sort -u)" = "$(awk '$2 == "test" { print $1 }' "$cache/splits.tsv" | sort)" ]
    [ -z "$(comm -12 <(sed 1,2d t.tsv | cut -f 1 | sort) <(sed 1,2d n.tsv | cut -f 1 | sort))" ]
}

@test "compare: a model against itself differs in nothing" {
    run -0 --separate-stderr petrel-eval compare --cache "$cache" --model "$model" --model "$model"
    [[ $output == *"simulated cohort"*"Sensitivity"*"AUC"*"DeLong"*"Wilcoxon"*"of 0 regions"* ]]
    [ -z "$(find . -type f ! -name 'separate-stderr*')" ]
}

@test "report of another split; without loss curves; into a folder that cannot be" {
    run -0 --separate-stderr petrel-eval report --cache "$cache" --model "$model" --split train --out train
    [[ $output == *"train split, "* ]]
    grep -q '"split": "train"' train/metrics.json
    ! grep -q '<h2>Loss' train/report.html
    touch file
    run -73 --separate-stderr petrel-eval report --cache "$cache" --model "$model" --out file/x
    [[ $stderr == *"file"* ]]
}
