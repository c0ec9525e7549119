/* SPDX-License-Identifier: Apache-2.0 */
/* cells -- a scan small enough to lie in a page: the body's box in cells of whole voxels, as pictures.   result -> [cells] -> page */
#include "stages/classify/cells.h"
#include "common/map_runs.h"
#include "stages/base64.h"
#include "stages/picture.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct cells {
    int64_t low[3], dim[3], factor[3], across; /* first voxel; cells; voxels a cell; slices in a row of the picture */
};

/* Voxels of tissue and above: what is shown. The whole where there is none. */
static void bounds(const struct volume *v, const struct references *f, int64_t low[3], int64_t high[3])
{
    static const float tissue = 0.2F;
    const int64_t *dim = v->grid.dim;
    int64_t const first = isfinite(f->body_low) ? (int64_t)f->body_low : 0,
                  last = isfinite(f->body_high) ? (int64_t)f->body_high : dim[0] - 1;
    int64_t least[3] = {first, dim[1], dim[2]}, most[3] = {last, -1, -1};
    for (int64_t z = first; z <= last; z++)
        for (int64_t y = 0; y < dim[1]; y++) {
            const float *row = v->voxel + grid_at(&v->grid, z, y, 0);
            int64_t a = 0, b = dim[2] - 1;
            while (a <= b && !(row[a] > tissue))
                a++;
            while (b > a && !(row[b] > tissue))
                b--;
            if (a > b)
                continue;
            least[1] = y < least[1] ? y : least[1], most[1] = y > most[1] ? y : most[1];
            least[2] = a < least[2] ? a : least[2], most[2] = b > most[2] ? b : most[2];
        }
    for (int k = 0; k < 3; k++) {
        low[k] = most[k] < 0 ? 0 : least[k];
        high[k] = most[k] < 0 ? dim[k] - 1 : most[k];
    }
}

static struct cells cells_of(const struct volume *v, const struct references *f)
{
    struct cells c = {0};
    int64_t high[3], voxels[3];
    bounds(v, f, c.low, high);
    for (double mm = CELL_MM;; mm *= 1.1) {
        for (int a = 0; a < 3; a++) {
            voxels[a] = high[a] - c.low[a] + 1;
            c.factor[a] = (int64_t)fmax(1, floor(mm / v->grid.spacing_mm[a] + 0.5));
            c.dim[a] = (voxels[a] + c.factor[a] - 1) / c.factor[a];
        }
        if (c.dim[0] * c.dim[1] * c.dim[2] <= CELLS_MOST)
            break;
    }
    c.across = (int64_t)ceil(sqrt((double)c.dim[0] * (double)c.dim[1] / (double)c.dim[2]));
    return c;
}

static int64_t picture_width(const struct cells *c)
{
    return c->across * c->dim[2];
}

static int64_t picture_height(const struct cells *c)
{
    return (c->dim[0] + c->across - 1) / c->across * c->dim[1];
}

static size_t pixel(const struct cells *c, int64_t z, int64_t y, int64_t x)
{
    return (size_t)((z / c->across * c->dim[1] + y) * picture_width(c) + z % c->across * c->dim[2] + x);
}

/* Sums of a slice of cells, a row of voxels at a time. */
static void slice_sum(const struct volume *v, const struct cells *c, int64_t z, bool ct, double *sum, int *count)
{
    memset(sum, 0, (size_t)(c->dim[1] * c->dim[2]) * sizeof *sum);
    memset(count, 0, (size_t)(c->dim[1] * c->dim[2]) * sizeof *count);
    for (int64_t k = 0; k < c->factor[0]; k++) {
        int64_t const vz = c->low[0] + z * c->factor[0] + k;
        if (vz >= v->grid.dim[0])
            break;
        for (int64_t y = 0; y < c->dim[1] * c->factor[1] && c->low[1] + y < v->grid.dim[1]; y++) {
            size_t const from = grid_at(&v->grid, vz, c->low[1] + y, c->low[2]);
            double *out = sum + y / c->factor[1] * c->dim[2];
            int *n = count + y / c->factor[1] * c->dim[2];
            for (int64_t x = 0, cell = 0, within = 0; cell < c->dim[2] && c->low[2] + x < v->grid.dim[2]; x++) {
                out[cell] += ct ? (double)v->ct[from + (size_t)x] : (double)v->voxel[from + (size_t)x];
                n[cell]++;
                if (++within == c->factor[2])
                    within = 0, cell++;
            }
        }
    }
}

