/* SPDX-License-Identifier: Apache-2.0 */
/* cache_split -- patients into train, validation and test, the tumour share about equal.   proto
 *
 * Patients, shuffled by the seed and then sorted by the tumour share of their regions, are dealt like cards: each goes
 * to the split furthest behind its fraction. So every split takes evenly from those with many tumours, few and none.
 * Then pairs of patients change places as long as that brings the splits' shares closer to the whole cohort's. */
#include "common/file.h"
#include "common/rng.h"
#include "proto/cache_internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SPLITS = 3,
    SWEEPS_MAX = 20,
    NEAR = 4096 /* a patient changes places with those of about its share of tumours */
};

struct patient {
    char *name;
    int64_t regions, tumours;
    enum split split;
    bool stays; /* in the split it was in */
    uint32_t draw;
};
struct tally {
    int64_t regions, tumours;
};

static int name_order(const void *a, const void *b)
{
    return strcmp(((const struct patient *)a)->name, ((const struct patient *)b)->name);
}

static double share(int64_t tumours, int64_t regions)
{
    return regions ? (double)tumours / (double)regions : 0;
}

static int share_order(const void *a, const void *b)
{
    const struct patient *p = a, *q = b;
    double x = share(p->tumours, p->regions), y = share(q->tumours, q->regions);
    if (x > y || x < y)
        return x > y ? -1 : 1;
    return p->draw < q->draw ? -1 : p->draw > q->draw;
}

/* By name, so that the draw depends on the set of patients alone. */
static struct patient *patients_gather(const struct cache *c, size_t *count)
{
    struct patient *p = xalloc(c->shard_count + 1, sizeof *p);
    for (size_t i = 0; i < c->shard_count; i++)
        p[i] = (struct patient){.name = c->shard[i].patient,
                                .regions = c->shard[i].regions,
                                .tumours = c->shard[i].tumours,
                                .split = c->shard[i].split};
    qsort(p, c->shard_count, sizeof *p, name_order);
    size_t n = 0;
    for (size_t i = 0; i < c->shard_count; i++) {
        if (n && strcmp(p[n - 1].name, p[i].name) == 0) {
            p[n - 1].regions += p[i].regions;
            p[n - 1].tumours += p[i].tumours;
        } else {
            p[n++] = p[i];
        }
    }
    *count = n;
    return p;
}

/* How many patients each split gets: rounded, but one at least for a fraction that is not 0, given three patients. */
static void quotas(size_t patients, const double fraction[SPLITS], size_t quota[SPLITS])
{
    size_t taken = 0;
    for (int s = SPLIT_VALIDATION; s < SPLITS; s++) {
        quota[s] = (size_t)lround(fraction[s] * (double)patients);
        if (fraction[s] > 0 && quota[s] == 0 && patients >= SPLITS)
            quota[s] = 1;
        taken += quota[s];
    }
    for (int s = SPLIT_TEST; taken >= patients && s > SPLIT_TRAIN; s--) /* training keeps one */
        for (; taken >= patients && quota[s] > (patients >= SPLITS); taken--)
            quota[s]--;
    quota[SPLIT_TRAIN] = patients - taken;
}

/* Those who stay count as dealt before all others. */
static void deal(struct patient *p, size_t count, const size_t quota[SPLITS])
{
    size_t given[SPLITS] = {0}, dealt = 0;
    for (size_t i = 0; i < count; i++)
        if (p[i].stays) {
            given[p[i].split]++;
            dealt++;
        }
    for (size_t i = 0; i < count; i++) {
        if (p[i].stays)
            continue;
        dealt++;
        int furthest = -1;
        double behind = 0;
        for (int s = 0; s < SPLITS; s++) {
            double lag = (double)quota[s] * (double)dealt / (double)count - (double)given[s];
            if (given[s] < quota[s] && (furthest < 0 || lag > behind + 1e-9)) {
                furthest = s;
                behind = lag;
            }
        }
        p[i].split = furthest < 0 ? SPLIT_TRAIN : (enum split)furthest;
        given[p[i].split]++;
    }
}

void cache_splits_name(const struct cache *c, char name[17])
{
    uint64_t sum = 0;
    for (size_t s = 0; s < c->shard_count; s++)
        sum = sum * 1099511628211u + (uint64_t)(c->shard[s].split + 2);
    format_into(name, 17, "%016llx", (unsigned long long)sum);
}

