# SPDX-License-Identifier: Apache-2.0
# job -- what every batch script here needs: Slurm's warning heard, its end told. Sourced; submit.sh says where Petrel lies.
#
#     job_run COMMAND...     run_step of lib.sh: Slurm's SIGUSR1 or SIGTERM becomes its SIGTERM, upon which Petrel's programs save and leave
#                            with 75. 0 and 65 (something was refused: its name in the log) count as done; the code is in job_code
#     job_again_if_stopped   after a 75: the job is put back into the queue, to go on where it was; else ends it with job_code
#
# A lost node needs nothing of this: Slurm puts the job back itself (--requeue), and what was published is not done again.
# shellcheck shell=bash
: "${PETREL_PIPELINES:?start it by pipelines/slurm/submit.sh}" "${PETREL_OUT:?start it by pipelines/slurm/submit.sh}"
job_recipe=--recipe=${PETREL_RECIPE:-$PETREL_PIPELINES/recipes/paper.conf}
job_times_max=${PETREL_REQUEUES:-200} # put back so often and still not done: something else is wrong
. "$PETREL_PIPELINES/lib.sh"

job_run() {
    run_step "$@"
    job_code=$?
    case $job_code in
    65) echo "job ${SLURM_JOB_ID:-}: what was refused stands above (65); everything else is done" && job_code=0 ;;
    esac
}

job_again_if_stopped() {
    [ "$job_code" = 75 ] || { [ "$job_code" = 0 ] && return || exit "$job_code"; }
    if [ "${SLURM_RESTART_COUNT:-0}" -ge "$job_times_max" ]; then
        echo "job ${SLURM_JOB_ID:-}: stopped $job_times_max times, not put back again; submit once more to go on" >&2
        exit 75
    fi
    echo "job ${SLURM_JOB_ID:-}: stopped before its end, saved, and put back into the queue"
    scontrol requeue "$SLURM_JOB_ID" && sleep 60 # which ends with the job
    exit 75
}
