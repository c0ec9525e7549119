/* SPDX-License-Identifier: Apache-2.0 */
/* order -- the places of a body in the order in which growing from its peak reaches them.   basins -> [order] -> reach
 *
 * Growing takes, of all places of the body (a root and the basins that became part of it) beside what it holds, always the highest:
 * places of one basin in the order of their SUV, for each has a higher one of its own basin beside it (basins.h); and of a basin that a
 * valley parts from the peak nothing until the lowest place on the highest way there is reached, which is found as in Kruskal's
 * spanning tree; then at once all of it that is higher. So no heap is needed, and nobody is asked for his neighbours again. */
#ifndef PETREL_ROI_ORDER_H
#define PETREL_ROI_ORDER_H
#include "stages/roi/basins.h"

struct order {
    const uint32_t *basin;             /* [places]: whose each is (basins.h) */
    uint32_t *of_basin, *basin_first;  /* places of each basin, highest first: [places], [basins + 1] */
    uint32_t *of_root, *root_first;    /* places of each root that has more basins than its own; likewise */
    uint32_t *enters;                  /* [basins]: place at which it is reached; ORDER_NEVER: it is not */
    uint32_t *next, *newest, *members; /* [basins]: of lists, see order.c */
    uint32_t *set;                     /* [basins]: of those that are joined so far */
};
#define ORDER_NEVER UINT32_MAX

void order_open(struct order *o, const struct basins *b, size_t places);
void order_close(struct order *o);
/* Of the roots as they are settled. */
void order_make(struct order *o, const struct basins *b, size_t places);

struct order_walk {
    const uint32_t *at, *end;       /* of the root's places */
    const uint32_t *early, *before; /* of the places of a basin that has just been reached */
    uint32_t reached, entering;     /* the last of the root's; the next basin to be reached, ORDER_NEVER: none */
    bool alone;                     /* there are no other basins */
};
void order_begin(const struct order *o, uint32_t root, struct order_walk *w);
/* The next place; false: all that can be reached has been. */
bool order_next(const struct order *o, struct order_walk *w, uint32_t *place);
#endif
