/* SPDX-License-Identifier: Apache-2.0 */
/* regions -- components and their properties, and another grid: how long ours takes.   tests/bench
 *
 *     regions make FILE                        400 x 400 x 326 float32, z slowest: air, a body of noise below SUV 4, and 103 ellipsoids above
 *                                              it, 3 to 20 mm each way, none touching another
 *     regions components FILE [REPEAT]         all that petrel-roi does with roi_method = fixed and fixed_suv = 4: the body, components (26), their properties
 *     regions resample FILE [REPEAT]           linearly to 3 x 3 x 3 mm, as petrel-suv does it
 * The voxels are in memory when the clock starts. The fastest of REPEAT. cpu_s is the processor's time, which other work on the machine
 * lengthens less. */
#include "common/file.h"
#include "common/rng.h"
#include "stages/roi/method.h"
#include "stages/roi/property.h"
#include "stages/suv/suv.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DEPTH = 326, HEIGHT = 400, WIDTH = 400, PLANE = HEIGHT * WIDTH, REGIONS = 103 };
static const double spacing_mm[3] = {3, 2.036, 2.036};
static const float least_suv = 4;

static void body_draw(float *voxel)
{
    for (int z = 0; z < DEPTH; z++) {
        struct rng r = rng_make(1, RNG_TEST, (uint64_t)z);
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                double dy = (y - 200) / 70.0, dx = (x - 200) / 100.0;
                if (z >= 2 && z < DEPTH - 2 && dy * dy + dx * dx < 1)
                    voxel[(size_t)z * PLANE + (size_t)(y * WIDTH + x)] = 0.3F + 3.6F * rng_uniform(&r);
            }
    }
}

struct ellipsoid {
    double centre[3], radius[3];
}; /* voxels */

static bool ellipsoid_draw(struct rng *r, struct ellipsoid *all, int count)
{
    struct ellipsoid *e = &all[count];
    static const double low[3] = {12, 152, 130}, high[3] = {DEPTH - 12, 248, 270};
    for (int a = 0; a < 3; a++) {
        e->radius[a] = 3 * pow(20.0 / 3, pow(rng_range(r, 0, 1), 2)) / spacing_mm[a];
        e->centre[a] = rng_range(r, low[a], high[a]);
    }
    for (int i = 0; i < count; i++) {
        bool apart = false;
        for (int a = 0; a < 3; a++)
            apart |= fabs(e->centre[a] - all[i].centre[a]) > e->radius[a] + all[i].radius[a] + 2;
        if (!apart)
            return false;
    }
    return true;
}

static void ellipsoid_fill(const struct ellipsoid *e, struct rng *r, float *voxel)
{
    int64_t low[3], high[3];
    for (int a = 0; a < 3; a++)
        low[a] = (int64_t)ceil(e->centre[a] - e->radius[a]), high[a] = (int64_t)floor(e->centre[a] + e->radius[a]);
    for (int64_t z = low[0]; z <= high[0]; z++)
        for (int64_t y = low[1]; y <= high[1]; y++)
            for (int64_t x = low[2]; x <= high[2]; x++) {
                double dz = ((double)z - e->centre[0]) / e->radius[0], dy = ((double)y - e->centre[1]) / e->radius[1],
                       dx = ((double)x - e->centre[2]) / e->radius[2];
                if (dz * dz + dy * dy + dx * dx <= 1)
                    voxel[z * PLANE + y * WIDTH + x] = least_suv + 10 * rng_uniform(r);
            }
}

static void make(const char *path)
{
    float *voxel = xalloc((size_t)DEPTH * PLANE, sizeof *voxel);
    struct ellipsoid all[REGIONS];
    struct rng r = rng_make(1, RNG_TEST, DEPTH);
    body_draw(voxel);
    for (int count = 0; count < REGIONS;)
        if (ellipsoid_draw(&r, all, count))
            ellipsoid_fill(&all[count++], &r, voxel);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(voxel, PLANE * sizeof *voxel, DEPTH, f) != DEPTH || fclose(f))
        die(EX_CANTCREAT, "cannot write '%s'", path);
    free(voxel);
}

