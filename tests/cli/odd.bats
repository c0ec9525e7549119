# SPDX-License-Identifier: Apache-2.0
# odd -- a pipeline under circumstances that are nobody's plan: a row each. It makes the cache that it always makes, or says in a sentence what is
# in the way, with the code of its kind; it never dies by a signal, and leaves nothing running.
bats_require_minimum_version 1.5.0
load small

setup_file() {
    small_cohort
    cd "$BATS_FILE_TMPDIR" || return 1
    export SCAN=$BATS_FILE_TMPDIR/scans/one
    mkdir scans
    cp -r "$(small_scan 1)" scans/one
    # words of one rois run from anywhere; 6 mm make it quick
    cat >rois <<END
#!/bin/bash
exec "$TOP/pipelines/rois.sh" "\$@" -j 1 --spacing 6,6,6
END
    chmod +x rois
    ./rois scans/one --out calm >log 2>&1 || { cat log; return 1; }
    petrel-cache verify calm | tail -n 1 >digest
    # decimal commas and another i: made here, since they are installed nowhere
    mkdir locales
    for name in de_DE tr_TR; do localedef -i $name -f UTF-8 "locales/$name.UTF-8" 2>/dev/null || true; done
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# same CACHE: it is what is always made
same() { [ "$(petrel-cache verify "$1" | tail -n 1)" = "$(cat "$BATS_FILE_TMPDIR/digest")" ] || { echo "another cache"; return 1; }; }
rois() { "$BATS_FILE_TMPDIR/rois" "$@"; }
letters() { printf '%*s' "$1" '' | tr ' ' "${2:-x}"; }

# ---- circumstances: each runs in a folder of its own; what it returns is looked at below ----
in_folder() { mkdir -- "$1" && cp -r "$SCAN" "$1/one" && rois "$1/one" --out "$1/the cache" && same "$1/the cache"; }
space_in_paths() { in_folder 'a b'; }
quotes_in_paths() { in_folder "it's \"q\" \$HOME"; }
newline_in_paths() { in_folder $'new\nline'; }
leading_dash() { mkdir ./-d && cp -r "$SCAN" ./-d/one && cd ./-d && cp -r one ./-one && rois one --out ./-cache && same ./-cache && petrel-load --check ./-one; }
star_in_paths() { in_folder '*?[a]'; }
four_thousand_letters() { rois "$SCAN" --out "$(letters 4000)"; }
deep_path() { # as long as a path may nearly be
    local deep
    deep=$(for i in $(seq 12); do printf '%s/' "$(letters 200 d)"; done)
    mkdir -p "$deep" && rois "$SCAN" --out "${deep}c" && same "${deep}c"
}
no_home() { env -u HOME -u XDG_CONFIG_HOME "$BATS_FILE_TMPDIR/rois" "$SCAN" --out c; }
no_home_salt() { env -u HOME -u XDG_CONFIG_HOME "$BATS_FILE_TMPDIR/rois" "$SCAN" --out c --salt x; }
odd_tmpdir() { TMPDIR="$PWD/not there" rois "$SCAN" --out c && same c; }
long_tmpdir() { mkdir "$(letters 200 t)" && TMPDIR=$PWD/$(letters 200 t) XDG_RUNTIME_DIR=$PWD/$(letters 200 t) rois "$SCAN" --out c && same c; }
umask_077() { umask 077 && rois "$SCAN" --out c && same c && [ "$(stat -c %a c/manifest)" = 600 ]; }
umask_777() { umask 777 && rois "$SCAN" --out c; }
few_files() { ulimit -n 64 && rois "$SCAN" --out c && same c; }
too_few_files() { ulimit -n 8 && rois "$SCAN" --out c; }
no_stdin() { rois "$SCAN" --out c <&- && same c; }
no_stdout() { rois "$SCAN" --out c >&- && same c; }
no_stderr() { rois "$SCAN" --out c 2>&- && same c; }
no_streams() { rois "$SCAN" --out c <&- >&- 2>&- && same c; }
reader_gone() { petrel-load --check "$SCAN" "$SCAN/PET.nii.gz" | true; }
listing_reader_gone() { set -o pipefail; petrel-train settings paper | head -n 1 >/dev/null; }
full_stdout() { petrel-cache ls --json "$BATS_FILE_TMPDIR/calm" >/dev/full; }
sighup() { "$BATS_FILE_TMPDIR/rois" "$SCAN" "$(small_scan 2)" "$(small_scan 3)" --out c & local p=$!; until [ -e c.run/nodes ]; do sleep 0.02; done; kill -HUP $p 2>/dev/null; wait $p; local code=$?; [ $code = 75 ] || [ $code = 0 ] || return $code; rois "$SCAN" --out d && same d; }
german() { [ -d "$BATS_FILE_TMPDIR/locales/de_DE.UTF-8" ] || return 77; LOCPATH=$BATS_FILE_TMPDIR/locales LC_ALL=de_DE.UTF-8 rois "$SCAN" --out c && same c; }
turkish() { [ -d "$BATS_FILE_TMPDIR/locales/tr_TR.UTF-8" ] || return 77; LOCPATH=$BATS_FILE_TMPDIR/locales LC_ALL=tr_TR.UTF-8 rois "$SCAN" --out c && same c; }
no_locale() { LC_ALL=xx_YY.none LANG= rois "$SCAN" --out c && same c; }
one_core() { taskset -c 0 "$BATS_FILE_TMPDIR/rois" "$SCAN" --out c && same c; }
read_only() { # root may write anywhere: a file where the folder should be is in anybody's way
    touch file && rois "$SCAN" --out file/cache
}
read_only_cache() { cp -r "$BATS_FILE_TMPDIR/calm" c && chmod -R a-w c && petrel-cache verify c && petrel-cache ls c >/dev/null && chmod -R u+w c; }
two_on_a_run() { # the second waits a second for the first to end, or says that one is at work
    rois "$SCAN" "$(small_scan 2)" "$(small_scan 3)" "$(small_scan 4)" --out c --run r & local p=$!
    until [ -e r/progress ]; do sleep 0.02; done
    local second=0
    rois "$SCAN" --out d --run r || second=$?
    wait $p || return
    [ $second = 75 ] || { [ $second = 0 ] && same d; }
}
two_on_a_cache() { # one writes; the other waits its turn, or says that it is being written
    rois "$SCAN" --out c --run r1 & local p=$! second=0
    rois "$SCAN" --out c --run r2 || second=$?
    wait $p || [ $? = 75 ] || return 70
    [ $second = 0 ] || [ $second = 75 ] || return $second
    rois "$SCAN" --out c --run r3 && same c
}
run_vanishes() {
    rois "$SCAN" "$(small_scan 2)" "$(small_scan 3)" "$(small_scan 4)" --out c --run r & local p=$!
    until ls r/channels/volumes/*.giver >/dev/null 2>&1 || ! kill -0 $p 2>/dev/null; do sleep 0.02; done
    rm -rf r
    wait $p
}
cache_vanishes() { rois "$SCAN" --out c && rm -rf c && petrel-cache verify c; }
private_sockets() { # nobody else may enter, whatever the umask
    local p rt # a short name: a socket's address holds a hundred letters
    rt=$(mktemp -d /tmp/petrel-rt.XXXXXX)
    (umask 0 && XDG_RUNTIME_DIR=$rt rois "$SCAN" --out c) & p=$!
    until ls "$rt"/petrel/*.sock >/dev/null 2>&1 || ! kill -0 $p 2>/dev/null; do sleep 0.02; done
    [ "$(stat -c %a "$rt/petrel")" = 700 ] && [ "$(stat -c %a c.run/channels)" = 700 ] && [ "$(stat -c %a c.run)" = 700 ] && wait $p && rm -rf "$rt"
}
sockets_of_another() { # a folder of theirs that others may enter is not used
    local rt code=0
    rt=$(mktemp -d /tmp/petrel-rt.XXXXXX)
    mkdir "$rt/petrel" && chmod 777 "$rt/petrel"
    XDG_RUNTIME_DIR=$rt rois "$SCAN" --out c || code=$?
    rm -rf "$rt"
    return $code
}

# circumstance, the code that is right (several: any), and what is said, if anything must be
rows() {
    cat <<'END'
space_in_paths          0
quotes_in_paths         0
newline_in_paths        0
leading_dash            0
star_in_paths           0
four_thousand_letters   73         cannot make
deep_path               0
no_home                 78         HOME is not set
no_home_salt            0
odd_tmpdir              0
long_tmpdir             0
umask_077               0
umask_777               0,73,74
few_files               0
too_few_files           73         cannot
no_stdin                0
no_stdout               0
no_stderr               0
no_streams              0
reader_gone             0
listing_reader_gone     0,141,74
full_stdout             74         cannot
sighup                  0
german                  0,77
turkish                 0,77
no_locale               0
one_core                0
read_only               73         cannot make
read_only_cache         0
two_on_a_run            0
two_on_a_cache          0
run_vanishes            75,73,74,66,1   .
cache_vanishes          66         no such directory
private_sockets         0
sockets_of_another      78         nobody else may enter
END
}

circumstances() { # circumstances FIRST LAST: rows of the table
    local name codes says code bad=0 n=0
    while read -r name codes says; do
        n=$((n + 1))
        [ $n -ge "$1" ] && [ $n -le "$2" ] || continue
        mkdir "$name"
        code=0
        (cd "$name" && "$name") >"$name.said" 2>&1 3>&- || code=$?
        if [[ ,$codes, != *,$code,* ]] || { [ -n "$says" ] && ! grep -q "$says" "$name.said"; }; then
            echo "$name: code $code, $codes wanted, and '$says':"
            tail -n 8 "$name.said" | cut -c 1-300
            bad=1
        elif [ "$code" = 77 ]; then
            echo "# $name: skipped, it cannot be had here" >&3
        fi
    done < <(rows)
    return $bad
}

@test "names of all kinds" { circumstances 1 7; }
@test "environments of all kinds" { circumstances 8 15; }
@test "streams and signals" { circumstances 16 23; }
@test "locales, one core" { circumstances 24 27; }
@test "directories that others have, or nobody" { circumstances 28 35; }

# What outlives its test would go on in the next.
teardown() {
    local tries
    for tries in $(seq 100); do
        left=$(pgrep -u "$UID" petrel- | xargs -r -I{} readlink /proc/{}/cwd | grep -c "^$BATS_TEST_TMPDIR") || return 0
        sleep 0.1
    done
    echo "$left programs still running"
    return 1
}
