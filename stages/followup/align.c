/* SPDX-License-Identifier: Apache-2.0 */
/* align -- how a patient lay at a later scan, as seen from an earlier one.   body maps -> [align] -> match */
#include "stages/followup/align.h"
#include "common/file.h"
#include "common/nifti.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PER_SUV      40.0 /* BODY_PER_SUV of stages/classify/body_map.h */
#define BODY_SUV     0.2  /* a cell of the body */
#define SHARED_LEAST 0.35
enum { PARAMETERS = 6, STEPS = 25, HEIGHTS = 7 };
#define HEIGHT_MM 70.0 /* from one height to begin with to the next */

int body_map_read(const char *dir, struct body_map *b, struct error *e)
{
    struct nifti image;
    char *path = path_join(dir, "body.nii.gz");
    int rc =
        file_exists(path)
            ? nifti_read(path, (size_t)1 << 30, &image, e)
            : fail(e, "'%s' has no body.nii.gz, by which scans are laid on each other: run petrel-classify again", dir);
    free(path);
    *b = (struct body_map){0};
    if (rc < 0)
        return -1;
    size_t const n = grid_voxels(&image.grid);
    b->grid = image.grid;
    b->suv = image.voxel;
    for (size_t i = 0; i < n; i++)
        b->suv[i] /= (float)PER_SUV;
    return 0;
}

void body_map_free(struct body_map *b)
{
    free(b->suv);
    *b = (struct body_map){0};
}

/* ---- the motion ---- */

void rigid_apply(const struct rigid *r, const double earlier_mm[3], double later_mm[3])
{
    for (int i = 0; i < 3; i++) {
        later_mm[i] = r->middle_mm[i] + r->shift_mm[i];
        for (int k = 0; k < 3; k++)
            later_mm[i] += r->turn[i][k] * (earlier_mm[k] - r->middle_mm[k]);
    }
}

void rigid_back(const struct rigid *r, const double later_mm[3], double earlier_mm[3])
{
    for (int i = 0; i < 3; i++) {
        earlier_mm[i] = r->middle_mm[i];
        for (int k = 0; k < 3; k++)
            earlier_mm[i] += r->turn[k][i] * (later_mm[k] - r->middle_mm[k] - r->shift_mm[k]);
    }
}

/* Turns a motion further by the small vector w (radians about x, y, z), exactly (Rodrigues). */
static void turn_by(double turn[3][3], const double w[3])
{
    double const angle = sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2]);
    double const s = angle > 1e-12 ? sin(angle) / angle : 1.0,
                 c = angle > 1e-12 ? (1 - cos(angle)) / (angle * angle) : 0.5;
    double more[3][3], made[3][3];
    const double cross[3][3] = {{0, -w[2], w[1]}, {w[2], 0, -w[0]}, {-w[1], w[0], 0}};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) {
            double square = 0;
            for (int m = 0; m < 3; m++)
                square += cross[i][m] * cross[m][k];
            more[i][k] = (i == k) + s * cross[i][k] + c * square;
        }
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) {
            made[i][k] = 0;
            for (int m = 0; m < 3; m++)
                made[i][k] += more[i][m] * turn[m][k];
        }
    memcpy(turn, made, sizeof made);
}

/* ---- smoothed maps ---- */

struct level {
    struct grid grid;
    float *v;
    double index[3][4]; /* z y x from mm RAS */
};

/* Binomial smoothing, `times` of [1 2 1]/4 along each axis; edges repeat. */
static void smooth(float *v, const struct grid *g, int times)
{
    const int64_t stride[3] = {g->dim[1] * g->dim[2], g->dim[2], 1};
    for (int n = 0; n < times; n++)
        for (int a = 0; a < 3; a++) {
            int64_t const b = (a + 1) % 3, c = (a + 2) % 3;
            for (int64_t i = 0; i < g->dim[b]; i++)
                for (int64_t k = 0; k < g->dim[c]; k++) {
                    float *line = v + i * stride[b] + k * stride[c];
                    float before = line[0];
                    for (int64_t j = 0; j < g->dim[a]; j++) {
                        float const here = line[j * stride[a]],
                                    next = j + 1 < g->dim[a] ? line[(j + 1) * stride[a]] : here;
                        line[j * stride[a]] = 0.25F * before + 0.5F * here + 0.25F * next;
                        before = here;
                    }
                }
        }
}

static int level_make(const struct body_map *b, int times, struct level *l, struct error *e)
{
    size_t const n = grid_voxels(&b->grid);
    l->grid = b->grid;
    l->v = xalloc(n, sizeof *l->v);
    for (size_t i = 0; i < n; i++)
        l->v[i] = fminf(b->suv[i], (float)ALIGN_SUV);
    smooth(l->v, &l->grid, times);
    return grid_index_map(&b->grid, l->index, e);
}

