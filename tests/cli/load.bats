#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# petrel-load on the command line: usage, nothing to read, and whole runs over small simulated and real scans.
bats_require_minimum_version 1.5.0

setup() {
    bin=${PETREL_BIN:-build/bin}
    dir=$(mktemp -d)
    export PETREL_RUN_DIR=$dir/run XDG_CONFIG_HOME=$dir/config
}
teardown() {
    rm -rf "$dir"
}
# load ARGUMENTS...: petrel-load | petrel-suv | petrel-roi | petrel-cache collect $dir/cache; codes in $codes, stderr in $dir/*.log
pipeline() {
    local load suv roi
    rm -rf "$PETREL_RUN_DIR"
    mkdir -p "$PETREL_RUN_DIR"
    "$bin/petrel-load" --skip-cache "$dir/cache" "$@" >"$dir/load.log" 2>&1 3>&- & load=$!
    "$bin/petrel-suv" ${suv_options:-} >"$dir/suv.log" 2>&1 3>&- & suv=$!
    "$bin/petrel-roi" --in suv --out regions >"$dir/roi.log" 2>&1 3>&- & roi=$!
    "$bin/petrel-cache" collect "$dir/cache" --in regions >"$dir/cache.log" 2>&1 3>&- || true
    codes=
    for p in $load $suv $roi; do
        wait "$p" && codes+="0 " || codes+="$? "
    done
}
real() {
    [ -n "${PETREL_DATA:-}" ] || skip "no real scans: PETREL_DATA is not set"
}

@test "load: --help and --version" {
    run "$bin/petrel-load" --help
    [ "$status" = 0 ]
    [[ $output == *"--roi NAME"* && $output == *"--skip-cache DIR"* && $output == *"--channel-out NAME"* ]]
    run "$bin/petrel-load" --version
    [ "$status" = 0 ]
    [[ $output == *"petrel-load "[0-9]* ]]
}

@test "load: a word too few, a word unknown" {
    run "$bin/petrel-load"
    [ "$status" = 64 ]
    [[ $output == *"no scan was named"* ]]
    run "$bin/petrel-load" --unit suv x
    [ "$status" = 64 ]
    [[ $output == *"units"* ]]
}

@test "load: an empty folder is EX_NOINPUT and one sentence" {
    mkdir -p "$dir/run" "$dir/empty"
    run "$bin/petrel-load" "$dir/empty"
    [ "$status" = 66 ]
    [[ $output == *"no scan in '$dir/empty'"* ]]
    # whoever else is in the run hears of it
    [ -e "$dir/run/FAILED" ]
}

@test "load: --mask wants one scan" {
    mkdir -p "$dir/run" "$dir/scans"
    touch "$dir/scans/a.nii" "$dir/scans/b.nii" "$dir/m.nii"
    run "$bin/petrel-load" --mask "$dir/m.nii" "$dir/scans"
    [ "$status" = 64 ]
    [[ $output == *"truth of one scan, but 2 are given"* ]]
}

