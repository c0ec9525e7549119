/* SPDX-License-Identifier: Apache-2.0 */
/* roi_regions -- a whole scan through: boxes, labels, overlap, pictures; IBSI's phantom and lesions where they are.   tests/unit */
#include "common/gzip.h"
#include "stages/roi/box.h"
#include "stages/roi/eigen3.h"
#include "stages/roi/method.h"
#include "stages/roi/mip.h"
#include "stages/roi/position.h"
#include "stages/roi/property.h"
#include "stages/roi/regions.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { D = 40, H = 48, W = 56 };

/* A body of muscle and fat with a liver, a bladder, a lesion in the middle and one in the first slices. */
struct blob {
    double z, y, x, radius, suv;
};
static const struct blob blobs[] = {{26, 24, 20, 7, 2.3}, {8, 24, 28, 4, 30}, {30, 30, 42, 3.2, 7}, {1, 20, 14, 2.5, 6}};
enum { LIVER, BLADDER, LESION, LOW_LESION };

static double blob_r2(const struct blob *b, int z, int y, int x)
{
    return ((z - b->z) * (z - b->z) + (y - b->y) * (y - b->y) + (x - b->x) * (x - b->x)) / (b->radius * b->radius);
}

static struct volume make_scan(void)
{
    struct volume v = {0};
    const int64_t dim[3] = {D, H, W};
    const double spacing[3] = {4, 4, 4}, origin[3] = {112, 96, -300};
    grid_set(&v.grid, dim, spacing, origin);
    v.voxel = xalloc(grid_voxels(&v.grid), sizeof *v.voxel);
    v.mask = xalloc(grid_voxels(&v.grid), 1);
    uint32_t random = 7;
    for (int z = 0; z < D; z++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                double body = pow((y - 24) / 18.0, 2) + pow((x - 28) / 24.0, 2), suv = body < 0.8 ? 0.7
                                                                                       : body < 1 ? 0.3
                                                                                                  : 0.01;
                size_t at = grid_at(&v.grid, z, y, x);
                for (size_t b = 0; b < COUNT_OF(blobs); b++)
                    suv = fmax(suv, blobs[b].suv * fmin(1, exp(-1.5 * (blob_r2(&blobs[b], z, y, x) - 0.5))));
                random = random * 1664525u + 1013904223u;
                v.voxel[at] = (float)(suv * (0.95 + 0.1 * (random >> 8) / 16777216.0));
                v.mask[at] = blob_r2(&blobs[LESION], z, y, x) <= 1 || blob_r2(&blobs[LOW_LESION], z, y, x) <= 1;
            }
    return v;
}

static const struct region *region_at(const struct regions_message *m, const struct blob *b)
{
    for (size_t i = 0; i < m->count; i++)
        if (fabs(m->region[i].centroid[0] - b->z) < 2 && fabs(m->region[i].centroid[1] - b->y) < 2 &&
            fabs(m->region[i].centroid[2] - b->x) < 2)
            return &m->region[i];
    return NULL;
}

