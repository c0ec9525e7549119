# SPDX-License-Identifier: Apache-2.0
# One truth for every setting: what was made with one is never gone on with, trained on or read by another in silence.
bats_require_minimum_version 1.5.0
load small

setup_file() {
    small_cohort
    export OTHER=$BATS_FILE_TMPDIR/other
    mkdir -p "$OTHER"
    head -n 4 "$SMALL/cohort/scans.tsv" >"$SMALL/cohort/three.tsv"
    "$TOP/pipelines/rois.sh" "$SMALL/cohort/three.tsv" --out "$OTHER/cache" -j 2 --spacing 6,5,5 --formula janmahasatian >"$OTHER/log" 2>&1 3>&-
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# The cache as it is, and refused with this word, naming key, both values, and leaving every byte alone.
refused_by_name() { # KEY THERE HERE WORD...
    local key=$1 there=$2 here=$3
    shift 3
    sums "$OTHER/cache" >before
    run -78 "$TOP/pipelines/rois.sh" "$SMALL/cohort/three.tsv" --out "$OTHER/cache" -j 2 --run again.run "$@"
    [[ $output == *"$key = $there there, $here here"* ]]
    diff before <(sums "$OTHER/cache")
}

@test "rois again on a cache: with the same settings nothing to do, with others refused by the setting's name and both values" {
    run -0 "$TOP/pipelines/rois.sh" "$SMALL/cohort/three.tsv" --out "$OTHER/cache" -j 2 --run again.run --spacing 6,5,5 --formula janmahasatian
    refused_by_name formula janmahasatian bw --spacing 6,5,5
    refused_by_name formula janmahasatian james --spacing 6,5,5 --formula james
    refused_by_name spacing 6,5,5 none --formula janmahasatian
    refused_by_name spacing 6,5,5 6,6,6 --formula janmahasatian --spacing 6,6,6
    refused_by_name crop none -900,0 --spacing 6,5,5 --formula janmahasatian --crop=-900,0
    refused_by_name crop none thighs --spacing 6,5,5 --formula janmahasatian --crop thighs
    refused_by_name clip none 0,20 --spacing 6,5,5 --formula janmahasatian --clip 0,20
    refused_by_name region_min_ml 0.1 0.5 --spacing 6,5,5 --formula janmahasatian --region-min-ml=0.5
    refused_by_name roi_method fcm fixed --spacing 6,5,5 --formula janmahasatian --roi-method=fixed
}

@test "by hand, too: a collector that was told nothing refuses regions of other settings" {
    cp -r "$OTHER/cache" cache
    cat >mine.sh <<END
. "$TOP/pipelines/lib.sh"
run_begin mine.run
node load  petrel-load --channel-out volumes "$(small_scan 5)"
node suv   petrel-suv --in volumes --out suv --spacing 6,5,5
node roi   petrel-roi --in suv --out regions
node cache petrel-cache collect cache --in regions
run_wait
END
    run -78 bash mine.sh
    [[ $output == *"formula = janmahasatian there, bw here"* ]]
    [[ $output != *"spacing ="* ]]
}

@test "petrel-roi asked for another SUV than the volume's says so" {
    cat >mine.sh <<END
. "$TOP/pipelines/lib.sh"
run_begin mine.run
node load  petrel-load --channel-out volumes "$(small_scan 5)"
node suv   petrel-suv --in volumes --out suv --formula james
node roi   petrel-roi --in suv --out regions --formula bsa
node cache petrel-cache collect cache --in regions
run_wait
END
    run -78 bash mine.sh
    [[ $output == *"made with formula = james, but bsa is asked for"* ]]
}

@test "a model learns the SUV of its cache, and classify makes it again without being told" {
    cp -r "$OTHER/cache" cache
    petrel-cache split cache --seed 2 --validation 0.3 --test 0.3 --quiet || true
    small_recipe 1 >small.conf
    run -0 "$TOP/pipelines/train.sh" --cache cache --out model --recipe small.conf -j 2
    petrel-classify settings --model model/model.safetensors >settings
    grep -x 'formula = janmahasatian' settings
    grep -x 'spacing = 6,5,5' settings
    TMPDIR=$(mktemp -d /tmp/petrel-c.XXXXXX) petrel-classify --quiet --model model/model.safetensors "$(small_scan 1)" --out result
    name=SIMULATED_0001_SIMULATED_PETCT_PET
    # the regions and their SUV are those of training
    shard=cache/$(awk -F '\t' '$5 == "SIMULATED_0001" { print $4 }' cache/manifest)
    h5dump -d /roi/suv_max -m %.3f -y -w 1 "$shard" | sed -n '/DATA {/,/}/s/^ *\([0-9]\+[.][0-9]\+\),*$/\1/p' | sort -n >trained
    awk -F '\t' '/^[0-9]/ { print $4 }' "result/$name/regions.tsv" | sort -n >classified
    [ -s trained ]
    diff trained classified
    # another cache is not what it learned from
    small_cache
    run -78 petrel-eval embed --cache "$SMALL/cache" --model model/model.safetensors --out embedded.tsv
    [[ $output == *"formula = janmahasatian there, bw here"* && $output == *"spacing = 6,5,5 there, none here"* ]]
    # nor are regions from a pipeline of other settings
    run -78 "$TOP/pipelines/classify.sh" --model model/model.safetensors "$(small_scan 1)" --out other --formula bsa
    [[ $output == *"formula = janmahasatian there, bsa here"* ]]
}

@test "training asked for another SUV than the cache's is refused by name" {
    cp -r "$OTHER/cache" cache
    run -78 petrel-train pretrain --cache cache --run r --formula bw
    [[ $output == *"cache 'cache' was made with formula = janmahasatian, but bw is asked for"* ]]
    run -78 petrel-train pretrain --cache cache --run r --spacing 4,4,4
    [[ $output == *"spacing = 6,5,5, but 4,4,4 is asked for"* ]]
}

@test "petrel-train settings prints the recipe files, and names those it has" {
    diff <(petrel-train settings paper) "$TOP/pipelines/recipes/paper.conf"
    diff <(petrel-train settings released) "$TOP/pipelines/recipes/released.conf"
    run -64 petrel-train settings ours
    [[ $output == *"paper, released"* ]]
}

@test "a value that a user gave in place of a scan's own stands in the cache, the model and the report" {
    small_cohort
    run -0 "$TOP/pipelines/rois.sh" "$SMALL/cohort/scans.tsv" --out cache -j 2 --override weight_g=77000
    make_split cache
    small_recipe 1 >small.conf
    run -0 "$TOP/pipelines/train.sh" --cache cache --out model --recipe small.conf -j 2
    safetensors model/model.safetensors - get overridden >told
    [ "$(grep -c ': weight_g=77000' told)" = 6 ]
    run -0 petrel-eval report --cache cache --model model/model.safetensors --out report
    [[ $output == *"given by a user in place of what scan PET of SIMULATED_0001 says: weight_g=77000"* ]]
    grep -q 'Given by a user in place of what scan PET of SIMULATED_0001 says: weight_g=77000' report/report.html
    # and where nothing was given, nothing is said
    small_model
    run -1 grep -a -q overridden "$SMALL/model/model.safetensors"
}
