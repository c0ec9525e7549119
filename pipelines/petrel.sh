#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# petrel -- the front door of what is installed, and what ./run.sh goes through once it has built: a pipeline of this folder, or a program.
#   petrel COMMAND [words]          `make install` puts a launcher of that name beside the programs
# PETREL_FRONT: how people call it, in what it says.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit
front=${PETREL_FRONT:-petrel}
commands() { # the help of both front doors
    cat <<'TEXT'
  demo                 (also without a command) simulate a small cohort, train, and write a report: runs/demo/report.html
  rois SCAN... --out DIR        scans to a cache of high-uptake regions (DICOM folders, NIfTI, autoPET trees, list.tsv)
  train --cache DIR --out DIR   pretraining and classifier on a cache; --no-position, --no-semantic: the ablations
  classify --model FILE SCAN... --out DIR    which regions of a scan are tumour: table, label mask
  watch DIR --model FILE [--out DIR]         reads each study that arrives in a folder, once
  simulate --out DIR --patients N            a simulated cohort
  tables [I VII ...] --cohort CACHE [--quick]    the paper's tables, ours beside its own: text, CSV, LaTeX, HTML, one page
  submit SCAN... --out DIR      scans to a report on a Slurm cluster, in jobs that follow each other
TEXT
}
words() { # what every pipeline takes
    cat <<'TEXT'
  -j N        copies of the suv, roi and pairs stages (default: the number of cores)
  --recipe F  settings (default: recipes/demo.conf for demo, recipes/paper.conf otherwise); further --KEY=VALUE go to the stages
Run the same command again after any interruption: what is finished is not done again.
TEXT
}
usage() {
    echo "usage: $front [COMMAND] [words]"
    echo
    commands
    echo "  pretrain, classifier          the two halves of train"
    echo "  supervised --cache DIR --out DIR           the whole network from scratch, or from --model"
    for program in "${programs[@]}"; do printf '  %-29s petrel-%s\n' "$program" "$program"; done
    echo "  recipes              the folder of recipes"
    echo
    words
    echo "$front COMMAND --help says more."
}

# programs lie on the PATH, this checkout's or the launcher's first; those that no pipeline hides have a word of their own
programs=(load suv roi cache pairs eval top)
command=${1-demo}
[ $# = 0 ] || shift
case $command in
commands | words) "$command" ;; # for run.sh
-h | --help | help) usage ;;
--version | version)
    said=$(petrel-load --version) || exit
    echo "petrel ${said#* }"
    ;;
recipes) echo "$here/recipes" ;;
demo | rois | train | pretrain | classifier | supervised | classify) exec "$here/$command.sh" "$@" ;;
simulate) exec petrel-simulate "$@" ;;
watch) exec petrel-classify watch "$@" ;;
tables) exec "$here/tables/all.sh" "$@" ;;
submit) exec "$here/slurm/submit.sh" "$@" ;;
-*) exec "$here/demo.sh" "$command" "$@" ;;
*)
    for program in "${programs[@]}"; do
        [ "$command" != "$program" ] || exec "petrel-$program" "$@"
    done
    echo "$front: unknown command '$command'; $front --help lists them" >&2
    exit 64
    ;;
esac