/* How far the splits' tumour shares lie from the whole's, squared. */
static double imbalance(const struct tally t[SPLITS], double whole)
{
    double sum = 0;
    for (int s = 0; s < SPLITS; s++)
        if (t[s].regions) {
            double off = share(t[s].tumours, t[s].regions) - whole;
            sum += off * off;
        }
    return sum;
}

static void tally_move(struct tally t[SPLITS], const struct patient *p, enum split from, enum split to)
{
    t[from].regions -= p->regions;
    t[from].tumours -= p->tumours;
    t[to].regions += p->regions;
    t[to].tumours += p->tumours;
}

static bool sweep(struct patient *p, size_t count, struct tally t[SPLITS], double whole)
{
    bool changed = false;
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count && k - i <= NEAR && !p[i].stays; k++) {
            if (p[i].split == p[k].split || p[k].stays)
                continue;
            struct tally tried[SPLITS];
            memcpy(tried, t, sizeof tried);
            tally_move(tried, &p[i], p[i].split, p[k].split);
            tally_move(tried, &p[k], p[k].split, p[i].split);
            if (imbalance(tried, whole) < 0.999 * imbalance(t, whole) - 1e-12) {
                memcpy(t, tried, sizeof tried);
                enum split other = p[i].split;
                p[i].split = p[k].split;
                p[k].split = other;
                changed = true;
            }
        }
    return changed;
}

static void balance(struct patient *p, size_t count)
{
    struct tally t[SPLITS] = {{0, 0}};
    int64_t regions = 0, tumours = 0;
    for (size_t i = 0; i < count; i++) {
        t[p[i].split].regions += p[i].regions;
        t[p[i].split].tumours += p[i].tumours;
        regions += p[i].regions;
        tumours += p[i].tumours;
    }
    for (int n = 0; n < SWEEPS_MAX && sweep(p, count, t, share(tumours, regions)); n++)
        ;
}

/* Is the split on disk another one? p: in the order of names. */
static bool splits_differ(const struct cache *c, const struct patient *p, size_t count)
{
    char *path = cache_path(c, CACHE_SPLITS);
    bool differ = false;
    if (file_exists(path))
        for (size_t i = 0; i < c->shard_count && !differ; i++) {
            const struct patient wanted = {.name = (char *)(uintptr_t)c->shard[i].patient};
            const struct patient *is = bsearch(&wanted, p, count, sizeof *p, name_order);
            differ = !is || is->split != c->shard[i].split;
        }
    free(path);
    return differ;
}

int cache_split(struct cache *c, double validation, double test, uint64_t seed, enum split_there there, struct error *e)
{
    if (!(validation >= 0 && test >= 0 && validation + test < 1))
        return fail_as(e, EX_USAGE, "cannot split: validation %g and test %g leave nothing to train on", validation,
                       test);
    size_t count, quota[SPLITS];
    struct patient *p = patients_gather(c, &count);
    if (count == 0) {
        free(p);
        return fail_as(e, EX_NOINPUT, "cannot split cache '%s': it has no patients", c->dir);
    }
    uint32_t *order = xalloc(count, sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    struct rng rng = rng_make(seed, RNG_SPLIT, 0);
    rng_shuffle(&rng, order, count);
    for (size_t i = 0; i < count; i++) {
        p[i].draw = order[i];
        p[i].stays = there == SPLIT_KEEP && p[i].split != SPLIT_NONE;
    }
    free(order);
    qsort(p, count, sizeof *p, share_order);
    quotas(count, (const double[SPLITS]){0, validation, test}, quota);
    deal(p, count, quota);
    balance(p, count);

    qsort(p, count, sizeof *p, name_order);
    if (there == SPLIT_REFUSE && splits_differ(c, p, count)) {
        free(p);
        return fail_as(e, EX_USAGE,
                       "cache '%s' is split already, in another way: what was trained on it knows other patients "
                       "(--keep leaves its patients where they are and places those that came since; --force replaces "
                       "'%s')",
                       c->dir, CACHE_SPLITS);
    }
    char **name = xalloc(count, sizeof *name);
    enum split *split = xalloc(count, sizeof *split);
    for (size_t i = 0; i < count; i++) {
        name[i] = p[i].name;
        split[i] = p[i].split;
    }
    int result = splits_publish(c, name, split, count, e) || splits_read(c, e) ? -1 : 0;
    free(name);
    free(split);
    free(p);
    return result;
}
