# SPDX-License-Identifier: Apache-2.0
# petrel-simulate: the same bytes for any -j, stopped and resumed; files that say what they are

setup() { BIN=${PETREL_BIN:-build/bin}; DIR=$BATS_TEST_TMPDIR; }
sums() { (cd "$1" && find . -type f | sort | xargs sha256sum); }

@test "the same bytes for -j 1 and -j 2, and after a kill" {
    "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 2 --scale quick --seed 5 -j 1
    "$BIN/petrel-simulate" --quiet --out "$DIR/b" --patients 2 --scale quick --seed 5 -j 2
    [ "$(sums "$DIR/a")" = "$(sums "$DIR/b")" ]
    rm "$DIR/b/SIMULATED_0002/SIMULATED_PETCT/PET.json" # as a kill between two files would leave it
    "$BIN/petrel-simulate" --quiet --out "$DIR/b" --patients 2 --scale quick --seed 5
    [ "$(sums "$DIR/a")" = "$(sums "$DIR/b")" ]
    grep -q '"Simulated": true' "$DIR/a/SIMULATED_0001/SIMULATED_PETCT/PET.json"
    zcat "$DIR/a/SIMULATED_0001/SIMULATED_PETCT/PET.nii.gz" | head -c 348 | grep -aq SIMULATED
    [ "$(wc -l <"$DIR/a/scans.tsv")" = 3 ]
}

@test "killed in the middle and run again: the same bytes" {
    "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 3 --scale quick --seed 5 -j 1
    setsid "$BIN/petrel-simulate" --quiet --out "$DIR/b" --patients 3 --scale quick --seed 5 -j 1 3>&- &
    killed=$!
    for ((i = 0; i < 1000; i++)); do # the first patient is there, the second is being written
        [ -e "$DIR/b/SIMULATED_0002" ] && break
        sleep 0.02
    done
    kill -9 -- "-$killed"
    wait "$killed" || true
    [ ! -e "$DIR/b/scans.tsv" ]
    [ "$(sums "$DIR/a")" != "$(sums "$DIR/b")" ]
    "$BIN/petrel-simulate" --quiet --out "$DIR/b" --patients 3 --scale quick --seed 5 -j 2
    [ "$(sums "$DIR/a")" = "$(sums "$DIR/b")" ]
}

@test "DICOM: the same bytes for any -j, and the regions of the NIfTI cohort" {
    BIN=$(realpath "$BIN")
    regions() { "$BIN/petrel-cache" ls "$1" --json | grep -E '"(regions|tumours)": [0-9]' | sort; }
    "$BIN/petrel-simulate" --quiet --out "$DIR/n" --patients 2 --scale quick --seed 5
    "$BIN/petrel-simulate" --quiet --out "$DIR/d" --patients 2 --scale quick --seed 5 --dicom -j 1
    "$BIN/petrel-simulate" --quiet --out "$DIR/e" --patients 2 --scale quick --seed 5 --dicom -j 2
    [ "$(sums "$DIR/d")" = "$(sums "$DIR/e")" ]
    [ ! -e "$DIR/d/SIMULATED_0001/SIMULATED_PETCT/PET.nii.gz" ]
    cmp "$DIR/d/SIMULATED_0001/SIMULATED_PETCT/regions.tsv" "$DIR/n/SIMULATED_0001/SIMULATED_PETCT/regions.tsv"
    for what in n d; do # a folder to be searched, and a list; only the NIfTI one holds organ maps
        PATH=$BIN:$PATH "$BATS_TEST_DIRNAME/../../pipelines/rois.sh" "$DIR/$what" --out "$DIR/$what.cache" -j 1 --exclude=none
        regions "$DIR/$what.cache" >"$DIR/$what.ls"
    done
    PATH=$BIN:$PATH "$BATS_TEST_DIRNAME/../../pipelines/rois.sh" "$DIR/d/scans.tsv" --out "$DIR/list.cache" -j 1 --exclude=none
    regions "$DIR/list.cache" >"$DIR/list.ls"
    [ "$(grep -c regions "$DIR/n.ls")" = 3 ] # two scans and the sum; ids differ between the layouts, and with them the order
    cmp "$DIR/n.ls" "$DIR/d.ls"
    cmp "$DIR/n.ls" "$DIR/list.ls"
}

