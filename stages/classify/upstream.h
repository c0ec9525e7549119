/* SPDX-License-Identifier: Apache-2.0 */
/* upstream -- load, suv and roi as children of this very program, for scans without a pipeline.   [upstream] -> classify */
#ifndef PETREL_CLASSIFY_UPSTREAM_H
#define PETREL_CLASSIFY_UPSTREAM_H
#include "common/opts.h"

/* What goes on to them of this program's own words. */
struct upstream_words {
    const char *units;                            /* petrel-load --units */
    struct opt_strings override;                  /* petrel-load --override */
    bool accept_implausible;                      /* petrel-suv --accept-implausible */
    const char *regions, *organs, *organs_of;     /* petrel-load's; NULL: nothing said */
    const char *roi_method, *given_parts, *liver; /* petrel-roi's; likewise */
    bool keep_identifiers;                        /* petrel-load --keep-identifiers */
    const char *out; /* where results go: what stands for names of files is in OUT.names */
};

/* Starts petrel-load SCAN..., petrel-suv and petrel-roi (from this program's own folder) on a run directory of their own, with
 * `settings` ("key = value" lines) as their recipe and these words; *run_dir is its name. They end with the stream.
 * Should one of them be killed, it is started again, as in any pipeline (common/child.h). However this process leaves, they end
 * with it, and the run directory goes. Once a process. */
int upstream_start(char **scan, size_t scans, const struct upstream_words *words, const char *settings,
                   const char **run_dir, struct error *e) MUST_USE;
/* Waits for them, passes on what they warned of, removes the run directory. The worst exit code. */
int upstream_end(void);
#endif