static void volume_read(const char *path, struct volume *v)
{
    memset(v, 0, sizeof *v);
    grid_set(&v->grid, (int64_t[]){DEPTH, HEIGHT, WIDTH}, spacing_mm, (double[]){407, 407, 0});
    v->voxel = xalloc_aligned(grid_voxels(&v->grid), sizeof *v->voxel);
    FILE *f = fopen(path, "rb");
    if (!f || fread(v->voxel, PLANE * sizeof *v->voxel, DEPTH, f) != DEPTH)
        die(EX_NOINPUT, "cannot read '%s': regions make writes it", path);
    fclose(f);
}

/* What petrel-roi does with roi_method = fixed, from the volume to every region's row. */
static void components(struct volume *v, char *what, size_t room)
{
    struct error e = {0};
    struct crop body;
    struct found found = {0};
    struct liver liver = {0};
    struct ball ball;
    struct recipe r;
    int64_t voxels = 0;
    double oriented = 0;
    recipe_defaults(&r);
    r.roi_method = "fixed", r.fixed_suv = (double)least_suv, r.region_min_ml = 0;
    if (body_crop(v, r.body_air_suv, r.body_share, &body, &e))
        die_of(&e);
    method_find(v, &body, &r, 0, &liver, &found);
    ball_make(&ball, v->grid.spacing_mm);
    for (uint32_t i = 0; i < found.extents.count; i++) {
        struct region region;
        region_measure(v, &found.extents, i, body.low, &ball, false, &region);
        voxels += region.voxels;
        oriented += (double)region.position[POSITION_ORIENTED_MM][3];
    }
    snprintf(what, room, "regions=%u voxels=%lld longest_mm=%.2f", found.extents.count, (long long)voxels,
             oriented / fmax(1, found.extents.count));
    ball_free(&ball);
    found_free(&found);
    crop_free(&body);
}

static void resample(struct volume *v, char *what, size_t room)
{
    struct error e = {0};
    if (volume_resample(v, (double[]){3, 3, 3}, &e) < 0)
        die_of(&e);
    double sum = 0;
    for (size_t i = 0; i < grid_voxels(&v->grid); i += 97)
        sum += (double)v->voxel[i];
    snprintf(what, room, "shape=%lldx%lldx%lld sum=%.7g", (long long)v->grid.dim[0], (long long)v->grid.dim[1],
             (long long)v->grid.dim[2], sum);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(struct volume *, char *, size_t);
    } tasks[] = {{"components", components}, {"resample", resample}};
    program_name_set("bench regions");
    if (argc == 3 && strcmp(argv[1], "make") == 0) {
        make(argv[2]);
        return 0;
    }
    for (size_t t = 0; t < COUNT_OF(tasks) && argc >= 3; t++) {
        if (strcmp(argv[1], tasks[t].name) != 0)
            continue;
        double best = HUGE_VAL, best_cpu = HUGE_VAL;
        char what[160];
        for (int i = argc > 3 ? atoi(argv[3]) : 1; i > 0; i--) {
            struct volume v;
            volume_read(argv[2], &v);
            double begun_s = now_s(), begun_cpu_s = (double)clock() / CLOCKS_PER_SEC;
            tasks[t].run(&v, what, sizeof what);
            best = fmin(best, now_s() - begun_s);
            best_cpu = fmin(best_cpu, (double)clock() / CLOCKS_PER_SEC - begun_cpu_s);
            volume_free(&v);
        }
        printf("run_s=%.4f cpu_s=%.4f %s\n", best, best_cpu, what);
        return 0;
    }
    die(EX_USAGE, "regions make FILE | regions components|resample FILE [REPEAT]");
}