/* What must hold of every message, whatever the method. */
static void check_message(const struct volume *v, const struct regions_message *m)
{
    struct error e = {0};
    size_t voxels = grid_voxels(&v->grid);
    uint32_t *label = xalloc(voxels, sizeof *label);
    assert_int_equal(labels_decode(&m->label_runs, label, voxels, &e), 0);
    double hottest = 0;
    for (size_t i = 0; i < voxels; i++)
        hottest = fmax(hottest, (double)v->voxel[i]);
    for (size_t i = 0; i < m->count; i++) {
        const struct region *r = &m->region[i];
        int64_t count = 0, in_truth = 0, in_box = 0;
        double sum = 0, centroid[3] = {0}, max = 0;
        assert_int_equal(r->component, i + 1);
        for (int64_t z = 0; z < v->grid.dim[0]; z++)
            for (int64_t y = 0; y < v->grid.dim[1]; y++)
                for (int64_t x = 0; x < v->grid.dim[2]; x++) {
                    size_t at = grid_at(&v->grid, z, y, x);
                    if (label[at] != (uint32_t)r->component)
                        continue;
                    assert_true(z >= r->low[0] && z <= r->high[0] && y >= r->low[1] && y <= r->high[1] &&
                                x >= r->low[2] && x <= r->high[2]);
                    count++;
                    in_box += z >= r->box_low[0] && z < r->box_low[0] + BOX_SIDE && y >= r->box_low[1] &&
                              y < r->box_low[1] + BOX_SIDE && x >= r->box_low[2] && x < r->box_low[2] + BOX_SIDE;
                    sum += (double)v->voxel[at];
                    max = fmax(max, (double)v->voxel[at]);
                    centroid[0] += (double)z, centroid[1] += (double)y, centroid[2] += (double)x;
                    in_truth += v->mask ? v->mask[at] : 0;
                }
        assert_int_equal(count, r->voxels);
        assert_true(fabs(r->in_box - (double)in_box / (double)count) < 1e-12);
        assert_true(fabs(sum / (double)count - r->suv_mean) < 1e-6 && max == r->suv_max);
        /* the sphere may reach beyond the region, into what is hotter beside it */
        assert_true(r->suv_peak <= hottest * (1 + 1e-9) && r->suv_peak > 0);
        assert_true(fabs(r->ml - (double)count * grid_voxel_ml(&v->grid)) < 1e-9);
        double mm[3];
        for (int a = 0; a < 3; a++) {
            assert_true(fabs(centroid[a] / (double)count - r->centroid[a]) < 1e-9);
            assert_int_equal(r->box_low[a], (int)floor(r->centroid[a] + 0.5) - 8);
        }
        grid_to_mm(&v->grid, r->centroid, mm);
        assert_memory_equal(mm, r->centroid_mm, sizeof mm);
        if (v->mask)
            assert_true(fabs(r->overlap - (double)in_truth / (double)count) < 1e-12);
        for (int f = 0; f < POSITION_FORMS; f++)
            for (int k = 0; k < POSITION_SIZE; k++)
                assert_true(isfinite(r->position[f][k]));
        const float *box = m->box + i * (size_t)m->channels * BOX_VOXELS, *ct = box + BOX_VOXELS;
        bool outside_any = false;
        for (int z = 0; z < BOX_SIDE; z++)
            for (int y = 0; y < BOX_SIDE; y++)
                for (int x = 0; x < BOX_SIDE; x++) {
                    int64_t p[3] = {z + r->box_low[0], y + r->box_low[1], x + r->box_low[2]};
                    bool outside = false;
                    for (int a = 0; a < 3; a++)
                        outside |= p[a] < 0 || p[a] >= v->grid.dim[a];
                    outside_any |= outside;
                    size_t at = (size_t)((z * BOX_SIDE + y) * BOX_SIDE + x);
                    assert_true(box[at] == (outside ? 0 : v->voxel[grid_at(&v->grid, p[0], p[1], p[2])]));
                    assert_true(m->channels == 1 ||
                                ct[at] == (float)(outside ? -1024 : v->ct[grid_at(&v->grid, p[0], p[1], p[2])]));
                }
        assert_int_equal(r->clipped, outside_any);
    }
    for (size_t i = 0; i < voxels; i++)
        assert_true(label[i] <= m->count);
    free(label);
}

