/* SPDX-License-Identifier: Apache-2.0 */
/* page -- pages for people: a scan's, and all scans'.   result, cohort -> [page]
 *
 *     OUT/SCAN/reading.html    the scan turning, slices through any region, tables that sort, rules side by side: one file, fetches nothing
 *     OUT/index.html           a row a scan, each with its page, and the summary */
#ifndef PETREL_CLASSIFY_PAGE_H
#define PETREL_CLASSIFY_PAGE_H
#include "stages/classify/cohort.h"
#include "stages/classify/result.h"

int page_write(const struct result *r, const struct model *model, const char *dir, struct error *e) MUST_USE;
int index_write(const struct cohort *c, const char *out, struct error *e) MUST_USE;
#endif
