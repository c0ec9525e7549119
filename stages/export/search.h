/* SPDX-License-Identifier: Apache-2.0 */
/* search -- which of the DICOM series at hand each result was read from.   main -> [search] -> dicom_source, layout
 *
 * Whatever lies in those folders is parsed by a process of its own, which may read files and do nothing else (stages/sandbox.h). What it says are
 * names: the writer then parses those files alone whose SHA-256 is the result's, which petrel-load read in its sandbox before. */
#ifndef PETREL_EXPORT_SEARCH_H
#define PETREL_EXPORT_SEARCH_H
#include "common/file.h"

struct searched {
    struct error why;  /* text "": it was found */
    struct names file; /* its series', as dicom_series has them */
};
/* of: [result->count], zeroed; searched_free() each. -1: nothing could be looked for. */
int search_series(char *const *path, size_t path_count, const struct names *result, struct searched *of,
                  struct error *e) MUST_USE;
void searched_free(struct searched *s);
#endif
