# SPDX-License-Identifier: Apache-2.0
# the paper's tables, reproducing a training, cards and sheets
bats_require_minimum_version 1.5.0
load small

setup_file() { small_model; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cache=$SMALL/cache model=$SMALL/model
    two=(--cohort "$cache" --recipe "$SMALL/small.conf" --only vicreg,proposed -j 2)
}

@test "two rows of a table: killed in the middle and run again by two at once, the same bytes; nothing is done twice" {
    run -0 --separate-stderr "$TOP/pipelines/tables/X.sh" "${two[@]}" --out a
    [[ $stderr == *"2 trainings stand under the tables"*"about "*" left, as fast as this machine goes now"* ]]
    [ "$(ls a/tables | tr '\n' ' ')" = "X.csv X.html X.md X.rows X.tex X.txt " ]
    # in every heading the cohort; ours, the paper's, the best, the tests, what is missing, and of what it was made
    for f in txt tex html csv md; do grep -q 'simulated cohort' a/tables/X.$f; done
    head -n 1 a/tables/X.txt | grep -q '^Table X. .*: simulated cohort$'
    grep -q '^Proposed: sampling, position .* 80.58 .* 96.29$' a/tables/X.txt
    grep -q '^VICReg  .* -  .* 74.02' a/tables/X.txt
    grep -q '^VICReg: not trained yet' a/tables/X.txt
    grep -q '^trees: SUV, volume, position ' a/tables/X.txt
    grep -qE '^AUC: .*DeLong by patient p = .*permutation by patient' a/tables/X.txt
    grep -q '^AUC above the best baseline' a/tables/X.txt
    grep -qE '^petrel-eval .*, test split, cache [0-9a-f]{12}$' a/tables/X.txt
    grep -qE "file $(sha256sum <a/runs/proposed/seed1/model.safetensors | head -c 12), settings [0-9a-f]{12}, recipe small, seed 1" a/tables/X.txt
    grep -q 'textbf{' a/tables/X.tex
    [ "$(sed 1d a/tables/X.csv | grep -c '^X,')" = 9 ] # four rows, five baselines
    [[ $(sed -n 2,4p a/tables/X.csv) == *"$(petrel-eval --version | cut -d ' ' -f 2)"*"$(sha256sum <a/runs/vicreg/seed1/model.safetensors | cut -d ' ' -f 1)"* ]]
    perl -0ne 'exit 1 unless /<!doctype html>.*<section id="table-X">.*<\/section>.*<\/html>/s && !/NaN|http/' a/tables.html

    # the whole group of the pipeline killed while its first row learns
    setsid "$TOP/pipelines/tables/X.sh" "${two[@]}" --out b >killed 2>&1 3>&- &
    pid=$!
    for _ in $(seq 600); do [ ! -s b/runs/vicreg/seed1/pretrain/losses.csv ] || break; sleep 0.1; done
    kill -KILL -- -$pid
    ! wait $pid
    [ -s b/runs/vicreg/seed1/pretrain/losses.csv ]
    [ ! -e b/runs/vicreg/seed1/done ]
    # two at once share what is left
    "$TOP/pipelines/tables/X.sh" "${two[@]}" --out b >first 2>&1 3>&- &
    other=$!
    run -0 "$TOP/pipelines/tables/X.sh" "${two[@]}" --out b
    wait $other
    [ "$(cat first <(echo "$output") | grep -c ', seed 1 \.\.\.$')" = 2 ]
    for f in X.txt X.csv X.tex X.html X.md; do cmp a/tables/$f b/tables/$f; done

    # again: nothing is learned, no byte changes; of another recipe: refused, naming what differs
    sha256sum a/tables/X.* >before
    run -0 "$TOP/pipelines/tables/X.sh" "${two[@]}" --out a
    [[ $output == *"2 of them or others are done"* && $output != *"seed 1 ..."* ]]
    sha256sum --quiet -c before
    run -78 "$TOP/pipelines/tables/X.sh" "${two[@]}" --out a --epochs 3
    [[ $output == *"'a/runs/vicreg/seed1' is of something else, words --position=no"*"give another --out"* ]]
}

