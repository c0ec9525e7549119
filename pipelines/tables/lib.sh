# SPDX-License-Identifier: Apache-2.0
# lib -- the paper's tables: which trainings they stand on, those that are missing, and the tables themselves. Sourced by I.sh ... XII.sh and all.sh.
#
#     tables_run TABLE... -- --cohort CACHE [--second CACHE] [--seeds K] [--quick] [--only RUN,RUN] [--out DIR] [-j N] [--recipe FILE] [words of train.sh]
#
# runs.tsv       every training once: a training that serves several tables is done once
# TABLE.tsv      a table's rows: run, name, the row it is tested against ("-": the best of each column against the second), whose thresholds it takes
# paper/TABLE.tsv    the paper's figures
#
# OUT/runs/RUN/seedS    a training (train.sh's --out), and its record: `asked` (what it is of), `done` (when it is, and what it took), or
#                       `refused` (why this build, or this cohort, has none). Killed at any moment and run again: what is done stays done, what was begun goes
#                       on. Two at once on one OUT share the work: a run is one's who holds its lock.
# OUT/tables/TABLE.{txt,csv,tex,html,md}, OUT/tables.html
# shellcheck shell=bash disable=SC2154,SC2034 # arguments.sh sets them by name
tables_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit
. "$tables_here/../lib.sh"
. "$tables_here/../arguments.sh"
tables_all=(I II III IV V VI VII VIII IX X XI XII)

tables_say() { printf '%s\n' "$*" >&2; }
tables_lines() { grep -v '^#' "$1" | sed 1d; } # FILE: its rows, without remarks and head

# ---- a run ----

# The words of a run, for its phases: what its recipe sets. how, on and words are those of its row.
tables_find() { # RUN
    local line name
    line=$(tables_lines "$tables_here/runs.tsv" | awk -F '\t' -v run="$1" '$1 == run') && [ -n "$line" ] || {
        tables_say "${0##*/}: runs.tsv has no run '$1'"
        return 70
    }
    IFS=$'\t' read -r _ how on name <<<"$line"
    words=$(tables_words "$name") || return
    # of an encoder, its classifier's settings must be those it learned with
    case $how in train | supervised) ;; *) words="$(tables_words "$(tables_lines "$tables_here/runs.tsv" | awk -F '\t' -v run="$how" '$1 == run { print $4 }')") $words" ;; esac
    [ "$on" = first ] && regions=$cohort || regions=$second
}

# What recipes/NAME.conf sets, as words; -: nothing. unfreeze is supervised.sh's own word.
tables_words() { # NAME
    local file=$tables_here/../recipes/$1.conf
    [ "$1" != - ] || return 0
    [ -e "$file" ] || {
        tables_say "${0##*/}: runs.tsv names the recipe '$1', and there is no '$file'"
        return 70
    }
    sed -n 's/[ \t]*#.*//; /^recipe_name\|^unfreeze/d; s/^\([a-z_0-9]*\) *= *\(.*[^ ]\) *$/--\1=\2/p' "$file" | tr '\n' ' '
}

tables_sum() { sha256sum | cut -d ' ' -f 1; }

# What a run is of: all its numbers follow from this.
tables_asked() { # SEED
    printf 'how %s\nwords%s\nseed %s\nrecipe %s\ncohort %s\n' "$how" "$(printf ' %s' $words "${words_train[@]}")" "$1" \
        "$(tables_sum <"$recipe")" "$(cat "$regions/manifest" "$regions/splits.tsv" | tables_sum)"
}

# Does this build know the row's words? The program is asked; its sentence is the answer.
tables_refusal() { # -> the sentence, or nothing
    local said
    [ "$on" = first ] || [ -n "$second" ] || { echo "no second cohort was given (--second CACHE)"; return; }
    # shellcheck disable=SC2086 # words are words
    said=$(petrel-train describe --quiet --recipe "$recipe" $words ${words_train[@]+"${words_train[@]}"} 2>&1 >/dev/null) ||
        printf 'not available in this build: %s\n' "$(tail -n 1 <<<"$said" | sed 's/^petrel-train: //')"
}

