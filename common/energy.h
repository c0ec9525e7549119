/* SPDX-License-Identifier: Apache-2.0 */
/* energy -- joules this machine took, where it tells: processors by RAPL (Linux powercap), a GPU by nvidia-smi.   common
 *
 * Processors: energy_uj of every package under /sys/class/powercap (intel-rapl:N; kernels since 5.10 let only root read it), whole packages, whoever
 * else works on them. A counter that began anew at max_energy_range_uj is followed as long as it is looked at once a turn (a minute is enough).
 * GPU: power.draw of one device, watts, times the seconds between looks; the one CUDA_VISIBLE_DEVICES names first, or device 0.
 * NAN: not known. Nothing here fails: what cannot be read is not known. */
#ifndef PETREL_COMMON_ENERGY_H
#define PETREL_COMMON_ENERGY_H
#include "common/base.h"

enum { ENERGY_PACKAGES = 16, ENERGY_GPU_EVERY_S = 10 };
struct energy {
    size_t packages;
    char *path[ENERGY_PACKAGES];
    double last_uj[ENERGY_PACKAGES], range_uj[ENERGY_PACKAGES];
    bool gpu;
    double gpu_watts, gpu_looked_s; /* watts NAN: not looked yet */
    double processors_j, gpu_j;     /* since energy_open */
};
/* powercap: NULL for the machine's own; gpu: ask nvidia-smi, too. */
void energy_open(struct energy *n, const char *powercap, bool gpu);
void energy_look(struct energy *n);
void energy_close(struct energy *n); /* a last look; the sums stay */
#endif
