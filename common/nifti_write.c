/* SPDX-License-Identifier: Apache-2.0 */
/* nifti_write -- a grid and its voxels as a plain NIfTI-1 file.   common
 * Fields and offsets as in nifti1.h of the NIfTI-1.1 standard; written by hand, so that common/ needs no library and
 * every byte is known. */
#include "common/file.h"
#include "common/gzip.h"
#include "common/volume.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "voxels are written as they lie in memory, little endian");

enum { HEADER_BYTES = 352 /* 348, and 4 that say no extension follows */, GZIP_LEVEL = 4 };

static const struct {
    int code;
    size_t bytes;
} voxel_types[] = {{2, 1}, {4, 2}, {512, 2}, {16, 4}};

static void put_i16(uint8_t *header, size_t offset, int value)
{
    int16_t v = (int16_t)value;
    memcpy(header + offset, &v, sizeof v);
}

static void put_f32(uint8_t *header, size_t offset, double value)
{
    float v = (float)value;
    memcpy(header + offset, &v, sizeof v);
}

/* The unit quaternion of the grid's directions, b c d (a >= 0 follows), and qfac -1 where they are left-handed.
 * false: they are not at right angles, so only the sform can say where voxels lie. */
static bool grid_quaternion(const struct grid *g, double bcd[3], double *qfac)
{
    double r[3][3];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            r[i][j] = g->affine[i][j] / g->spacing_mm[2 - j];
    for (int j = 0; j < 3; j++)
        for (int k = 0; k <= j; k++) {
            double dot = r[0][j] * r[0][k] + r[1][j] * r[1][k] + r[2][j] * r[2][k];
            if (!(fabs(dot - (j == k)) < 1e-4))
                return false;
        }
    double det = r[0][0] * (r[1][1] * r[2][2] - r[1][2] * r[2][1]) - r[0][1] * (r[1][0] * r[2][2] - r[1][2] * r[2][0]) +
                 r[0][2] * (r[1][0] * r[2][1] - r[1][1] * r[2][0]);
    *qfac = det < 0 ? -1 : 1;
    for (int i = 0; i < 3; i++)
        r[i][2] *= *qfac;
    /* squares of the four parts; the largest is safe to divide by */
    double square[4] = {(1 + r[0][0] + r[1][1] + r[2][2]) / 4, (1 + r[0][0] - r[1][1] - r[2][2]) / 4,
                        (1 - r[0][0] + r[1][1] - r[2][2]) / 4, (1 - r[0][0] - r[1][1] + r[2][2]) / 4};
    int largest = 0;
    for (int i = 1; i < 4; i++)
        if (square[i] > square[largest])
            largest = i;
    double p = sqrt(square[largest]), q[4];
    /* sums and differences of opposite elements are 4 times the products of two parts */
    double product[4][4] = {{0, r[2][1] - r[1][2], r[0][2] - r[2][0], r[1][0] - r[0][1]},
                            {0, 0, r[0][1] + r[1][0], r[0][2] + r[2][0]},
                            {0, 0, 0, r[1][2] + r[2][1]},
                            {0}};
    for (int i = 0; i < 4; i++)
        q[i] = i == largest ? p : (i < largest ? product[i][largest] : product[largest][i]) / (4 * p);
    for (int i = 0; i < 3; i++)
        bcd[i] = q[0] < 0 ? -q[i + 1] : q[i + 1];
    return true;
}

static void fill_header(uint8_t header[HEADER_BYTES], const struct grid *g, int type, size_t bytes, const char *describe)
{
    memset(header, 0, HEADER_BYTES);
    const int32_t sizeof_hdr = 348;
    memcpy(header, &sizeof_hdr, sizeof sizeof_hdr);
    put_i16(header, 40, 3); /* dim */
    for (size_t axis = 0; axis < 7; axis++)
        put_i16(header, 42 + 2 * axis, axis < 3 ? (int)g->dim[2 - axis] : 1);
    put_i16(header, 70, type);
    put_i16(header, 72, (int)bytes * 8); /* bitpix */
    double bcd[3] = {0}, qfac = 1;
    bool has_q = grid_quaternion(g, bcd, &qfac);
    put_f32(header, 76, qfac); /* pixdim */
    for (size_t axis = 0; axis < 3; axis++)
        put_f32(header, 80 + 4 * axis, g->spacing_mm[2 - axis]);
    put_f32(header, 108, HEADER_BYTES); /* vox_offset */
    put_f32(header, 112, 1);            /* scl_slope */
    header[123] = 2;                    /* xyzt_units: mm */
    format_into((char *)header + 148, 80, "%.79s", describe ? describe : "");
    put_i16(header, 252, has_q); /* qform_code: scanner */
    put_i16(header, 254, 1);     /* sform_code: scanner */
    for (size_t i = 0; i < 3; i++) {
        put_f32(header, 256 + 4 * i, bcd[i]);
        put_f32(header, 268 + 4 * i, g->affine[i][3]);
        for (size_t j = 0; j < 4; j++)
            put_f32(header, 280 + 16 * i + 4 * j, g->affine[i][j]);
    }
    memcpy(header + 344, "n+1", 4);
}

int nifti_write(const char *path, const struct grid *g, int type, const void *voxel, const char *describe,
                struct error *e)
{
    size_t bytes = 0;
    for (size_t i = 0; i < COUNT_OF(voxel_types); i++)
        if (voxel_types[i].code == type)
            bytes = voxel_types[i].bytes;
    if (!bytes)
        return fail_as(e, EX_SOFTWARE, "cannot write '%s': voxel type %d (2, 4, 16 or 512)", path, type);
    for (int a = 0; a < 3; a++)
        if (g->dim[a] < 1 || g->dim[a] > INT16_MAX)
            return fail(e, "cannot write '%s': %lld voxels on an axis (NIfTI-1 holds 1 to 32767)", path,
                        (long long)g->dim[a]);
    uint8_t header[HEADER_BYTES];
    fill_header(header, g, type, bytes, describe);
    size_t size = grid_voxels(g) * bytes;
    if (ends_with(path, ".nii")) {
        struct publish p;
        if (publish_open(&p, path, e))
            return -1;
        fwrite(header, 1, sizeof header, p.to); /* commit sees ferror() */
        fwrite(voxel, 1, size, p.to);
        return publish_commit(&p, e);
    }
    if (!ends_with(path, ".nii.gz"))
        return fail_as(e, EX_USAGE, "cannot write '%s': name it .nii or .nii.gz", path);
    uint8_t *whole = xalloc(HEADER_BYTES + size, 1);
    memcpy(whole, header, HEADER_BYTES);
    memcpy(whole + HEADER_BYTES, voxel, size);
    int result = gzip_write(path, whole, HEADER_BYTES + size, GZIP_LEVEL, e);
    free(whole);
    return result;
}