# One run to its end; 0: done. Its lock is held by who calls.
tables_train() { # RUN SEED
    local dir=$out/runs/$1/seed$2 code=0 begun=$SECONDS
    local same=(--cache "$regions" --out "$dir" -j "$jobs" --recipe "$recipe" "--seed=$2")
    # shellcheck disable=SC2086 # words are words
    case $how in
    train) run_step "$tables_here/../train.sh" "${same[@]}" $words "${words_train[@]}" ;;
    supervised) run_step "$tables_here/../supervised.sh" "${same[@]}" $words "${words_train[@]}" ;;
    *) run_step "$tables_here/../classifier.sh" "${same[@]}" --model "$out/runs/$how/seed$2/encoder.safetensors" $words "${words_train[@]}" ;;
    esac >"$dir/log" 2>&1 || code=$?
    case $code in
    0)
        # what a later phase no longer goes on from is most of the room
        rm -f "$dir"/*/*-last.safetensors "$dir"/*/*-previous.safetensors
        printf 'seconds %s\nprogram %s\n' $((SECONDS - begun)) "$(petrel-train --version)" >"$dir/done.new" && mv "$dir/done.new" "$dir/done" || code=74
        rm -f "$dir/refused"
        ;;
    75 | 130 | 137 | 143) ;;
    *) grep -v '^$' "$dir/log" | grep -v 'the run failed; see' | tail -n 1 | sed 's/^/not trained: /' >"$dir/refused" ;;
    esac
    return "$code"
}

# Brings RUN SEED to its end unless it is there. 0: there; 1: another works on it; 2: it cannot be had (refused says why); 75: stopped.
tables_bring() { # RUN SEED WAIT
    local dir=$out/runs/$1/seed$2 how on words regions lock code=0 why asked
    tables_find "$1" || exit
    why=$(tables_refusal)
    mkdir -p "$dir" || exit 73
    exec {lock}>"$dir/lock"
    if ! flock ${3:--n} "$lock"; then
        exec {lock}>&-
        return 1
    fi
    if [ -n "$why" ] && [ ! -e "$dir/done" ]; then
        echo "$why" >"$dir/refused"
        code=2
    else
        asked=$(tables_asked "$2")
        if [ -e "$dir/asked" ] && [ "$asked" != "$(<"$dir/asked")" ]; then
            tables_say "${0##*/}: '$dir' is of something else, $(diff <(echo "$asked") "$dir/asked" | sed -n 's/^> //p' | head -n 1): give another --out"
            exit 78
        fi
        echo "$asked" >"$dir/asked"
        case $how in train | supervised) ;; *) [ -e "$out/runs/$how/seed$2/done" ] || tables_bring "$how" "$2" "${3:-}" || code=$? ;; esac
        if [ "$code" = 0 ] && [ ! -e "$dir/done" ]; then
            tables_say "$1, seed $2 ..."
            tables_train "$1" "$2" {lock}>&- || code=$?
            case $code in
            0) tables_say "$1, seed $2: $(sed -n 's/^seconds //p' "$dir/done") s; $(tables_left)" ;;
            75 | 130 | 137 | 143) exit 75 ;;
            *) tables_say "$1, seed $2: $(<"$dir/refused")"; code=2 ;;
            esac
        fi
    fi
    exec {lock}>&-
    return "$code"
}

# ---- how long ----

# The work of a run, million million multiply-adds: petrel-train describe says it.
tables_work() { # RUN
    local how on words regions
    tables_find "$1" || return
    # shellcheck disable=SC2086
    petrel-train describe --quiet --recipe "$recipe" --cache "$regions" $words ${words_train[@]+"${words_train[@]}"} 2>/dev/null |
        awk -v how="$how" '$1 == "work" { for (i = 2; i <= NF; i++) { split($i, w, "="); v[w[1]] = w[2] } }
            END { print how == "train" ? v["pretraining"] + v["classifier"] : how == "supervised" ? v["fine_tuning"] : v["classifier"] + 0 }'
}

