# SPDX-License-Identifier: Apache-2.0
# whom a model has seen: told by its file, by every report on patients it learned from, and by classify
bats_require_minimum_version 1.5.0
load small

setup() {
    small_model
    cd "$BATS_TEST_TMPDIR" || return 1
}
digest() { printf %s "$1" | sha256sum | cut -c 1-16; }
patients() { awk -v of="$1" '$2 == of { print $1 }' "${2:-$SMALL/cache}/splits.tsv"; }
listed() { for p in $(patients "$1"); do digest "$p"; done | sort | paste -sd ' '; }

@test "encoder and classifier name whom they learned from and were chosen by, as digests; so do their exports" {
    for model in encoder model; do
        [ "$(safetensors "$SMALL/model/$model.safetensors" - get patients)" = "$(listed train)" ]
        [ "$(safetensors "$SMALL/model/$model.safetensors" - get patients_validation)" = "$(listed validation)" ]
    done
    petrel-train export --quiet --init "$SMALL/model/model.safetensors" --compact compact.safetensors --model whole.safetensors
    for model in compact whole; do
        [ "$(safetensors $model.safetensors - get patients)" = "$(listed train)" ]
    done
}

@test "a report on its own test patients says nothing of it; on a cache split anew its first line does, and the page and the numbers" {
    petrel-eval report --quiet --cache "$SMALL/cache" --model "$SMALL/model/model.safetensors" --out own >own.txt
    ! grep -q UNSEEN own.txt own/report.html
    grep -q '"learned_from": 0' own/metrics.json
    small_copy_cache
    # every patient who was learned from is a test patient now, and the other way round
    sed -i 's/\ttrain$/\tT/; s/\ttest$/\ttrain/; s/\tT$/\ttest/' cache/splits.tsv
    petrel-eval report --quiet --cache cache --model "$SMALL/model/model.safetensors" --out again >again.txt
    n=$(patients test cache | wc -l)
    [[ "$(head -n 1 again.txt)" == "NOT UNSEEN PATIENTS: of the $n patients of the test split, the model 'with position' learned from $n: "* ]]
    grep -q "NOT UNSEEN PATIENTS" again/report.html
    grep -q "\"learned_from\": $n" again/metrics.json
    petrel-eval report --quiet --cache cache --model "$SMALL/model/model.safetensors" --out chosen --split validation >chosen.txt
    [[ "$(head -n 1 chosen.txt)" == *"was chosen by "*"(validation)"* ]]
    run -0 --separate-stderr petrel-eval compare --quiet --cache cache "$SMALL/model/model.safetensors" "$SMALL/model/model.safetensors"
    [[ ${lines[0]} == "NOT UNSEEN PATIENTS"* ]]
    run -0 --separate-stderr petrel-eval compare --quiet --format csv --cache cache "$SMALL/model/model.safetensors" "$SMALL/model/model.safetensors"
    [[ $output != *UNSEEN* && $stderr == *"NOT UNSEEN PATIENTS"* ]]
}
small_copy_cache() { cp -r "$SMALL/cache" cache && sed '/^#/d' "$SMALL/cache/splits.tsv" >cache/splits.tsv; }

@test "what a model began from is among whom it learned from; a model that does not say is called that" {
    small_copy_cache
    sed -i 's/\ttrain$/\tT/; s/\ttest$/\ttrain/; s/\tT$/\ttest/' cache/splits.tsv
    same=(--quiet --threads 1 --cache cache --recipe "$SMALL/small.conf" --run run)
    petrel-pairs "${same[@]}" --silence 1.5 2>/dev/null 3>&- &
    petrel-train classifier "${same[@]}" --init "$SMALL/model/encoder.safetensors" 3>&-
    wait
    both=$({ for p in $(patients train cache) $(patients train); do digest "$p"; done; } | sort -u | paste -sd ' ')
    [ "$(safetensors run/model.safetensors - get patients)" = "$both" ]
    petrel-eval report --quiet --cache cache --model run/model.safetensors --out report >report.txt
    [[ "$(head -n 1 report.txt)" == "NOT UNSEEN PATIENTS"* ]]
    safetensors "$SMALL/model/model.safetensors" old.safetensors set patients
    petrel-eval report --quiet --cache "$SMALL/cache" --model old.safetensors --out old >old.txt
    [[ "$(head -n 1 old.txt)" == *"does not say which patients it learned from"* ]]
}

@test "a list of pairs: whoever's regions it names were learned from, whatever the splits say" {
    small_recipe 1 >pairs.conf
    test=$(patients test | head -n 1)
    row=$(petrel-cache ls "$SMALL/cache" | awk -v test="$test" '$2 == test { print row + 0; exit } $3 ~ /^[0-9]+$/ { row += $3 }')
    for i in $(seq 8); do printf '%d\t%d\n' $row $((row + i)); done >list.tsv
    petrel-train pretrain --quiet --threads 1 --cache "$SMALL/cache" --recipe pairs.conf --run run --pair-list list.tsv --batch 8
    [ "$(safetensors run/pretrained.safetensors - get patients)" = "$(digest "$test")" ]
}

@test "classify says when it knows the patient" {
    row=$(patients train | head -n 1)
    for n in 1 2 3 4 5 6; do
        petrel-classify --quiet --model "$SMALL/model/model.safetensors" "$(small_scan $n)" --out "$n" >>told.txt 2>>told.err
    done
    n=$(grep -c 'learned from this patient' told.txt)
    [ "$n" = "$(patients train | wc -l)" ]
    [ "$(grep -c 'was chosen (validation)' told.txt)" = "$(patients validation | wc -l)" ]
    [ "$(grep -lr '^# the model learned from this patient' --include regions.tsv . | wc -l)" = "$n" ]
    grep "learned from this patient" told.txt | grep -q "/${row}_"
}
