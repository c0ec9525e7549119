/* SPDX-License-Identifier: Apache-2.0 */
/* paths -- where DICOM files may lie: files and folders as they were named, and what a list of scans names.   [paths] -> dicom */
#ifndef PETREL_EXPORT_PATHS_H
#define PETREL_EXPORT_PATHS_H
#include "common/file.h"

/* Adds `path`; of a list (.tsv, .csv: a table with a header, as petrel-load reads it) every file and folder that its cells name, relative to the
 * list. -1: it cannot be read. */
int paths_add(struct names *to, const char *path, struct error *e) MUST_USE;
#endif
