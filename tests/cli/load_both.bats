#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# petrel-load --check and the pipeline say the same of every input that load's tests make: what one refuses the other does, at the same
# stage and with the same sentence.
bats_require_minimum_version 1.5.0

setup() {
    bin=${PETREL_BIN:-build/bin}
    tests=$bin/../tests
    dir=$(mktemp -d)
    export PETREL_RUN_DIR=$dir/run XDG_CONFIG_HOME=$dir/config
}
teardown() {
    rm -rf "$dir"
}
# pipeline ARGUMENTS...: load | suv | roi | cache collect; what load and suv refused, stage and scan and sentence, into $dir/refused
pipeline() {
    local load suv roi
    rm -rf "$PETREL_RUN_DIR"
    mkdir -p "$PETREL_RUN_DIR"
    "$bin/petrel-load" --keep-identifiers "$@" >"$dir/load.log" 2>&1 3>&- & load=$!
    "$bin/petrel-suv" >"$dir/suv.log" 2>&1 3>&- & suv=$!
    "$bin/petrel-roi" --in suv --out regions >"$dir/roi.log" 2>&1 3>&- & roi=$!
    "$bin/petrel-cache" collect "$dir/cache" --in regions >"$dir/cache.log" 2>&1 3>&- || true
    wait "$load" && code=0 || code=$?
    wait "$suv" "$roi" || true
    "$bin/petrel-cache" ls "$dir/cache" >"$dir/ls" || true
    sed -n 's/^refused by \(load\|suv\): \(.*\)/\1\t\2/p' "$dir/ls" | sort >"$dir/refused"
}

@test "load: --check refuses what the pipeline refuses, of every input the tests make" {
    mkdir "$dir/corpus"
    made=0
    for test in agreement complete enhanced series find bids ct image seg truth geometry layouts; do
        [ -x "$tests/unit/load_$test" ] || continue
        PETREL_CORPUS=$dir/corpus CMOCKA_MESSAGE_OUTPUT=TAP "$tests/unit/load_$test" >"$dir/$test.log" 2>&1
        made=$((made + 1))
    done
    [ "$made" != 0 ] || skip "the tests are not built (make tests)"
    "$tests/fuzz/parsers" --mutants "$dir/corpus/mutants" "${MUTANTS:-260}" 5 >/dev/null
    inputs=$(find "$dir/corpus" -mindepth 1 -maxdepth 1 | wc -l)
    find "$dir/corpus" -type p -name '*.nii*' -delete # a pipe that nobody writes to is waited for
    run --separate-stderr "$bin/petrel-load" --check --keep-identifiers "$dir"/corpus/*
    [ "$status" = 65 ]
    # one sentence is one line of the table; the cache has "scan: sentence"
    tail -n +2 <<<"$output" | sed 's/^\([a-z]*\)\t\([^\t]*\)\t/\1\t\2: /' | sort >"$dir/foretold"
    pipeline "$dir"/corpus/*
    [ "$code" = 65 ]
    diff "$dir/foretold" "$dir/refused" | head -n 40
    cmp "$dir/foretold" "$dir/refused"
    checked=$(sed -n 's/.*: \([0-9]*\) scans checked.*/\1/p' <<<"$stderr")
    refused=$(wc -l <"$dir/foretold")
    [ "$refused" -gt $((inputs / 3)) ]
    [ $((checked - refused)) -gt 20 ] # and some are read by both
    echo "# $inputs inputs, $checked scans: $refused refused by both, at the same stage, with the same sentence"
}
