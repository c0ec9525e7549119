/* SPDX-License-Identifier: Apache-2.0 */
/* follow -- the second visit of a simulated patient.   lesion -> [follow] -> scanner */
#include "datasets/simulate/follow.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const fate_name[FATES] = {"stable", "grown", "shrunk", "gone", "new"};

/* Draws that differ between visits are those of a patient of another number: no cohort has so many. */
enum { NUMBERS_A_VISIT = 1 << 20, DAYS_BETWEEN = 91 };

struct patient follow_patient(const struct patient *first)
{
    struct patient p = *first;
    struct rng r = draw_rng(p.seed, p.number, DRAW_FOLLOW_UP);
    p.number += NUMBERS_A_VISIT;
    format_into(p.study, sizeof p.study, "SIMULATED_FOLLOWUP");
    p.days = DAYS_BETWEEN;
    p.dose_bq = 1e6 * rng_range(&r, 300.0, 350.0);
    p.injection_s = 3600.0 * 8.0 + floor(3600.0 * 6.0 * (double)rng_uniform(&r));
    p.series_s = p.injection_s + floor(60.0 * fmin(fmax(60.0 + 5.0 * (double)rng_normal(&r), 50.0), 90.0));
    return p;
}

static enum fate draw_fate(struct rng *r)
{
    double const at = (double)rng_uniform(r);
    return at < 0.30 ? FATE_STABLE : at < 0.55 ? FATE_GROWN : at < 0.80 ? FATE_SHRUNK : FATE_GONE;
}

static void draw_change(struct rng *r, struct followed *f)
{
    double const size = rng_range(r, 1.2, 1.5), heat = rng_range(r, 0.0, 1.0);
    f->diameter_factor = f->fate == FATE_GROWN ? size : f->fate == FATE_SHRUNK ? 1.0 / size : 1.0;
    f->suv_factor = f->fate == FATE_GROWN ? 1.0 + 0.4 * heat : f->fate == FATE_SHRUNK ? 1.0 - 0.5 * heat : 1.0;
}

void follow_paint(struct phantom *ph, const struct patient *p, double psf_fwhm_mm, const struct lesion *earlier,
                  size_t count, struct follow_up *f)
{
    struct rng r = draw_rng(p->seed, p->number, DRAW_LESIONS);
    memset(f, 0, sizeof *f);
    for (size_t i = 0; i < count; i++) {
        struct followed *row = &f->followed[f->followed_count++];
        *row = (struct followed){.fate = draw_fate(&r), .earlier = i + 1};
        draw_change(&r, row);
        if (row->fate == FATE_GONE) {
            row->diameter_factor = row->suv_factor = 0.0;
            continue;
        }
        struct lesion l = earlier[i];
        l.diameter_mm *= row->diameter_factor;
        l.suv *= row->suv_factor;
        lesion_paint_again(ph, &l, psf_fwhm_mm);
        f->lesion[f->count++] = l;
        row->later = f->count;
    }
    /* apart from those that are gone, too: a new one there would be the old one come back */
    struct lesion all[2 * LESIONS_MOST];
    size_t listed = count, sites = 0;
    memcpy(all, earlier, count * sizeof *all);
    for (size_t i = 0; i < count; i++)
        sites = earlier[i].site_number > sites ? earlier[i].site_number : sites;
    for (uint32_t more = p->diseased ? rng_below(&r, 4) : 0; more > 0 && f->count < LESIONS_MOST; more--) {
        struct lesion l;
        if (!lesion_paint_more(ph, p, &r, psf_fwhm_mm, ++sites, all, listed, &l))
            continue;
        all[listed++] = l;
        f->lesion[f->count++] = l;
        f->followed[f->followed_count++] = (struct followed){.fate = FATE_NEW, .later = f->count};
    }
}

/* ---- where the patient lies ---- */

