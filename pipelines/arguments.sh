# SPDX-License-Identifier: Apache-2.0
# arguments -- the words of a pipeline, each to the programs that own it. Sourced; see the pipelines.
#
#     takes "--cache DIR --out DIR" out cache j recipe SCANS    the pipeline's own words, and how its usage says them
#     passes NAME PROGRAM [SUB] [-- WORD...]     a program it starts; WORD: what the pipeline says to it, or has no use for
#     arguments "$@"
#
# What a program knows it says itself (PROGRAM --options: opts_list in common/opts.h), so nothing is listed here twice. After
# that, $out, $cache, $model, $run, $recipe, $jobs, $patients and scans=(...) hold the pipeline's own words, and words_NAME=(...)
# those of a program, as --name=value. A word goes to every program that knows it, if one of them shows it in its --help. One
# that none shows is refused with the nearest that is (64), before anything starts. A value may follow its word or an '='.
# A pipeline is itself a program with --options, so pipelines of pipelines do the same.

# the programs of this very checkout, unless others are on the PATH
command -v petrel-load >/dev/null || PATH=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/build/bin:$PATH

declare -A arguments_own=([out]=out [j]=jobs [recipe]=recipe [run]=run [cache]=cache [model]=model [patients]=patients
    [cohort]=cohort [second]=second [seeds]=seeds [quick]=quick [only]=only)
arguments_flags=' quick ' # of these, who takes no value
arguments_usage='' arguments_takes=' ' arguments_names=() arguments_programs=() arguments_without=()

takes() {
    arguments_usage=$1
    shift
    arguments_takes=" $* "
}

passes() {
    local name=$1 program=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        program+=("$1")
        shift
    done
    arguments_names+=("$name")
    arguments_programs+=("$(printf '%q ' "${program[@]}")")
    arguments_without+=(" ${*:2} ")
}

usage() {
    echo "usage: ${0#./} $arguments_usage" >&2
    exit 64
}

# A line an option of any program: NAME, and what the program says of it. What the pipeline keeps to itself is left out.
arguments_known() {
    local i said code times
    for i in "${!arguments_names[@]}"; do
        times=0
        while said=$(eval "${arguments_programs[i]} --options"); code=$?; [ "$code" = 137 ] && [ $((times += 1)) -lt 100 ]; do :; done # killed: ask again
        [ "$code" = 0 ] || return 70
        while IFS= read -r line; do
            word=${line%%$'\t'*}
            [[ "$arguments_takes${arguments_without[i]}" == *" $word "* ]] || printf '%s\t%s\n' "${arguments_names[i]}" "$line"
        done <<<"$said"
    done
}

# WORD, and the known words on stdin: the nearest of them, if it is at all like it
arguments_nearest() {
    awk -v word="$1" '
        function least(a, b) { return a < b ? a : b }
        function distance(a, b,    i, j, d, c) {
            for (i = 0; i <= length(a); i++) d[i, 0] = i
            for (j = 0; j <= length(b); j++) d[0, j] = j
            for (i = 1; i <= length(a); i++)
                for (j = 1; j <= length(b); j++) {
                    c = substr(a, i, 1) != substr(b, j, 1)
                    d[i, j] = least(least(d[i - 1, j], d[i, j - 1]) + 1, d[i - 1, j - 1] + c)
                    if (i > 1 && j > 1 && substr(a, i, 1) == substr(b, j - 1, 1) && substr(a, i - 1, 1) == substr(b, j, 1))
                        d[i, j] = least(d[i, j], d[i - 2, j - 2] + 1)
                }
            return d[length(a), length(b)]
        }
        BEGIN { bound = int(length(word) / 3) + 2 }
        {
            n = distance(word, $0)
            if (n >= bound && length(word) >= 4 && index($0, word)) n = bound - 1 # a part of the name remembered
            if (n < bound) { bound = n; nearest = $0 }
        }
        END { print nearest }'
}

arguments_refuse() { # SENTENCE
    echo "${0##*/}: $1" >&2
    exit 64
}

