/* SPDX-License-Identifier: Apache-2.0 */
/* open -- the cpu back end: how many threads, which loops, and the table.   kernels/cpu */
#include "kernels/cpu/cpu.h"
#include "kernels/object.h"

#include <cblas.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* The widest vectors this processor has; PETREL_CPU=plain|avx2|avx512 asks for less, to compare or to test. */
static const struct microkernels *microkernels_for_this_processor(struct error *e)
{
    const struct microkernels *best = &microkernels_plain;
    bool has_avx2 = false, has_avx512 = false;
#ifdef __x86_64__
    __builtin_cpu_init();
    has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                 __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
#endif
    if (has_avx2)
        best = &microkernels_avx2;
    if (has_avx512)
        best = &microkernels_avx512;

    const char *asked = getenv("PETREL_CPU");
    if (!asked || !*asked)
        return best;
    const struct {
        const char *name;
        const struct microkernels *loops;
        bool has;
    } known[] = {
        {"plain", &microkernels_plain, true},
        {"avx2", &microkernels_avx2, has_avx2},
        {"avx512", &microkernels_avx512, has_avx512},
    };
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strcmp(asked, known[i].name) == 0) {
            if (known[i].has)
                return known[i].loops;
            fail_as(e, EX_UNAVAILABLE, "this processor has no %s, which PETREL_CPU=%s asks for", known[i].loops->name,
                    asked);
            return NULL;
        }
    fail_as(e, EX_USAGE, "PETREL_CPU is '%s'; it may be 'plain', 'avx2' or 'avx512'", asked);
    return NULL;
}

void *cpu_scratch(struct backend *b, size_t bytes)
{
    struct cpu *own = b->own;
    if (bytes > own->scratch_size) {
        cpu_free(own->scratch);
        own->scratch = cpu_memory(bytes);
        own->scratch_size = bytes;
    }
    return own->scratch;
}

static void cpu_close(struct backend *b)
{
    struct cpu *own = b->own;
    if (b->ranks)
        b->ranks->leave(b->ranks);
    cpu_free(own->scratch);
    free(own);
    free(b);
}

/* MPI is a part of its own: without it one machine needs no MPI. */
static int cpu_join(struct backend *b, const struct world *world, struct error *e)
{
    char tried[900];
    void *symbol = object_symbol("petrel-mpi.so", "PETREL_MPI", "petrel_mpi_join", tried);
    struct ranks *(*join)(const struct world *world, struct error *e);
    memcpy(&join, &symbol, sizeof join);
    if (!join)
        return fail_as(e, EX_UNAVAILABLE,
                       "no MPI part: %s; install libopenmpi-dev and openmpi-bin and build it (make MPI=1)", tried);
    b->ranks = join(world, e);
    return b->ranks ? 0 : -1;
}

/* Threads that wait for each other spin, which is right on a machine of our own. Where others use the same cores (the
 * stages of a pipeline) OMP_WAIT_POLICY=passive, set before the program starts, makes a step up to twice as fast. */
struct backend *cpu_open(int threads, enum precision precision, struct error *e)
{
    const struct microkernels *microkernels = microkernels_for_this_processor(e);
    if (!microkernels)
        return NULL;
    if (precision == BFLOAT16 && (microkernels != &microkernels_avx512 || !microkernels_bf16_is_here())) {
        fail_as(e, EX_UNAVAILABLE,
                "the cpu back end has no bfloat16 with %s: a processor with AVX512_BF16 has; use --precision float32",
                microkernels == &microkernels_avx512 ? "this processor" : microkernels->name);
        return NULL;
    }
    struct backend *b = xalloc(1, sizeof *b);
    struct cpu *own = b->own = xalloc(1, sizeof *own);
    own->threads = threads > 0 ? threads : omp_get_num_procs();
    own->microkernels = microkernels;
    own->bf16 = precision == BFLOAT16 ? &microkernels_bf16 : NULL;
    openblas_set_num_threads(1); /* our threads call it, each for a tile of its own */
    b->name = "cpu";
    format_into(b->device, sizeof b->device, "%d thread%s, %s%s", own->threads, own->threads == 1 ? "" : "s",
                microkernels->name, own->bf16 ? ", bfloat16 convolutions" : "");
    b->close = cpu_close;
    b->join = cpu_join;
    b->step = backend_step_plain;
    b->step_forget = backend_forget_plain;
    static void (*const add[])(struct backend *) = {
        cpu_add_memory,    cpu_add_layout,    cpu_add_conv,          cpu_add_norm,     cpu_add_pool,
        cpu_add_linear,    cpu_add_layernorm, cpu_add_scale,         cpu_add_concat,   cpu_add_activation,
        cpu_add_sigmoid,   cpu_add_dropout,   cpu_add_gate,          cpu_add_meanpool, cpu_add_group,
        cpu_add_attention, cpu_add_vicreg,    cpu_add_focal,         cpu_add_sums,     cpu_add_lars,
        cpu_add_adamw,     cpu_add_sgd,       cpu_add_cross_entropy, cpu_add_squares,  cpu_add_sinkhorn,
        cpu_add_lerp,      cpu_add_enqueue,   cpu_add_regroup,       cpu_add_overlap,  cpu_add_affine,
        cpu_add_channels,
    };
    for (size_t i = 0; i < COUNT_OF(add); i++)
        add[i](b);
    return b;
}
