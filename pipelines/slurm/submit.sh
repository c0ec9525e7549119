#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# submit -- scans to a report on a Slurm cluster: three jobs, each begun when the one before is done.   rois (an array) ─▶ collect ─▶ train
#   pipelines/slurm/submit.sh SCANS... --out DIR [options]      run from a login node; DIR and the scans on shared storage
# Run again with the same DIR it goes on: scans that are cached are not read again, training resumes, patients stay in their split.
usage() {
    cat <<'TEXT'
usage: pipelines/slurm/submit.sh SCANS... --out DIR [options]
  --recipe FILE        settings of all jobs (default pipelines/recipes/paper.conf)
  --tasks N            tasks of the array that finds regions (default 8); each is given --cpus
  --cpus N             processors of a task (default 2), and of the trainer's node (--train-cpus)
  --mem SIZE           memory of a task (default 4G; a task with N processors keeps about 2 N + 2 scans in memory)
  --time LIMIT         time limit of a job (default 12:00:00); what is not done by then is saved, and goes on in the next turn
  --only rois|collect|train|tables   that part alone (train, tables: on DIR/cache)
  --tables "I VII"|all  the paper's tables, too: an array of --tasks tasks that share the trainings under them; --tables-words "--quick --seeds 3"
  --link               merge the parts by hard links in place of copies
  --split "WORDS"      words for petrel-cache split, such as "--validation 0.15 --test 0.15 --seed 2"
  --seed N             of training
  --backend cpu|cuda   who trains
  --ranks N            trainers that share every step (default 1): by mpirun on processors, by srun on GPUs, one GPU each
  --train-nodes N      nodes of the training job (default 1); --train-cpus N, --train-mem SIZE, --gpus N (a node)
  --maker-nodes N      nodes of a second part of the training job, with --maker-cpus N, that make pairs: GPUs in one, processors in the other
  --makers N           pair makers on each of those nodes (default: --train-cpus, or --maker-cpus)
  --sbatch "WORDS"     more words for every sbatch, such as "--account lab --partition long"
  --dry-run            print the three commands, submit nothing
How much to ask for: petrel-train describe --hours, and docs/cluster.md. Exit codes: 64 usage, 69 no Slurm here.
TEXT
}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit
refuse() { echo "submit.sh: $1" >&2; exit 64; }

scans=() out='' recipe=$here/recipes/paper.conf tasks=8 cpus=2 mem=4G limit=12:00:00 only='' link='' split='' seed='' backend='' ranks=1
train_nodes=1 train_cpus='' train_mem=8G gpus=0 maker_nodes=0 maker_cpus='' makers='' sbatch_words='' dry='' tables='' tables_words=''
while [ $# -gt 0 ]; do
    word=$1
    shift
    case $word in
    --help | -h) usage; exit 0 ;;
    --link) link=1; continue ;;
    --dry-run) dry=1; continue ;;
    --) scans+=("$@"); break ;;
    --*=*) value=${word#*=} word=${word%%=*} ;;
    --*) [ $# -gt 0 ] || refuse "'$word' wants a value"; value=$1; shift ;;
    *) scans+=("$word"); continue ;;
    esac
    case $word in
    --out) out=$value ;; --recipe) recipe=$value ;; --tasks) tasks=$value ;; --cpus) cpus=$value ;; --mem) mem=$value ;;
    --time) limit=$value ;; --only) only=$value ;; --split) split=$value ;; --seed) seed=$value ;; --backend) backend=$value ;;
    --ranks) ranks=$value ;; --train-nodes) train_nodes=$value ;; --train-cpus) train_cpus=$value ;; --train-mem) train_mem=$value ;;
    --gpus) gpus=$value ;; --maker-nodes) maker_nodes=$value ;; --maker-cpus) maker_cpus=$value ;; --makers) makers=$value ;;
    --sbatch) sbatch_words=$value ;; --tables) tables=$value ;; --tables-words) tables_words=$value ;;
    *) refuse "unknown option '$word': submit.sh --help lists them" ;;
    esac
done
train_cpus=${train_cpus:-$cpus} maker_cpus=${maker_cpus:-$cpus}
[ "$maker_nodes" = 0 ] && makers=${makers:-$train_cpus} || makers=${makers:-$maker_cpus}
for number in tasks cpus ranks train_nodes train_cpus gpus maker_nodes maker_cpus makers; do
    [[ ${!number} =~ ^[0-9]+$ ]] || refuse "'--${number//_/-}' is '${!number}' (a whole number)"
