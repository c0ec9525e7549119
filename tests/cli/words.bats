# SPDX-License-Identifier: Apache-2.0
# words of a pipeline: each reaches the programs that own it, spaced or with '=', and no other; unknown ones are refused with
# the nearest before anything starts. The programs here are stand-ins that write down what they were told; what they know
# (--options) is asked of the real ones.
bats_require_minimum_version 1.5.0

setup() {
    BIN=$(realpath "${PETREL_BIN:-$BATS_TEST_DIRNAME/../../build/bin}")
    TOP=$(realpath "$BATS_TEST_DIRNAME/../..")
    cd "$BATS_TEST_TMPDIR" || return 1
    export TOLD=$PWD/told
    mkdir -p stand-ins "here is"
    for program in "$BIN"/petrel-{load,suv,roi,cache,pairs,train,eval,classify,simulate}; do
        cat >"stand-ins/${program##*/}" <<END
#!/usr/bin/env bash
[ "\${*: -1}" != --options ] || exec "$program" "\$@"
printf -v line '|%s' "\$@"
printf '%s%s|\n' "\${0##*/}" "\$line" >>"$TOLD" # by one write: others write there, too
END
        chmod +x "stand-ins/${program##*/}"
    done
    export PATH=$PWD/stand-ins:$BIN:$PATH
}

declare -gA line=([rois]="a.nii --out o" [classify]="a.nii --model m --out o --recipe r" [pretrain]="--cache c --out o"
    [classifier]="--cache c --model m --out o" [train]="--cache c --out o" [demo]="--out o")

told() { grep -c -- "^$1|.*$2" "$TOLD" 2>/dev/null || true; }

# WORD VALUE PIPELINE PROGRAMS-THAT-HEAR... (all others must not); each is tried spaced, with =, with _ for -, and by --set
word() {
    local word=$1 value=$2 pipeline=$3 name=${1#--} spelling hearer program
    shift 3
    for spelling in spaced equals under set; do
        rm -f "$TOLD"
        case $spelling in
        spaced) set -- "$@" -- "$word" "$value" ;;
        equals) set -- "$@" -- "$word=$value" ;;
        under) set -- "$@" -- "--${name//-/_}=$value" ;;
        set) set -- "$@" -- --set "${name//-/_}=$value" ;;
        esac
        local hearers=() words=()
        while [ "$1" != -- ]; do hearers+=("$1") && shift; done
        shift
        words=("$@")
        # shellcheck disable=SC2086 # the line is words
        "$TOP/pipelines/$pipeline.sh" ${line[$pipeline]} -j 1 "${words[@]}" >log 2>&1 || { cat log; return 1; }
        for program in $(cut -d '|' -f 1 "$TOLD" | sort -u); do
            if [[ " ${hearers[*]} " == *" $program "* ]]; then
                [ "$(told "$program" "|--$name=$value|")" -gt 0 ] || { echo "$pipeline $spelling: $program was not told $word"; cat "$TOLD"; return 1; }
            else
                [ "$(told "$program" "|--$name[=|]")" = 0 ] || { echo "$pipeline $spelling: $program was told $word"; cat "$TOLD"; return 1; }
            fi
        done
        for hearer in "${hearers[@]}"; do [ "$(told "$hearer" '')" -gt 0 ] || { echo "$pipeline started no $hearer"; return 1; }; done
        set -- "${hearers[@]}"
    done
}

@test "each word reaches the programs that own it, however it is spelt" {
    word --memory-limit 3 rois petrel-load
    word --spacing 4,4,4 rois petrel-load petrel-suv petrel-roi petrel-cache
    word --metadata "here is/table.csv" rois petrel-load
    word --fixed-suv 4 rois petrel-load petrel-suv petrel-roi petrel-cache
    word --transport tcp rois petrel-load petrel-suv petrel-roi
    word --threshold 0.3 classify petrel-load petrel-suv petrel-roi petrel-classify
    word --backend cpu classify petrel-classify
    word --units suv classify petrel-load petrel-classify
    word --epochs 10 pretrain petrel-pairs petrel-train
    word --init "here is/m.safetensors" pretrain petrel-train
    word --augment-on device pretrain petrel-train
    word --memory 2 pretrain petrel-pairs
    word --tensorboard events classifier petrel-train
    word --threshold 0.4 classifier petrel-pairs petrel-train
    word --seed 7 train petrel-pairs petrel-train
    word --epochs 10 demo petrel-cache petrel-pairs petrel-train
}

@test "a word of one of several pipelines does not reach the other" {
    "$TOP/pipelines/train.sh" --cache c --out o -j 1 --init M --augment-on device
    grep -q '^petrel-train|pretrain|.*|--init=M|' "$TOLD"
    grep -q '^petrel-train|pretrain|.*|--augment-on=device|' "$TOLD"
    grep '^petrel-train|classifier|' "$TOLD" >classifier
    grep -q '|--init|o/encoder.safetensors|' classifier
    ! grep -q 'init=\|augment-on' classifier
    [ "$(told petrel-pairs 'init')" = 0 ]
}

