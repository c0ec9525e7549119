/* SPDX-License-Identifier: Apache-2.0 */
/* order -- the places of a body in the order in which growing from its peak reaches them.   basins -> [order] -> reach */
#include "stages/roi/order.h"

#include <stdlib.h>
#include <string.h>

/* The lists: `members` of a set are linked by `next`, from its root's on, and newest[root] is the last of them. Once a basin is
 * reached, next[] is that of the basin of the same root which is reached after it, and members[root] the first of these. */

void order_open(struct order *o, const struct basins *b, size_t places)
{
    size_t basins = (size_t)b->count + 1;
    *o = (struct order){.basin = b->basin_of,
                        .of_basin = xresize(NULL, places + 1, sizeof *o->of_basin),
                        .basin_first = xalloc(basins + 1, sizeof *o->basin_first),
                        .of_root = xresize(NULL, places + 1, sizeof *o->of_root),
                        .root_first = xresize(NULL, basins + 1, sizeof *o->root_first),
                        .enters = xresize(NULL, basins, sizeof *o->enters),
                        .next = xresize(NULL, basins, sizeof *o->next),
                        .newest = xresize(NULL, basins, sizeof *o->newest),
                        .members = xresize(NULL, basins, sizeof *o->members),
                        .set = xresize(NULL, basins, sizeof *o->set)};
    uint32_t *next = o->basin_first + 1; /* where the next of each basin goes; in the end where it ends */
    for (size_t i = 0; i < places; i++)
        next[o->basin[i] + 1]++;
    for (uint32_t k = 1; k < b->count; k++)
        next[k] += next[k - 1];
    for (size_t i = 0; i < places; i++)
        o->of_basin[next[o->basin[i]]++] = (uint32_t)i;
}

void order_close(struct order *o)
{
    free(o->of_basin);
    free(o->basin_first);
    free(o->of_root);
    free(o->root_first);
    free(o->enters);
    free(o->next);
    free(o->newest);
    free(o->members);
    free(o->set);
    memset(o, 0, sizeof *o);
}

static bool is_alone(const struct order *o, uint32_t root)
{
    return o->root_first[root] == o->root_first[root + 1];
}

/* Places of the roots that other basins became part of. */
static void roots_list(struct order *o, const struct basins *b, size_t places)
{
    memset(o->root_first, 0, ((size_t)b->count + 2) * sizeof *o->root_first);
    uint32_t *next = o->root_first + 1;
    for (uint32_t k = 0; k < b->count; k++)
        o->members[k] = 0;
    for (uint32_t k = 0; k < b->count; k++)
        o->members[b->parent[k]]++;
    for (uint32_t k = 0; k < b->count; k++)
        if (o->members[b->parent[k]] > 1)
            next[b->parent[k] + 1] += o->basin_first[k + 1] - o->basin_first[k];
    for (uint32_t k = 1; k < b->count; k++)
        next[k] += next[k - 1];
    for (size_t i = 0; i < places; i++)
        if (o->members[b->home[i]] > 1)
            o->of_root[next[b->home[i]]++] = (uint32_t)i;
}

/* The basins of a set that holds no peak of a root are reached at a place. */
static void set_enters(struct order *o, uint32_t set, uint32_t root, uint32_t place)
{
    for (uint32_t k = o->members[set], after; k != ORDER_NEVER; k = after) {
        after = o->next[k];
        o->enters[k] = place;
        o->next[k] = ORDER_NEVER;
        if (o->newest[root] == ORDER_NEVER)
            o->members[root] = k;
        else
            o->next[o->newest[root]] = k;
        o->newest[root] = k;
    }
}

void order_make(struct order *o, const struct basins *b, size_t places)
{
    roots_list(o, b, places);
    for (uint32_t k = 0; k < b->count; k++) {
        bool root = b->parent[k] == k;
        o->set[k] = k;
        o->enters[k] = root ? 0 : ORDER_NEVER;
        o->next[k] = ORDER_NEVER;
        o->members[k] = o->newest[k] = root ? ORDER_NEVER : k;
    }
    for (size_t i = 0; i < b->border_count; i++) { /* the highest come first */
        const struct border *border = &b->border[i];
        uint32_t root = b->parent[border->one];
        if (b->parent[border->other] != root)
            continue;
        uint32_t one = flood_root(o->set, border->one), other = flood_root(o->set, border->other);
        if (one == other)
            continue;
        if (one == root || other == root) {
            uint32_t set = one == root ? other : one;
            set_enters(o, set, root, border->place);
            o->set[set] = root;
            continue;
        }
        o->set[other] = one;
        o->next[o->newest[one]] = o->members[other];
        o->newest[one] = o->newest[other];
    }
}

void order_begin(const struct order *o, uint32_t root, struct order_walk *w)
{
    const uint32_t *list = is_alone(o, root) ? o->of_basin : o->of_root,
                   *first = is_alone(o, root) ? o->basin_first : o->root_first;
    *w = (struct order_walk){.at = list + first[root],
                             .end = list + first[root + 1],
                             .entering = is_alone(o, root) ? ORDER_NEVER : o->members[root],
                             .alone = is_alone(o, root)};
}

bool order_next(const struct order *o, struct order_walk *w, uint32_t *place)
{
    for (;;) {
        if (w->early < w->before && *w->early < w->reached) {
            *place = *w->early++;
            return true;
        }
        if (w->entering == ORDER_NEVER || o->enters[w->entering] != w->reached)
            break;
        w->early = o->of_basin + o->basin_first[w->entering];
        w->before = o->of_basin + o->basin_first[w->entering + 1];
        w->entering = o->next[w->entering];
    }
    w->early = w->before; /* what is left of it is reached in its turn */
    while (w->at < w->end) {
        uint32_t i = *w->at++;
        if (w->alone || o->enters[o->basin[i]] <= i) {
            *place = w->reached = i;
            return true;
        }
    }
    return false;
}
