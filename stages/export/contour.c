/* SPDX-License-Identifier: Apache-2.0 */
/* contour -- the outlines of a mask in one plane, along the pixels' edges.   [contour] -> dicom_rtstruct
 *
 * Edges between inside and outside are walked with the inside on the right hand: outer outlines run clockwise as seen with rows downwards,
 * those of holes the other way. Where two pixels of a part, or of two, meet at a corner alone, the walk turns right and stays with its pixel. */
#include "stages/export/contour.h"
#include <stdlib.h>
#include <string.h>

enum way { RIGHT, DOWN, LEFT, UP, WAYS };
static const int32_t step_row[WAYS] = {0, 1, 0, -1}, step_column[WAYS] = {1, 0, -1, 0};

struct plane {
    const uint8_t *mask;
    int64_t rows, columns;
    uint8_t *walked; /* [rows+1][columns+1]: a bit for each way out of a corner */
};

static bool inside(const struct plane *p, int64_t row, int64_t column)
{
    return row >= 0 && row < p->rows && column >= 0 && column < p->columns && p->mask[row * p->columns + column];
}

/* An edge leaves the corner that way: the pixel on its right hand is inside, that on its left is not. */
static bool is_edge(const struct plane *p, struct corner at, enum way way)
{
    /* the four pixels round a corner, as offsets of their row and column */
    static const int32_t right[WAYS][2] = {{0, 0}, {0, -1}, {-1, -1}, {-1, 0}},
                         left[WAYS][2] = {{-1, 0}, {0, 0}, {0, -1}, {-1, -1}};
    return inside(p, at.row + right[way][0], at.column + right[way][1]) &&
           !inside(p, at.row + left[way][0], at.column + left[way][1]);
}

static uint8_t *walked_at(const struct plane *p, struct corner at)
{
    return &p->walked[at.row * (p->columns + 1) + at.column];
}

static void corner_add(struct outline *o, size_t *room, struct corner at)
{
    if (o->count == *room) {
        *room = *room ? 2 * *room : 16;
        o->corner = xresize(o->corner, *room, sizeof *o->corner);
    }
    o->corner[o->count++] = at;
}

/* Round from a corner, every corner on the way, those on straight edges too. */
static struct outline walk(const struct plane *p, struct corner from, enum way way)
{
    struct outline o = {0};
    size_t room = 0;
    for (struct corner at = from; !(*walked_at(p, at) & 1U << way);) {
        *walked_at(p, at) |= (uint8_t)(1U << way);
        corner_add(&o, &room, at);
        at.row += step_row[way];
        at.column += step_column[way];
        enum way const turn[] = {(way + 1) % WAYS, way, (way + 3) % WAYS}; /* right first */
        for (size_t i = 0; i < COUNT_OF(turn); i++)
            if (is_edge(p, at, turn[i])) {
                way = turn[i];
                break;
            }
    }
    return o;
}

/* ---- holes ---- */

/* The walk's leftmost corner, of several the topmost. */
static size_t leftmost(const struct outline *o)
{
    size_t best = 0;
    for (size_t i = 1; i < o->count; i++)
        if (o->corner[i].column < o->corner[best].column ||
            (o->corner[i].column == o->corner[best].column && o->corner[i].row < o->corner[best].row))
            best = i;
    return best;
}

/* The outline and its corner that lie first to the left of `at` in its row. false: none. */
static bool to_the_left(const struct outlines *all, struct corner at, size_t *which, size_t *corner)
{
    int32_t nearest = -1;
    for (size_t i = 0; i < all->count; i++)
        for (size_t k = 0; k < all->outline[i].count; k++) {
            struct corner const c = all->outline[i].corner[k];
            if (c.row == at.row && c.column < at.column && c.column > nearest) {
                nearest = c.column;
                *which = i;
                *corner = k;
            }
        }
    return nearest >= 0;
}

/* The hole's walk, from its corner `from` and back there, put into the outline after its corner `at`, which is come back to. */
static void splice(struct outline *into, size_t at, const struct outline *hole, size_t from)
{
    size_t const more = hole->count + 2;
    into->corner = xresize(into->corner, into->count + more, sizeof *into->corner);
    struct corner *gap = into->corner + at + 1, back = into->corner[at];
    memmove(gap + more, gap, (into->count - at - 1) * sizeof *gap);
    for (size_t i = 0; i <= hole->count; i++)
        gap[i] = hole->corner[(from + i) % hole->count];
    gap[hole->count + 1] = back;
    into->count += more;
}

struct hole {
    struct outline outline;
    size_t leftmost;
};

static int by_column(const void *left, const void *right)
{
    const struct hole *a = left, *b = right;
    struct corner const at = a->outline.corner[a->leftmost], of = b->outline.corner[b->leftmost];
    if (at.column != of.column)
        return at.column < of.column ? -1 : 1;
    return (at.row > of.row) - (at.row < of.row);
}

/* Corners where the walk goes straight on say nothing. */
static void straighten(struct outline *o)
{
    size_t kept = 0, count = o->count;
    struct corner const first = o->corner[0];
    struct corner before = o->corner[count - 1];
    for (size_t i = 0; i < count; i++) {
        struct corner const here = o->corner[i], next = i + 1 < count ? o->corner[i + 1] : first;
        bool const straight = (next.row - here.row) * (here.column - before.column) ==
                                  (next.column - here.column) * (here.row - before.row) &&
                              (next.row - here.row) * (here.row - before.row) +
                                      (next.column - here.column) * (here.column - before.column) >
                                  0;
        if (!straight) {
            o->corner[kept++] = here;
            before = here;
        }
    }
    o->count = kept;
}

/* ---- all of them ---- */

void outlines_find(const uint8_t *mask, size_t rows, size_t columns, struct outlines *o)
{
    struct plane p = {mask, (int64_t)rows, (int64_t)columns, xalloc((rows + 1) * (columns + 1), 1)};
    struct hole *hole = NULL;
    size_t holes = 0;
    *o = (struct outlines){0};
    for (int32_t row = 0; row <= p.rows; row++)
        for (int32_t column = 0; column <= p.columns; column++) {
            struct corner const at = {row, column};
            /* from the top, an outline is first met along the top of its first pixel, a hole along the bottom of the pixel over it */
            for (enum way way = RIGHT; way <= LEFT; way += LEFT - RIGHT) {
                if (!is_edge(&p, at, way) || *walked_at(&p, at) & 1U << way)
                    continue;
                struct outline const made = walk(&p, at, way);
                if (way == RIGHT) {
                    o->outline = xresize(o->outline, o->count + 1, sizeof *o->outline);
                    o->outline[o->count++] = made;
                } else {
                    hole = xresize(hole, holes + 1, sizeof *hole);
                    hole[holes++] = (struct hole){made, leftmost(&made)};
                }
            }
        }
    if (holes > 1)
        qsort(hole, holes, sizeof *hole, by_column);
    for (size_t i = 0; i < holes; i++) {
        size_t which = 0, corner = 0;
        if (to_the_left(o, hole[i].outline.corner[hole[i].leftmost], &which, &corner))
            splice(&o->outline[which], corner, &hole[i].outline, hole[i].leftmost);
        free(hole[i].outline.corner);
    }
    for (size_t i = 0; i < o->count; i++)
        straighten(&o->outline[i]);
    free(hole);
    free(p.walked);
}

void outlines_free(struct outlines *o)
{
    for (size_t i = 0; i < o->count; i++)
        free(o->outline[i].corner);
    free(o->outline);
    *o = (struct outlines){0};
}
