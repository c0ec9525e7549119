# SPDX-License-Identifier: Apache-2.0
# Parts of a list of scans, each in a run and a cache of its own, become the cache of one run over all: petrel-load --part, petrel-cache merge, split --keep
bats_require_minimum_version 1.5.0
load small

setup_file() { small_cache; }
setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

digest_of() { petrel-cache verify "$1" | tail -n 1; }

@test "three parts, merged in any order, are the cache of one run" {
    for k in 1 2 3; do
        run -0 "$TOP/pipelines/rois.sh" "$SMALL/cohort/scans.tsv" --out part.$k --part $k/3 -j 1
        [ "$(petrel-cache ls part.$k --json | grep -c '"suv_max"')" = 2 ]
    done
    run -0 --separate-stderr petrel-cache merge all part.3 part.1
    [[ ${lines[0]} == "4 scans, "* ]]
    run -0 --separate-stderr petrel-cache merge all part.1 part.2 part.3
    [[ ${lines[0]} == "6 scans, "* ]]
    [ "${lines[1]}" = "$(digest_of "$SMALL/cache")" ]
    [ "$(digest_of all)" = "$(digest_of "$SMALL/cache")" ]
    run -0 petrel-cache merge --link linked part.1 part.2 part.3
    [ "$(digest_of linked)" = "$(digest_of "$SMALL/cache")" ]
    # a part run again brings nothing, and what is merged already is not read again by a later run of the whole
    run -0 "$TOP/pipelines/rois.sh" "$SMALL/cohort/scans.tsv" --out all -j 1
    [ "$(digest_of all)" = "$(digest_of "$SMALL/cache")" ]

    # patients that come later leave the split of the others as it is
    petrel-cache merge few part.1 part.2
    petrel-cache split few --validation 0.3 --test 0.3 >/dev/null
    cp few/splits.tsv before
    petrel-cache merge few part.3
    run -64 petrel-cache split few --validation 0.3 --test 0.3
    [[ $output == *--keep* ]]
    petrel-cache split few --validation 0.3 --test 0.3 --keep >/dev/null
    [ "$(grep -c . few/splits.tsv)" -gt "$(grep -c . before)" ]
    run -0 grep -v '^#' before
    while read -r line; do grep -qxF "$line" few/splits.tsv; done < <(grep -v '^#' before)
}

@test "parts that make no sense, and caches that do not belong together" {
    for part in 0/3 4/3 2 a/b 1/2x -1/2; do
        run -64 petrel-load --check --part "$part" "$SMALL/cohort/scans.tsv"
        [[ $output == *"K/N"* ]]
    done
    run -0 petrel-load --check --part 6/6 "$SMALL/cohort/scans.tsv"
    [[ $output == *"1 scans checked"* ]]
    run -0 petrel-load --check --part 7/7 "$SMALL/cohort/scans.tsv" # more tasks than scans
    [[ $output == *"0 scans checked"* ]]
    cp -r "$SMALL/cache" other
    run -66 petrel-cache merge other nowhere
    [[ $output == *"'nowhere'"* ]]
    run -64 petrel-cache merge other
    run -64 petrel-cache split other --keep --force
    petrel-simulate --quiet --out new --patients 1 --scale quick --seed 9
    run -0 "$TOP/pipelines/rois.sh" new/scans.tsv --out fixed --roi-method fixed -j 1
    run -78 petrel-cache merge other fixed
    [[ $output == *roi_method* ]]
    [ "$(digest_of other)" = "$(digest_of "$SMALL/cache")" ]
}