@test "DICOM as others read it: dcm2niix and pydicom" {
    command -v dcm2niix >/dev/null || skip "dcm2niix is not installed"
    "$BIN/petrel-simulate" --quiet --out "$DIR/d" --patients 1 --scale quick --seed 5 --dicom
    study=$DIR/d/SIMULATED_0001/SIMULATED_PETCT
    mkdir "$DIR/out"
    dcm2niix -o "$DIR/out" -f %d "$study/PET" && dcm2niix -o "$DIR/out" -f %d "$study/CT"
    [ -f "$DIR/out/SIMULATED_FDG-PET.nii" ] && [ -f "$DIR/out/SIMULATED_CT.nii" ]
    "$BIN/petrel-simulate" --quiet --out "$DIR/n" --patients 1 --scale quick --seed 5 --ct
    python=${PETREL_PEERS:-$BATS_TEST_DIRNAME/../../build/peers}/bin/python
    [ -x "$python" ] || python=python3
    "$python" -c "import pydicom, nibabel" 2>/dev/null || skip "pydicom and nibabel are not installed; dcm2niix read it"
    "$python" - "$DIR" <<'END'
import glob, sys
import nibabel, numpy, pydicom
root = sys.argv[1]
study = root + "/n/SIMULATED_0001/SIMULATED_PETCT/"
load = lambda path: nibabel.as_closest_canonical(nibabel.load(path))
for theirs, ours, step in (("SIMULATED_FDG-PET", "PET", None), ("SIMULATED_CT", "CTres", 0.5)):
    a, b = load(f"{root}/out/{theirs}.nii"), load(study + ours + ".nii.gz")
    assert numpy.abs(a.affine - b.affine).max() < 1e-3, ours
    a, b = a.get_fdata(), b.get_fdata()
    most = b.max(axis=(0, 1), keepdims=True)
    assert (numpy.abs(a - b) <= (step or 0.51 * most / 65535 + 1e-5 * most)).all(), ours
slices = sorted(glob.glob(root + "/d/SIMULATED_0001/SIMULATED_PETCT/PET/*.dcm"))
one = pydicom.dcmread(slices[0])
assert str(one.PatientName).startswith("SIMULATED") and one.Manufacturer == "SIMULATED" and one.Units == "BQML"
seg = pydicom.dcmread(root + "/d/SIMULATED_0001/SIMULATED_PETCT/SEG/SEG.dcm")
truth = numpy.asarray(nibabel.load(study + "SEG.nii.gz").dataobj).transpose(2, 1, 0)
z = [pydicom.dcmread(s, stop_before_pixels=True).ImagePositionPatient[2] for s in slices]
at = [z.index(f.PlanePositionSequence[0].ImagePositionPatient[2]) for f in seg.PerFrameFunctionalGroupsSequence]
assert seg.pixel_array.sum() == truth.sum() > 0 and (seg.pixel_array == truth[at]).all()
END
}

@test "all of autoPET's layout: SUV from the same voxels, a finer CT, truth a region" {
    "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 1 --scale quick --seed 5 --autopet
    study=$DIR/a/SIMULATED_0001/SIMULATED_PETCT
    for name in SUV PET CT CTres SEG ORGANS; do zcat "$study/$name.nii.gz" | head -c 348 | grep -aq SIMULATED; done
    [ "$(grep -c ^SIMULATED "$DIR/a/metadata.csv")" = 5 ]
    side() { zcat "$study/$1.nii.gz" | head -c 48 | od -An -td2 -j42 -N2 | tr -d ' '; }
    [ "$(side CT)" = $((2 * $(side PET))) ]
    # each kind of truth: site, SUV, and what it is
    grep -qP '^liver\t.*\torgan\tliver$' "$study/regions.tsv"
    grep -qP '\t0\tno tumour\tsmall bowel$' "$study/regions.tsv"
    grep -qP '\tlesion\t' "$study/regions.tsv"
    run "$BIN/petrel-simulate" --quiet --out "$DIR/b" --patients 1 --dicom --autopet
    [ "$status" = 64 ]
}

@test "another cohort in the same folder is refused" {
    "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 1 --scale quick --seed 5
    run "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 1 --scale quick --seed 6
    [ "$status" = 73 ]
    [[ "$output" == *"holds another cohort (simulated cohort, seed 5"* ]]
}

@test "another seed is another cohort" {
    "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 1 --scale quick --seed 5
    "$BIN/petrel-simulate" --quiet --out "$DIR/b" --patients 1 --scale quick --seed 6
    ! cmp -s "$DIR/a/SIMULATED_0001/SIMULATED_PETCT/PET.nii.gz" "$DIR/b/SIMULATED_0001/SIMULATED_PETCT/PET.nii.gz"
}

@test "on an organ map: who is who in the list, the same bytes for any -j, and another anatomy is another cohort" {
    "$BIN/petrel-simulate" --quiet --out "$DIR/made" --patients 1 --scale quick --seed 5
    mkdir -p "$DIR/maps/organs"
    cp "$DIR/made/SIMULATED_0001/SIMULATED_PETCT/ORGANS.nii.gz" "$DIR/maps/organs/s1.nii.gz"
    printf 'study\tpatient\tdiagnosis\tsex\tage_y\tvoxel_clicks_tumour\tvoxel_clicks_background\ns1\tp1\tMELANOMA\tF\t57\t80,50,120;60,50,130\t70,50,60\n' \
        >"$DIR/maps/studies.tsv"
    "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 2 --scale quick --anatomy "$DIR/maps" -j 1
    "$BIN/petrel-simulate" --quiet --out "$DIR/b" --patients 2 --scale quick --anatomy "$DIR/maps" -j 2
    [ "$(sums "$DIR/a")" = "$(sums "$DIR/b")" ]
    # one anatomy is one patient, however often it is simulated
    [ "$(cut -f1,2 "$DIR/a/scans.tsv" | tail -n 2)" = "SIMULATED_0001"$'\t'"SIMULATED_PETCT"$'\n'"SIMULATED_0001"$'\t'"SIMULATED_PETCT_2" ]
    [ -f "$DIR/a/SIMULATED_0001/SIMULATED_PETCT_2/SEG.nii.gz" ]
    zcat "$DIR/a/SIMULATED_0001/SIMULATED_PETCT/ORGANS.nii.gz" | head -c 348 | grep -aq SIMULATED
    run "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 2 --scale quick
    [ "$status" = 73 ]
    [[ "$output" == *"anatomy"* ]]
}

