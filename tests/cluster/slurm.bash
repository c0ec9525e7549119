# SPDX-License-Identifier: Apache-2.0
# slurm -- a real Slurm of two nodes on this machine, for a test: munged, slurmctld and two slurmd, everything in one directory.
# Sourced by bats. Packages: slurmctld slurmd slurm-client munge; root, since slurmd starts jobs as their users.
#     slurm_there       0, or says in slurm_why what is missing
#     slurm_up DIR      exports SLURM_CONF and LD_... nothing else; nodes n1, n2 of CPUS each
#     slurm_down
#     slurm_wait JOB SECONDS   until the job has left the queue; its last state is in slurm_state
# shellcheck shell=bash

slurm_there() {
    local p
    slurm_why=
    for p in slurmctld slurmd munged sbatch srun scontrol; do
        command -v "$p" >/dev/null || { slurm_why="no Slurm here: apt-get install slurmctld slurmd slurm-client munge"; return 1; }
    done
    [ "$(id -u)" = 0 ] || { slurm_why="slurmd wants to be root"; return 1; }
}

slurm_up() { # slurm_up DIR [CPUS]
    local dir=$1 cpus=${2:-2} host port i
    host=$(hostname -s)
    slurm_dir=$dir slurm_pids=()
    while port=$((21000 + RANDOM % 9000)); do # below those that the kernel gives away
        for i in 0 1 2; do (: <"/dev/tcp/127.0.0.1/$((port + i))") 2>/dev/null && continue 2; done
        break
    done
    mkdir -p "$dir"/{state,spool/n1,spool/n2,run,log} && chmod 755 "$dir" "$dir/run"
    dd if=/dev/urandom of="$dir/munge.key" bs=1024 count=1 2>/dev/null && chmod 600 "$dir/munge.key"
    cat >"$dir/slurm.conf" <<END
ClusterName=petrel
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/run/munge.sock
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobRequeue=1
KillWait=5
MinJobAge=300
SlurmctldTimeout=60
SlurmdTimeout=10
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1,sched_min_interval=0
CommunicationParameters=NoInAddrAny
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=$cpus RealMemory=4000 State=UNKNOWN
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=$cpus RealMemory=4000 State=UNKNOWN
PartitionName=test Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
END
    export SLURM_CONF=$dir/slurm.conf
    munged --key-file "$dir/munge.key" --socket "$dir/run/munge.sock" --pid-file "$dir/run/munged.pid" --seed-file "$dir/run/munged.seed" \
        --log-file "$dir/log/munged.log" --force -F >"$dir/log/munged.out" 2>&1 3>&- &
    slurm_pids+=($!)
    for ((i = 0; i < 50; i++)); do [ -S "$dir/run/munge.sock" ] && break; sleep 0.1; done
    slurmctld -D -c >"$dir/log/slurmctld.out" 2>&1 3>&- &
    slurm_pids+=($!)
    for i in n1 n2; do slurm_node_up $i; done
    for ((i = 0; i < 300; i++)); do
        [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 2 ] && return 0
        sleep 0.1
    done
    tail -n 5 "$dir"/log/*
    slurm_down
    return 1
}

slurm_node_up() { # slurm_node_up NODE
    slurmd -D -N "$1" >"$slurm_dir/log/$1.out" 2>&1 3>&- &
    slurm_pids+=($!)
}

# The node is gone at once: its slurmd, and every process of the job that ran there.
slurm_node_lost() { # slurm_node_lost NODE JOB
    local pid
    kill -9 "$(cat "$slurm_dir/run/$1.pid")"
    pkill -9 -f "^slurmstepd: \[$2\." || true
    for pid in $(grep -lzs "^SLURM_JOB_ID=$2\$" /proc/[0-9]*/environ | cut -d/ -f3); do kill -9 "$pid" 2>/dev/null || true; done
}

slurm_wait() { # slurm_wait JOB SECONDS
    local job=$1 until=$((SECONDS + $2)) last=
    while [ $SECONDS -lt $until ]; do
        slurm_state=$(scontrol -o show job "$job" 2>/dev/null | sed 's/.*JobState=\([A-Z_]*\).*/\1/' | sort | uniq -c | sort -rn | awk '{ print $2 }' | tr '\n' ' ')
        case $slurm_state in *PENDING* | *RUNNING* | *COMPLETING* | *CONFIGURING* | *REQUEUE*) last='' && sleep 0.3 ;;
        "$last") return 0 ;;
        *) last=$slurm_state && sleep 1 ;; # a job that is being put back has ended for a moment
        esac
    done
    echo "job $job has not ended: $(scontrol -o show job "$job")"
    return 1
}

# A job that was put back waits two minutes unless it is told to begin.
slurm_hurry() {
    local job
    for job in $(squeue -h -t PD -o '%A %r' | awk '/BeginTime/ { print $1 }'); do scontrol update jobid="$job" StartTime=now; done
    true
}

slurm_down() {
    scancel --user root 2>/dev/null
    sleep 0.5
    kill "${slurm_pids[@]}" 2>/dev/null
    sleep 0.5
    kill -9 "${slurm_pids[@]}" 2>/dev/null
    pkill -9 -f '^slurmstepd: ' # of jobs that were lost with their nodes
    for pid in $(cat "$slurm_dir"/run/*.pid 2>/dev/null); do kill -9 "$pid" 2>/dev/null; done
    true
}