static void test_fcm_scan(void **state)
{
    (void)state;
    struct volume v = make_scan();
    struct recipe r;
    struct regions_message m, again;
    struct regions_summary s;
    struct error e = {0};
    recipe_defaults(&r);
    assert_int_equal(regions_find(&v, &r, NULL, &m, &s, &e), 0);
    check_message(&v, &m);
    const struct region *bladder = region_at(&m, &blobs[BLADDER]), *lesion = region_at(&m, &blobs[LESION]),
                        *low = region_at(&m, &blobs[LOW_LESION]);
    assert_non_null(bladder);
    assert_non_null(lesion);
    assert_non_null(low);
    assert_int_equal(bladder->label, 0);
    assert_int_equal(lesion->label, 1);
    assert_int_equal(low->label, 1);
    assert_int_equal(lesion->clipped, 0);
    assert_int_equal(low->clipped, 1);
    assert_true(lesion->overlap > 0.7);
    assert_int_equal(s.regions, m.count);
    assert_int_equal(s.tumours, 2);

    assert_int_equal(regions_find(&v, &r, NULL, &again, &s, &e), 0);
    assert_int_equal(again.count, m.count);
    assert_memory_equal(again.box, m.box, m.count * BOX_VOXELS * sizeof *m.box);
    assert_int_equal(again.label_runs.size, m.label_runs.size);
    assert_memory_equal(again.label_runs.data, m.label_runs.data, m.label_runs.size);
    for (size_t i = 0; i < m.count; i++)
        assert_memory_equal(again.region[i].position, m.region[i].position, sizeof m.region[i].position);
    regions_message_free(&again);

    r.border = "drop";
    assert_int_equal(regions_find(&v, &r, NULL, &again, &s, &e), 0);
    check_message(&v, &again);
    assert_true(again.count < m.count);
    assert_null(region_at(&again, &blobs[LOW_LESION]));
    assert_non_null(region_at(&again, &blobs[LESION]));
    assert_int_equal(s.clipped, 0);
    regions_message_free(&again);

    r.border = "touch"; /* those that merely reach the last voxel go, too */
    r.box_centre = "truncate";
    assert_int_equal(regions_find(&v, &r, NULL, &again, &s, &e), 0);
    for (size_t i = 0; i < again.count; i++)
        for (int a = 0; a < 3; a++) {
            assert_true(again.region[i].box_low[a] + BOX_SIDE < v.grid.dim[a]);
            assert_int_equal(again.region[i].box_low[a], (int)again.region[i].centroid[a] - BOX_SIDE / 2);
        }
    regions_message_free(&again);
    r.box_centre = "round";
    regions_message_free(&m);

    static const int32_t inside[3] = {0, 4, 7}, reaches[3] = {0, 4, 8};
    assert_false(box_reaches_end(inside, (const int64_t[3]){17, 21, 24}));
    assert_true(box_reaches_end(reaches, (const int64_t[3]){17, 21, 24}));

    free(v.mask);
    v.mask = NULL;
    r.border = "keep";
    r.region_min_ml = 1e5; /* nothing is that large */
    assert_int_equal(regions_find(&v, &r, NULL, &m, &s, &e), 0);
    assert_int_equal(m.count, 0);
    check_message(&v, &m);
    regions_message_free(&m);
    r.region_min_ml = 0;
    assert_int_equal(regions_find(&v, &r, NULL, &m, &s, &e), 0);
    assert_true(m.count >= 3);
    assert_int_equal(m.region[0].label, -1);
    assert_true(isnan(m.region[0].overlap));
    regions_message_free(&m);
    free(v.voxel);
}

static void test_other_methods(void **state)
{
    (void)state;
    struct volume v = make_scan();
    struct recipe r;
    struct regions_message m;
    struct regions_summary s;
    struct error e = {0};
    recipe_defaults(&r);
    r.roi_method = "fixed";
    assert_int_equal(regions_find(&v, &r, NULL, &m, &s, &e), 0);
    check_message(&v, &m);
    assert_int_equal(m.count, 3);
    size_t hot = 0;
    int64_t found = 0;
    for (size_t i = 0; i < grid_voxels(&v.grid); i++)
        hot += (double)v.voxel[i] >= r.fixed_suv;
    for (size_t i = 0; i < m.count; i++)
        found += m.region[i].voxels;
    assert_int_equal(found, hot);
    regions_message_free(&m);

    r.roi_method = "relative";
    assert_int_equal(regions_find(&v, &r, NULL, &m, &s, &e), 0);
    check_message(&v, &m);
    const struct region *lesion = region_at(&m, &blobs[LESION]);
    assert_non_null(lesion);
    assert_int_equal(lesion->label, 1);
    regions_message_free(&m);

    volume_free(&v);
}

