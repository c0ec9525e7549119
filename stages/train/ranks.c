/* SPDX-License-Identifier: Apache-2.0 */
/* ranks -- several petrel-train that take each step together.   [train] */
#include "stages/train/ranks.h"
#include "common/log.h"
#include "stages/train/train.h"
#include <stdlib.h>
#include <string.h>

/* ---- who this one is ---- */

static const struct {
    const char *from, *rank, *size, *local;
} STARTERS[] = {
    {"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK"},
    {"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
    /* the step's, not the job's: a batch script's own SLURM_NTASKS speaks of steps it has yet to start */
    {"Slurm", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"},
    {"PMI", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
};

static bool number_of(const char *variable, int *number)
{
    const char *text = getenv(variable);
    char *end;
    long value = text && *text ? strtol(text, &end, 10) : -1;
    if (value < 0 || value > 1 << 20 || *end)
        return false;
    *number = (int)value;
    return true;
}

int ranks_find(struct ranks_found *found, struct error *e)
{
    for (size_t i = 0; i < COUNT_OF(STARTERS); i++) {
        *found = (struct ranks_found){.from = STARTERS[i].from};
        if (!number_of(STARTERS[i].rank, &found->rank) || !number_of(STARTERS[i].size, &found->size))
            continue;
        if (!number_of(STARTERS[i].local, &found->local))
            found->local = 0;
        if (found->rank >= found->size)
            return fail_as(e, EX_USAGE, "%s=%d, but %s=%d: ranks count from 0", STARTERS[i].rank, found->rank,
                           STARTERS[i].size, found->size);
        return 0;
    }
    return fail_as(
        e, EX_USAGE,
        "--ranks environment, but the environment names no rank: start it with srun, mpirun or "
        "torchrun (RANK and WORLD_SIZE, OMPI_COMM_WORLD_*, SLURM_PROCID and SLURM_STEP_NUM_TASKS, or PMI_*)");
}

static void suffix(const char **name, int rank)
{
    *name = xprintf("%s-%d", *name, rank); /* for as long as the program lives */
}

int ranks_prepare(struct train *t, struct error *e)
{
    struct ranks_found found = {.size = 1};
    t->world = (struct world){.size = 1};
    if (strcmp(t->ranks, "environment"))
        return 0;
    if (ranks_find(&found, e))
        return -1;
    t->world = (struct world){.rank = found.rank, .size = found.size, .sync_norm = t->recipe.sync_norm};
    char local[16];
    format_into(local, sizeof local, "%d", found.local);
    setenv("PETREL_CUDA_DEVICE", local, 0); /* one process a GPU, unless its starter said which */
    suffix(&t->stage_options.in, found.rank);
    suffix(&t->stage_options.out, found.rank);
    if (!ranks_writes(&t->world))
        log_open(true, false); /* one speaks for all */
    else
        log_note("rank 0 of %d, as %s says", found.size, found.from);
    return 0;
}

/* ---- meeting the others ---- */

/* rank 0 gives the same item once for each of the others */
static int tell(const struct train *t, const void *bytes, size_t size, struct channel_options *o, struct error *e)
{
    struct giver *g;
    o->window = t->world.size;
    if (giver_open(&g, o, e))
        return -1;
    int result = 0;
    for (int rank = 1; rank < t->world.size && !result; rank++) {
        struct buffer b = {.data = xalloc(size, 1), .size = size};
        memcpy(b.data, bytes, size);
        result = giver_put(g, (struct item_key){(uint64_t)t->world.size, (uint64_t)rank}, &b, e);
    }
    if (!result)
        result = giver_end(g, e);
    giver_close(&g);
    return result;
}

static int hear(void *bytes, size_t size, struct channel_options *o, struct error *e)
{
    struct taker *k;
    struct taken item = {0};
    o->credits = 1;
    if (taker_open(&k, o, e))
        return -1;
    int got = taker_take(k, &item, -1, e);
    if (got == 1 && item.bytes.size == size)
        memcpy(bytes, item.bytes.data, size);
    else if (got >= 0)
        got = fail_as(e, EX_SOFTWARE, "rank 0 told %s where %zu bytes were expected: all ranks must be of one build",
                      got == 1 ? "something else" : "nothing", size);
    if (got == 1)
        taker_acknowledge(k, item.lease);
    buffer_free(&item.bytes);
    taker_close(&k);
    return got == 1 ? 0 : -1;
}

int ranks_share(void *context, void *bytes, size_t size, struct error *e)
{
    const struct train *t = context;
    struct channel_options o;
    channel_defaults(&o);
    o.run_dir = t->stage_options.run;
    o.name = "ranks";
    o.transport = t->stage_options.transport;
    return ranks_writes(&t->world) ? tell(t, bytes, size, &o, e) : hear(bytes, size, &o, e);
}

int ranks_join(struct train *t, struct error *e)
{
    if (ranks_alone(&t->world))
        return 0;
    if (!t->backend->join)
        return fail_as(e, EX_UNAVAILABLE, "the %s back end cannot be one of several ranks", t->backend->name);
    t->world.share = ranks_share;
    t->world.context = t;
    return t->backend->join(t->backend, &t->world, e);
}

int ranks_check_batch(const struct world *p, const char *what, int64_t items, struct error *e)
{
    if (items % p->size == 0 && items / p->size >= 2)
        return 0;
    return fail_as(e, EX_USAGE,
                   "%s has %lld pairs, which %d ranks cannot share equally, two or more each: choose --batch and "
                   "--pairs-per-epoch so that they can",
                   what, (long long)items, p->size);
}

/* ---- what a step needs of the others ---- */

bool ranks_agree(struct backend *b, float *flag, bool mine)
{
    float host = mine;
    b->put(b, flag, &host, sizeof host);
    b->ranks->allreduce(b->ranks, flag, 1);
    b->get(b, &host, flag, sizeof host);
    return host > 0;
}
