/* sums -- length and scaling of one tensor, piece by piece.   kernels/cpu */
#include "kernels/cpu/cpu.h"

static double cpu_sum_of_squares(struct backend *b, const float *x, size_t count)
{
    const struct cpu *own = cpu_of(b);
    const size_t pieces = cpu_pieces(count);
    double *part = cpu_scratch(b, pieces * sizeof *part), sum = 0;
#pragma omp parallel for schedule(static) num_threads(own->threads) if (count > WORTH)
    for (size_t i = 0; i < pieces; i++)
        part[i] = own->inner->squares(x + i * PIECE, cpu_piece(i, count));
    for (size_t i = 0; i < pieces; i++)
        sum += part[i];
    return sum;
}

static void cpu_multiply(struct backend *b, float *x, float factor, size_t count)
{
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (count > WORTH)
    for (size_t i = 0; i < count; i++)
        x[i] *= factor;
}

void cpu_add_sums(struct backend *b)
{
    b->sum_of_squares = cpu_sum_of_squares;
    b->multiply = cpu_multiply;
}