done
for number in tasks cpus ranks train_nodes train_cpus maker_cpus makers; do
    [ "${!number}" -gt 0 ] || refuse "'--${number//_/-}' is 0: at least 1"
done
[ -n "$out" ] || refuse "no '--out DIR' is given"
case $only in '' | rois) [ ${#scans[@]} -gt 0 ] || refuse "no scans are named" ;; collect | train) ;; tables) tables=${tables:-all} ;; *) refuse "'--only $only' is none of rois, collect, train, tables" ;; esac
[ -r "$recipe" ] || refuse "cannot read the recipe '$recipe'"
[ -n "$dry" ] || command -v sbatch >/dev/null || { echo "submit.sh: no sbatch here: run it where Slurm's commands are (pipelines/rois.sh and pipelines/train.sh do the same on one machine)" >&2; exit 69; }
mkdir -p "$out/parts" "$out/logs" || exit 73
out=$(cd "$out" && pwd) recipe=$(realpath "$recipe")
for i in "${!scans[@]}"; do # a task begins in a directory of its own
    [ -e "${scans[i]}" ] || { echo "submit.sh: no such file or folder: '${scans[i]}'" >&2; exit 66; }
    scans[i]=$(realpath -s "${scans[i]}")
done
# Parts are shares of one list: with another number of them each scan would go to another's cache.
if [ -s "$out/parts/count" ] && [[ $only != t* ]] && [ "$(cat "$out/parts/count")" != "$tasks" ]; then
    refuse "'$out' was begun with --tasks $(cat "$out/parts/count"): give that again, or another --out"
fi
[[ $only == t* ]] || echo "$tasks" >"$out/parts/count" || exit 73

export PETREL_PIPELINES=$here PETREL_OUT=$out PETREL_RECIPE=$recipe PETREL_PARTS=$tasks PETREL_LINK=$link PETREL_SPLIT=$split \
    PETREL_SEED=$seed PETREL_BACKEND=$backend PETREL_RANKS=$ranks PETREL_MAKERS=$makers PETREL_TABLES=${tables#all} PETREL_TABLES_WORDS=$tables_words
after='' last=''
submit() { # submit NAME SBATCH-WORD... -- SCRIPT-WORD...
    local name=$1 words=(sbatch --parsable --export=ALL --time="$limit" --output="$out/logs/$1-%j.log" --kill-on-invalid-dep=yes)
    shift
    # shellcheck disable=SC2206 # words of the site's own
    words+=($sbatch_words)
    [ -z "$after" ] || words+=(--dependency="afterok:$after")
    while [ "$1" != -- ]; do words+=("$1") && shift; done
    shift
    [ "$name" != train ] || [ "$maker_nodes" = 0 ] || # the pair makers' part of the job
        words+=(: --nodes="$maker_nodes" --ntasks-per-node=1 --cpus-per-task="$maker_cpus" $sbatch_words)
    words+=("$here/slurm/$name.sbatch" "$@")
    if [ -n "$dry" ]; then
        printf '%q ' "${words[@]}"
        echo
        last=$name
    else
        last=$("${words[@]}") || { echo "submit.sh: sbatch refused $name; what was submitted before it waits in squeue" >&2; exit 69; }
        last=${last%%;*}
        echo "$name: job $last${after:+, after $after}"
    fi
    after=$last
}
case $only in '' | rois) submit rois --array="1-$tasks" --cpus-per-task="$cpus" --mem="$mem" --output="$out/logs/rois-%A_%a.log" -- "${scans[@]}" ;; esac
case $only in '' | collect) submit collect --cpus-per-task=1 --mem="$mem" -- ;; esac
collected=$after
case $only in
'' | train)
    gres=() && [ "$gpus" = 0 ] || gres=(--gpus-per-node="$gpus")
    submit train --nodes="$train_nodes" --ntasks="$((ranks > train_nodes ? ranks : train_nodes))" --cpus-per-task="$train_cpus" --mem="$train_mem" \
        ${gres[@]+"${gres[@]}"} --
    ;;
esac
after=$collected # tables stand on the cache, not on the model
if [ -n "$tables" ]; then
    case $only in '' | tables) submit tables --array="1-$tasks" --cpus-per-task="$cpus" --mem="$mem" --output="$out/logs/tables-%A_%a.log" -- ;; esac
fi
[ -n "$dry" ] || cat <<TEXT
where to look:
  squeue -u \$USER                          what waits and runs
  $out/logs/               what each job said; a refused scan stands in its task's log
  petrel-top $out/model/pretrain   the training run, with the programs of all its nodes
  $out/model/report.html           at the end${tables:+, and $out/tables/tables.html}
TEXT