@test "organ maps that are not there, or say nothing" {
    run "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 1 --anatomy "$DIR/none"
    [ "$status" != 0 ]
    [[ "$output" == *"none/studies.tsv"* ]]
    mkdir "$DIR/maps"
    echo study >"$DIR/maps/studies.tsv"
    run "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 1 --anatomy "$DIR/maps"
    [ "$status" = 65 ]
    [[ "$output" == *"cannot use '$DIR/maps/studies.tsv': it has no column 'patient'"* ]]
}

@test "metadata as autoPET has it, CT where asked for, and a folder is one scan a study" {
    "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 2 --scale quick --seed 5 --ct
    [ "$(grep -c ^SIMULATED "$DIR/a/metadata.csv")" = 6 ]
    zcat "$DIR/a/SIMULATED_0001/SIMULATED_PETCT/CTres.nii.gz" | head -c 348 | grep -aq SIMULATED
    "$BATS_TEST_DIRNAME/../../datasets/autopet/list.sh" "$DIR/a" "$DIR/a/metadata.csv" >"$DIR/list.tsv"
    [ "$(wc -l <"$DIR/list.tsv")" = 3 ]
    grep -qE $'^SIMULATED_0002\tSIMULATED_PETCT\t.*/PET.nii.gz\t.*/SEG.nii.gz\t(MELANOMA|NEGATIVE)\t[MF]\t[0-9]+$' "$DIR/list.tsv"
    # petrel-load given the folder reads PET.nii.gz with its PET.json, and nothing else
    BIN=$(realpath "$BIN")
    export PETREL_RUN_DIR="$DIR/run" XDG_CONFIG_HOME="$DIR/config"
    mkdir "$DIR/run"
    "$BIN/petrel-load" --quiet "$DIR/a" 3>&- &
    "$BIN/petrel-suv" --quiet 3>&- &
    "$BIN/petrel-roi" --quiet 3>&- &
    timeout 60 "$BIN/petrel-cache" collect --quiet "$DIR/cache" 3>&-
    wait
    "$BIN/petrel-cache" ls "$DIR/cache" --json >"$DIR/ls.json"
    [ "$(grep -c '"units": "BQML"' "$DIR/ls.json")" = 2 ]
    grep -q '"source": "a/SIMULATED_0001/SIMULATED_PETCT/PET.nii.gz"' "$DIR/ls.json"
}

@test "check: a cohort and its regions beside the published figures" {
    BIN=$(realpath "$BIN")
    "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 3 --scale quick --seed 5
    PATH=$BIN:$PATH "$BATS_TEST_DIRNAME/../../pipelines/rois.sh" "$DIR/a" --out "$DIR/cache" -j 1
    run "$BIN/petrel-simulate" check "$DIR/a" "$DIR/cache"
    echo "$output"
    [ "$status" = 0 ]
    [[ "$output" == *"3 scans"*"| liver | "*" | 1543 +- 363: "*"| share of tumours |"*"common to both"*"below 0.90"*"place from the liver alone"* ]]
    run "$BIN/petrel-simulate" check "$DIR" "$DIR/cache"
    [ "$status" != 0 ]
    [[ "$output" == *"ORGANS.nii.gz"* ]]
}

@test "site B: the same patients in another scanner" {
    "$BIN/petrel-simulate" --quiet --out "$DIR/a" --patients 1 --scale quick --seed 5
    "$BIN/petrel-simulate" --quiet --out "$DIR/b" --patients 1 --scale quick --seed 5 --site B
    dimensions() { zcat "$1/SIMULATED_0001/SIMULATED_PETCT/PET.nii.gz" | head -c 48 | od -An -td2 -j42 -N6; }
    [ "$(dimensions "$DIR/a")" != "$(dimensions "$DIR/b")" ]
    grep -q "site B" "$DIR/b/SIMULATED.txt"
    # lesions are the same, what is seen of them is not
    [ "$(cut -f1-6 "$DIR/a/SIMULATED_0001/SIMULATED_PETCT/regions.tsv" | head -n 3)" = "$(cut -f1-6 "$DIR/b/SIMULATED_0001/SIMULATED_PETCT/regions.tsv" | head -n 3)" ]
}
