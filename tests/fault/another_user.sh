#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# another_user -- R9: somebody else on the same machine while scans are read: the run directory, the sockets, the table of names and the locks are
# not theirs to read, connect to, write or hold; directories they made before us are refused. The cache comes out as it does undisturbed.
#   tests/fault/another_user.sh [BUILD_DIR] [ROUNDS]      1; needs to be root, to become nobody
. "$(dirname "$0")/lib.sh" "${1:-build}"
rounds=$((${2:-1} < 5 ? ${2:-1} : 5)) # of which each is some hundred attempts
[ "$(id -u)" = 0 ] || skip "only root can become another user"
command -v setpriv >/dev/null || skip "setpriv (util-linux) is not installed"
umask 022 # as most have it
chmod 755 "$PETREL_TEST_DIR" "$work"
nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all -- "$@"; }
nobody test -x "$work" || skip "the temporary directory cannot be reached by others: there is nothing to attack"
small_quietly small_cohort
for copy in 1 2 3 4; do
    cp -rl "$SMALL/cohort" c$copy
    sed "1d; s|^|c$copy|; s|\tSIMULATED_\([0-9]*/\)|\tc$copy/SIMULATED_\1|g" "$SMALL/cohort/scans.tsv"
done >rows
{ head -n 1 "$SMALL/cohort/scans.tsv" && cat rows; } >scans.tsv
"$TOP/pipelines/rois.sh" scans.tsv --out calm -j 2 --spacing 6,6,6 >calm.log 2>&1 || { tail calm.log; exit 1; }

tries=0 taken=0
took() { taken=$((taken + 1)); echo "nobody could: $*"; }
# attempt WHAT COMMAND...: nobody does it; that it works is what must not be
attempt() {
    tries=$((tries + 1))
    ! nobody "${@:2}" >/dev/null 2>&1 || took "$1"
}
connect='use Socket; socket(my $s, AF_UNIX, SOCK_STREAM, 0) or exit 2; connect($s, pack_sockaddr_un($ARGV[0])) or exit 1'
lost=0 wrong=0
for ((round = 1; round <= rounds; round++)); do
    rm -rf cache cache.run cache.run.names
    "$TOP/pipelines/rois.sh" scans.tsv --out cache -j 2 --spacing 6,6,6 >log 2>&1 &
    pipeline=$!
    fault_pids=("$pipeline")
    until [ "$(cat cache/manifest 2>/dev/null | wc -l)" -gt 2 ]; do
        kill -0 "$pipeline" 2>/dev/null || { cat log; exit 1; }
        sleep 0.05
    done
    # what it knows of: every path below the run directory, and every socket, which the kernel tells everybody
    mapfile -t below < <(find cache.run cache.run.names)
    mapfile -t sockets < <(awk '$NF ~ /petrel.*\.sock$/ { print $NF }' /proc/net/unix | sort -u)
    [ ${#sockets[@]} -gt 0 ] || { echo "no socket of a channel was found"; exit 1; }
    for socket in "${sockets[@]}"; do
        attempt "connect to $socket" perl -e "$connect" "$socket"
        attempt "remove $socket" rm "$socket"
    done
    for path in "${below[@]}"; do
        attempt "read $path" head -c 1 "$path"
        attempt "list $path" ls "$path"/
    done
    attempt "stop the run" touch cache.run/FAILED
    attempt "end a channel" touch cache.run/channels/volumes.end
    attempt "let in a key" touch "cache.run/channels/keys/$(printf 'a%.0s' {1..64})"
    attempt "write into the cache" touch cache/x
    attempt "write a shard" sh -c 'echo x >>"$1"' - "$(ls cache/*.h5 | head -n 1)"
    attempt "add to the manifest" sh -c 'echo x >>cache/manifest'
    attempt "stop it" kill -STOP "$pipeline"
    wait "$pipeline" || { cat log; wrong=$((wrong + 1)); }
    fault_pids=()
    # nobody else holds them now: the next run, and the next writer, would be told to wait
    attempt "hold the run" flock -n cache.run/lock true
    attempt "hold the cache" flock -n cache/lock true
    diff <(petrel-cache verify calm) <(petrel-cache verify cache) || lost=$((lost + 1))
done

# directories that somebody else was quicker to make where everybody may
mkdir open && chmod 1777 open
refused() { # refused WHAT VARIABLES...
    tries=$((tries + 1))
    env "${@:2}" timeout 60 petrel-load --quiet --run run --channel-out volumes "$(small_scan 1)" >said 2>&1
    code=$?
    [ $code = 78 ] && grep -q 'must be a directory of yours that nobody else may enter' said || took "$1: petrel-load ended with $code: $(tail -n 1 said)"
    rm -rf run
}
nobody mkdir -m 777 open/petrel
refused "offer a directory for sockets" XDG_RUNTIME_DIR="$PWD/open"
rm -r open/petrel
mkdir -m 700 ours
nobody ln -s "$PWD/ours" open/petrel
refused "lead the sockets elsewhere by a link" XDG_RUNTIME_DIR="$PWD/open"
mkdir -m 1777 run
nobody mkdir -m 777 run/channels
refused "offer a directory for channels" A=
echo "$tries attempts of nobody while $rounds caches were made, $taken worked"
tell R9 "another user of the machine: worked" "$tries" attempts "$lost" 0 $((taken + wrong))
