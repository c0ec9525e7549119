/* SPDX-License-Identifier: Apache-2.0 */
/* basins -- a basin for every peak that is no noise, and where basins meet.   flood -> [basins] -> reach, peaks */
#include "stages/roi/basins.h"
#include "stages/roi/noise.h"

#include <stdlib.h>
#include <string.h>

static uint32_t basin_found(struct basins *b, float peak, uint32_t at)
{
    if (b->count == b->room) {
        b->room = b->room ? 2 * b->room : 1024;
        b->parent = xresize(b->parent, b->room, sizeof *b->parent);
        b->basin = xresize(b->basin, b->room, sizeof *b->basin);
    }
    b->parent[b->count] = b->count;
    b->basin[b->count] = (struct basin){.peak = peak, .joined_at = peak, .peak_at = at};
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

void basins_of(struct basins *b, const float *suv, const int64_t dim[3], const struct flood_place *place, size_t count,
               int connectivity, double noise_per_suv, double noise_sds, uint32_t *label)
{
    int64_t step[26];
    int steps = flood_neighbours(dim, connectivity, step);
    *b = (struct basins){.home = xresize(NULL, count + 1, sizeof *b->home)};
    for (size_t i = 0; i < count; i++) {
        uint32_t touch[26], at = place[i].at;
        int64_t highest = -1;
        int touching = flood_touch(suv, label, b->parent, at, step, steps, touch, &highest);
        label[at] = touching ? (uint32_t)highest + 1 : basin_found(b, suv[at], at) + 1;
        if (touching > 1)
            basins_meet(b, touch, touching, suv[at], noise_per_suv, noise_sds);
    }
    for (size_t i = 0; i < count; i++) {
        b->home[i] = label[place[i].at] - 1;
        label[place[i].at] = (uint32_t)i + 1;
    }
}

void basins_settle(struct basins *b, size_t count)
{
    for (uint32_t k = 0; k < b->count; k++) /* a root has the smaller number, so it is settled before its basins */
        b->parent[k] = b->parent[b->parent[k]];
    for (size_t i = 0; i < count; i++)
        b->home[i] = b->parent[b->home[i]];
}

void basins_free(struct basins *b)
{
    free(b->parent);
    free(b->basin);
    free(b->meeting);
    free(b->home);
    memset(b, 0, sizeof *b);
}
