/* SPDX-License-Identifier: Apache-2.0 */
/* cpu -- the back end for processors: OpenMP threads, vector loops, OpenBLAS for plain matrix products.   kernels/cpu
 *
 * IMAGE lies as [P][blocks][N][lanes]: position outermost, so that a tap is one offset for the whole batch. Images of
 * fewer than THIN channels (the scan itself) have 1 lane a block, others 16, the last block padded with zeros.
 * Weights lie as [O/16][taps][C padded as the image][16 of O]; taps are the live ones.
 *
 * Under BFLOAT16 everything is kept in float32 all the same: what a convolution's products read is rounded to bfloat16 on the
 * way into scratch memory (conv_pack_bf16.c), and summed in float32. Linear layers stay float32.
 *
 * The bytes do not depend on the number of threads: work is cut into pieces that the shape alone decides, a number is
 * summed by one thread in one order, and partial sums are joined in the order of the pieces. They may depend on the
 * kind of processor (device says which loops run). Subnormal numbers are left to IEEE: no flush-to-zero, in any thread.
 * A back end is used by one thread at a time; its scratch memory is shared by its operations and only ever grows. */
#ifndef PETREL_KERNELS_CPU_H
#define PETREL_KERNELS_CPU_H
#include "kernels/backend.h"
#include "kernels/cpu/microkernel.h"

enum { THIN = 8 };

struct cpu {
    int threads;
    const struct microkernels *microkernels;
    const struct bf16_loops *bf16; /* BFLOAT16: what convolutions' products read is rounded to it; NULL: float32 */
    void *scratch;
    size_t scratch_size;
};

struct backend *cpu_open(int threads, enum precision precision, struct error *e) MUST_USE;

static inline const struct cpu *cpu_of(const struct backend *b)
{
    return b->own;
}

/* At least this much memory, aligned to 64 bytes, until the next call. Not zeroed. */
void *cpu_scratch(struct backend *b, size_t bytes) MUST_USE;
/* Zeroed; in large pages where it is large, which takes no memory before it is touched. Free with cpu_free. */
void *cpu_memory(size_t bytes) MUST_USE;
void cpu_free(void *memory); /* NULL is fine */

static inline size_t cpu_volume(const int dim[3])
{
    return (size_t)dim[0] * (size_t)dim[1] * (size_t)dim[2];
}

/* How the channels of an image are cut. */
static inline int cpu_lanes(int C)
{
    return C < THIN ? 1 : LANES;
}
static inline int cpu_blocks(int C)
{
    return (C + cpu_lanes(C) - 1) / cpu_lanes(C);
}
/* Channels with their padding. */
static inline int cpu_padded(int C)
{
    return cpu_blocks(C) * cpu_lanes(C);
}

/* Fewer numbers than this are not worth waking other threads for. */
enum { WORTH = 1 << 15 };

/* Elementwise work is cut in pieces of this many numbers; sums are joined piece by piece. */
enum { PIECE = 4096 };
static inline size_t cpu_pieces(size_t count)
{
    return (count + PIECE - 1) / PIECE;
}
static inline size_t cpu_piece(size_t piece, size_t count)
{
    return count - piece * PIECE < PIECE ? count - piece * PIECE : PIECE;
}

void cpu_add_memory(struct backend *b);
void cpu_add_layout(struct backend *b);
void cpu_add_conv(struct backend *b);
void cpu_add_norm(struct backend *b);
void cpu_add_pool(struct backend *b);
void cpu_add_linear(struct backend *b);
void cpu_add_layernorm(struct backend *b);
void cpu_add_scale(struct backend *b);
void cpu_add_concat(struct backend *b);
void cpu_add_activation(struct backend *b);
void cpu_add_sigmoid(struct backend *b);
void cpu_add_dropout(struct backend *b);
void cpu_add_gate(struct backend *b);
void cpu_add_affine(struct backend *b);
void cpu_add_channels(struct backend *b);
void cpu_add_meanpool(struct backend *b);
void cpu_add_group(struct backend *b);
void cpu_add_attention(struct backend *b);
void cpu_add_vicreg(struct backend *b);
void cpu_add_focal(struct backend *b);
void cpu_add_sums(struct backend *b);
void cpu_add_lars(struct backend *b);
void cpu_add_adamw(struct backend *b);
void cpu_add_sgd(struct backend *b);
void cpu_add_cross_entropy(struct backend *b);
void cpu_add_squares(struct backend *b);
void cpu_add_sinkhorn(struct backend *b);
void cpu_add_lerp(struct backend *b);
void cpu_add_enqueue(struct backend *b);
void cpu_add_regroup(struct backend *b);
void cpu_add_overlap(struct backend *b);

#endif
