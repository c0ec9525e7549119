/* SPDX-License-Identifier: Apache-2.0 */
/* check -- a simulated cohort beside what is published of real ones.   files, cache -> [check] -> a report on stdout */
#ifndef PETREL_SIMULATE_CHECK_H
#define PETREL_SIMULATE_CHECK_H
#include "common/base.h"

/* cohort: a folder petrel-simulate wrote. cache: the regions found in it. Reads one scan at a time. */
int check_cohort(const char *cohort, const char *cache, struct error *e) MUST_USE;
#endif