@test "a row that cannot be had says why, and the table is made all the same" {
    run -65 --separate-stderr "$TOP/pipelines/tables/XI.sh" --cohort "$cache" --recipe "$SMALL/small.conf" --only early --out out -j 2
    grep -qE '^PET\+CT early fusion: not trained: .*(CT|channel)' out/tables/XI.txt
    grep -q '^PET+CT early fusion .* 82.94\* ' out/tables/XI.txt
    grep -q 'no row has a model yet' out/tables/XI.txt
    run -64 --separate-stderr "$TOP/pipelines/tables/X.sh" --cohort "$cache" --only nothing --out out
    [[ $stderr == *"--only 'nothing' names no run of X"* ]]
    run -66 --separate-stderr "$TOP/pipelines/tables/X.sh" --cohort nowhere --out out
    [[ $stderr == *"'nowhere' is no cache"* ]]
    run -64 --separate-stderr "$TOP/pipelines/tables/X.sh" --out out
    [[ $stderr == *"usage:"*"--cohort CACHE"* ]]
}

@test "every table's rows are runs that are listed, and the paper's figures are of rows that are there" {
    cd "$TOP/pipelines/tables"
    for table in I II III IV V VI VII VIII IX X XI XII; do
        [ -x $table.sh ]
        diff <(grep -v '^#' $table.tsv | sed 1d | cut -f 2) <(grep -v '^#' paper/$table.tsv | sed 1d | cut -f 1)
        for run in $(grep -v '^#' $table.tsv | sed 1d | cut -f 1); do grep -q "^$run"$'\t' runs.tsv || { echo "$table: $run"; return 1; }; done
    done
    [ "$(grep -v '^#' I.tsv | sed 1d | wc -l)" = 16 ]
    # F1 and balanced accuracy of the paper follow from its sensitivity, specificity and precision, to rounding: a digit mistyped would show
    cat paper/*.tsv | grep -v '^#' | tr -d '*' | awk -F '\t' '$3 ~ /[0-9]/ {
        f1 = 2 * $3 * $5 / ($3 + $5); balanced = ($3 + $4) / 2; n++
        if (f1 - $6 > 0.02 || $6 - f1 > 0.02 || balanced - $7 > 0.02 || $7 - balanced > 0.02) { print; bad = 1 } }
        END { exit bad || n < 55 }'
}

@test "reproduce: the same bytes; another setting, another cache, no cache, other weights are said" {
    run -0 petrel-eval reproduce "$model" --cache "$cache" --out again
    [[ $output == *"same"*"settings of recipe small"*"version: "*"same"*"cache"*"the same bytes: SHA-256 $(sha256sum <"$model/model.safetensors" | cut -d ' ' -f 1)"* ]]
    [[ $output != *differs* ]]
    [ ! -e again ]
    run -0 petrel-eval reproduce "$model" --cache "$cache" --no-rerun
    [[ $output != *"the same bytes"* ]]

    cp -r "$model" changed
    sed -i 's/^epochs = 2$/epochs = 3/' changed/pretrain/pretrain.done
    run -65 petrel-eval reproduce changed --cache "$cache"
    [[ $output == *"differs"*"setting epochs: 3 in the record of the pretrain, 2 in the model"*"not run anew"* ]]
    cp "$model/pretrain/pretrain.done" changed/pretrain/

    cp -r "$cache" resplit
    petrel-cache split resplit --force --validation 0.17 --test 0.17 >/dev/null
    ! cmp -s resplit/splits.tsv "$cache/splits.tsv"
    run -65 petrel-eval reproduce "$model" --cache resplit
    [[ $output == *"differs"*"split: other patients"* ]]

    run -66 --separate-stderr petrel-eval reproduce "$model"
    [[ $stderr == *"learned from cache "*"--cache DIR"* ]]
    run -66 --separate-stderr petrel-eval reproduce "$model" --cache nowhere
    run -66 --separate-stderr petrel-eval reproduce nowhere --cache "$cache"
    [[ $stderr == *"no run directory 'nowhere'"* ]]

    # a number of the model altered: training does not give it again, and what differs is named
    safetensors "$model/model.safetensors" changed/model.safetensors set petrel_xxh3
    perl -e 'open F, "+<", "changed/model.safetensors" or die; binmode F; seek F, -4, 2; print F pack("f<", 7.5); close F'
    run -65 petrel-eval reproduce changed --cache "$cache" --out again
    [[ $output == *"differs"*"model.safetensors: SHA-256"*"differs"*"1 of "*" tensors"*"test split: AUC"*"what was made anew is in 'again'"* ]]
    cmp again/model.safetensors "$model/model.safetensors"
}

@test "a card of a model file, and of an evaluation; in Markdown and HTML" {
    run -0 petrel-eval card --model "$model/model.safetensors" --out card.md
    grep -q '^# Model card: small, classifier, simulated cohort$' card.md
    grep -q "SHA-256 $(sha256sum <"$model/model.safetensors" | cut -d ' ' -f 1)" card.md
    grep -q 'resnet10 encoder with a Position Encoding Block' card.md
    grep -q '^| epochs | 2 |' card.md
    grep -q 'not evaluated here' card.md
    grep -q 'the run does not know: write here' card.md
    run -0 petrel-eval card --quiet --model "$model/model.safetensors" --cache "$cache" --out card.html
    grep -q '<h1>Model card: small' card.html
    grep -q 'baseline' card.html
    grep -qE 'AUC [0-9.]+ %' card.html
    grep -q 'too few patients for intervals' card.html # two
    ! grep -q 'not evaluated here' card.html
    run -64 --separate-stderr petrel-eval card --model "$model/model.safetensors" --out card.txt
    [[ $stderr == *"neither in .md nor in .html"* ]]
}

@test "a sheet of the checklists: every item by its number, answered or left open" {
    petrel-eval report --quiet --cache "$cache" --model "$model/model.safetensors" --out out >/dev/null
    auc=$(perl -MJSON::PP -e 'local $/; printf "%.1f %%", 100 * decode_json(<>)->{models}[0]{metrics}{auc}{value}' out/metrics.json)
    sites=$(cut -f 1 "$cache/splits.tsv" | sed 1d | awk '{ print $1 "\t" (NR % 2 ? "north" : "south") }')
    printf 'patient\tsite\n%s\n' "$sites" >sites.tsv
    run -0 petrel-eval sheet --quiet --cache "$cache" --model "$model/model.safetensors" --sites sites.tsv --out sheet.md
    grep -q 'simulated cohort' sheet.md
    # numbers are the published ones, each once and in order
    for list in "CLAIM:44" "CLEAR:58"; do
        sed -n "/^## ${list%:*}/,/^## /p" sheet.md | sed -n 's/^| \([0-9][0-9]*\) |.*/\1/p' >numbers
        diff numbers <(seq "${list#*:}")
    done
    [ "$(sed -n '/^## TRIPOD/,/^## CLEAR/p' sheet.md | grep -c '^| [0-9][0-9]*[a-g]* | ')" = 52 ]
    [[ $(sed -n '/^## CLAIM/,/^## TRIPOD/p' sheet.md | grep '^| 37 |') == *"AUC train patients (learned from) "*"test patients (held back) $auc"* ]]
    [[ $(sed -n '/^## CLAIM/,/^## TRIPOD/p' sheet.md | grep '^| 38 |') == *"AUC $auc"* ]]
    grep -q '^| 44 | funding, .* | the run does not know: write here |' sheet.md
    [[ $(grep '^| 30 | robustness' sheet.md) =~ 'site, '(north|south)': ' ]]
    printf 'patient\tsite\nnobody\tnorth\n' >sites.tsv
    run -65 --separate-stderr petrel-eval sheet --quiet --cache "$cache" --model "$model/model.safetensors" --sites sites.tsv --out sheet.md
    [[ $stderr == *"names patient 'nobody' (line 2), whom the cache does not hold"* ]]
}

