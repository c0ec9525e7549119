# SPDX-License-Identifier: Apache-2.0
# the whole pipeline, scans to report: it works, repeats itself, does nothing twice, and goes on past bad input
bats_require_minimum_version 1.5.0
load small

setup_file() { small_model; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cache=$SMALL/cache model=$SMALL/model
    same=(--cache "$cache" --recipe "$SMALL/small.conf")
}

@test "with and without position, to a report in one file" {
    "$TOP/pipelines/train.sh" "${same[@]}" --out plain -j 2 --no-position
    run -0 --separate-stderr petrel-eval report --cache "$cache" --model "$model/model.safetensors" --model plain/model.safetensors --out out \
        --run "$model/pretrain" --run "$model/classifier" --run plain/pretrain --run plain/classifier
    [[ $output == *"test split, "*": simulated cohort"*"with position"*"without position"*"Sensitivity"*"AUC"*"DeLong"*"report: out/report.html"* ]]
    [ "$(ls out | tr '\n' ' ')" = "metrics.json predictions.tsv report.html " ]
    page=$(<out/report.html)
    for words in "<b>simulated cohort</b>" "with position" "without position" Sensitivity Specificity Precision F1 "Balanced accuracy" AUC \
        "<h2>ROC, precision, calibration, FROC" "<h2>Baselines" "<h2>Loss" "<h2>Embedding" "every setting" "seed 1" "petrel $(petrel-eval --version | cut -d ' ' -f 2)" \
        "no medical device" "$(petrel-cache verify "$cache" | grep -oE '[0-9a-f]{64}' | head -c 12)"; do
        [[ $page == *"$words"* ]] || { echo "the page has no '$words'"; return 1; }
    done
    # nothing is fetched from anywhere; namespaces are no addresses
    sed 's/data:image[^"]*//g' out/report.html >words
    ! grep -oaE '(https?:)?//[a-z0-9.-]+\.[a-z]+[^ ]{0,40}' words | grep -v 'www.w3.org/'
    ! grep -oaiE '(src|href|url|import)[=( ]+.{0,3}(https?:|//|file:|\.\.?/).{0,40}' words
    ! grep -qaiE '(>|[^a-z])nan( %|[^a-z])|(>|[^a-z])inf %' words
    [ "$(grep -oac '<!doctype html>' out/report.html)" = 1 ]
    # numbers, every one a share
    perl -MJSON::PP -e '
        local $/; my $r = decode_json(<>);
        die "cohort" unless $r->{cohort} eq "simulated cohort" and @{$r->{models}} == 2;
        die "position" unless $r->{models}[0]{position} and !$r->{models}[1]{position};
        die "baselines" unless @{$r->{baselines}{list}} == 7 and $r->{baselines}{verdict};
        for my $m (@{$r->{models}}, @{$r->{baselines}{list}}) {
            my $c = $m->{confusion};
            die "counts" unless $c->{tp} + $c->{fn} == $r->{tumours} and $c->{tp} + $c->{fn} + $c->{fp} + $c->{tn} == $r->{regions};
            die "metrics" unless keys %{$m->{metrics}} == 8;
            for my $k (keys %{$m->{metrics}}) {
                for my $v (@{$m->{metrics}{$k}}{qw(value low high)}) { die "$k is $v" if defined $v and ($v < ($k eq "mcc" ? -1 : 0) or $v > 1) }
            }
            die "no AUC" unless defined $m->{metrics}{auc}{value};
            for my $p (@{$m->{roc}}) { die "ROC" if $p->[0] < 0 or $p->[0] > 1 or $p->[1] < 0 or $p->[1] > 1 }
        }' out/metrics.json
    cp -r out before
    petrel-eval report --quiet --cache "$cache" --model "$model/model.safetensors" --model plain/model.safetensors --out out \
        --run "$model/pretrain" --run "$model/classifier" --run plain/pretrain --run plain/classifier --threads 1 >/dev/null
    diff -r before out
}

