/* SPDX-License-Identifier: Apache-2.0 */
/* basins -- a basin for every peak that is no noise, and where basins meet.   flood -> [basins] -> reach, peaks */
#include "stages/roi/basins.h"
#include "stages/roi/noise.h"

#include <stdlib.h>
#include <string.h>

static uint32_t basin_found(struct basins *b, float peak, uint32_t at, uint32_t place)
{
    if (b->count == b->room) {
        b->room = b->room ? 2 * b->room : 1024;
        b->parent = xresize(b->parent, b->room, sizeof *b->parent);
        b->basin = xresize(b->basin, b->room, sizeof *b->basin);
    }
    b->parent[b->count] = b->count;
    b->basin[b->count] = (struct basin){.peak = peak, .joined_at = peak, .peak_at = at, .place = place};
    return b->count++;
}

static void meeting_note(struct basins *b, uint32_t high, uint32_t low, float suv)
{
    if (b->meeting_count == b->meeting_room) {
        b->meeting_room = 2 * b->meeting_room + 4096;
        b->meeting = xresize(b->meeting, b->meeting_room, sizeof *b->meeting);
    }
    b->meeting[b->meeting_count++] = (struct meeting){high, low, suv};
}

/* Basins meet at s. touch[] are their roots, ascending, so the highest peak comes first. */
static void basins_meet(struct basins *b, const uint32_t *touch, int count, float s, double noise_per_suv, double sds)
{
    for (int low = 1; low < count; low++)
        for (int high = 0; high < low; high++) {
            if (b->parent[touch[high]] != touch[high])
                continue; /* joined a moment ago: whoever took it speaks for it */
            double lower = (double)b->basin[touch[low]].peak;
            if (lower - (double)s < sds * noise_sd(noise_per_suv, lower)) {
                b->parent[touch[low]] = touch[high];
                break;
            }
            meeting_note(b, touch[high], touch[low], s);
        }
}

/* What is known of borders while there are more to come: basins joined by those of one root, and with whom such a set last met. */
struct borders {
    uint32_t *set, *last;
    uint32_t count, room;
};

static void border_note(struct basins *b, struct borders *known, uint32_t one, uint32_t other, uint32_t place)
{
    for (; known->count < b->count; known->count++) {
        if (known->count == known->room) {
            known->room = b->room;
            known->set = xresize(known->set, known->room, sizeof *known->set);
            known->last = xresize(known->last, known->room, sizeof *known->last);
        }
        known->set[known->count] = known->last[known->count] = known->count;
    }
    uint32_t set = flood_root(known->set, one), beside = flood_root(known->set, other);
    if (set == beside || known->last[set] == beside)
        return; /* there is a higher way between them already */
    known->last[set] = beside, known->last[beside] = set;
    if (flood_root(b->parent, one) == flood_root(b->parent, other))
        known->set[beside] = set;
    if (b->border_count == b->border_room) {
        b->border_room = 2 * b->border_room + 4096;
        b->border = xresize(b->border, b->border_room, sizeof *b->border);
    }
    b->border[b->border_count++] = (struct border){one, other, place};
}

void basins_of(struct basins *b, const float *suv, const int64_t dim[3], const struct flood_place *place, size_t count,
               int connectivity, double noise_per_suv, double noise_sds, uint32_t *label)
{
    int64_t step[26];
    int steps = flood_neighbours(dim, connectivity, step);
    struct borders known = {0};
    *b = (struct basins){.basin_of = xresize(NULL, count + 1, sizeof *b->basin_of),
                         .home = xresize(NULL, count + 1, sizeof *b->home)};
    for (size_t i = 0; i < count; i++) {
        struct flood_touch touch;
        uint32_t at = place[i].at;
        flood_touch(suv, label, b->parent, at, step, steps, &touch);
        b->basin_of[i] = touch.basins ? touch.highest : basin_found(b, suv[at], at, (uint32_t)i);
        label[at] = b->basin_of[i] + 1;
        if (touch.roots > 1)
            basins_meet(b, touch.root, touch.roots, suv[at], noise_per_suv, noise_sds);
        for (int k = 0; k < touch.basins; k++)
            if (touch.basin[k] != touch.highest)
                border_note(b, &known, touch.highest, touch.basin[k], (uint32_t)i);
    }
    free(known.set);
    free(known.last);
}

void basins_settle(struct basins *b, size_t count)
{
    for (uint32_t k = 0; k < b->count; k++) /* a root has the smaller number, so it is settled before its basins */
        b->parent[k] = b->parent[b->parent[k]];
    for (size_t i = 0; i < count; i++)
        b->home[i] = b->parent[b->basin_of[i]];
}

void basins_free(struct basins *b)
{
    free(b->parent);
    free(b->basin);
    free(b->meeting);
    free(b->border);
    free(b->basin_of);
    free(b->home);
    memset(b, 0, sizeof *b);
}
