#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What petrel-load says: what is there, in UTF-8, without who it is; and folders and files that may not be read, among others that may.
bats_require_minimum_version 1.5.0

setup() {
    bin=$(realpath "${PETREL_BIN:-build/bin}")
    dir=$(mktemp -d /tmp/petrel-words.XXXXXX) # and not within a folder of ours alone: somebody else looks at it
    chmod 755 "$dir"
    export XDG_CONFIG_HOME=$dir/config PETREL_RUN_DIR=$dir/run
    mkdir "$dir/run"
}
teardown() {
    chmod -R u+rwX "$dir"
    rm -rf "$dir"
}
# As somebody whom permissions hold; root they do not.
somebody() {
    if [ "$(id -u)" != 0 ]; then
        "$@"
    elif command -v setpriv >/dev/null; then
        setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent "$@"
    else
        skip "setpriv (util-linux) is not installed"
    fi
}
# A NIfTI of 4 x 3 x 2 (or, of 4 dimensions, of $2 volumes) at $1.
nifti() {
    local volumes=${2:-1}
    { printf '\x5c\x01\x00\x00'; head -c 36 /dev/zero
      printf "\\x0$([ "$volumes" = 1 ] && echo 3 || echo 4)\x00\x04\x00\x03\x00\x02\x00\x0$volumes\x00\x01\x00\x01\x00\x01\x00"; head -c 14 /dev/zero
      printf '\x10\x00\x20\x00'; head -c 2 /dev/zero
      printf '\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x00\x40\x00\x00\x40\x40'; head -c 16 /dev/zero; printf '\x00\x00\xb0\x43'
      head -c 232 /dev/zero; printf 'n+1\x00\x00\x00\x00\x00'; for ((i = 0; i < 24 * volumes; i++)); do printf '\x00\x00\x80\x3f'; done; } >"$1"
    [ "$(stat -c %s "$1")" = $((352 + 96 * volumes)) ]
}

# pipeline OPTIONS...: load | suv | roi | cache collect $dir/cache; all they say in $dir/log
pipeline() {
    "$bin/petrel-load" "$@" >>"$dir/log" 2>&1 3>&- &
    "$bin/petrel-suv" >>"$dir/log" 2>&1 3>&- &
    "$bin/petrel-roi" --in suv --out regions >>"$dir/log" 2>&1 3>&- &
    "$bin/petrel-cache" collect "$dir/cache" --in regions >>"$dir/log" 2>&1 3>&- &
    wait
}

@test "load: a folder that may not be listed and a file that may not be opened are told and counted, the rest is read" {
    somebody test -x "$bin/petrel-load" || skip "another user cannot reach this build"
    mkdir -p "$dir/a/good" "$dir/a/shut" "$dir/a/other"
    nifti "$dir/a/good/x.nii"
    nifti "$dir/a/shut/y.nii"
    echo secret >"$dir/a/other/IM0001"
    chmod 0 "$dir/a/shut" "$dir/a/other/IM0001"
    run --separate-stderr somebody "$bin/petrel-load" --check --units suv "$dir/a"
    chmod 755 "$dir/a/shut"
    echo "$output$stderr"
    [ "$status" = 65 ]
    [[ $output == *$'load\ta/shut\tcannot list '*"Permission denied"* ]]
    [[ $output == *$'load\ta/other/IM0001\tcannot open '*"Permission denied"* ]]
    [[ $stderr == *"3 scans checked, 2 would be refused"* ]]
}

@test "load: names of files that are no UTF-8 reach the table, the log and the refusal as UTF-8" {
    mkdir -p "$dir/a"
    head -c 100 /dev/zero >"$dir/a/"$'L\xe4sion.nii'
    head -c 100 /dev/zero >"$dir/a/"$'L\xc3\xa4sion.nii'
    run --separate-stderr "$bin/petrel-load" --check --json --units suv "$dir/a"
    echo "$output$stderr"
    [ "$status" = 65 ]
    iconv -f utf-8 -t utf-8 <<<"$output$stderr" >/dev/null
    [[ $output == *'a/L\xe4sion.nii'* && $output == *'a/Läsion.nii'* ]]
    pipeline --json --keep-identifiers --units suv "$dir/a"
    grep -q refused "$dir/log"
    "$bin/petrel-cache" ls "$dir/cache" >>"$dir/log"
    iconv -f utf-8 -t utf-8 "$dir/log" >/dev/null
    command -v python3 >/dev/null || skip "python3 is not installed: that each line is JSON is not looked at"
    grep '^{' "$dir/log" | python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]'
}

@test "load: what a folder or a file is, where it is no scan" {
    mkdir -p "$dir/zip" "$dir/none"
    printf 'PK\003\004xxxx' >"$dir/zip/a.zip"
    printf '%%PDF-1.7' >"$dir/zip/report"
    run "$bin/petrel-load" --check "$dir/zip"
    [ "$status" = 66 ]
    [[ $output == *"no scan in '$dir/zip'"*"a ZIP archive, a PDF"* ]]
    run "$bin/petrel-load" --check "$dir/zip/a.zip"
    [ "$status" = 66 ]
    [[ $output == *"'$dir/zip/a.zip' is no scan but a ZIP archive"* ]]
    run "$bin/petrel-load" --check "$dir/none"
    [[ $output == *"it is empty"* ]]
}

@test "load: a patient whose name is a word of the sentence leaves the sentence as it is" {
    mkdir -p "$dir/a"
    nifti "$dir/a/scan.nii" 2
    nifti "$dir/a/STS_001.nii" 2
    head -c 100 /dev/zero >"$dir/a/STS_0015.nii"
    pipeline --units suv "$dir/a"
    run "$bin/petrel-cache" ls "$dir/cache"
    echo "$output"
    [[ $output != *STS_001* && $output != *"a/scan.nii"* ]] # neither patient, nor the other as part of the one
    [[ $(grep -c "it holds several volumes, and a scan is one" <<<"$output") = 2 ]]
}
