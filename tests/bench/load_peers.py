#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a Python user does to have a scan as float32: nibabel for NIfTI, pydicom for a folder of slices. Prints read_s= cpu_s= peak_mib=.

    load_peers.py nifti FILE | load_peers.py dicom|dicom_stack FOLDER

dicom puts each slice into an array made beforehand, the best pydicom can do; dicom_stack stacks a list of slices, as most people do.
"""
import os
import resource
import sys
import time

import numpy


def nifti(path):
    import nibabel

    begun = time.perf_counter(), time.process_time()
    voxel = numpy.asarray(nibabel.load(path).dataobj, dtype=numpy.float32)
    return voxel, (time.perf_counter() - begun[0], time.process_time() - begun[1]), "nibabel " + nibabel.__version__


def dicom_stack(folder):
    return dicom(folder, stack=True)


def rescaled(s):
    return s.pixel_array * numpy.float32(s.RescaleSlope) + numpy.float32(s.RescaleIntercept)


def dicom(folder, stack=False):
    import pydicom

    begun = time.perf_counter(), time.process_time()
    slices = [pydicom.dcmread(os.path.join(folder, name)) for name in os.listdir(folder)]
    slices.sort(key=lambda s: float(s.ImagePositionPatient[2]))
    if stack:
        voxel = numpy.stack([rescaled(s) for s in slices])
    else:
        voxel = numpy.empty((len(slices), slices[0].Rows, slices[0].Columns), numpy.float32)
        for z, s in enumerate(slices):
            voxel[z] = rescaled(s)
    return voxel, (time.perf_counter() - begun[0], time.process_time() - begun[1]), "pydicom " + pydicom.__version__


voxel, seconds, version = {"nifti": nifti, "dicom": dicom, "dicom_stack": dicom_stack}[sys.argv[1]](sys.argv[2])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"read_s={seconds[0]:.3f} cpu_s={seconds[1]:.3f} peak_mib={peak:.0f} version={version.replace(' ', '_')} shape={'x'.join(map(str, voxel.shape))}")
