# SPDX-License-Identifier: Apache-2.0
# completion -- bash's, of petrel and of every petrel-*. Nothing is listed here: the programs are asked, by --options
# (common/opts.h: a line an option, from the very table that parses it), and the front door by --help.
# shellcheck shell=bash

# the words of `COMMAND...` that may begin with $2: one a line on stdout
_petrel_options() { # COMMAND...
    "$@" --options 2>/dev/null | while IFS=$'\t' read -r name kind shown _; do
        [ "$shown" = shown ] || continue
        if [ ${#name} = 1 ]; then echo "-$name"; else echo "--$name"; fi
        [ "$kind" != flag ] || [ ${#name} = 1 ] || echo "--no-$name"
    done
    printf '%s\n' --help --version
}

# what may stand behind an option: a flag takes nothing (1), choices "a|b" are printed, anything else prints nothing
_petrel_value() { # --OPTION COMMAND...
    local option=${1#-} name kind argument
    option=${option#-}
    shift
    while IFS=$'\t' read -r name kind _ argument _; do
        [ "$name" = "$option" ] || continue
        [ "$kind" != flag ] || return 1
        case $argument in *[!a-z0-9_-]*'|'*[!a-z0-9_'|'-]* | *' '*) ;; *'|'*) printf '%s\n' "${argument//|/$'\n'}" ;; esac
        return 0
    done < <("$@" --options 2>/dev/null)
    return 1
}

_petrel() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} asked=("$1") first=1 values
    COMPREPLY=()
    # --option=value arrives as three words
    if [ "$word" = = ]; then word=; elif [ "$before" = = ]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi
    if [ "${1##*/}" = petrel ]; then
        if [ "$COMP_CWORD" = 1 ]; then
            mapfile -t COMPREPLY < <(compgen -W "$("$1" --help 2>/dev/null | sed -n '/^  [a-z]/{s/^  \([a-z, ]*[a-z]\)  .*/\1/; s/^ *\([a-z]*\) [A-Z[-].*/\1/; s/,//g; p}')" -- "$word")
            return
        fi
        asked+=("${COMP_WORDS[1]}") first=2
    fi
    if [[ $word != -* ]] && [ "$COMP_CWORD" = "$first" ]; then # petrel-cache collect|verify|...
        mapfile -t COMPREPLY < <(compgen -W "$("${asked[@]}" --help 2>/dev/null | sed -n 's/^Usage: petrel-[a-z]* \([a-z]*|[a-z|]*\) .*/\1/p' | head -n 1 | tr '|' ' ')" -- "$word")
        [ ${#COMPREPLY[@]} = 0 ] || return 0
    fi
    if [[ $before == -* ]] && values=$(_petrel_value "$before" "${asked[@]}"); then
        if [ -n "$values" ]; then mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word")
        else mapfile -t COMPREPLY < <(compgen -f -- "$word"); fi
        return
    fi
    if [[ $word == -* ]]; then mapfile -t COMPREPLY < <(compgen -W "$(_petrel_options "${asked[@]}")" -- "$word")
    else mapfile -t COMPREPLY < <(compgen -f -- "$word"); fi
}
# shellcheck disable=SC2046 # words
complete -o filenames -F _petrel petrel $(compgen -c petrel- | sort -u)