/* rows: the axes left, front, up after the turns */
static void turn_matrix(const double turn_rad[3], double m[3][3])
{
    double c[3], s[3];
    for (int a = 0; a < 3; a++)
        c[a] = cos(turn_rad[a]), s[a] = sin(turn_rad[a]);
    const double turned[3][3] = {{c[2] * c[1], c[2] * s[1] * s[0] - s[2] * c[0], c[2] * s[1] * c[0] + s[2] * s[0]},
                                 {s[2] * c[1], s[2] * s[1] * s[0] + c[2] * c[0], s[2] * s[1] * c[0] - c[2] * s[0]},
                                 {-s[1], c[1] * s[0], c[1] * c[0]}};
    memcpy(m, turned, sizeof turned);
}

/* Voxels of an array seen where they came from: linear for uptake, nearest for labels; outside is air. */
static void *moved_from(const struct phantom *ph, const void *from, bool linear, const double back[3][4])
{
    const struct grid *g = &ph->grid;
    size_t n = grid_voxels(g), i = 0;
    float *uptake = linear ? xalloc_aligned(n, sizeof *uptake) : NULL;
    uint8_t *label = linear ? NULL : xalloc(n, 1);
    for (int64_t z = 0; z < g->dim[0]; z++)
        for (int64_t y = 0; y < g->dim[1]; y++)
            for (int64_t x = 0; x < g->dim[2]; x++, i++) {
                double at[3];
                int64_t low[3];
                bool in = true;
                for (int a = 0; a < 3; a++) {
                    at[a] = back[a][0] * (double)z + back[a][1] * (double)y + back[a][2] * (double)x + back[a][3];
                    if (!linear)
                        at[a] = floor(at[a] + 0.5);
                    low[a] = (int64_t)floor(at[a]);
                    in = in && low[a] >= 0 && low[a] + linear < g->dim[a];
                }
                if (!in)
                    continue;
                if (!linear) {
                    label[i] = ((const uint8_t *)from)[grid_at(g, low[0], low[1], low[2])];
                    continue;
                }
                double sum = 0.0;
                for (int corner = 0; corner < 8; corner++) {
                    double weight = 1.0;
                    int64_t c[3];
                    for (int a = 0; a < 3; a++) {
                        int const up = corner >> a & 1;
                        weight *= up ? at[a] - (double)low[a] : 1.0 - (at[a] - (double)low[a]);
                        c[a] = low[a] + up;
                    }
                    sum += weight * (double)((const float *)from)[grid_at(g, c[0], c[1], c[2])];
                }
                uptake[i] = (float)sum;
            }
    return linear ? (void *)uptake : (void *)label;
}

void follow_move(struct phantom *ph, struct follow_up *f, const struct patient *p)
{
    struct rng r = draw_rng(p->seed, p->number, DRAW_FOLLOW_UP);
    const struct grid *g = &ph->grid;
    double turn[3][3], back[3][4];
    for (int a = 0; a < 3; a++) {
        f->shift_mm[a] = fmin(fmax(8.0 * (double)rng_normal(&r), -20.0), 20.0);
        f->turn_rad[a] = rng_range(&r, -2.5, 2.5) * acos(-1.0) / 180.0;
    }
    const double half[3] = {0.5 * (double)(g->dim[2] - 1) * g->spacing_mm[2],
                            0.5 * (double)(g->dim[1] - 1) * g->spacing_mm[1],
                            0.5 * (double)(g->dim[0] - 1) * g->spacing_mm[0]};
    f->middle_mm[0] = ph->low_mm[0] + half[0];
    f->middle_mm[1] = ph->low_mm[1] - half[1]; /* y grows to the back */
    f->middle_mm[2] = ph->low_mm[2] + half[2];
    turn_matrix(f->turn_rad, turn);
    /* index z y x from index z y x: through left, front, up, of which y counts backwards */
    static const int axis_of[3] = {2, 1, 0}; /* of z, y, x among left, front, up */
    for (int a = 0; a < 3; a++) {
        int const to = axis_of[a];
        double const sign = to == 1 ? -1.0 : 1.0, low = ph->low_mm[to];
        double rest = f->middle_mm[to];
        for (int b = 0; b < 3; b++) {
            int const from = axis_of[b];
            double const step = (from == 1 ? -1.0 : 1.0) * g->spacing_mm[b]; /* mm a voxel of b along `from` */
            back[a][b] = turn[from][to] * step * sign / g->spacing_mm[a];    /* the turn's transpose */
            rest += turn[from][to] * (ph->low_mm[from] - f->middle_mm[from] - f->shift_mm[from]);
        }
        back[a][3] = (rest - low) * sign / g->spacing_mm[a];
    }
    float *suv = moved_from(ph, ph->suv, true, (const double(*)[4])back);
    uint8_t *organ = moved_from(ph, ph->organ, false, (const double(*)[4])back);
    uint8_t *lesion = moved_from(ph, ph->lesion, false, (const double(*)[4])back);
    free(ph->suv);
    free(ph->organ);
    free(ph->lesion);
    ph->suv = suv;
    ph->organ = organ;
    ph->lesion = lesion;
}

