#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# asleep -- R7: the collector of a pipeline sleeps (SIGSTOP) while scans come; what holds them stays at the credits' bound. Then it wakes, and
# the cache is the undisturbed one's.
#   tests/fault/asleep.sh [BUILD_DIR] [SECONDS]      asleep for 4 s; 600 is what is promised
. "$(dirname "$0")/lib.sh" "${1:-build}"
asleep_s=${2:-4}
small_quietly small_cohort
# each scan eight times, so that there are more than credits let through
for copy in 1 2 3 4 5 6 7 8; do
    cp -rl "$SMALL/cohort" c$copy
    sed "1d; s|^|c$copy|; s|\tSIMULATED_\([0-9]*/\)|\tc$copy/SIMULATED_\1|g" "$SMALL/cohort/scans.tsv"
done >rows
{ head -n 1 "$SMALL/cohort/scans.tsv" && cat rows; } >scans.tsv

members() { pgrep -g "$group" "^petrel-$1\$"; }
memory() { # MiB of load, suv and roi together
    local pid sum=0 kib
    for pid in $(members load) $(members suv) $(members roi); do
        kib=$(awk '/^RssAnon/ { print $2 }' "/proc/$pid/status" 2>/dev/null)
        sum=$((sum + ${kib:-0}))
    done
    echo $((sum / 1024))
}
setsid "$TOP/pipelines/rois.sh" scans.tsv --out cache -j 1 --spacing 6,6,6 >log 2>&1 &
group=$!
fault_pids+=("$group")
until [ "$(cat cache/manifest 2>/dev/null | wc -l)" -gt 3 ]; do
    kill -0 "$group" 2>/dev/null || { cat log; exit 1; }
    sleep 0.05
done
collector=$(members cache | head -n 1)
kill -STOP "$collector"
# the credits fill, on a busy machine later than on an idle one: until nothing has moved for as long as a scan takes
read_now() { cat cache.run/progress/petrel-load.*.events | grep -c '"name":"read"'; }
quiet=0 least=-1 before_it=''
while [ $quiet -lt 4 ]; do
    sleep 1
    now="$(read_now) $(memory)"
    quiet=$([ "$now" = "$before_it" ] && echo $((quiet + 1)) || echo 0)
    before_it=$now
done
least=${now#* } most=0 samples=0
before=$(cat cache/manifest | wc -l)
until_s=$((SECONDS + asleep_s))
while [ $SECONDS -lt $until_s ]; do
    now=$(memory)
    most=$((now > most ? now : most)) samples=$((samples + 1))
    sleep 0.2
done
moved=$(($(cat cache/manifest | wc -l) - before))
read_now=$(read_now)
kill -CONT "$collector"
wait "$group"
code=$?
fault_pids=()
"$TOP/pipelines/rois.sh" scans.tsv --out calm -j 1 --spacing 6,6,6 >>log 2>&1
lost=0
diff <(petrel-cache verify cache) <(petrel-cache verify calm) || lost=1
wrong=0
# the window of the source, and what each stage holds
[ "$read_now" -le 16 ] || { echo "$read_now scans were read while nobody took them"; wrong=1; }
[ $((most - least)) -le 8 ] || { echo "memory grew from $least to $most MiB"; wrong=1; }
[ "$moved" = 0 ] && [ "$code" = 0 ] || { cat log; wrong=1; }
echo "asleep for $asleep_s s: $least MiB at first, $most at most in $samples looks; $read_now of 48 scans read by then"
tell R7 "a collector asleep: memory grew" "$asleep_s" seconds "$lost" 0 "$wrong"