@test "the same commands again: nothing is done, no byte changes, and they say so" {
    sums "$SMALL/cohort" >before
    sums "$cache" >>before
    sums "$model" >>before
    run -0 petrel-simulate --out "$SMALL/cohort" --patients 6 --scale quick --seed 3 -j 2
    run -0 "$TOP/pipelines/rois.sh" "$SMALL/cohort/scans.tsv" --out "$cache" --run rois.run -j 2
    [[ $output == *"6 scans, 6 of them in the cache already"* ]]
    ! grep -q 'event=suv' rois.run/logs/*.log
    run -0 "$TOP/pipelines/train.sh" "${same[@]}" --out "$model" -j 2
    [[ $output == *"pretrain was finished before: nothing to do"*"classifier was finished before: nothing to do"* ]]
    { sums "$SMALL/cohort" && sums "$cache" && sums "$model"; } >after
    diff before after
}

@test "another run, 1 and 3 workers: the same model byte for byte; another seed: another" {
    "$TOP/pipelines/train.sh" "${same[@]}" --out one -j 1 --threads=1
    "$TOP/pipelines/train.sh" "${same[@]}" --out three -j 3 --threads=2
    for file in encoder.safetensors model.safetensors; do
        cmp "$model/$file" "one/$file"
        cmp "$model/$file" "three/$file"
    done
    "$TOP/pipelines/train.sh" "${same[@]}" --out other -j 2 --seed 2
    run -1 cmp -s "$model/model.safetensors" other/model.safetensors
    [ "$(safetensors other/model.safetensors - get seed)" = 2 ]
    # other settings into the same folder are refused, and what is there stays
    sums one >before
    run -64 timeout 60 "$TOP/pipelines/train.sh" "${same[@]}" --out one -j 1 --lr=0.06
    [[ $output == *"'lr = 0.05' there, 'lr = 0.06' here"* ]]
    diff before <(sums one)
}

@test "--no-semantic: runs, is another model, and the report says so" {
    "$TOP/pipelines/train.sh" "${same[@]}" --out out -j 2 --no-semantic
    run -1 cmp -s "$model/encoder.safetensors" out/encoder.safetensors
    safetensors out/model.safetensors - get settings | grep -qx 'semantic = no'
    run -0 petrel-eval report --quiet --cache "$cache" --model out/model.safetensors --out report
    [[ $output == *"no semantic pairs"* ]]
}

@test "bad scans among good ones: each a sentence with its file, code 65, and all else to the end" {
    cohort=$SMALL/cohort
    head -c 40000 "$(small_scan 1)/PET.nii.gz" >cut.nii.gz
    cp "$(small_scan 1)/PET.json" cut.json
    {
        head -n 4 "$cohort/scans.tsv" | sed "s|\tSIMULATED_\([0-9]*/\)|\t$cohort/SIMULATED_\1|g"
        printf 'SIMULATED_CUT\tone\t%s\t\n' "$PWD/cut.nii.gz"
        printf 'SIMULATED_SHAPE\ttwo\t%s\t%s\n' "$(small_scan 5)/PET.nii.gz" "$(small_scan 6)/SEG.nii.gz"
        printf 'SIMULATED_GONE\tthree\t%s\t\n' "$PWD/gone.nii.gz"
    } >list.tsv
    run -65 --separate-stderr "$TOP/pipelines/rois.sh" list.tsv --out mixed -j 2
    echo "$stderr"
    [ "$(grep -c "refused '.*truncated" <<<"$stderr")" = 1 ]
    [[ $stderr == *"cut.nii.gz"* && $stderr == *"SEG.nii.gz"* && $stderr == *"gone.nii.gz"* ]]
    [ "$(grep -c "refused '" <<<"$stderr")" = 3 ]
    run -0 petrel-cache verify mixed
    [[ $output == *"3 scans, "*" 3 refused; 0 damaged"* ]]
    # the good ones are as they would be without the bad ones
    diff <(petrel-cache ls mixed | grep '^SIMULATED' | cut -c 1-70) <(petrel-cache ls "$cache" | grep 'SIMULATED_000[123]' | cut -c 1-70)
    # nothing in the way of going on
    petrel-cache split mixed --validation 0 --test 0.67 >/dev/null
    petrel-eval report --quiet --cache mixed --model "$model/model.safetensors" --out report >/dev/null
    grep -q 'Whole cohort: 3 scans, .*; 3 scans refused' report/report.html
}

@test "an empty folder, or nothing: 66 and one sentence, from the pipeline too" {
    mkdir empty
    run -66 --separate-stderr timeout 60 "$TOP/pipelines/rois.sh" empty --out c -j 2
    [ "$(grep -c "no scan in 'empty'" <<<"$stderr")" = 1 ]
    run -66 --separate-stderr timeout 60 "$TOP/pipelines/train.sh" --cache nowhere --out t -j 1 --recipe "$SMALL/small.conf"
    [ "$(grep -c "'nowhere'" <<<"$stderr")" = 1 ]
    run -64 "$TOP/pipelines/rois.sh" empty
    run -64 "$TOP/pipelines/train.sh" --cache "$cache"
    run -64 "$TOP/pipelines/rois.sh" empty --out
}

@test "a cache that was not split: training says what to do" {
    cp -r "$cache" whole
    rm whole/splits.tsv
    run --separate-stderr timeout 60 "$TOP/pipelines/train.sh" --cache whole --recipe "$SMALL/small.conf" --out t -j 1
    echo "$status $stderr"
    [ "$status" = 65 ]
    [ "$(grep -c "petrel-cache split" <<<"$stderr")" = 1 ]
}

@test "--backend cuda without a GPU ends the pipeline with 69 and what was looked for" {
    [ ! -e /dev/nvidia0 ] || skip "a GPU is here"
    run -69 --separate-stderr timeout 60 "$TOP/pipelines/train.sh" "${same[@]}" --out t -j 1 --backend cuda
    [ "$(grep -c "GPU" <<<"$stderr")" = 1 ]
}

@test "every program: --help and --version, and the words its documentation names" {
    while read -r program words; do
        run -0 --separate-stderr "$program" --help
        for word in $words; do
            [[ $output == *"$word"* ]] || { echo "$program --help does not name $word"; return 1; }
        done
        [ -z "$stderr" ]
        help=$output
        run -0 --separate-stderr "$program" --version
        [[ $output =~ ^"$program "[0-9]+\.[0-9]+\.[0-9]+ ]]
        run -64 "$program" --no-such-option
        [[ $output == *"no-such-option"* ]]
        [[ $program == petrel-simulate || $program == petrel-top ]] || for word in --run --threads --seed quiet json --set --recipe; do grep -q -- "$word" <<<"$help"; done
    done <<'END'
petrel-load --channel-out --mask --units --roi keep-identifiers
petrel-suv --spacing --crop --in --out
petrel-roi --method fcm|fixed|relative|percist --exclude --liver --in --out
petrel-cache collect verify ls split pictures --in
petrel-pairs -j apply show --cache --run
petrel-train pretrain classifier describe --cache --run --init resume --backend auto|cpu|cuda --pair-list --steps position
petrel-eval report embed compare --cache --model --name --out --format --neighbours --backend
petrel-classify --model --out --backend settings
petrel-simulate --out --patients --scale --seed
petrel-keep --run NAME COMMAND
petrel-top once line --every --prometheus
END
    run -0 petrel-pairs apply --help
    [[ $output == *"--op LIST"* ]]
    run -0 petrel-pairs show --help
    [[ $output == *"--epoch"* ]]
}

@test "the front door: what it offers, and a word it does not know" {
    run -0 "$TOP/run.sh" --help
    for word in demo test rois train classify simulate bench check; do [[ $output == *"  $word"* ]]; done
    . "$TOP/tests/gpu/find.sh"
    if ! gpu_find build; then
        run -69 "$TOP/run.sh" train --yes --cache none --out none --backend cuda
        [[ $output == *"--backend cuda: no GPU"* ]]
    fi
    run -64 "$TOP/run.sh" polish
    [[ $output == *"unknown command 'polish'"* ]]
    for script in "$TOP"/pipelines/*.sh "$TOP/run.sh"; do bash -n "$script"; done
}

@test "every recipe is one" {
    for recipe in "$TOP"/pipelines/recipes/*.conf; do
        petrel-train describe --recipe "$recipe" >/dev/null
        petrel-roi --recipe "$recipe" --help >/dev/null
    done
    run -78 petrel-train describe --recipe <(echo 'backbown = resnet18')
    [[ $output == *"backbown"*"backbone"* ]]
}
