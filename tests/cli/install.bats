# SPDX-License-Identifier: Apache-2.0
# make install, dist: what a packager gets, and that it works where there is no checkout
bats_require_minimum_version 1.5.0
load small

setup_file() {
    small_cache
    # a folder with a space, as somebody's will be
    export ROOT="$BATS_FILE_TMPDIR/a root" BUILD=$BATS_FILE_TMPDIR/build
    # the programs as they are; what is put elsewhere than here is made in a folder of this test's own
    export WHERE="prefix=/usr libdir=/usr/lib/triplet CUDA=0 MPI=$([ -e "$BIN/petrel-mpi.so" ] && echo 1 || echo 0)"
    cp -a "$(realpath "$BIN/..")" "$BUILD" || return 1
    # shellcheck disable=SC2086 # words
    make -C "$TOP" -s B="$BUILD" $WHERE DESTDIR="$ROOT" install >"$BATS_FILE_TMPDIR/log" 2>&1 || { cat "$BATS_FILE_TMPDIR/log" >&2; return 1; }
}

setup() {
    [ -e "$TOP/Makefile" ]
    mkdir -p "$BATS_TEST_TMPDIR/an empty folder" && cd "$BATS_TEST_TMPDIR/an empty folder" || return 1
    unset PETREL_BIN
    export PATH=$ROOT/usr/bin:/usr/bin:/bin
    mapfile -t programs < <(cd "$BUILD/bin" && ls petrel-* | grep -v '\.so$')
    [ ${#programs[@]} -ge 9 ]
}

@test "what is installed, where, and with which modes" {
    run -0 find "$ROOT" -mindepth 1 -maxdepth 1
    [ "$output" = "$ROOT/usr" ]
    for program in petrel "${programs[@]}"; do
        [ "$(stat -c %a "$ROOT/usr/bin/$program")" = 755 ]
        [ "$(stat -c %a "$ROOT/usr/share/man/man1/$program.1")" = 644 ]
        [ -e "$ROOT/usr/share/bash-completion/completions/$program" ]
    done
    [ "$(find "$ROOT/usr/bin" -type f | wc -l)" = $((${#programs[@]} + 1)) ]
    for recipe in paper released demo tables/late; do cmp "$TOP/pipelines/recipes/$recipe.conf" "$ROOT/usr/share/petrel/pipelines/recipes/$recipe.conf"; done
    [ -s "$ROOT/usr/share/doc/petrel/PROTOCOL.md" ]
    run -0 find "$ROOT" ! -type l ! -perm 755 ! -perm 644
    [ "$output" = "" ]
    run -0 find "$ROOT/usr/share" -type f -perm 755 ! -name '*.sh' # nothing to run but pipelines
    [ "$output" = "" ]
    run -0 find "$ROOT" -xtype l # links that lead nowhere
    [ "$output" = "" ]
}

@test "nothing names the folder it was built in, or looks for libraries there" {
    for file in "$ROOT"/usr/bin/petrel-* "$ROOT"/usr/lib/triplet/petrel/*.so; do
        [ -e "$file" ] || continue
        ! grep -qaF -e "$TOP/" -e "$BUILD" -e "$ROOT" "$file" || { echo "$file names the build's folder"; false; }
        run readelf -d "$file"
        [[ $output != *RPATH* ]] && [[ $output != *RUNPATH* ]]
    done
    run grep -rlF -e "$TOP" -e "$BUILD" -e "$ROOT" "$ROOT/usr/share" "$ROOT/usr/bin/petrel"
    [ "$output" = "" ]
}

@test "a page of the manual for every program, that man reads without a warning, with every option" {
    command -v man >/dev/null && man --help 2>/dev/null | grep -q -- --warnings || skip "man-db is not installed"
    for page in "$ROOT"/usr/share/man/man1/*.1; do
        LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 run --separate-stderr man --warnings -E UTF-8 -l "$page"
        echo "$page: $stderr"
        [ "$status" = 0 ] && [ "$stderr" = "" ]
        name=${page##*/} name=${name%.1}
        [[ $output == *NAME*"$name - "* ]] || [[ $output == *NAME*"$name ‐ "* ]]
    done
    for program in "${programs[@]}"; do
        while IFS=$'\t' read -r name kind shown _; do
            [ "$shown" = shown ] || continue
            grep -q -- "${name//-/\\\\-}" "$ROOT/usr/share/man/man1/$program.1" || { echo "$program.1 lacks $name"; false; }
        done < <("$program" --options)
    done
}

# complete WORD...: what bash would offer for the last of these
complete_words() {
    bash --norc -c '. "$1" && shift && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) && _petrel "$1" && printf "%s\n" "${COMPREPLY[@]}"' - \
        "$ROOT/usr/share/bash-completion/completions/petrel" "$@"
}

@test "bash completes commands, options, their choices, and files" {
    [ "$(complete_words petrel cla)" = "$(printf 'classify\nclassifier\n')" ] || [ "$(complete_words petrel cla)" = "$(printf 'classifier\nclassify\n')" ]
    [ "$(complete_words petrel-roi --roi-meth)" = --roi-method ]
    [ "$(complete_words petrel-roi --roi-method f)" = "$(printf 'fcm\nfixed\n')" ]
    [ "$(complete_words petrel-roi --roi-method = f)" = "$(printf 'fcm\nfixed\n')" ]
    [ "$(complete_words petrel-train --no-posit)" = --no-position ]
    [ "$(complete_words petrel-cache ver)" = verify ]
    [ "$(complete_words petrel cache --validat)" = --validation ]
    touch scan.nii.gz
    [ "$(complete_words petrel-load sc)" = scan.nii.gz ]
    [ "$(complete_words petrel-load --mask sc)" = scan.nii.gz ]
}

@test "the front door: help, versions, a word it does not know" {
    run -0 petrel --help
    for word in demo rois train classify simulate cache eval; do [[ $output == *"  $word"* ]]; done
    [[ $output != *run.sh* ]]
    run -0 petrel --version
    [ "${output#petrel }" = "$(petrel-load --version | cut -d' ' -f2)" ]
    run -64 petrel polish
    [[ $output == "petrel: unknown command 'polish'"* ]]
    run -0 petrel cache ls --help
    [[ $output == *petrel-cache* ]]
    [ -e "$(petrel recipes)/paper.conf" ]
    ln -s "$ROOT/usr/bin/petrel" door # from wherever a link lies
    run -0 ./door --version
}

@test "programs run with nothing else on the PATH, and find their parts" {
    for program in "${programs[@]}"; do PATH=$ROOT/usr/bin run -0 "$program" --version; done
    [ -e "$ROOT/usr/lib/triplet/petrel/petrel-mpi.so" ] || skip "built without MPI"
    mv "$ROOT/usr/lib/triplet/petrel/petrel-mpi.so" aside.so
    RANK=0 WORLD_SIZE=2 run -69 petrel-train pretrain --cache "$SMALL/cache" --run run --ranks environment --backend cpu
    cp aside.so "$ROOT/usr/lib/triplet/petrel/petrel-mpi.so"
    echo "$output"
    [[ $output == *"$ROOT/usr/bin/../lib/triplet/petrel/petrel-mpi.so: cannot open"* ]] # where it was looked for
    if command -v mpirun >/dev/null; then
        # found, it goes on to what is wrong with the second of two ranks: there is one
        RANK=0 WORLD_SIZE=2 run -69 timeout 60 petrel-train pretrain --cache "$SMALL/cache" --run run --ranks environment --backend cpu
        echo "$output"
        [[ $output != *"cannot open shared object"* ]]
    fi
}

@test "the cluster's jobs are installed: what would be submitted lies there" {
    run -0 petrel submit "$SMALL/cohort/scans.tsv" --out all --tasks 2 --tables all --dry-run
    for job in rois collect train tables; do
        [ -s "$ROOT/usr/share/petrel/pipelines/slurm/$job.sbatch" ]
        [[ $output == *"pipelines/slurm/$job.sbatch"* ]]
    done
    [ -s "$ROOT/usr/share/petrel/pipelines/slurm/job.sh" ] && [ -s "$ROOT/usr/share/petrel/pipelines/snakemake/Snakefile" ]
}

@test "the demo from an empty folder, through what is installed" {
    printf '%s\n' "recipe_name = tiny" "$(small_recipe 1)" >tiny.conf
    sed -i '/recipe_name = small/d' tiny.conf
    run -0 petrel demo --out "my runs/one" --patients 8 --recipe tiny.conf -j 2 --seed 3
    [ -s "my runs/one/report.html" ] && [ -s "my runs/one/model.safetensors" ]
    scan=$(cd "my runs/one/scans" && ls -d SIMULATED_0001/*/)
    run -0 petrel classify --model "my runs/one/model.safetensors" "my runs/one/scans/$scan" --out results -j 1
    [ "$(find results -name '*.tsv' | wc -l)" -ge 1 ]
    [ "$(find "$ROOT/usr/share" -newer tiny.conf | wc -l)" = 0 ] # nothing is written where it is installed
    [ "$(ls)" = "$(printf 'my runs\nresults\nresults.run\nresults.run.names\ntiny.conf')" ]
}

@test "uninstalled: nothing is left but what was somebody else's" {
    cp -a "$ROOT" copy
    touch copy/usr/bin/other
    # shellcheck disable=SC2086
    PATH=/usr/bin:/bin make -C "$TOP" -s $WHERE DESTDIR="$PWD/copy" uninstall
    run -0 find copy ! -type d
    [ "$output" = copy/usr/bin/other ]
}

@test "the packager's flags: his win, ours that must be stay, and other ones mean another build" {
    made=$BATS_FILE_TMPDIR/made # make knows no spaces
    flags=(B="$made" CUDA=0 MPI=0 V=1)
    run -0 make -C "$TOP" "${flags[@]}" CFLAGS="-O1 -DPACKAGER=1" CPPFLAGS=-DPRE=2 "$made/common/config.c.o"
    [[ $output == *" -O3 "*" -O1 -DPACKAGER=1 "*-std=c11*-ffp-contract=off* ]]
    [[ $output == *-DPRE=2* ]] && [[ $output == *" -I. "* ]]
    run -0 make -C "$TOP" "${flags[@]}" CFLAGS="-O1 -DPACKAGER=1" CPPFLAGS=-DPRE=2 "$made/common/config.c.o"
    [[ $output == *"up to date"* ]] || [[ $output != *"-c common/config.c"* ]]
    run -0 env CFLAGS="-O1 -DPACKAGER=1" make -C "$TOP" "${flags[@]}" CPPFLAGS=-DPRE=2 "$made/common/config.c.o" # the environment's alike
    [[ $output != *"-c common/config.c"* ]]
    run -0 make -C "$TOP" "${flags[@]}" DEBUG=1 "$made/common/config.c.o"
    [[ $output == *" -O0 "*"-c common/config.c"* ]]
    cat >archiver <<END
#!/bin/sh
echo "with $PWD/archiver" >&2
exec ar "\$@"
END
    chmod +x archiver
    run -0 make -C "$TOP" "${flags[@]}" AR="'$PWD/archiver'" -j2 "$made/libcommon.a"
    [[ $output == *"with $PWD/archiver"* ]]
    run -0 make -C "$TOP" "${flags[@]}" CC=clang-of-the-packager -n "$made/common/config.c.o"
    [[ $output == *"clang-of-the-packager -I."* ]]
}

@test "make dist: the same bytes twice, what is committed and no more, a version without git" {
    git -C "$TOP" rev-parse HEAD >/dev/null 2>&1 || skip "no git checkout: nothing says what is committed"
    "$TOP/packaging/dist.sh" "$PWD/one.tar.gz"
    (umask 077 && "$TOP/packaging/dist.sh" "$PWD/two.tar.gz")
    cmp one.tar.gz two.tar.gz
    tar xzf one.tar.gz
    folder=$(ls -d petrel-*)
    [ "petrel-$(cat "$folder/VERSION")" = "$folder" ]
    diff <(git -C "$TOP" ls-tree -r --name-only HEAD | sort) <(cd "$folder" && find . -type f -o -type l | sed 's|^\./||' | sort)
    run -0 make -C "$folder" CUDA=0 MPI=0 -s build/version.txt
    [ "$(cat "$folder/build/version.txt")" = "${folder#petrel-}" ]
    run -77 "$folder/tests/format.sh"
}