@test "figures 3 and 4 of one's own models: every region framed once a panel, a mark a region, the cohort and what it was made of" {
    petrel-eval report --quiet --cache "$cache" --model "$model/model.safetensors" --out out >/dev/null
    run -0 petrel-eval figures --quiet --cache "$cache" --name "A & B" --name again "$model/model.safetensors" "$model/model.safetensors" --out figures
    for f in figures/figure3.svg figures/figure4.svg; do
        perl -ne 'exit 1 if /<script|href="http/' $f
        grep -q '>simulated cohort[;<]' $f
        grep -q '>A &amp; B<' $f
        grep -q "file $(sha256sum <"$model/model.safetensors" | head -c 12)" $f
        ! command -v xmllint >/dev/null || xmllint --noout $f
    done
    # of the scan with the most tumours: three panels of all its regions; the truth's panel has as many red ones as it says
    patient=$(sed 1,2d out/predictions.tsv | awk -F '\t' '$10 == 1 { n[$3]++ } END { for (p in n) if (n[p] > most) { most = n[p]; best = p } print best }')
    regions=$(sed 1,2d out/predictions.tsv | awk -F '\t' -v p="$patient" '$3 == p' | wc -l)
    [ "$(grep -c 'fill="none" stroke="#' figures/figure3.svg)" = $((3 * regions)) ]
    tumours=$(sed 1,2d out/predictions.tsv | awk -F '\t' -v p="$patient" '$3 == p && $10 == 1' | wc -l)
    grep -q ">$tumours tumour regions<" figures/figure3.svg
    [ "$(grep -c '<circle' figures/figure4.svg)" = $((2 * $(sed 1,2d out/predictions.tsv | wc -l))) ]
    run -64 --separate-stderr petrel-eval figures --cache "$cache" "$model/model.safetensors" --out figures --scan nobody
    [[ $stderr == *"has no scan 'nobody'"* ]]
}

@test "every output says of what it was made: version with commit, cache, model, settings" {
    version=$(petrel-eval --version | cut -d ' ' -f 2) digest=$(sha256sum <"$model/model.safetensors" | cut -d ' ' -f 1)
    settings=$(safetensors "$model/model.safetensors" - get settings | perl -pe 'chomp if eof' | sha256sum | cut -d ' ' -f 1)
    made=$(safetensors "$model/model.safetensors" - get cache)
    petrel-eval report --quiet --cache "$cache" --model "$model/model.safetensors" --out out >/dev/null
    petrel-eval embed --quiet --cache "$cache" --model "$model/model.safetensors" --out out/e.tsv >/dev/null
    petrel-eval embed --quiet --cache "$cache" --model "$model/model.safetensors" --out out/e.h5 >/dev/null
    for f in text csv latex html; do
        petrel-eval compare --quiet --cache "$cache" "$model/model.safetensors" "$model/model.safetensors" --format $f --out out/table.$f
    done
    petrel-eval card --quiet --model "$model/model.safetensors" --out out/card.md >/dev/null
    for f in report.html metrics.json predictions.tsv e.tsv table.text table.csv table.latex table.html card.md; do
        for words in "$version" "${digest:0:12}" "${settings:0:12}" "${made:0:12}"; do
            grep -qF -- "$words" out/$f || { echo "$f lacks '$words'"; return 1; }
        done
    done
    h5dump -A out/e.h5 >attributes
    for words in "$version" "$digest" "$settings" "$made"; do grep -qF -- "$words" attributes || { echo "e.h5 lacks '$words'"; return 1; }; done
}