/* Value and gradient by mm RAS at a place; false: outside. */
static bool level_at(const struct level *l, const double ras[3], double *value, double gradient[3])
{
    double f[3], by_index[3] = {0, 0, 0}, sum = 0;
    int64_t low[3];
    for (int a = 0; a < 3; a++) {
        double const at = l->index[a][0] * ras[0] + l->index[a][1] * ras[1] + l->index[a][2] * ras[2] + l->index[a][3];
        low[a] = (int64_t)floor(at);
        f[a] = at - (double)low[a];
        if (low[a] < 0 || low[a] + 1 >= l->grid.dim[a])
            return false;
    }
    for (int corner = 0; corner < 8; corner++) {
        double w[3], slope[3];
        for (int a = 0; a < 3; a++) {
            w[a] = corner >> a & 1 ? f[a] : 1 - f[a];
            slope[a] = corner >> a & 1 ? 1 : -1;
        }
        double const v =
            (double)l->v[grid_at(&l->grid, low[0] + (corner & 1), low[1] + (corner >> 1 & 1), low[2] + (corner >> 2 & 1))];
        sum += w[0] * w[1] * w[2] * v;
        by_index[0] += slope[0] * w[1] * w[2] * v;
        by_index[1] += w[0] * slope[1] * w[2] * v;
        by_index[2] += w[0] * w[1] * slope[2] * v;
    }
    *value = sum;
    for (int i = 0; i < 3; i++)
        gradient[i] = by_index[0] * l->index[0][i] + by_index[1] * l->index[1][i] + by_index[2] * l->index[2][i];
    return true;
}

/* ---- least squares ---- */

/* Cells of the earlier body and a margin round it, every `stride`-th along each axis. */
struct cells {
    size_t count;
    double (*mm)[3];
    double *value;
};

static void cells_take(const struct level *l, int64_t stride, struct cells *c)
{
    const struct grid *g = &l->grid;
    *c = (struct cells){0, xalloc(grid_voxels(g), sizeof *c->mm), xalloc(grid_voxels(g), sizeof *c->value)};
    for (int64_t z = 0; z < g->dim[0]; z += stride)
        for (int64_t y = 0; y < g->dim[1]; y += stride)
            for (int64_t x = 0; x < g->dim[2]; x += stride) {
                double const v = (double)l->v[grid_at(g, z, y, x)];
                if (v < 0.25 * BODY_SUV) /* smoothed, the margin is there, too */
                    continue;
                grid_to_mm(g, (const double[3]){(double)z, (double)y, (double)x}, c->mm[c->count]);
                c->value[c->count++] = v;
            }
}

static void cells_free(struct cells *c)
{
    free(c->mm);
    free(c->value);
}

struct fit {
    double cost, correlation, shared; /* cost: mean square over the cells covered */
    double normal[PARAMETERS][PARAMETERS], rhs[PARAMETERS];
};

static void fit_at(const struct cells *c, const struct level *later, const struct rigid *r, struct fit *f)
{
    double n = 0, sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    memset(f, 0, sizeof *f);
    for (size_t i = 0; i < c->count; i++) {
        double at[3], value, gradient[3];
        rigid_apply(r, c->mm[i], at);
        if (!level_at(later, at, &value, gradient))
            continue;
        double const arm[3] = {at[0] - r->middle_mm[0] - r->shift_mm[0], at[1] - r->middle_mm[1] - r->shift_mm[1],
                               at[2] - r->middle_mm[2] - r->shift_mm[2]};
        /* d(at)/d(turn about an axis) = axis x arm; d(at)/d(shift) = axis */
        double const by[PARAMETERS] = {arm[1] * gradient[2] - arm[2] * gradient[1],
                                       arm[2] * gradient[0] - arm[0] * gradient[2],
                                       arm[0] * gradient[1] - arm[1] * gradient[0],
                                       gradient[0],
                                       gradient[1],
                                       gradient[2]};
        double const off = value - c->value[i];
        for (int p = 0; p < PARAMETERS; p++) {
            for (int q = 0; q <= p; q++)
                f->normal[p][q] += by[p] * by[q];
            f->rhs[p] -= by[p] * off;
        }
        f->cost += off * off;
        n++;
        sa += c->value[i];
        sb += value;
        saa += c->value[i] * c->value[i];
        sbb += value * value;
        sab += c->value[i] * value;
    }
    double const va = saa - sa * sa / fmax(n, 1), vb = sbb - sb * sb / fmax(n, 1);
    f->shared = n / fmax((double)c->count, 1);
    f->cost = n > 0 ? f->cost / n : HUGE_VAL;
    f->correlation = va > 0 && vb > 0 ? (sab - sa * sb / n) / sqrt(va * vb) : 0;
}