static uint8_t pet_byte(double suv)
{
    return suv > 0 ? (uint8_t)fmin(255, floor(255 * sqrt(suv / CELL_SUV) + 0.5)) : 0;
}

static uint8_t ct_byte(double hu)
{
    return (uint8_t)fmin(255, fmax(0, floor((hu + 200) * 255 / 500 + 0.5)));
}

static void put_picture(const char *name, const uint8_t *image, const struct cells *c, int colours, FILE *to)
{
    struct buffer png;
    png_encode(image, (int)picture_width(c), (int)picture_height(c), colours, &png);
    char *text = base64_of("data:image/png;base64,", png.data, png.size);
    fprintf(to, ",\"%s\":\"%s\"", name, text);
    free(text);
    buffer_free(&png);
}

static void put_image(const char *name, const struct volume *v, const struct cells *c, bool ct, FILE *to)
{
    size_t const plane = (size_t)(c->dim[1] * c->dim[2]);
    uint8_t *image = xalloc((size_t)(picture_width(c) * picture_height(c)), 1);
    double *sum = xalloc(plane, sizeof *sum);
    int *count = xalloc(plane, sizeof *count);
    for (int64_t z = 0; z < c->dim[0]; z++) {
        slice_sum(v, c, z, ct, sum, count);
        for (size_t i = 0; i < plane; i++) {
            double const mean = count[i] ? sum[i] / count[i] : 0;
            image[pixel(c, z, (int64_t)i / c->dim[2], (int64_t)i % c->dim[2])] = ct ? ct_byte(mean) : pet_byte(mean);
        }
    }
    put_picture(name, image, c, 1, to);
    free(count);
    free(sum);
    free(image);
}

/* Red and green are a number's low and high byte. */
static int put_labels(const struct regions_message *m, const struct cells *c, FILE *to, struct error *e)
{
    if (labels_decode(&m->label_runs, NULL, grid_voxels(&m->grid), e) < 0)
        return -1;
    uint8_t *image = xalloc((size_t)(picture_width(c) * picture_height(c)), 3);
    uint64_t at = 0;
    for (size_t i = 0; i < map_runs(&m->label_runs); i++) {
        struct map_run const run = map_run_at(&m->label_runs, i);
        for (uint32_t k = 0; run.value && k < run.length; k++) {
            int64_t const voxel = (int64_t)(at + k), W = m->grid.dim[2], H = m->grid.dim[1];
            int64_t const z = voxel / W / H - c->low[0], y = voxel / W % H - c->low[1], x = voxel % W - c->low[2];
            if (z < 0 || y < 0 || x < 0 || z / c->factor[0] >= c->dim[0] || y / c->factor[1] >= c->dim[1] ||
                x / c->factor[2] >= c->dim[2])
                continue;
            uint8_t *p = image + 3 * pixel(c, z / c->factor[0], y / c->factor[1], x / c->factor[2]);
            if (p[0] == 0 && p[1] == 0)
                p[0] = (uint8_t)run.value, p[1] = (uint8_t)(run.value >> 8);
        }
        at += run.length;
    }
    put_picture("label", image, c, 3, to);
    free(image);
    return 0;
}

int cells_json(const struct result *r, FILE *to, struct error *e)
{
    const struct volume *v = &r->regions->scan;
    if (!v->voxel) {
        fputs("null", to);
        return 0;
    }
    struct cells const c = cells_of(v, &r->regions->references);
    const double *mm = v->grid.spacing_mm;
    fprintf(to, "{\"dim\":[%lld,%lld,%lld],\"mm\":[%.6g,%.6g,%.6g],\"across\":%lld,\"suv\":%g", (long long)c.dim[0],
            (long long)c.dim[1], (long long)c.dim[2], mm[0] * (double)c.factor[0], mm[1] * (double)c.factor[1],
            mm[2] * (double)c.factor[2], (long long)c.across, CELL_SUV);
    fputs(",\"centre\":[", to); /* of each region, in cells */
    for (size_t i = 0; i < r->regions->count; i++) {
        const struct region *g = &r->regions->region[i];
        for (int a = 0; a < 3; a++)
            fprintf(to, "%s%.2f",
                    a   ? ","
                    : i ? ",["
                        : "[",
                    (g->centroid[a] - (double)c.low[a] + 0.5) / (double)c.factor[a] - 0.5);
        fputc(']', to);
    }
    fputc(']', to);
    put_image("pet", v, &c, false, to);
    if (v->ct)
        put_image("ct", v, &c, true, to);
    int const rc = put_labels(r->regions, &c, to, e);
    fputc('}', to);
    return rc;
}
