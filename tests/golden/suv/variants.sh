#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# variants -- copies of a piece of the real GE series, each as an archive or a vendor might have it, for the SUV of all of them.
#   variants.sh GE_SARCOMA_DICOM TO        TO/NAME/: 24 slices each (the bladder, where SUVmax is); needs DCMTK's tools
# peers.py has two PyPI packages work out their SUV; tests/cli/suv_peers.bats has Petrel do so.
set -eu
from=$1/image to=$2
mkdir -p "$to"
to=$(cd "$to" && pwd)
# the dictionary of DCMTK's tools does not know the vendors' elements
vendors=$to/../vendors.dic
printf '%s\tPrivateTag\n' '(7053,"Philips PET Private Group",1000)	DS	SUVScaleFactor	1' \
    '(7053,"Philips PET Private Group",1009)	DS	ActivityConcentrationScaleFactor	1' \
    '(0009,"GEMS_PETD_01",100d)	DT	ScanDateTime	1' '(0071,"SIEMENS MED PT",1022)	DT	DecayCorrectionDateTime	1' >"$vendors"
dictionary=$(find /usr/share -name dicom.dic -path '*dcmtk*' | sort | tail -n 1)
export DCMDICTPATH=$dictionary:$vendors

variant() { # variant NAME: the slices as they are, but that they are all there are
    mkdir "$to/$1"
    for i in $(seq 194 217); do cp "$from/1-$i.dcm" "$to/$1/"; done
    chmod u+w "$to/$1"/*
    dcmodify -nb -m '(0054,0081)=24' "$to/$1"/*.dcm 2>/dev/null
}
changed() { # changed NAME DCMODIFY_OPTION...
    variant "$1"
    dcmodify -nb -imt "${@:2}" "$to/$1"/*.dcm 2>/dev/null
}
coded() { # coded NAME COMMAND...
    mkdir "$to/$1"
    for i in $(seq 194 217); do "${@:2}" "$to/plain/1-$i.dcm" "$to/$1/$i.dcm"; done
}

variant plain
variant shuffled
(cd "$to/shuffled" && for f in *.dcm; do mv "$f" "$(md5sum <"$f" | cut -c1-12)"; done)
variant slice_missing
rm "$to/slice_missing/1-200.dcm"
changed no_weight -e '(0010,1030)'
changed no_half_life -e '(0054,0016)[0].(0018,1075)'
# injected ten minutes before midnight, scanned thirty after it
changed midnight -m '(0008,0031)=003000.00' -m '(0008,0032)=003000.00' -m '(0054,0016)[0].(0018,1072)=235000.00'
changed admin -m '(0054,1102)=ADMIN'
changed decay_none -m '(0054,1102)=NONE' -m '(0028,0051)=ATTN\SCAT' -m '(0018,1242)=240000'
# series made anew two hours later: the vendor's own start of the scan counts
changed siemens_late -m '(0008,0031)=132011.00' -m '(0008,0032)=112511.00' -m '(0008,0070)=SIEMENS' -i '(0071,0010)=SIEMENS MED PT' \
    -i '(0071,1022)=20000907112011.00'
changed ge_late -m '(0008,0031)=132011.00' -m '(0008,0032)=112511.00' -i '(0009,0010)=GEMS_PETD_01' -i '(0009,100d)=20000907112011.00'
changed philips_suv -m '(0008,0070)=Philips Medical Systems' -m '(0054,1001)=CNTS' -i '(7053,0010)=Philips PET Private Group' \
    -i '(7053,1000)=0.000381' -i '(7053,1009)=1.625'
changed philips_bqml -m '(0008,0070)=Philips Medical Systems' -m '(0054,1001)=CNTS' -i '(7053,0010)=Philips PET Private Group' \
    -i '(7053,1000)=0' -i '(7053,1009)=1.625' -m '(0054,1300)=0'
variant two_series # the second weighs 50 kg
for i in $(seq 194 217); do cp "$to/plain/1-$i.dcm" "$to/two_series/b$i.dcm"; done
chmod u+w "$to/two_series"/*
dcmodify -nb -m '(0010,1030)=50' "$to/two_series"/b*.dcm
coded implicit dcmconv +ti
coded big_endian dcmconv +tb
coded deflated dcmconv +td
coded rle dcmcrle
coded jpeg_ls dcmcjpls +el
coded jpeg_lossless dcmcjpeg +e1
coded jpeg_lossless_14 dcmcjpeg +el
# copies of one series are one series: each is told apart by its UID, and the whole is an archive
n=0
for dir in "$to"/*; do
    n=$((n + 1))
    dcmodify -nb -m "(0020,000e)=1.2.826.0.1.3680043.9.$n" "$dir"/*
done
dcmodify -nb -m '(0020,000e)=1.2.826.0.1.3680043.9.99' "$to/two_series"/b*.dcm
rm "$vendors"