/* Cholesky; false: the normal matrix is not positive. */
static bool solve(double m[PARAMETERS][PARAMETERS], const double rhs[PARAMETERS], double step[PARAMETERS])
{
    for (int i = 0; i < PARAMETERS; i++)
        for (int k = 0; k <= i; k++) {
            double sum = m[i][k];
            for (int j = 0; j < k; j++)
                sum -= m[i][j] * m[k][j];
            if (i == k && !(sum > 0))
                return false;
            m[i][k] = i == k ? sqrt(sum) : sum / m[k][k];
        }
    for (int i = 0; i < PARAMETERS; i++) {
        step[i] = rhs[i];
        for (int k = 0; k < i; k++)
            step[i] -= m[i][k] * step[k];
        step[i] /= m[i][i];
    }
    for (int i = PARAMETERS; i-- > 0;) {
        for (int k = i + 1; k < PARAMETERS; k++)
            step[i] -= m[k][i] * step[k];
        step[i] /= m[i][i];
    }
    return true;
}

/* Goes down from *r; *best is the fit where it ends. */
static void descend(const struct cells *c, const struct level *later, struct rigid *r, struct fit *best)
{
    double damping = 1e-3;
    fit_at(c, later, r, best);
    for (int n = 0; n < STEPS && damping < 1e6; n++) {
        double m[PARAMETERS][PARAMETERS], step[PARAMETERS];
        memcpy(m, best->normal, sizeof m);
        for (int p = 0; p < PARAMETERS; p++)
            m[p][p] *= 1 + damping;
        struct rigid next = *r;
        struct fit there;
        if (!solve(m, best->rhs, step)) {
            damping *= 10;
            continue;
        }
        turn_by(next.turn, step);
        for (int i = 0; i < 3; i++)
            next.shift_mm[i] += step[3 + i];
        fit_at(c, later, &next, &there);
        if (there.cost < best->cost && there.shared > 0.8 * best->shared) {
            double const moved =
                fabs(step[3]) + fabs(step[4]) + fabs(step[5]) + 300 * (fabs(step[0]) + fabs(step[1]) + fabs(step[2]));
            *r = next;
            *best = there;
            damping *= 0.2;
            if (moved < 0.01)
                return;
        } else {
            damping *= 10;
        }
    }
}

/* ---- together ---- */

static bool middle_of(const struct body_map *b, double mm[3])
{
    double n = 0, sum[3] = {0, 0, 0};
    for (int64_t z = 0, i = 0; z < b->grid.dim[0]; z++)
        for (int64_t y = 0; y < b->grid.dim[1]; y++)
            for (int64_t x = 0; x < b->grid.dim[2]; x++, i++)
                if ((double)b->suv[i] >= BODY_SUV) {
                    sum[0] += (double)z;
                    sum[1] += (double)y;
                    sum[2] += (double)x;
                    n++;
                }
    if (n > 0)
        grid_to_mm(&b->grid, (const double[3]){sum[0] / n, sum[1] / n, sum[2] / n}, mm);
    return n > 0;
}

int align_find(const struct body_map *earlier, const struct body_map *later, struct alignment *a, struct error *e)
{
    static const struct {
        int smoothing;
        int64_t stride;
    } levels[] = {{8, 3}, {2, 1}}; /* about 16 and 8 mm (standard deviation) of cells of 8 */
    double middle[3], to[3];
    *a = (struct alignment){.rigid = {.turn = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}};
    if (!middle_of(earlier, middle) || !middle_of(later, to))
        return fail(e, "there is no body in one of them");
    memcpy(a->rigid.middle_mm, middle, sizeof middle);
    struct fit best = {.correlation = -2};
    for (size_t n = 0; n < COUNT_OF(levels); n++) {
        struct level from = {0}, onto = {0};
        struct cells c;
        int rc = level_make(earlier, levels[n].smoothing, &from, e);
        if (rc == 0)
            rc = level_make(later, levels[n].smoothing, &onto, e);
        if (rc == 0) {
            cells_take(&from, levels[n].stride, &c);
            for (int k = 0; n == 0 && k < HEIGHTS; k++) {
                struct rigid r = a->rigid;
                struct fit there;
                for (int i = 0; i < 3; i++)
                    for (int j = 0; j < 3; j++)
                        r.turn[i][j] = i == j;
                for (int i = 0; i < 3; i++)
                    r.shift_mm[i] = to[i] - middle[i] + (i == 2 ? HEIGHT_MM * (k - HEIGHTS / 2) : 0);
                descend(&c, &onto, &r, &there);
                if (there.shared >= SHARED_LEAST && there.correlation > best.correlation) {
                    best = there;
                    a->rigid = r;
                }
            }
            if (n > 0)
                descend(&c, &onto, &a->rigid, &best);
            cells_free(&c);
        }
        free(from.v);
        free(onto.v);
        if (rc < 0)
            return -1;
    }
    a->correlation = best.correlation;
    a->shared = best.shared;
    if (!(best.correlation >= ALIGN_CORRELATION))
        return fail(
            e, "the two bodies cannot be laid on each other (best correlation %.2f, %.2f is asked for): other patients, or other parts of one",
            best.correlation, ALIGN_CORRELATION);
    return 0;
}