@test "flags: --x, --no-x, --x=yes; a flag takes no word after it" {
    for spelling in --first-study --first_study --first-study=yes "--set first_study=yes"; do
        rm -f "$TOLD"
        # shellcheck disable=SC2086
        "$TOP/pipelines/rois.sh" --out o -j 1 $spelling a.nii
        grep -q '^petrel-load|.*|--first-study=yes|--|a.nii|$' "$TOLD"
    done
    "$TOP/pipelines/train.sh" --cache c --out o -j 1 --no-position
    grep -q '^petrel-train|pretrain|.*|--position=no|' "$TOLD"
    grep -q '^petrel-train|classifier|.*|--position=no|' "$TOLD"
}

@test "paths with spaces, quotes, newlines and leading dashes arrive whole" {
    "$TOP/pipelines/rois.sh" "a scan.nii" "it's \"one\".nii" --out "out dir/c" --run "run dir" -j 1 -- -dash.nii --out
    grep -qF "|--|a scan.nii|it's \"one\".nii|-dash.nii|--out|" "$TOLD"
    grep -qF '|--|out dir/c|' "$TOLD"
    [ -d "run dir/logs" ]
    "$TOP/pipelines/rois.sh" $'two\nlines.nii' --out=o -j1
    grep -qzF $'|two\nlines.nii|' "$TOLD"
}

@test "unknown words are refused with the nearest, 64, before anything starts" {
    refused() { # SENTENCE PIPELINE WORD...
        local sentence=$1 pipeline=$2
        shift 2
        # shellcheck disable=SC2086
        run -64 "$TOP/pipelines/$pipeline.sh" ${line[$pipeline]} -j 1 "$@"
        [[ $output == *"$sentence"* ]] || { echo "$output"; return 1; }
        [ ! -e "$TOLD" ] && [ ! -e o ] && [ ! -e o.run ]
    }
    refused "'--treshold' (nearest: '--threshold'" classify --treshold 0.3
    refused "'--spacng=4' (nearest: '--spacing'" rois --spacng=4
    refused "'--thigh' (nearest: '--thigh-mm'" rois --thigh 3
    refused "'--ephocs=3' (nearest: '--epochs'" train --ephocs=3
    refused "'--patient=3' (nearest: '--patients'" demo --patient=3
    refused "'--cahce=3' (nearest: '--cache'" pretrain --cahce=3
    refused "'--set' wants a value" rois --set
    refused "--set 'spacing' has no '='" rois --set spacing
    refused "'--spacing' wants a value" rois --spacing
    refused "unknown option '-x'" rois -x
    refused "no program of this pipeline uses it" rois --epochs 10
    refused "no program of this pipeline uses it" classify --lr 1
    refused "'5' is a word too many" train --no-position 5
    refused "a word too many" demo scan.nii
    refused "'-j' is 'many'" rois -j many
    # what the pipeline says itself is not for others to say
    refused "unknown option '--in'" rois --in volumes
    refused "unknown option '--skip-cache'" rois --skip-cache x
    refused "unknown option '--init'" classifier --init x
}

@test "relative paths are the caller's, from another directory and by the front door" {
    mkdir away
    (cd away && "$TOP/pipelines/rois.sh" ../a.nii --out c --recipe ../r.conf --run r -j 1)
    [ -d away/r/logs ]
    grep -q '^petrel-load|.*|../r.conf|--|../a.nii|' "$TOLD"
    # the front door goes where it lives to build, and comes back
    rm "$TOLD"
    sed -e "s|^top=.*|top=$TOP|" -e 's|^need() {|need() { return 0|' -e 's|^build() {.*|build() { return 0|' -e "s|PATH=\$top/build/bin:\$PATH|PATH=$PATH|" "$TOP/run.sh" >door
    (cd away && PETREL_DEPS=1 bash ../door rois ../a.nii --out "c d" --recipe ../r.conf -j 1)
    [ -d "away/c d.run/logs" ]
    grep -q '^petrel-load|.*|c d|.*--|../a.nii|' "$TOLD"
}

@test "every pipeline tells its words, and with --help what they mean" {
    for pipeline in rois classify pretrain classifier train demo; do
        run -0 --separate-stderr "$TOP/pipelines/$pipeline.sh" --options
        [ -z "$stderr" ]
        [ "$(grep -vcP '^[a-z0-9-]+\t(flag|value|values)\t(shown|hidden)\t[^\t]+\t' <<<"$output")" = 0 ]
        run -0 --separate-stderr "$TOP/pipelines/$pipeline.sh" --help
        [[ ${lines[0]} == "usage: "*"--out"* && $output == *"  --seed N"* ]]
        [ ! -e "$TOLD" ]
    done
}
