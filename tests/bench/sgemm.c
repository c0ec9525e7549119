/* SPDX-License-Identifier: Apache-2.0 */
/* sgemm -- what OpenBLAS reaches on these cores: the measure beside every GFLOP/s.   tests/bench
 *
 *     sgemm [--threads 0] [SIDE]
 * Square products of SIDE (2048), OpenBLAS with threads of its own; the best of several. One line. */
#include "common/base.h"

#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    int threads = 0, side = 2048;
    for (int i = 1; i < argc; i++) {
        bool named = strcmp(argv[i], "--threads") == 0 && i + 1 < argc;
        long value = strtol(argv[named ? ++i : i], NULL, 10);
        if (value < (named ? 0 : 1) || value > 1 << 14)
            die(EX_USAGE, "'%s' is not a size; usage: sgemm [--threads 0] [SIDE]", argv[i]);
        *(named ? &threads : &side) = (int)value;
    }
    threads = threads > 0 ? threads : omp_get_num_procs();
    openblas_set_num_threads(threads);
    size_t count = (size_t)side * (size_t)side;
    float *a = xalloc(count, sizeof *a), *b = xalloc(count, sizeof *b), *c = xalloc(count, sizeof *c);
    for (size_t i = 0; i < count; i++)
        a[i] = b[i] = (float)((i * 2654435761U >> 12) % 1024) / 1024 - 0.5f;
    double best = INFINITY, spent = 0;
    for (int i = 0; i < 4 || spent < 1; i++) {
        double begun = now_s();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, side, side, side, 1, a, side, b, side, 0, c, side);
        double took = now_s() - begun;
        spent += took;
        best = fmin(best, took);
    }
    printf("sgemm side=%d threads=%d gflop_per_s=%.1f library=\"%s\"\n", side, threads, 2e-9 * pow(side, 3) / best,
           openblas_get_config());
    free(a);
    free(b);
    free(c);
    return 0;
}
