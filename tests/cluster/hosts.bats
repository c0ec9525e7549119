# SPDX-License-Identifier: Apache-2.0
# Two hosts that share a folder, made of network namespaces: pairs on one, training on the other, over tcp with keys. The link is cut and heals; a
# stranger comes by. Skipped aloud where namespaces may not be made. PETREL_CUT_S: how long the link is cut (default 8 s: longer than the silence
# after which a peer is taken for gone)
bats_require_minimum_version 1.5.0
load ../cli/small

setup_file() {
    # names of this run's own, so that two suites on one machine do not meet
    export A=petrel-a$$ B=petrel-b$$
    ip netns add $A 2>/dev/null && ip netns add $B 2>/dev/null && ip link add va$$ netns $A type veth peer name vb$$ netns $B 2>/dev/null || {
        ip netns del $A 2>/dev/null || true # not even ip is everywhere
        ip netns del $B 2>/dev/null || true
        export NO_HOSTS=1
        return 0
    }
    ip netns exec $A sh -c "ip addr add 10.77.0.1/24 dev va$$ && ip link set va$$ up && ip link set lo up"
    ip netns exec $B sh -c "ip addr add 10.77.0.2/24 dev vb$$ && ip link set vb$$ up && ip link set lo up"
    export LINK=va$$
    small_cache
    cd "$BATS_FILE_TMPDIR" || return
    small_recipe 60 >small.conf
    "$TOP/pipelines/pretrain.sh" --cache "$SMALL/cache" --out alone --recipe small.conf -j 1 --seed 3 >alone.log 2>&1 3>&- || { tail alone.log; return 1; }
}
teardown_file() {
    [ -z "$NO_HOSTS" ] || return 0
    ip netns pids $A | xargs -r kill -9
    ip netns pids $B | xargs -r kill -9
    ip netns del $A
    ip netns del $B
}
setup() {
    [ -z "$NO_HOSTS" ] || skip "no network namespaces may be made here (ip netns add)"
    cd "$BATS_TEST_TMPDIR" || return
    mkdir -m 700 run
}

# on_host NAMESPACE ADDRESS COMMAND...: as a machine of its own, with a name of its own: to givers of its own name a program goes by the loopback
on_host() { exec ip netns exec "$1" unshare --uts sh -c 'hostname "$0" && PETREL_HOST=$1 && export PETREL_HOST && shift && exec "$@"' "$@"; }
trainer() { # on host A
    (on_host $A 10.77.0.1 petrel-train pretrain --cache "$SMALL/cache" --run run --recipe "$BATS_FILE_TMPDIR/small.conf" --seed 3 \
        --transport tcp --checkpoint-s 0 --out encoder.safetensors) 2>train.log 3>&- &
    trainer=$!
}
maker() { # maker RUN LOG: on host B
    (on_host $B 10.77.0.2 petrel-pairs --run "$1" --recipe "$BATS_FILE_TMPDIR/small.conf" --seed 3 --transport tcp -- "$SMALL/cache") 2>"$2" 3>&- &
    maker=$!
}
rows() { wc -l 2>/dev/null <run/losses.csv || echo 0; }
until_rows() { # until_rows N: for a minute at most
    local i
    for ((i = 0; i < 600; i++)); do [ "$(rows)" -ge "$1" ] && return; sleep 0.1; done
    cat train.log pairs.log
    return 1
}
same() { cmp encoder.safetensors "$BATS_FILE_TMPDIR/alone/encoder.safetensors"; }

@test "pairs on one host, training on the other: the bytes of one; a stranger with a key of its own is given nothing" {
    # it knows where the giver is and the giver's key, but its own is in no folder the giver looks into
    mkdir -m 700 -p elsewhere/channels
    maker run pairs.log
    trainer
    until_rows 3
    cp -r run/channels/. elsewhere/channels/
    rm -f elsewhere/channels/*/*taker* 2>/dev/null || true
    (on_host $B 10.77.0.2 timeout 60 petrel-pairs --run elsewhere --recipe "$BATS_FILE_TMPDIR/small.conf" --seed 3 --transport tcp -- "$SMALL/cache") \
        2>stranger.log 3>&- &
    stranger=$!
    wait $trainer
    wait $maker
    kill $stranger 2>/dev/null || true
    wait $stranger || true
    same
    cat stranger.log
    ! grep -qE ' [1-9][0-9]* batches' stranger.log
}

@test "the link is cut for longer than the silence, and heals: training goes on within seconds, and nothing is lost" {
    maker run pairs.log
    trainer
    until_rows 5
    ip netns exec $A ip link set $LINK down
    sleep "${PETREL_CUT_S:-8}"
    before=$(rows)
    kill -0 $trainer && kill -0 $maker # both wait
    ip netns exec $A ip link set $LINK up
    healed=${EPOCHREALTIME/./}
    until_rows $((before + 1))
    echo "went on $(((${EPOCHREALTIME/./} - healed) / 1000)) ms after the link was healed"
    wait $trainer
    wait $maker
    same
}
