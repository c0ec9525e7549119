/* upstream -- load, suv and roi as children of this very program, for one scan without a pipeline.   [upstream] -> classify */
#ifndef PETREL_CLASSIFY_UPSTREAM_H
#define PETREL_CLASSIFY_UPSTREAM_H
#include "common/base.h"

struct upstream { char run_dir[64], recipe[96]; };
/* Starts petrel-load SCAN..., petrel-suv and petrel-roi (from this program's own folder) on a run directory of their own, with
 * `settings` ("key = value" lines) as their recipe. They end with the stream; the kernel ends them with this process. */
int upstream_start(struct upstream *u, char **scan, size_t scans, const char *settings, struct error *e) MUST_USE;
/* Waits for them, removes the run directory. The worst exit code. */
int upstream_end(struct upstream *u);
#endif
