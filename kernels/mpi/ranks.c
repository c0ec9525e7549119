/* SPDX-License-Identifier: Apache-2.0 */
/* ranks -- MPI between processors.   kernels/mpi, a shared object that the cpu back end opens when ranks are asked for
 *
 * Started by mpirun, srun or whatever the cluster has; MPI_Init finds the others. MPI's own error handler stays: it ends
 * every rank. */
#include "kernels/ranks.h"

#include <limits.h>
#include <mpi.h>
#include <stdlib.h>

/* MPI counts in int. */
enum { PART = 1 << 28 };

static void mpi_allgather(struct ranks *r, void *all, const void *mine, size_t bytes)
{
    (void)r;
    if (bytes > INT_MAX)
        die(EX_SOFTWARE, "a rank would gather %zu bytes at once, more than MPI counts", bytes);
    MPI_Allgather(mine, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE, MPI_COMM_WORLD);
}

static void mpi_allreduce(struct ranks *r, float *x, size_t count)
{
    (void)r;
    for (size_t at = 0; at < count; at += PART)
        MPI_Allreduce(MPI_IN_PLACE, x + at, (int)(count - at < PART ? count - at : PART), MPI_FLOAT, MPI_SUM,
                      MPI_COMM_WORLD);
}

static void mpi_broadcast(struct ranks *r, void *x, size_t bytes)
{
    (void)r;
    for (size_t at = 0; at < bytes; at += PART)
        MPI_Bcast((char *)x + at, (int)(bytes - at < PART ? bytes - at : PART), MPI_BYTE, 0, MPI_COMM_WORLD);
}

static void mpi_leave(struct ranks *r)
{
    MPI_Finalize();
    free(r);
}

struct ranks *petrel_mpi_join(const struct world *world, struct error *e);
struct ranks *petrel_mpi_join(const struct world *world, struct error *e)
{
    int rank, size;
    MPI_Init(NULL, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (rank != world->rank || size != world->size) {
        fail_as(e, EX_UNAVAILABLE,
                "the environment says rank %d of %d, but MPI says %d of %d: start with mpirun, or with "
                "srun --mpi=pmix of the same MPI that Petrel was built with",
                world->rank, world->size, rank, size);
        MPI_Finalize();
        return NULL;
    }
    struct ranks *r = xalloc(1, sizeof *r);
    *r = (struct ranks){.rank = rank,
                        .size = size,
                        .sync_norm = world->sync_norm,
                        .allgather = mpi_allgather,
                        .allreduce = mpi_allreduce,
                        .broadcast = mpi_broadcast,
                        .leave = mpi_leave};
    return r;
}
