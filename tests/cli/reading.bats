# SPDX-License-Identifier: Apache-2.0
# what petrel-classify writes of a scan besides masks: tables and what their columns are, regions that were given and what is kept of them,
# organ maps by others' names, the page, and a folder that is watched
bats_require_minimum_version 1.5.0
load small

setup_file() {
    small_model
    small_make reading make_reading
}
make_reading() { petrel-classify --model "$SMALL/model/model.safetensors" "$(small_scan 4)" --out "$1"; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    model=$SMALL/model/model.safetensors
    scan=$(small_scan 4)
    name=SIMULATED_0004_SIMULATED_PETCT_PET
    plain=$SMALL/reading/$name
    TMPDIR=$(mktemp -d /tmp/petrel-r.XXXXXX)
    export TMPDIR
}

teardown() { rm -rf "$TMPDIR"; }

# column FILE NAME: its values, a line each; no field of these files has a comma in it but those before the quantities
column() { perl -e '
    my ($file, $name) = @ARGV;
    open my $in, "<", $file or die;
    my @lines = <$in>;
    s/\r?\n// for @lines;
    my @head = split /,/, shift @lines;
    my ($k) = grep { $head[$_] eq $name } 0 .. $#head;
    die "no column $name\n" unless defined $k;
    for (@lines) { my @f; push @f, defined $1 ? $1 : $2 while /\G(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g; print "$f[$k]\n"; }' "$@"; }
browser() { browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) 2>/dev/null; }

@test "tables: a row a region, a row a scan, and every column is explained" {
    [ "$(column "$plain/regions.csv" region | wc -l)" = "$(grep -c '^[0-9]' "$plain/regions.tsv")" ]
    # the same volumes and SUV as in the other table, and TMTV is their sum
    diff <(column "$plain/regions.csv" voxels) <(awk -F '\t' '/^[0-9]/ { print $8 }' "$plain/regions.tsv")
    diff <(column "$plain/regions.csv" suv_max | awk '{ printf "%.3f\n", $1 }') <(awk -F '\t' '/^[0-9]/ { print $4 }' "$plain/regions.tsv") |
        awk '/^[<>]/ { n++ } END { exit n > 4 }' # six digits, rounded twice
    paste <(column "$plain/regions.csv" tumour) <(column "$plain/regions.csv" ml) |
        awk -v said="$(column "$plain/scan.csv" tmtv_ml_own)" '$1 { s += $2 } END { exit !(s - said < 0.01 && said - s < 0.01) }'
    # x to the right in RAS is x to the left, negated, in LPS
    paste <(column "$plain/regions.csv" x_ras_mm) <(column "$plain/regions.csv" x_lps_mm) | awk '$1 + $2 != 0 { exit 1 }'
    # columns.csv has each of them
    for file in regions scan; do
        for c in $(head -n 1 "$plain/$file.csv" | tr -d '\r' | tr ',' ' '); do
            grep -q "^$file.csv,$c," "$SMALL/reading/columns.csv" || { echo "$file.csv: '$c' is not explained"; return 1; }
        done
    done
    [ "$(column "$SMALL/reading/summary.csv" scans | head -n 1)" = 1 ]
    cmp "$SMALL/reading/scans.csv" "$plain/scan.csv"
    grep -q '"use": "research use only' "$plain/regions.json"
    # the simulated liver is found by the cohort's organ map, which has no aorta
    [ "$(column "$plain/scan.csv" liver_by)" = map ]
    [ -z "$(column "$plain/scan.csv" blood_mean)" ]
}

@test "given: labels or components become the regions, on the scan's grid or another, and what is no tumour is taken out" {
    cp "$plain/labels.nii.gz" labels.nii.gz
    run -0 --separate-stderr petrel-classify --model "$model" "$scan" --regions labels.nii.gz --keep tumour --out same
    [[ $stderr == *"regions are as given; the model learned from those of roi-method fcm"* ]]
    # the same regions, and so the same answer
    diff <(column "$plain/regions.csv" probability) <(column same/$name/regions.csv probability)
    cmp <(zcat "$plain/tumour.nii.gz" | tail -c +353) <(zcat same/$name/tumour.nii.gz | tail -c +353)
    # kept: exactly the tumours' labels, on the map's own grid
    diff <(nifti grid labels.nii.gz | sed 's/ datatype [0-9]*//') <(nifti grid same/$name/kept.nii.gz | sed 's/ datatype [0-9]*//')
    diff <(nifti counts same/$name/kept.nii.gz | sed 1d | cut -d ' ' -f 1) \
        <(paste <(column "$plain/regions.csv" region) <(column "$plain/regions.csv" tumour) | awk '$2 { print $1 }')
    [ "$(column same/$name/scan.csv taken_out_parts)" -gt 0 ]
    awk -v g="$(column same/$name/scan.csv given_ml)" -v k="$(column same/$name/scan.csv kept_ml)" -v t="$(column same/$name/scan.csv taken_out_ml)" \
        'BEGIN { exit !(g > k && g - k - t < 0.001 && k + t - g < 0.001) }'
    # with eight voxels in place of each the map lies on another grid, and means the same
    nifti twice - labels.nii.gz twice.nii.gz
    petrel-classify --quiet --model "$model" "$scan" --regions twice.nii.gz --keep tumour --out finer
    diff <(column same/$name/regions.csv voxels) <(column finer/$name/regions.csv voxels)
    diff <(column same/$name/regions.csv probability) <(column finer/$name/regions.csv probability)
    diff <(nifti counts finer/$name/kept.nii.gz | sed 1d | cut -d ' ' -f 1) <(nifti counts same/$name/kept.nii.gz | sed 1d | cut -d ' ' -f 1)
    # a mask of one value is parted into components
    nifti mark 1 labels.nii.gz mask.nii.gz
    petrel-classify --quiet --model "$model" "$scan" --regions mask.nii.gz --out parted
    petrel-classify --quiet --model "$model" "$scan" --regions mask.nii.gz --given-parts labels --out one
    [ "$(column parted/$name/scan.csv given_parts)" -gt 1 ]
    [ "$(column one/$name/scan.csv given_parts)" = 1 ]
    # without --keep, no map
    [ ! -e parted/$name/kept.nii.gz ]
}

@test "given: a map that reaches beyond the scan, and one that marks nothing" {
    # everything, by which the margin of the body is marked, too, where the scan ends in the body
    nifti edit 0=1 "$plain/labels.nii.gz" full.nii.gz
    nifti move 0,0,-4 full.nii.gz lower.nii.gz
    nifti move 0,0,4 full.nii.gz higher.nii.gz
    for map in full lower higher; do
        petrel-classify --quiet --model "$model" "$scan" --regions $map.nii.gz --out $map
        [ "$(column $map/$name/scan.csv regions)" = "$(nifti counts $map/$name/labels.nii.gz | sed 1d | wc -l)" ]
    done
    nifti mark 0 "$plain/labels.nii.gz" nothing.nii.gz
    run -0 --separate-stderr petrel-classify --model "$model" "$scan" --regions nothing.nii.gz --keep tumour --out nothing
    [[ $stderr == *"what was given marks nothing: there is nothing to keep"* ]]
    [ "$(column nothing/$name/scan.csv regions)" = 0 ]
}

@test "given: what cannot be used is refused by name" {
    nifti move 5000 "$plain/labels.nii.gz" away.nii.gz
    run -65 --separate-stderr petrel-classify --model "$model" "$scan" --regions away.nii.gz --out out
    [[ $stderr == *"cannot use regions 'away.nii.gz': they lie nowhere on the scan"* ]]
    run -65 --separate-stderr petrel-classify --model "$model" "$scan" --regions "$scan/PET.nii.gz" --out out
    [[ $stderr == *"a map of regions has whole numbers"* || $stderr == *"regions are whole numbers"* ]]
    run -65 --separate-stderr petrel-classify --model "$model" "$scan" --roi-method given --out out
    [[ $stderr == *"--regions"* ]]
    run -64 --separate-stderr petrel-classify --model "$model" "$scan" --keep tumour --out out
    [[ $stderr == *"--keep tumour wants the regions that somebody drew"* ]]
    run -66 --separate-stderr petrel-classify --model "$model" "$scan" --regions gone.nii.gz --out out
    [[ $stderr == *"no such file: 'gone.nii.gz' (--regions)"* ]]
}

@test "given works in the pipelines, too: classify's bytes are the same, rois makes a cache of them" {
    cp "$plain/labels.nii.gz" labels.nii.gz
    petrel-classify --quiet --model "$model" "$scan" --regions labels.nii.gz --keep tumour --out alone
    run -0 "$TOP/pipelines/classify.sh" --model "$model" "$scan" --regions labels.nii.gz --roi-method given --keep tumour --out piped -j 1
    diff -r alone piped
    printf 'scan\tregions\n%s\t%s\n' "$scan" "$PWD/labels.nii.gz" >list.tsv
    run -0 "$TOP/pipelines/rois.sh" list.tsv --roi-method given --exclude none --out cache -j 1
    [ "$(petrel-cache ls cache | awk '$2 == "SIMULATED_0004" { print $3 }')" = "$(column "$plain/regions.csv" region | wc -l)" ]
}

@test "organ maps by others' names: TotalSegmentator's numbers, files named by class, MOOSE's maps" {
    # our 3 (liver) is 5 there, 1 spleen, 2 kidneys 2 and 3, 6 brain 90, 5 lungs 10; the map lies on a finer grid
    nifti edit 3=5,6=90,5=10,4=21,7=51,8=6,9=22,10=0,11=0 "$scan/ORGANS.nii.gz" ts.nii.gz
    nifti twice - ts.nii.gz ts2.nii.gz
    petrel-classify --quiet --model "$model" "$scan" --organs ts2.nii.gz --organs-of totalsegmentator --out ts
    [ "$(column ts/$name/scan.csv liver_by)" = map ]
    [ "$(column ts/$name/scan.csv liver_mean)" = "$(column "$plain/scan.csv" liver_mean)" ]
    mkdir classes
    nifti edit 1=0,2=0,3=1,4=0,5=0,6=0,7=0,8=0,9=0,10=0,11=0 "$scan/ORGANS.nii.gz" classes/liver.nii.gz
    nifti edit 1=1,2=0,3=0,4=0,5=0,6=0,7=0,8=0,9=0,10=0,11=0 "$scan/ORGANS.nii.gz" classes/aorta.nii.gz # where the spleen is
    petrel-classify --quiet --model "$model" "$scan" --organs classes --out classes.out
    [ "$(column classes.out/$name/scan.csv liver_mean)" = "$(column "$plain/scan.csv" liver_mean)" ]
    awk -v b="$(column classes.out/$name/scan.csv blood_mean)" -v l="$(column "$plain/scan.csv" liver_mean)" -v s="$(column "$plain/scan.csv" spleen_to_liver)" \
        'BEGIN { exit !(b / l / s > 0.999 && b / l / s < 1.001) }'
    mkdir moose # clin_ct_organs: 8 liver, 15 spleen
    nifti edit 1=15,2=0,3=8,4=0,5=0,6=0,7=0,8=0,9=0,10=0,11=0 "$scan/ORGANS.nii.gz" moose/S1_clin_ct_organs_segmentation.nii.gz
    petrel-classify --quiet --model "$model" "$scan" --organs moose --out moose.out
    [ "$(column moose.out/$name/scan.csv spleen_to_liver)" = "$(column "$plain/scan.csv" spleen_to_liver)" ]
    mkdir nothing
    cp classes/liver.nii.gz nothing/lesion.nii.gz
    run -65 --separate-stderr petrel-classify --model "$model" "$scan" --organs nothing --out out
    [[ $stderr == *"no file in it is named for an organ"* ]]
}

# until CONDITION: waits for it, a minute at most
until_so() { for _ in $(seq 600); do eval "$1" && return; sleep 0.1; done; echo "never: $1"; cat said* >&2; return 1; }
outcomes() { cat in/readings/.watch/*[0-9a-f] 2>/dev/null | grep -c "^outcome = $1$"; }

@test "watch: each study once, when it has settled and is whole; killed at any moment nothing is lost" {
    mkdir in
    cp -r "$(small_scan 4)" in/first
    petrel-classify watch in --model "$model" --settle 0.2 --every 0.1 >said 2>&1 3>&- &
    watcher=$!
    until_so '[ -e in/readings/.watch/making ]'
    kill -9 $watcher
    wait $watcher || true
    [ "$(outcomes done)" = 0 ]
    cp -r "$(small_scan 4)" in/again # the same content under another name
    mkdir in/half # of which the rest comes later
    head -c 30000 "$(small_scan 5)/PET.nii.gz" >in/half/PET.nii.gz
    cp "$(small_scan 5)/PET.json" in/half
    cp -r "$(small_scan 6)" in/growing
    mv in/growing/PET.nii.gz in/growing/PET.nii.gz.part
    petrel-classify watch in --model "$model" --settle 0.2 --every 0.1 >said2 2>&1 3>&- &
    watcher=$!
    until_so '[ "$(outcomes done)" = 1 ] && [ "$(outcomes refused)" = 1 ] && grep -q "not read again" said2'
    grep -q "refused 'half': .*truncated" said2
    run -75 petrel-classify watch in --model "$model" # another may not
    [[ $output == *"another petrel-classify watch writes there"* ]]
    cp "$(small_scan 5)/PET.nii.gz" in/half
    mv in/growing/PET.nii.gz.part in/growing/PET.nii.gz
    until_so '[ "$(outcomes done)" = 3 ]'
    kill $watcher
    wait $watcher && false
    [ $? = 75 ]
    # what was read beside a kill is what is read without one
    cmp "in/readings/$name/regions.csv" "$plain/regions.csv"
    cmp "in/readings/$name/labels.nii.gz" "$plain/labels.nii.gz"
    [ "$(column in/readings/scans.csv scan | wc -l)" = 3 ]
    [ "$(grep -c 'reading.html">SIM' in/readings/index.html)" = 3 ]
    [ ! -e in/readings/.watch/making ]
    # and nothing is read twice
    run -0 petrel-classify watch in --model "$model" --settle 0.1 --every 0.1 --once
    [[ $output == *"4 studies are known already"* && $output != *"event=study"* ]]
    # limits are refusals with a reason
    run -65 petrel-classify watch in --model "$model" --settle 0.1 --every 0.1 --once --limit-size 0.0001 --out elsewhere
    [[ $output == *"more than the limit of 0.00"* ]]
}

# told FILE WIDTH: what reading.js found, with what the browser had to say
told() {
    { echo "<script>"; cat "$TOP/tests/cli/reading.js"; echo "</script>"; cat "$1"; } >page.html
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$BATS_TEST_TMPDIR/profile" --window-size="$2",900 \
        --virtual-time-budget=20000 --enable-logging=stderr --dump-dom "file://$PWD/page.html" >dom 2>stderr
    grep CONSOLE stderr && return 1
    sed -n '/<pre id="told">/,/<\/pre>/p' dom | sed 's/<[^>]*>//g'
}

@test "the page: every control works, nothing fails, one file that fetches nothing" {
    ! sed 's/data:image[^"]*//g' "$plain/reading.html" | grep -oE '(src|href|url|import|fetch)[=( ]+.{0,3}(https?:|//|file:|\.\.?/).{0,40}'
    ! grep -q '<link\|@import\|<iframe' "$plain/reading.html"
    grep -q 'Research use only' "$plain/reading.html"
    grep -q 'Research use only' "$SMALL/reading/index.html"
    grep -q 'a simulated scan' "$plain/reading.html"
    browser || skip "needs a browser: apt-get install chromium"
    export HOME=$BATS_TEST_TMPDIR
    run -0 told "$plain/reading.html" 1200
    echo "$output"
    [[ $output == *$'\nend'* ]]
    ! grep -E 'NO$|error' <<<"$output"
    [ "$(grep -c ': yes$' <<<"$output")" -ge 12 ]
    run -0 told "$plain/reading.html" 500
    [[ $output == *$'\nend'* ]]
    ! grep -E 'NO$|error' <<<"$output"
}