# Seconds a million million multiply-adds take here: of the runs done in OUT, else of 20 steps made for this.
tables_rate() {
    local dir work seconds=0 sum=0
    for dir in "$out"/runs/*/seed*/done; do
        [ -e "$dir" ] || continue
        work=$(awk -v run="$(basename "$(dirname "$(dirname "$dir")")")" '$1 == run { print $2 }' <<<"$tables_works")
        [ -n "$work" ] || continue
        sum=$(awk -v a="$sum" -v b="$work" 'BEGIN { print a + b }')
        seconds=$((seconds + $(sed -n 's/^seconds //p' "$dir")))
    done
    if [ "$seconds" = 0 ]; then
        rm -rf "$out/rate.$$"
        "$tables_here/../pretrain.sh" --cache "$cohort" --out "$out/rate.$$" -j "$jobs" --recipe "$recipe" --steps=20 >"$out/rate.$$.log" 2>&1 || return
        seconds=$(awk -F, 'END { print $(NF - 1) }' "$out/rate.$$/pretrain/losses.csv")
        sum=$(petrel-train describe --quiet --recipe "$recipe" --cache "$cohort" | sed -n 's/^work.* step=\([^ ]*\).*/\1/p')
        sum=$(awk -v a="$sum" 'BEGIN { print a * 20 }')
        rm -rf "$out/rate.$$" "$out/rate.$$.log"
    fi
    awk -v s="$seconds" -v w="$sum" 'BEGIN { print(w > 0 ? s / w : 0) }'
}

tables_time() { awk -v s="$1" 'BEGIN { if (s < 5400) printf("%.0f min", s / 60 + 0.5); else printf("%.1f h", s / 3600) }'; }

# Work of the runs that are not done.
tables_left() {
    local pair left=0
    for pair in "${tables_pairs[@]}"; do
        [ -e "$out/runs/${pair% *}/seed${pair#* }/done" ] || [ -e "$out/runs/${pair% *}/seed${pair#* }/refused" ] ||
            left=$(awk -v a="$left" -v b="$(awk -v run="${pair% *}" '$1 == run { print $2 }' <<<"$tables_works")" 'BEGIN { print a + b }')
    done
    echo "about $(tables_time "$(awk -v a="$left" -v r="$(tables_rate)" 'BEGIN { print a * r }')") left"
}

# ---- a table ----

# What petrel-eval table reads: a line a row and seed.
tables_rows() { # TABLE
    local run name against like seed dir note how on words regions
    printf '# table\t%s\n# title\t%s\n' "$1" "$(sed -n "s/^# $1 -- //p" "$tables_here/$1.tsv")"
    printf 'name\tagainst\tlike\tseed\tmodel\tnote\n'
    while IFS=$'\t' read -r run name against like; do
        for ((seed = 1; seed <= seeds; seed++)); do
            dir=$out/runs/$run/seed$seed
            note=-
            [ ! -e "$dir/done" ] || { printf '%s\t%s\t%s\t%s\t%s\t-\n' "$name" "$against" "$like" "$seed" "$dir/model.safetensors"; continue; }
            tables_find "$run" || return
            note=$(tables_refusal)
            [ -n "$note" ] || [ ! -s "$dir/refused" ] || note=$(<"$dir/refused")
            printf '%s\t%s\t%s\t%s\t-\t%s\n' "$name" "$against" "$like" "$seed" "$(tr '\t' ' ' <<<"${note:-not trained yet}")"
        done
    done < <(tables_lines "$tables_here/$1.tsv")
}

tables_draw() { # TABLE
    local regions=$cohort
    [ "$1" != V ] || regions=$second
    [ -n "$regions" ] || regions=$cohort
    mkdir -p "$out/tables" && tables_rows "$1" >"$out/tables/$1.rows.$$" && mv "$out/tables/$1.rows.$$" "$out/tables/$1.rows" || return 74
    petrel-eval table --quiet --cache "$regions" --rows "$out/tables/$1.rows" --paper "$tables_here/paper/$1.tsv" --out "$out/tables" >&2
}

# ---- all of it ----