arguments() {
    out='' jobs=$(nproc) recipe='' run='' cache='' model='' patients='' cohort='' second='' seeds='' quick='' only='' scans=()
    local -A kind=() shown=() owners=()
    local known word name value given i owner line
    known=$(arguments_known) || arguments_refuse "cannot ask the programs for their options: is Petrel built?"
    while IFS=$'\t' read -r owner name value line _; do
        [ -n "$name" ] || continue
        kind[$name]=$value
        [ "$line" != shown ] || shown[$name]=1
        [[ " ${owners[$name]:-} " == *" $owner "* ]] || owners[$name]+=" $owner"
    done <<<"$known"
    for i in "${arguments_names[@]}"; do
        declare -ga "words_$i=()"
    done
    if [ "$*" = --options ]; then
        for word in $arguments_takes; do
            [ -z "${arguments_own[$word]:-}" ] || printf '%s\tvalue\tshown\t-\tthe pipeline itself\n' "$word"
        done
        cut -f 2- <<<"$known" | awk -F '\t' '$3 == "shown" && !seen[$1]++' # what only lies hidden is refused here, too
        exit 0
    fi
    while [ $# -gt 0 ]; do
        word=$1
        shift
        case $word in
        --)
            scans+=("$@")
            break
            ;;
        --help | -h)
            echo "usage: ${0#./} $arguments_usage"
            echo "and what its programs know:"
            cut -f 2- <<<"$known" | awk -F '\t' '$3 == "shown" && !seen[$1]++ {
                left = (length($1) > 1 ? "--" : "-") ($2 == "flag" ? "[no-]" : "") $1 ($2 == "flag" ? "" : " " $4)
                printf "  %-34s %s\n", left, $5 }'
            exit 0
            ;;
        --set)
            [ $# -gt 0 ] || arguments_refuse "'--set' wants a value (KEY=VALUE)"
            [[ $1 == *=* ]] || arguments_refuse "--set '$1' has no '=' (write --set key=value)"
            set -- "--$1" "${@:2}"
            continue
            ;;
        --*=* | -?=*)
            name=${word%%=*} value=${word#*=} given=1
            name=${name#-} name=${name#-}
            ;;
        --* | -?) name=${word#-} name=${name#-} value='' given='' ;;
        -j[0-9]*) name=j value=${word#-j} given=1 ;;
        -?*)
            arguments_refuse "unknown option '$word' (one letter follows one dash, a name follows two: '-$word'; a file of that name stands behind '--')"
            ;;
        *)
            scans+=("$word")
            continue
            ;;
        esac
        name=${name//_/-}
        if [[ $arguments_takes == *" $name "* ]]; then
            [[ $arguments_flags != *" $name "* ]] || [ -n "$given" ] || value=yes given=1
            [ -n "$given" ] || { [ $# -gt 0 ] || arguments_refuse "'$word' wants a value"; value=$1 && shift; }
            printf -v "${arguments_own[$name]}" %s "$value"
            continue
        fi
        line=
        if [ -z "${kind[$name]:-}" ] && [[ $name == no-* ]] && [ "${kind[${name#no-}]:-}" = flag ] && [ -z "$given" ]; then
            name=${name#no-} value=no line=flag
        fi
        [ -n "${shown[$name]:-}" ] || {
            line=$({ printf '%s\n' "${!shown[@]}" && tr ' ' '\n' <<<"$arguments_takes" | grep -v '^SCANS$\|^$'; } | sort | arguments_nearest "$name")
            [ "${line#?}" = "" ] && line=${line:+"-$line"} || line="--$line"
            value=
            [ -z "${owners[$name]:-}" ] || value="no program of this pipeline uses it; "
            arguments_refuse "unknown option '$word' (${value}${line:+"nearest: '$line'; "}'${0#./} --help' lists them)"
        }
        if [ "${kind[$name]}" = flag ]; then
            [ -n "$given" ] || [ -n "$line" ] || value=yes
        elif [ -z "$given" ]; then
            [ $# -gt 0 ] || arguments_refuse "'$word' wants a value"
            value=$1
            shift
        fi
        for owner in ${owners[$name]}; do
            declare -n arguments_words=words_$owner
            arguments_words+=("--$name=$value")
        done
    done
    [[ $arguments_takes == *" SCANS "* ]] || [ ${#scans[@]} = 0 ] ||
        arguments_refuse "'${scans[0]}' is a word too many: '${0#./} --help' lists what this pipeline takes"
    [[ $jobs =~ ^[1-9][0-9]*$ ]] || arguments_refuse "'-j' is '$jobs' (a whole number, at least 1)"
    chosen_recipe=$recipe
    recipe=${recipe:-$(dirname "${BASH_SOURCE[0]}")/recipes/paper.conf}
}
