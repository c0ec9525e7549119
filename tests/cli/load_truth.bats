#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# petrel-load's truth and layouts on the command line: whole runs of --check and of the pipeline's first stage over small files of our own.
bats_require_minimum_version 1.5.0

setup() {
    bin=${PETREL_BIN:-build/bin}
    dir=$(mktemp -d)
    export XDG_CONFIG_HOME=$dir/config
    unset PETREL_RUN_DIR
}
teardown() {
    rm -rf "$dir"
}
# nifti PATH [VALUES...]: 4 x 3 x 2 voxels of float32, the values given, then 1; by sform, x to the left
nifti() {
    command -v perl >/dev/null || skip "perl is not installed"
    mkdir -p "${1%/*}"
    perl -e '
        my ($path, @v) = @ARGV;
        push @v, 1 while @v < 24;
        my $h = "\0" x 352;
        substr($h, 0, 4) = pack("l<", 348);
        substr($h, 40, 16) = pack("s<8", 3, 4, 3, 2, 1, 1, 1, 1);
        substr($h, 70, 4) = pack("s<2", 16, 32);
        substr($h, 76, 16) = pack("f<4", 1, 2, 2, 3);
        substr($h, 108, 4) = pack("f<", 352);
        substr($h, 254, 2) = pack("s<", 1);
        substr($h, 280, 48) = pack("f<12", -2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0);
        substr($h, 344, 3) = "n+1";
        open(my $to, ">:raw", $path) or die;
        print $to $h, pack("f<24", @v);' "$@"
}
check() {
    run --separate-stderr "$bin/petrel-load" --check --units suv "$@"
    echo "$output"
    echo "$stderr"
}

@test "truth: an image between two scans is nobody's until it is named" {
    nifti "$dir/in/a.nii"
    nifti "$dir/in/b.nii"
    nifti "$dir/in/SEG.nii" 1
    check "$dir/in"
    [ "$status" = 65 ]
    [[ ${lines[1]} == $'load\tin/a.nii\t'*"SEG.nii' may be its truth or that of 'b.nii' beside it: name it with --mask or in a list" ]]
    [ "${#lines[@]}" = 3 ]
    check --mask "$dir/in/SEG.nii" "$dir/in/a.nii"
    [ "$status" = 0 ]
    printf 'scan\tmask\na.nii\tSEG.nii\nb.nii\t-\n' >"$dir/in/list.tsv"
    check "$dir/in/list.tsv"
    [ "$status" = 0 ]
    [[ $stderr == *"2 scans checked, 0 would be refused"* ]]
}

@test "truth: what belongs to no scan is counted; nnU-Net's folders are known by their structure" {
    nifti "$dir/Set/imagesTr/p1_0000.nii"
    nifti "$dir/Set/imagesTr/p1_0001.nii"
    nifti "$dir/Set/labelsTr/p1.nii" 0 1 0
    nifti "$dir/Set/labelsTr/p2.nii"
    nifti "$dir/Set/labelsTr/p3.nii"
    printf '{"channel_names": {"0": "CT", "1": "PET"}}' >"$dir/Set/dataset.json"
    check "$dir/Set"
    [ "$status" = 0 ]
    [[ $stderr == *"1 scans checked, 0 would be refused"* ]]
    [[ $stderr == *"2 images of truth belong to no scan that is read: '"*"/Set/labelsTr/p2.nii', ..."* ]]
}

@test "layouts: a background that is no number is air, aloud; one amid others is refused" {
    nifti "$dir/in/edge.nii" nan nan 5
    check "$dir/in"
    [ "$status" = 0 ]
    [[ $stderr == *"2 of 24 voxels are no numbers (NaN), all in the background: taken as air"* ]]
    nifti "$dir/in/inf.nii" 1 inf
    check "$dir/in"
    [ "$status" = 65 ]
    [[ ${lines[1]} == *"voxel number 1 is infinite"* ]]
}

@test "layouts: a list as a spreadsheet saves it, with a column nobody knows" {
    nifti "$dir/in/a.nii"
    printf '\xef\xbb\xbf"Patient ID";"Scan";"Colour"\r\n"P1";"a.nii";"red"\r\n' >"$dir/in/list.CSV"
    check "$dir/in/list.CSV"
    [ "$status" = 0 ]
    [[ $stderr == *"columns that are not known and are passed over: 'Colour'"* ]]
    printf '\xff\xfes\x00c\x00a\x00n\x00' >"$dir/in/wide.tsv"
    check "$dir/in/wide.tsv"
    [ "$status" = 65 ]
    [[ $output$stderr == *"it is UTF-16: save it as UTF-8 text"* ]]
}

@test "truth: an image of several values is taken whole, aloud; one that is nowhere above a half is refused" {
    nifti "$dir/in/a.nii"
    nifti "$dir/in/a_mask.nii" 0 1 2 2
    check "$dir/in"
    [ "$status" = 0 ]
    [[ $stderr == *"holds several values, such as 1 and 2: all above 0.5 are taken for truth"* ]]
    nifti "$dir/in/a_mask.nii" 0 0.25 $(printf '0.5 %.0s' {1..22})
    check "$dir/in"
    [ "$status" = 65 ]
    [[ ${lines[1]} == *"none is above 0.5: no voxel is inside"* ]]
}

@test "truth: --help says what is truth by default, and how an empty one is allowed" {
    run "$bin/petrel-load" --help
    [[ $output == *"allow-empty-truth"* && $(tr -s '[:space:]' ' ' <<<"$output") == *"default: all that may be tumour"* ]]
}
