# SPDX-License-Identifier: Apache-2.0
# petrel-eval: compare's tables, names, predictions, embeddings in HDF5
bats_require_minimum_version 1.5.0
load small

setup_file() {
    small_model
    small_make plain make_plain
}
make_plain() { "$TOP/pipelines/train.sh" --cache "$SMALL/cache" --recipe "$SMALL/small.conf" --out "$1" -j 2 --no-position && other_seed "$1"; }
other_seed() { "$TOP/pipelines/train.sh" --cache "$SMALL/cache" --recipe "$SMALL/small.conf" --out "$1/seed2" -j 2 --no-position --seed 2; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cache=$SMALL/cache a=$SMALL/model/model.safetensors b=$SMALL/plain/model.safetensors c=$SMALL/plain/seed2/model.safetensors
}

@test "three models: best, second, every test, the spread of seeds; the same with other threads" {
    run -0 --separate-stderr petrel-eval compare --cache "$cache" "$a" "$b" "$c"
    [[ $output == *"simulated cohort"*"Average precision"*"with position"*"without position"*"without position, seed 2"* ]]
    [[ $output == *"**"*"DeLong by patient"*"permutation by patient"*"Wilcoxon"*"McNemar"* ]]
    [[ $output == *"several seeds of one recipe"*"without position and its like, 2 seeds"* ]]
    [ "$(grep -c '^with position against' <<<"$output")" = 2 ]
    petrel-eval compare --quiet --threads 1 --cache "$cache" "$a" "$b" "$c" >again
    diff <(echo "$output") again
}

@test "names: the user's, as many as models, no two alike" {
    run -0 --separate-stderr petrel-eval compare --cache "$cache" --name "A & B" --name old "$a" "$b"
    [[ $output == *"A & B"*"old"* ]]
    for format in latex html csv; do petrel-eval compare --quiet --cache "$cache" --name "A & B" --name old --format $format "$a" "$b" --out t.$format; done
    grep -qF 'A \& B & ' t.latex
    grep -q 'textbf{' t.latex
    grep -q '<td>A &amp; B</td><td>\|<tr><td>A &amp; B' t.html
    [ "$(wc -l <t.csv)" = 3 ]
    [ "$(awk -F, '{ print NF }' t.csv | sort -u | wc -l)" = 1 ]
    for f in t.latex t.html t.csv; do grep -q 'simulated cohort' $f; done
    run -64 --separate-stderr petrel-eval compare --cache "$cache" --name one --name one "$a" "$b"
    [[ $stderr == *"two models are called 'one'"* ]]
    run -64 --separate-stderr petrel-eval compare --cache "$cache" --name one "$a" "$b"
    [[ $stderr == *"2 models and 1 names"* ]]
}

@test "predictions: a row a region, which embed's table joins; baselines beside" {
    run -0 petrel-eval report --quiet --cache "$cache" --model "$a" --name mine --out out
    [[ $output == *"baseline"* ]]
    [[ $(head -n 1 out/predictions.tsv) == "# simulated cohort; "* ]]
    [[ $(sed -n 2p out/predictions.tsv) == $'row\tscan\tpatient\tregion\tx_mm\ty_mm\tz_mm\tml\tsuv_max\tlabel\tmine\tlogistic: SUV, volume'* ]]
    [ "$(sed 1d out/predictions.tsv | awk -F '\t' '{ print NF }' | sort -u)" = 18 ]
    petrel-eval embed --quiet --cache "$cache" --model "$a" --out e.tsv --neighbours 2 >/dev/null
    cmp <(sed 1,2d out/predictions.tsv | cut -f 1,3,10) <(sed 1,2d e.tsv | cut -f 1-3)
    paste <(sed 1,2d out/predictions.tsv | cut -f 11) <(sed 1,2d e.tsv | cut -f 4) | awk '{ d = $1 - $2; if (d > 1e-6 || d < -1e-6) exit 1 }'
    # each region's nearest are two others of the table, the nearer first
    sed 1,2d e.tsv | cut -f 1,7 | awk -F '[\t,:]' 'NR { if (NF != 5 || $2 == $1 || $4 == $1 || $3 > $5) exit 1 }'
}

