/* SPDX-License-Identifier: Apache-2.0 */
/* tsne -- seconds a picture of N points of D numbers takes; for tests/bench/run.sh tsne.   tsne POINTS.f32 N D OUT.f64 */
#include "stages/eval/tsne.h"
#include "common/file.h"
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    struct error e = {0};
    struct buffer in = {0};
    if (argc != 5)
        die(EX_USAGE, "usage: tsne POINTS.f32 N D OUT.f64");
    size_t n = strtoul(argv[2], NULL, 10), d = strtoul(argv[3], NULL, 10);
    if (file_read(argv[1], (size_t)1 << 32, &in, &e) < 0)
        die_of(&e);
    if (in.size != n * d * sizeof(float))
        die(EX_DATAERR, "'%s' has %zu bytes, not %zu", argv[1], in.size, n * d * sizeof(float));
    double *y = xalloc(2 * n, sizeof *y), begun = now_s();
    tsne_run((const float *)(const void *)in.data, n, d, y);
    printf("seconds=%.3f peak_mib=%.0f\n", now_s() - begun, (double)peak_memory_bytes() / 1048576.0);
    if (publish_bytes(argv[4], y, 2 * n * sizeof *y, &e) < 0)
        die_of(&e);
    free(y);
    buffer_free(&in);
    return 0;
}