tables_run() { # TABLE... -- words
    local chosen=() table run name pair seed code worst=0 rows again
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        chosen+=("$1")
        shift
    done
    shift
    takes "--cohort CACHE [--second CACHE] [--seeds K] [--quick] [--only RUN,RUN] [--out DIR] [-j N] [--recipe FILE] [words of train.sh]" cohort second seeds quick only out j recipe
    passes train "$tables_here/../train.sh" -- cache seed out
    arguments "$@"
    [ -n "$cohort" ] || usage
    seeds=${seeds:-1}
    [[ $seeds =~ ^[1-9][0-9]?$ ]] || arguments_refuse "'--seeds' is '$seeds' (a whole number, 1 to 99)"
    if [ -n "$quick" ] && [ -n "$chosen_recipe" ]; then arguments_refuse "--quick is a recipe of its own: it goes with no --recipe"; fi
    recipe=${chosen_recipe:-$tables_here/${quick:+quick.conf}}
    [ "$recipe" != "$tables_here/" ] || recipe=$tables_here/weekend.conf
    out=${out:-runs/tables${quick:+-quick}}
    for table in "$cohort" ${second:+"$second"}; do
        [ -s "$table/splits.tsv" ] || { tables_say "${0##*/}: '$table' is no cache that is split by patient: petrel-cache split $table"; exit 66; }
    done
    mkdir -p "$out" || exit 73

    tables_pairs=() tables_works='' # of (run, seed), each once, in the tables' order
    for ((seed = 1; seed <= seeds; seed++)); do
        for table in "${chosen[@]}"; do
            while IFS=$'\t' read -r run _; do
                [ -z "$only" ] || [[ ",$only," == *",$run,"* ]] || continue
                [[ " ${tables_pairs[*]/%/,}" == *" $run $seed,"* ]] || tables_pairs+=("$run $seed")
            done < <(tables_lines "$tables_here/$table.tsv")
        done
    done
    [ ${#tables_pairs[@]} -gt 0 ] || arguments_refuse "--only '$only' names no run of ${chosen[*]} (runs.tsv lists them)"
    tables_forecast
    tables_work_off
    for table in "${chosen[@]}"; do
        tables_draw "$table" || worst=$?
    done
    tables_page || worst=$?
    [ "$worst" != 0 ] || [ -z "$tables_failed" ] || worst=65
    exit "$worst"
}

# What is to be done, and how long it may take, before anything is begun.
tables_forecast() {
    local pair run how on words regions why known=() refused=()
    for pair in "${tables_pairs[@]}"; do
        run=${pair% *}
        [[ " ${known[*]} " != *" $run "* ]] || continue
        known+=("$run")
        tables_find "$run" || exit
        why=$(tables_refusal)
        if [ -n "$why" ]; then
            refused+=("$run: $why")
        else
            # what another build refused
            for pair in "$out/runs/$run"/seed*/refused; do
                [ ! -e "$pair" ] || grep -q '^not trained' "$pair" || rm -f "$pair"
            done
            tables_works+="$run $(tables_work "$run")"$'\n'
        fi
    done
    tables_say "${#tables_pairs[@]} trainings stand under the tables; $(ls "$out"/runs/*/seed*/done 2>/dev/null | wc -l) of them or others are done in '$out'"
    [ ${#refused[@]} = 0 ] || printf '  %s\n' "${refused[@]}" >&2
    tables_say "$(tables_left), as fast as this machine goes now"
}

# First what nobody works on; then what others had in hand, should they have left it.
tables_work_off() {
    local pair code waiting=()
    tables_failed=
    for pair in "${tables_pairs[@]}"; do
        code=0
        tables_bring "${pair% *}" "${pair#* }" || code=$?
        case $code in 1) waiting+=("$pair") ;; 2) tables_note "$pair" ;; esac
    done
    for pair in ${waiting[@]+"${waiting[@]}"}; do
        tables_bring "${pair% *}" "${pair#* }" -x || tables_note "$pair"
    done
}

# A training that was begun and came to nothing makes the exit code 65; one this build does not know does not.
tables_note() { # "RUN SEED"
    ! grep -q '^not trained' "$out/runs/${1% *}/seed${1#* }/refused" || tables_failed=1
}

# One page of all tables that are there.
tables_page() {
    local table
    {
        cat "$tables_here/page.html"
        for table in "${tables_all[@]}"; do
            [ ! -s "$out/tables/$table.html" ] || cat "$out/tables/$table.html"
        done
        printf '</main></body></html>\n'
    } >"$out/tables.html.$$" && mv "$out/tables.html.$$" "$out/tables.html" && tables_say "tables: $out/tables.html"
}