static void test_empty_scan(void **state)
{
    (void)state;
    struct volume v = {0};
    const int64_t dim[3] = {3, 1, 5};
    const double spacing[3] = {4, 4, 4}, origin[3] = {0};
    struct recipe r;
    struct regions_message m;
    struct regions_summary s;
    struct error e = {0};
    grid_set(&v.grid, dim, spacing, origin);
    v.voxel = xalloc(15, sizeof *v.voxel);
    recipe_defaults(&r);
    static const char *const methods[] = {"fcm", "fixed", "relative"}; /* percist: roi_organ.c */
    for (size_t k = 0; k < COUNT_OF(methods); k++) {
        r.roi_method = methods[k];
        for (int hot = 0; hot < 2; hot++) { /* nothing, then one single voxel that is the body */
            v.voxel[7] = hot ? 9 : 0;
            r.region_min_ml = 0;
            assert_int_equal(regions_find(&v, &r, NULL, &m, &s, &e), 0);
            assert_int_equal(m.count, hot && k > 0); /* one value makes no two clusters */
            check_message(&v, &m);
            regions_message_free(&m);
        }
    }
    volume_free(&v);
}

/* With the CT, everything of the PET is as it was without. */
static void test_a_second_channel(void **state)
{
    (void)state;
    struct volume v = make_scan();
    struct recipe r;
    struct regions_message one, two;
    struct regions_summary s;
    struct error e = {0};
    recipe_defaults(&r);
    v.ct = xalloc(grid_voxels(&v.grid), sizeof *v.ct);
    for (size_t i = 0; i < grid_voxels(&v.grid); i++)
        v.ct[i] = (int16_t)(i * 7919 % 4000) - 1000;
    assert_int_equal(regions_find(&v, &r, NULL, &one, &s, &e), 0); /* channels = pet: a CT that is there is left alone */
    assert_int_equal(one.channels, 1);
    r.channels = "pet,ct";
    assert_int_equal(regions_find(&v, &r, NULL, &two, &s, &e), 0);
    check_message(&v, &two);
    assert_int_equal(two.channels, 2);
    assert_int_equal(two.count, one.count);
    assert_true(one.count >= 3);
    assert_memory_equal(one.region, two.region, one.count * sizeof *one.region);
    assert_memory_equal(one.mip, two.mip, (size_t)(one.mip_angles * one.mip_height * one.mip_width));
    for (size_t i = 0; i < one.count; i++)
        assert_memory_equal(one.box + i * BOX_VOXELS, two.box + 2 * i * BOX_VOXELS, BOX_VOXELS * sizeof *one.box);
    regions_message_free(&one);
    regions_message_free(&two);
    free(v.ct);
    v.ct = NULL;
    assert_int_equal(regions_find(&v, &r, NULL, &two, &s, &e), -1);
    assert_string_equal(e.text, "it came without a CT, but channels = pet,ct: give petrel-load the same --channels");
    volume_free(&v);
}

static void test_box_at_every_border(void **state)
{
    (void)state;
    struct volume v = {0};
    const int64_t dim[3] = {5, 20, 3};
    const double spacing[3] = {1, 1, 1}, origin[3] = {0};
    float box[BOX_VOXELS];
    int32_t low[3];
    const double centroid[3] = {2.5, 10.49, 0.5};
    grid_set(&v.grid, dim, spacing, origin);
    v.voxel = xalloc(300, sizeof *v.voxel);
    for (int i = 0; i < 300; i++)
        v.voxel[i] = (float)(i + 1);
    box_place(centroid, true, low); /* 10.49 and 0.5 stay below, 2.5 comes down */
    assert_int_equal(low[0], -6);
    assert_int_equal(low[1], 2);
    assert_int_equal(low[2], -8);
    box_place(centroid, false, low);
    assert_int_equal(low[0], -5);
    assert_int_equal(low[1], 2);
    assert_int_equal(low[2], -7);
    assert_true(box_crop(&v, low, 1, box));
    assert_true(box[(5 * 16 + 0) * 16 + 7] == v.voxel[grid_at(&v.grid, 0, 2, 0)]);
    assert_true(box[(9 * 16 + 15) * 16 + 9] == v.voxel[grid_at(&v.grid, 4, 17, 2)]);
    double sum = 0, want = 0;
    for (int i = 0; i < BOX_VOXELS; i++)
        sum += (double)box[i];
    for (int z = 0; z < 5; z++)
        for (int y = 2; y < 18; y++)
            for (int x = 0; x < 3; x++)
                want += (double)v.voxel[grid_at(&v.grid, z, y, x)];
    assert_true(sum == want);
    int32_t away[3] = {100, -90, 4};
    assert_true(box_crop(&v, away, 1, box));
    for (int i = 0; i < BOX_VOXELS; i++)
        assert_true(box[i] == 0);
    free(v.voxel);
}