@test "metrics.json: patients and strata add up to the confusion; thresholds, calibration and FROC make sense" {
    petrel-eval report --quiet --cache "$cache" --model "$a" --out out >/dev/null
    perl -MJSON::PP -MList::Util=sum0 -e '
        local $/; my $r = decode_json(<>); my ($m, $c) = ($r->{models}[0], $r->{models}[0]{confusion});
        my @p = @{$r->{patients}{list}};
        for my $k (qw(tp fp fn)) { die "patients: $k" unless sum0(map { $_->{$k} } @p) == $c->{$k} }
        for my $p (@p) { die "volumes" if abs($p->{tmtv_said_ml} - $p->{tmtv_truth_ml} + $p->{missed_ml} - $p->{false_ml}) > 1e-6 * (1 + $p->{tmtv_said_ml} + $p->{tmtv_truth_ml}) }
        die "detected" unless $r->{patients}{detected} == grep { $_->{tp} > 0 } @p;
        my %by; $by{$_->{by}} += $_->{regions}, $by{$_->{by} . "tp"} += $_->{confusion}{tp} for @{$r->{strata}};
        for my $k ("volume", "SUVmax", "height", "scanner") { die "strata: $k" unless $by{$k} == $r->{regions} and $by{$k . "tp"} == $c->{tp} }
        die "grid" unless @{$m->{grid}} == 13 and abs($m->{grid}[0]{threshold} - 0.3) < 1e-9 and abs($m->{grid}[12]{threshold} - 0.9) < 1e-9;
        die "grid at 0.5" unless $m->{grid}[4]{confusion}{tp} == $c->{tp};
        for my $k (@{$m->{matched}}) { die "specificity" if $k->{at}{metrics}{specificity} < $k->{specificity} - 1e-9 }
        my $last = 0; for my $f (@{$m->{froc}}) { die "FROC" if $f->{sensitivity} < $last; $last = $f->{sensitivity} }
        die "bins" unless sum0(map { $_->{regions} } @{$m->{calibration}{bins}}) == $r->{regions};
        my $l = $r->{lesions} or die "no lesions";
        die "lesions" unless $l->{in_no_tumour_region} == @{$l->{list}} and $l->{in_no_tumour_region} <= $l->{lesions};
        die "FROC leaves missed lesions out" if $m->{froc}[3]{sensitivity} > $r->{tumours} / ($r->{tumours} + $l->{in_no_tumour_region}) + 1e-9;
        my $t = $m->{end_to_end};
        die "end to end" unless $t->{lesions} == $l->{lesions} and $t->{found} <= $t->{lesions} - $t->{missed_by_regions} and abs($t->{sensitivity} - $t->{found} / $t->{lesions}) < 1e-6;
        die "digest" unless $m->{sha256} =~ /^[0-9a-f]{64}$/ and $m->{settings} =~ /backbone/;
    ' out/metrics.json
    [ "$(sha256sum <"$a" | cut -d " " -f 1)" = "$(sed -n 's/.*"sha256": "\(.*\)".*/\1/p' out/metrics.json)" ]
    grep -q 'Lesions no model is asked about' out/report.html
}

@test "embeddings as HDF5: the same numbers as the table's; the same bytes again" {
    command -v h5dump >/dev/null || skip "needs h5dump (hdf5-tools)"
    petrel-eval embed --quiet --cache "$cache" --model "$a" --out e.tsv >/dev/null
    petrel-eval embed --quiet --cache "$cache" --model "$a" --out e.h5 --neighbours 3 >/dev/null
    petrel-eval embed --quiet --cache "$cache" --model "$a" --out f.h5 --neighbours 3 --threads 1 >/dev/null
    cmp e.h5 f.h5
    h5dump -w 1 -y -d /row e.h5 | awk '/ATTRIBUTE/ { exit } /^ +[0-9]/ { gsub(/[ ,]/, ""); print }' | diff - <(sed 1,2d e.tsv | cut -f 1)
    h5dump -H e.h5 | grep -q 'nearest_distance'
    h5dump -a /cohort e.h5 | grep -q 'simulated cohort'
    run -64 --separate-stderr petrel-eval embed --cache "$cache" --model "$a" --out g.h5 --neighbours 1000
    [ ! -e g.h5 ]
}