@test "load: an 800-byte file that claims 200 dimensions, between two good scans of ours" {
    real
    mkdir -p "$dir/scans"
    ln -s "$PETREL_DATA"/ibsi_suv_nifti/STS_00[12]_PET_*.nii.gz "$dir/scans"
    # sizeof_hdr 348, dim[0] 200, magic n+1
    { printf '\x5c\x01\x00\x00'; head -c 36 /dev/zero; printf '\xc8\x00'; head -c 302 /dev/zero; printf 'n+1\x00'; head -c 452 /dev/zero; } \
        >"$dir/scans/STS_0015.nii"
    [ "$(stat -c %s "$dir/scans/STS_0015.nii")" = 800 ]
    pipeline --units suv "$dir/scans"
    cat "$dir"/*.log
    [ "$codes" = "65 0 0 " ]
    grep -q "STS_0015.nii': header says 200 dimensions (at most 7)" "$dir/load.log"
    run "$bin/petrel-cache" ls "$dir/cache"
    [[ $output == *"2 scans"*"1 refused"* ]]
    # again: the two are there already, the third is tried again
    pipeline --units suv "$dir/scans"
    [ "$codes" = "65 0 0 " ]
    grep -q "3 scans, 2 of them in the cache already, 1 refused" "$dir/load.log"
}

@test "load: a real DICOM folder finds its slices and its structure set" {
    real
    pipeline --roi GTV_Mass "$PETREL_DATA/ge_sarcoma_dicom"
    cat "$dir"/*.log
    [ "$codes" = "0 0 0 " ]
    grep -q "factor=0.000242903 delay_s=2711 suv_max=66.52" "$dir/suv.log"
    run grep STS_001 "$dir"/*.log
    [ "$status" = 1 ]
    run "$bin/petrel-cache" verify "$dir/cache"
    [ "$status" = 0 ]
}

@test "load: a DICOM folder without weight is refused by tag, the rest of the run goes on" {
    real
    command -v dcmodify >/dev/null || skip "dcmodify (package dcmtk) is not installed"
    mkdir -p "$dir/scans/no_weight"
    cp "$PETREL_DATA"/ge_sarcoma_dicom/image/1-0[0-2]?.dcm "$dir/scans/no_weight"
    chmod u+w "$dir"/scans/no_weight/*
    dcmodify --no-backup -e "(0010,1030)" -e "(0054,0081)" -e "(0054,1330)" "$dir"/scans/no_weight/*.dcm
    ln -s "$PETREL_DATA"/ibsi_suv_nifti/STS_001_PET_*.nii.gz "$dir/scans"
    pipeline --units suv "$dir/scans"
    cat "$dir"/*.log
    [ "$codes" = "0 65 0 " ]
    grep -q "scans/no_weight': (0010,1030) PatientWeight is missing" "$dir/suv.log"
    run "$bin/petrel-cache" ls "$dir/cache"
    [[ $output == *"1 scans"*"1 refused"* ]]
}

@test "load: --check reads a whole archive, converts nothing, and says what would be refused and why" {
    command -v python3 >/dev/null || skip "python3 is not installed"
    mkdir -p "$dir/archive/A" "$dir/archive/B"
    python3 - "$dir/archive" <<'END'
import gzip, struct, sys
root = sys.argv[1]
def nifti(path, count=24):
    h = bytearray(352)
    struct.pack_into("<i", h, 0, 348); struct.pack_into("<8h", h, 40, 3, 4, 3, 2, 1, 1, 1, 1)
    struct.pack_into("<hh", h, 70, 16, 32); struct.pack_into("<4f", h, 76, 1, 2, 2, 3); struct.pack_into("<f", h, 108, 352)
    h[344:347] = b"n+1"
    open(path, "wb").write(bytes(h) + struct.pack("<%df" % count, *range(count)))
facts = ('{"Units": "Bq/mL", "DecayCorrection": "ADMIN", "BodyWeight": %s, "InjectedRadioactivity": %s, "CorrectedImage": ["ATTN", "DECY"]}')
nifti(root + "/A/good.nii"); open(root + "/A/good.json", "w").write(facts % (70, 3e8))
nifti(root + "/A/grams.nii"); open(root + "/A/grams.json", "w").write(facts % (70000, 3e8))
nifti(root + "/A/light.nii"); open(root + "/A/light.json", "w").write(facts % (0.07, 3e8))
nifti(root + "/B/cut.nii", 5); open(root + "/B/cut.json", "w").write(facts % (70, 3e8))
nifti(root + "/B/unknown.nii")
END
    unset PETREL_RUN_DIR
    run --separate-stderr "$bin/petrel-load" --check "$dir/archive"
    echo "$output$stderr"
    [ "$status" = 65 ]
    [ "${#lines[@]}" = 4 ]
    [[ $stderr == *"'archive/A/grams.nii': (0010,1030) PatientWeight is 70000: taken as grams, 70 kg"* ]]
    [ "${lines[0]}" = $'refused_by\tscan\treason' ]
    [[ ${lines[1]} == $'suv\tarchive/A/light.nii\t(0010,1030) PatientWeight is 0.07 kg: written in tonnes, it seems'* ]]
    [[ ${lines[2]} == $'load\tarchive/B/cut.nii\t'*"cut short" ]]
    [[ ${lines[3]} == $'load\tarchive/B/unknown.nii\t'*"its units are not known"* ]]
    [[ $stderr == *"5 scans checked, 3 would be refused"* ]]
    [ ! -e "$XDG_CONFIG_HOME" ] # not even a salt is made
    run "$bin/petrel-load" --check "$dir/archive/A/good.nii"
    [ "$status" = 0 ]
    # lean mass wants what the good one lacks
    run "$bin/petrel-load" --check --formula james "$dir/archive/A/good.nii"
    [ "$status" = 65 ]
    [[ $output == *"(0010,1020) PatientSize is missing"* ]]
    # nothing but bad ones: still a table; nothing at all: EX_NOINPUT
    run "$bin/petrel-load" --check "$dir/archive/B"
    [ "$status" = 65 ]
    mkdir "$dir/archive/none"
    run "$bin/petrel-load" --check "$dir/archive/none"
    [ "$status" = 66 ]
}

@test "load: a file that kills whoever parses it is refused by name, the rest goes on; the parser is sandboxed" {
    real
    mkdir -p "$dir/scans"
    ln -s "$PETREL_DATA"/ibsi_suv_nifti/STS_00[15]_PET_*.nii.gz "$dir/scans"
    mkfifo "$dir/scans/STS_002_PET_image.nii" # it waits in there, and is killed as a fault of its own would kill it
    (
        exec 9>"$dir/scans/STS_002_PET_image.nii" # opens when somebody reads
        parser=$(pgrep -P "$(pgrep -o -f "petrel-load.* $dir/scans")")
        sed -n 's/^Seccomp:[[:space:]]*//p; s/^NoNewPrivs:[[:space:]]*//p' "/proc/$parser/status" >"$dir/filters"
        kill -SEGV "$parser"
    ) 3>&- &
    pipeline --units suv "$dir/scans"
    cat "$dir"/*.log "$dir/filters"
    [ "$codes" = "65 0 0 " ]
    grep -q "refused 'scans/STS_002_PET_image.nii': 'scans/STS_002_PET_image.nii' killed its reader (signal 11, " "$dir/load.log"
    run "$bin/petrel-cache" ls "$dir/cache"
    [[ $output == *"2 scans"*"1 refused"* ]]
    grep -q "does not permit seccomp" "$dir/load.log" || [ "$(tr '\n' ' ' <"$dir/filters")" = "1 2 " ] || [[ $PETREL_BIN == *asan* ]]
}

@test "load: mutated files of every kind, through the program itself: each is read or refused, none kills its reader" {
    parsers=$bin/../tests/fuzz/parsers
    [ -x "$parsers" ] || skip "the fuzzer is not built (make tests)"
    "$parsers" --mutants "$dir/mutants" "${MUTANTS:-1300}" 3
    count=$(find "$dir/mutants" -type f | wc -l)
    [ "$count" = "${MUTANTS:-1300}" ]
    run --separate-stderr "$bin/petrel-load" --check --units suv --memory-limit 1 "$dir/mutants"
    tail -n 3 <<<"$stderr"
    [ "$status" = 65 ] # some are refused
    [[ $output != *"killed its reader"* && $output != *"no check here knows"* ]]
    [ "$(wc -l <<<"$output")" -gt $((count / 10)) ]
    echo "# $count mutated files through petrel-load --check: $(tail -n 1 <<<"$stderr")"
}

@test "load: --diagnosis and --first-study choose by autoPET's table" {
    for study in PETCT_a/05-06-2003-NA-1 PETCT_a/01-02-2004-NA-2 PETCT_b/01-01-2001-NA-3 PETCT_c/01-01-2001-NA-4; do
        mkdir -p "$dir/fdg/$study"
        touch "$dir/fdg/$study/SUV.nii.gz" # no scans: --check lists those it reads
    done
    mkdir -p "$dir/flat/imagesTr"
    touch "$dir/flat/imagesTr/fdg_a_77_0001.nii.gz" "$dir/flat/imagesTr/fdg_b_78_0001.nii.gz"
    printf '%s\r\n' 'Series UID,Subject ID,Study Date,Modality,File Location,diagnosis,age,sex' \
        '1,PETCT_a,5/6/2003,PT,"./FDG/PETCT_a/05-06-2003-NA-1/8, PET corr",MELANOMA,071Y,M' \
        '2,PETCT_a,1/2/2004,PT,./FDG/PETCT_a/01-02-2004-NA-2/3,MELANOMA,072Y,M' \
        '3,PETCT_b,1/1/2001,PT,./FDG/PETCT_b/01-01-2001-NA-3/3,NEGATIVE,050Y,F' >"$dir/table.csv"
    chosen() {
        run --separate-stderr "$bin/petrel-load" --check --units suv --metadata "$dir/table.csv" "$@"
        echo "$output$stderr"
        got=$(cut -f2 <<<"$output" | tail -n +2 | tr '\n' ' ')
    }
    chosen --diagnosis MELANOMA "$dir/fdg"
    [ "$got" = "fdg/PETCT_a/01-02-2004-NA-2/SUV.nii.gz fdg/PETCT_a/05-06-2003-NA-1/SUV.nii.gz " ]
    [[ $stderr == *"1 of 4 scans have no row"*"1 of 4 scans have no known diagnosis"* ]]
    # the first by date, though its name sorts last
    chosen --diagnosis melanoma --first-study "$dir/fdg"
    [ "$got" = "fdg/PETCT_a/05-06-2003-NA-1/SUV.nii.gz " ]
    chosen --diagnosis MELANOMA --diagnosis NEGATIVE --first-study "$dir/fdg"
    [ "$got" = "fdg/PETCT_a/05-06-2003-NA-1/SUV.nii.gz fdg/PETCT_b/01-01-2001-NA-3/SUV.nii.gz " ]
    # nnU-Net's names: by patient, whose rows agree
    chosen --diagnosis MELANOMA "$dir/flat"
    [ "$got" = "flat/imagesTr/fdg_a_77_0001.nii.gz " ]
    chosen --diagnosis LYMPHOMA "$dir/fdg"
    [ "$status" = 66 ]
    [[ $stderr == *"no scan of 4 has the diagnosis 'LYMPHOMA'"* ]]
    echo nonsense >"$dir/table.csv"
    chosen --diagnosis MELANOMA "$dir/fdg"
    [ "$status" = 65 ]
    [[ $stderr == *"does not name the columns Subject ID"* ]]
}

@test "load: a list from an autoPET folder and its table" {
    first="$dir/fdg/PETCT_a/01-02-2003-NA-PET-CT x"
    mkdir -p "$first" "$dir/fdg/PETCT_a/later" "$dir/fdg/PETCT_b/one"
    touch "$first"/{SUV,PET,SEG,CT}.nii.gz "$dir/fdg/PETCT_a/later/PET.nii.gz" "$dir/fdg/PETCT_b/one/SUV.nii.gz"
    printf '%s\r\n' 'Series UID,Subject ID,Modality,File Location,diagnosis,age,sex' \
        '1,PETCT_a,PT,"./FDG/PETCT_a/01-02-2003-NA-PET-CT x/8, PET corr",MELANOMA,071Y,M' \
        '2,PETCT_a,SEG,./FDG/PETCT_a/later/3,"NEGATIVE",072Y,M' >"$dir/table.csv"
    run --separate-stderr datasets/autopet/list.sh "$dir/fdg" "$dir/table.csv"
    echo "$output"
    [ "$status" = 0 ]
    [ "${#lines[@]}" = 4 ]
    [ "${lines[0]}" = $'patient\tstudy\tscan\tmask\tdiagnosis\tsex\tage_y' ]
    study=$(realpath "$first")
    [ "${lines[1]}" = "PETCT_a"$'\t'"01-02-2003-NA-PET-CT x"$'\t'"$study/SUV.nii.gz"$'\t'"$study/SEG.nii.gz"$'\tMELANOMA\tM\t71' ]
    [[ ${lines[2]} == *$'later/PET.nii.gz\t-\tNEGATIVE\tM\t72' ]]
    [[ $stderr == *"1 of 3 studies have no row"* ]]
    run datasets/autopet/list.sh "$dir/fdg"
    [ "$status" = 64 ]
}