/* A hot voxel in front on the left: on the right of the front view, at the head's side; 6 views on (a quarter turn) in the middle. */
static void test_mip(void **state)
{
    (void)state;
    const double spacing[3] = {4, 4, 4};
    struct crop c = {.dim = {10, 21, 31}};
    struct mip m;
    c.suv = xalloc(10 * 21 * 31, sizeof *c.suv);
    c.suv[(8 * 21 + 10) * 31 + 25] = 5; /* z 8 of 0..9, y in the middle, x 10 left of the middle */
    c.suv[(2 * 21 + 10) * 31 + 15] = 20;
    mip_make(&c, spacing, &m);
    assert_int_equal(m.angles, 24);
    assert_int_equal(m.height, 10);
    assert_true(m.mm == 4);
#define M(a, row, u) m.image[((a)*m.height + (row)) * m.width + (u)]
    int middle = m.width / 2;
    assert_int_equal(M(0, 1, middle + 10), 128);
    assert_int_equal(M(12, 1, middle - 10), 128);
    assert_int_equal(M(6, 1, middle), 128);
    for (int a = 0; a < 24; a++) {
        int grey = 0;
        for (int u = 0; u < m.width; u++)
            grey += M(a, 1, u);
        assert_int_equal(grey, 128);
        assert_int_equal(M(a, 7, middle), 255);
    }
#undef M
    free(m.image);
    free(c.suv);
}

/* NIfTI-1 by hand, enough for IBSI's files: dim, datatype (4 int16, 2 uint8, 16 float32), voxels at 352. */
static void *read_ibsi(const char *folder, const char *name, struct grid *g)
{
    struct buffer b;
    struct error e = {0};
    const char *data = getenv("PETREL_DATA");
    if (!data)
        return NULL;
    char *path = xprintf("%s/%s/%s", data, folder, name);
    int failed = gzip_read(path, 100 << 20, &b, &e);
    free(path);
    if (failed)
        return NULL;
    int16_t dim[8], type;
    float pixdim[8];
    memcpy(dim, b.data + 40, sizeof dim);
    memcpy(&type, b.data + 70, sizeof type);
    memcpy(pixdim, b.data + 76, sizeof pixdim);
    const int64_t d[3] = {dim[3], dim[2], dim[1]};
    const double spacing[3] = {(double)pixdim[3], (double)pixdim[2], (double)pixdim[1]}, origin[3] = {0};
    grid_set(g, d, spacing, origin);
    size_t voxels = grid_voxels(g);
    float *out = xalloc(voxels, sizeof *out);
    for (size_t i = 0; i < voxels; i++) {
        int16_t whole;
        if (type == 16)
            memcpy(&out[i], b.data + 352 + 4 * i, 4);
        else if (type == 4)
            memcpy(&whole, b.data + 352 + 2 * i, 2), out[i] = whole;
        else
            out[i] = b.data[352 + i];
    }
    buffer_free(&b);
    return out;
}

static uint8_t *as_mask(float *v, size_t voxels)
{
    uint8_t *mask = xalloc(voxels, 1);
    for (size_t i = 0; i < voxels; i++)
        mask[i] = v[i] > 0;
    free(v);
    return mask;
}

