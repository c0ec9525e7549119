/* cpu */
#ifndef PETREL_KERNELS_CPU_H
#define PETREL_KERNELS_CPU_H
#include "kernels/backend.h"
struct backend *cpu_open(int threads, struct error *e) MUST_USE;
#endif
