#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# list -- a list of scans for petrel-load from an autoPET folder and its metadata table, joined by patient and study.
#   datasets/autopet/list.sh DIR METADATA.csv > autopet.tsv
[ $# = 2 ] && [ -d "$1" ] && [ -f "$2" ] || { echo "usage: ${0#./} DIR METADATA.csv > LIST.tsv" >&2; exit 64; }
root=$(realpath "$1")

find -L "$root" -type f \( -name SUV.nii.gz -o -name PET.nii.gz -o -name SEG.nii.gz \) | LC_ALL=C sort |
    awk -v table="$2" '
    # One line of CSV into field[1..n]: commas within quotes belong to the field, doubled quotes are one.
    function cut(line,    n, i, c, quoted) {
        n = 1; field[1] = ""; quoted = 0
        for (i = 1; i <= length(line); i++) {
            c = substr(line, i, 1)
            if (c == "\"") { if (quoted && substr(line, i + 1, 1) == "\"") { field[n] = field[n] c; i++ } else quoted = !quoted }
            else if (c == "," && !quoted) field[++n] = ""
            else field[n] = field[n] c
        }
        return n
    }
    function of(name) { return name in column ? field[column[name]] : "" }
    function clean(text) { gsub(/[\t\r]/, " ", text); return text }
    BEGIN {
        while ((getline line < table) > 0) {
            sub(/\r$/, "", line)
            n = cut(line)
            if (!header) { # the first line names the columns
                for (i = 1; i <= n; i++) { name = tolower(field[i]); sub(/^[^a-z]+/, "", name); column[name] = i }
                header = 1
                if (!("subject id" in column) || !("file location" in column)) {
                    print "list.sh: \047" table "\047 has no columns Subject ID and File Location" > "/dev/stderr"
                    failed = 65; exit
                }
                continue
            }
            # .../PETCT_<hash>/<study>/<series>: the study is the folder after the patient
            parts = split(of("file location"), part, /[\\\/]/)
            for (i = 1; i < parts; i++)
                if (part[i] == of("subject id")) {
                    key = part[i] "/" part[i + 1]
                    age = of("age"); gsub(/[^0-9.]/, "", age)
                    facts[key] = clean(of("diagnosis")) "\t" clean(of("sex")) "\t" age + 0
                    if (age == "") sub(/\t0$/, "\t", facts[key])
                }
        }
        print "patient\tstudy\tscan\tmask\tdiagnosis\tsex\tage_y"
    }
    {
        parts = split($0, part, "/")
        dir = substr($0, 1, length($0) - length(part[parts]) - 1)
        if (part[parts] == "SEG.nii.gz") { mask[dir] = $0; next }
        # sorted by name, PET comes before SUV: the last of a study stays
        if (!(dir in scan)) order[++studies] = dir
        scan[dir] = $0
    }
    END {
        if (failed) exit failed
        for (s = 1; s <= studies; s++) {
            dir = order[s]
            parts = split(dir, part, "/")
            key = part[parts - 1] "/" part[parts]
            if (!(key in facts)) { missing++; facts[key] = "\t\t" }
            print part[parts - 1] "\t" part[parts] "\t" scan[dir] "\t" (dir in mask ? mask[dir] : "-") "\t" facts[key]
        }
        if (missing) print "list.sh: " missing " of " studies " studies have no row in \047" table "\047" > "/dev/stderr"
    }'