/* Published: volume by voxel counting 592, mean 2.15, maximum 6, global intensity peak 3.1, principal axes 4 sqrt(lambda)
 * 11.4, 9.31, 8.54 (tolerances 0.1, 0.06, 0.05). */
static void test_ibsi_phantom(void **state)
{
    (void)state;
    struct volume v = {0};
    struct grid g;
    v.voxel = read_ibsi("ibsi_digital_phantom", "nifti_image_phantom.nii.gz", &v.grid);
    float *truth = read_ibsi("ibsi_digital_phantom", "nifti_mask_mask.nii.gz", &g);
    if (!v.voxel || !truth) {
        print_message("no IBSI digital phantom under $PETREL_DATA\n");
        skip();
    }
    uint8_t *mask = as_mask(truth, grid_voxels(&g));
    uint32_t *label = xalloc(grid_voxels(&g), sizeof *label);
    for (size_t i = 0; i < grid_voxels(&g); i++)
        label[i] = mask[i];
    struct labels l;
    struct extents x;
    struct ball ball;
    struct region r;
    struct moments m;
    const int64_t origin[3] = {0};
    labels_of(&l, label, g.dim, 1);
    extents_of(&x, &l);
    labels_free(&l);
    ball_make(&ball, g.spacing_mm);
    region_measure(&v, &x, 0, origin, &ball, false, &r);
    assert_int_equal(r.voxels, 74);
    assert_true(fabs(r.ml * 1000 - 592) < 1e-6);
    assert_true(fabs(r.suv_mean - 2.15) < 0.005);
    assert_true(r.suv_max == 6);
    assert_true(fabs(r.suv_peak - 3.1) < 0.05);
    double value[3], vector[3][3];
    moments_of(&x, 0, origin, &m);
    eigen3(m.second, value, vector);
    double unbiased_mm = 2 * sqrt(74 / 73.0); /* voxels of 2 mm, and IBSI divides by n - 1 */
    assert_true(fabs(4 * unbiased_mm * sqrt(value[2]) - 11.4) <= 0.1);
    assert_true(fabs(4 * unbiased_mm * sqrt(value[1]) - 9.31) <= 0.06);
    assert_true(fabs(4 * unbiased_mm * sqrt(value[0]) - 8.54) <= 0.05);
    ball_free(&ball);
    extents_free(&x);
    free(label);
    free(mask);
    free(v.voxel);
}

/* Real lesions, already in SUV: soft-tissue sarcomas with a good uptake come out as regions labelled tumour. */
static void test_ibsi_lesions(void **state)
{
    (void)state;
    static const char *const patients[] = {"001", "002", "005", "011", "014", "032", "035"};
    for (size_t i = 0; i < COUNT_OF(patients); i++) {
        struct volume v = {0};
        struct grid g;
        char name[64];
        struct recipe r;
        struct regions_message m;
        struct regions_summary s;
        struct error e = {0};
        format_into(name, sizeof name, "STS_%s_PET_image.nii.gz", patients[i]);
        v.voxel = read_ibsi("ibsi_suv_nifti", name, &v.grid);
        format_into(name, sizeof name, "STS_%s_PET_mask.nii.gz", patients[i]);
        float *truth = read_ibsi("ibsi_suv_nifti", name, &g);
        if (!v.voxel || !truth) {
            print_message("no IBSI lesions under $PETREL_DATA\n");
            skip();
        }
        v.mask = as_mask(truth, grid_voxels(&g));
        recipe_defaults(&r);
        assert_int_equal(regions_find(&v, &r, NULL, &m, &s, &e), 0);
        if (!s.tumours)
            fail_msg("no region of patient %s is a tumour", patients[i]);
        check_message(&v, &m);
        regions_message_free(&m);
        volume_free(&v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fcm_scan),
        cmocka_unit_test(test_other_methods),
        cmocka_unit_test(test_empty_scan),
        cmocka_unit_test(test_a_second_channel),
        cmocka_unit_test(test_box_at_every_border),
        cmocka_unit_test(test_mip),
        cmocka_unit_test(test_ibsi_phantom),
        cmocka_unit_test(test_ibsi_lesions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