void follow_place(const struct point *at, const struct follow_up *moved, double ras_mm[3])
{
    const double body[3] = {at->left, at->front, at->up};
    double mm[3], turn[3][3];
    memcpy(mm, body, sizeof mm);
    if (moved != NULL) {
        turn_matrix(moved->turn_rad, turn);
        for (int a = 0; a < 3; a++) {
            mm[a] = moved->middle_mm[a] + moved->shift_mm[a];
            for (int b = 0; b < 3; b++)
                mm[a] += turn[a][b] * (body[b] - moved->middle_mm[b]);
        }
    }
    ras_mm[0] = -mm[0];
    ras_mm[1] = mm[1];
    ras_mm[2] = mm[2];
}

/* ---- the truth ---- */

static void print_place(FILE *to, const struct lesion *l, const struct follow_up *moved)
{
    double ras[3];
    if (l == NULL) {
        fputs("\t\t\t", to);
        return;
    }
    follow_place(&l->centre, moved, ras);
    fprintf(to, "\t%.2f\t%.2f\t%.2f", ras[0], ras[1], ras[2]);
}

int follow_write(const char *dir, const struct follow_up *f, const struct lesion *earlier, struct error *e)
{
    struct publish out;
    char *path = path_join(dir, "followup.tsv");
    int rc = publish_open(&out, path, e);
    free(path);
    if (rc < 0)
        return -1;
    fprintf(out.to, "# SIMULATED follow-up: what became of each lesion; rows: among the lesions of both regions.tsv, "
                    "from 1; places: mm RAS of the middle\n");
    fprintf(out.to,
            "# the patient was moved by %.2f %.2f %.2f mm (left, front, up) and turned by %.3f %.3f %.3f degrees\n",
            f->shift_mm[0], f->shift_mm[1], f->shift_mm[2], f->turn_rad[0] * 180.0 / acos(-1.0),
            f->turn_rad[1] * 180.0 / acos(-1.0), f->turn_rad[2] * 180.0 / acos(-1.0));
    fprintf(out.to, "fate\tearlier\tlater\tdiameter_factor\tsuv_factor\tearlier_x\tearlier_y\tearlier_z\tlater_"
                    "x\tlater_y\tlater_z\n");
    for (size_t i = 0; i < f->followed_count; i++) {
        const struct followed *row = &f->followed[i];
        fprintf(out.to, "%s\t%zu\t%zu\t%.3f\t%.3f", fate_name[row->fate], row->earlier, row->later,
                row->diameter_factor, row->suv_factor);
        print_place(out.to, row->earlier ? &earlier[row->earlier - 1] : NULL, NULL);
        print_place(out.to, row->later ? &f->lesion[row->later - 1] : NULL, f);
        fputc('\n', out.to);
    }
    return publish_commit(&out, e);
}
