/* SPDX-License-Identifier: Apache-2.0 */
/* nifti -- a NIfTI-1 or NIfTI-2 file, believed only where its bytes bear it out.   common
 *
 * The header is read here, field by field, because the usual library trusts it: a file of 800 bytes that says it has 200
 * dimensions smashes the library's stack. Nothing is allocated for the voxels before the file is known to hold them. */
#include "common/nifti.h"
#include "common/file.h"
#include "common/foreign.h"
#include "common/gzip.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    int code;
    size_t width;
    foreign_floats *floats;
} types[] = {{2, 1, foreign_floats_u8},    {4, 2, foreign_floats_i16},   {8, 4, foreign_floats_i32},
             {16, 4, foreign_floats_f32},  {64, 8, foreign_floats_f64},  {256, 1, foreign_floats_i8},
             {512, 2, foreign_floats_u16}, {768, 4, foreign_floats_u32}, {1024, 8, foreign_floats_i64},
             {1280, 8, foreign_floats_u64}};
enum { FLOAT32 = 16, HEADER1 = 348, HEADER2 = 540, PIECE = 1 << 18 };

/* ---- header: where each field lies in the two versions ---- */

enum field {
    F_DIM,
    F_DATATYPE,
    F_PIXDIM,
    F_OFFSET,
    F_SLOPE,
    F_INTER,
    F_UNITS,
    F_QCODE,
    F_SCODE,
    F_QUATERN,
    F_QOFFSET,
    F_SROW,
    FIELDS
};
struct header_field {
    size_t at, width;
    double (*get)(const uint8_t *at);
};
static const struct header_field nifti1[FIELDS] = {{40, 2, foreign_i16},  {70, 2, foreign_i16},  {76, 4, foreign_f32},
                                                   {108, 4, foreign_f32}, {112, 4, foreign_f32}, {116, 4, foreign_f32},
                                                   {123, 1, foreign_u8},  {252, 2, foreign_i16}, {254, 2, foreign_i16},
                                                   {256, 4, foreign_f32}, {268, 4, foreign_f32}, {280, 4, foreign_f32}};
static const struct header_field nifti2[FIELDS] = {{16, 8, foreign_i64},  {12, 2, foreign_i16},  {104, 8, foreign_f64},
                                                   {168, 8, foreign_i64}, {176, 8, foreign_f64}, {184, 8, foreign_f64},
                                                   {500, 4, foreign_i32}, {344, 4, foreign_i32}, {348, 4, foreign_i32},
                                                   {352, 8, foreign_f64}, {376, 8, foreign_f64}, {400, 8, foreign_f64}};

struct header {
    uint8_t bytes[HEADER2];
    const struct header_field *field;
    size_t size;
    bool swapped, pair; /* pair: the voxels lie in a second file */
};

static double header_get(const struct header *h, enum field field, size_t which)
{
    struct header_field p = h->field[field];
    uint8_t value[8];
    memcpy(value, h->bytes + p.at + which * p.width, p.width);
    if (h->swapped)
        foreign_swap(value, 1, p.width);
    return p.get(value);
}

static int header_take(struct header *h, struct gzip_reader *from, const char *path, struct error *e)
{
    size_t got, more = 0;
    if (gzip_take(from, h->bytes, HEADER1, &got, e) < 0)
        return -1;
    if (got < HEADER1)
        return fail(e, "cannot open '%s': %zu bytes are no NIfTI file (its header alone has 348)", path, got);
    uint8_t first[4];
    memcpy(first, h->bytes, 4);
    for (int swapped = 0; swapped < 2; swapped++, foreign_swap(first, 1, 4)) {
        double size = foreign_i32(first);
        if (size != HEADER1 && size != HEADER2)
            continue;
        bool const two = size == HEADER2;
        h->field = two ? nifti2 : nifti1;
        h->size = (size_t)size;
        h->swapped = swapped == 1;
        if (two && gzip_take(from, h->bytes + HEADER1, HEADER2 - HEADER1, &more, e) < 0)
            return -1;
        if (two && more < HEADER2 - HEADER1)
            return fail(e, "cannot open '%s': %zu bytes are no NIfTI-2 file (its header alone has 540)", path,
                        got + more);
        const char *magic = (const char *)h->bytes + (two ? 4 : 344);
        h->pair = memcmp(magic, two ? "ni2" : "ni1", 4) == 0;
        if (h->pair || memcmp(magic, two ? "n+2" : "n+1", 4) == 0)
            return 0;
        return fail(e,
                    "cannot open '%s': header has no magic 'n+1': Analyze 7.5, which does not say left from right, "
                    "or no NIfTI at all",
                    path);
    }
    return fail(e, "cannot open '%s': not NIfTI (sizeof_hdr is %d, not 348 or 540)", path, (int)foreign_i32(h->bytes));
}

/* Three dimensions; more are allowed if they are 1. */
static int header_shape(const struct header *h, const char *path, int64_t dim[3], struct error *e)
{
    double count = header_get(h, F_DIM, 0);
    if (!(count >= 1 && count <= 7))
        return fail(e, "cannot open '%s': header says %.0f dimensions (at most 7)", path, count);
    if (count < 3)
        return fail(e, "cannot open '%s': header says %.0f dimensions: a scan has 3", path, count);
    for (size_t i = 1; i <= (size_t)count; i++) {
        double n = header_get(h, F_DIM, i);
        if (!(n >= 1 && n <= 32767))
            return fail(e, "cannot open '%s': header says dim[%zu] is %.0f (1 to 32767)", path, i, n);
        if (i > 3 && n != 1)
            return fail(e, "cannot open '%s': dim[%zu] is %.0f: it holds several volumes, and a scan is one", path, i,
                        n);
        if (i <= 3)
            dim[3 - i] = (int64_t)n;
    }
    return 0;
}

static void affine_sform(const struct header *h, double affine[3][4])
{
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 4; j++)
            affine[i][j] = header_get(h, F_SROW, 4 * i + j);
}

static void affine_qform(const struct header *h, double affine[3][4])
{
    double b = header_get(h, F_QUATERN, 0), c = header_get(h, F_QUATERN, 1), d = header_get(h, F_QUATERN, 2);
    double rest = 1 - (b * b + c * c + d * d), a = rest > 0 ? sqrt(rest) : 0;
    if (rest < 1e-7) { /* a half turn, written with rounding: the standard asks for (b,c,d) of length 1 */
        double length = sqrt(b * b + c * c + d * d);
        a = 0, b /= length, c /= length, d /= length;
    }
    double const turn[3][3] = {{a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)},
                               {2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)},
                               {2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c}};
    double handed = header_get(h, F_PIXDIM, 0) < 0 ? -1 : 1;
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 3; j++)
            affine[i][j] = turn[i][j] * fabs(header_get(h, F_PIXDIM, j + 1)) * (j == 2 ? handed : 1);
        affine[i][3] = header_get(h, F_QOFFSET, i);
    }
}

/* Nothing is said: as nibabel and FSL have it, x to the left, y to the front, z to the head, the middle at 0. (ITK has y to the back: the
 * standard's own formula, x to the right, is what nobody follows.) */
static void affine_unplaced(const struct header *h, const int64_t dim[3], double affine[3][4])
{
    for (size_t i = 0; i < 3; i++) {
        double const step = fabs(header_get(h, F_PIXDIM, i + 1)) * (i == 0 ? -1 : 1);
        for (size_t j = 0; j < 3; j++)
            affine[i][j] = i == j ? step : 0;
        affine[i][3] = -step * (double)(dim[2 - i] - 1) / 2;
    }
}

static int header_place(const struct header *h, const char *path, struct nifti *image, struct error *e)
{
    bool const sform = header_get(h, F_SCODE, 0) > 0, qform = header_get(h, F_QCODE, 0) > 0;
    struct grid *g = &image->grid, other = image->grid;
    image->placed = sform || qform;
    image->sized = true;
    if (sform)
        affine_sform(h, g->affine);
    else if (qform)
        affine_qform(h, g->affine);
    else
        affine_unplaced(h, g->dim, g->affine);
    if (sform && qform)
        affine_qform(h, other.affine);
    int unit = (int)header_get(h, F_UNITS, 0) & 7;
    double mm = unit == 1 ? 1000 : unit == 3 ? 0.001 : 1;
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 4; j++) {
            g->affine[i][j] *= mm;
            other.affine[i][j] *= mm;
            if (!isfinite(g->affine[i][j]))
                return fail(e, "cannot open '%s': %s holds something that is no number", path,
                            sform ? "sform" : "qform");
        }
    if (grid_measure(g, e) < 0)
        return fail_in(e, "cannot open '%s' (%s)", path, sform ? "sform" : qform ? "qform" : "pixdim");
    if (sform && qform) {
        double const apart = grid_corners_apart(&other, g);
        image->forms_apart = apart > 0.5 ? apart : 0; /* not a number: a qform that is none */
    }
    return 0;
}

/* ---- voxels ---- */

/* Where they begin in their file, of which *from has given `given` bytes: gone to. */
static int voxels_seek(const struct header *h, struct gzip_reader *from, const char *path, size_t given, double *offset,
                       struct error *e)
{
    uint8_t skipped[4096];
    *offset = header_get(h, F_OFFSET, 0);
    if (h->pair && !(*offset >= 0 && *offset == floor(*offset)))
        return fail(e, "cannot open '%s': vox_offset is %g: a number of bytes wanted", path, *offset);
    if (!h->pair && !(*offset >= (double)h->size && *offset == floor(*offset)))
        return fail(e, "cannot open '%s': vox_offset is %g: voxels begin after the header's %zu bytes", path, *offset,
                    h->size);
    if (*offset > (double)gzip_most(from))
        return 0; /* told together with their number */
    for (size_t left = (size_t)*offset - (h->pair ? 0 : given), got = 1; left && got; left -= got)
        if (gzip_take(from, skipped, left < sizeof skipped ? left : sizeof skipped, &got, e) < 0)
            return -1;
    return 0;
}

static int voxels_short(const struct nifti *image, const char *path, size_t width, double offset, uint64_t there,
                        bool exact, struct error *e)
{
    return fail(
        e, "cannot open '%s': %lld x %lld x %lld voxels of %zu bytes from byte %.0f are more than the %llu bytes %s: cut short",
        path, (long long)image->grid.dim[2], (long long)image->grid.dim[1], (long long)image->grid.dim[0], width,
        offset, (unsigned long long)there, exact ? "there are" : "it can hold");
}

/* float32 as this machine has it goes straight to its place; all else by way of a piece. */
static int voxels_take(const struct header *h, size_t type, struct gzip_reader *from, size_t count, float *voxel,
                       size_t *taken, struct error *e)
{
    double slope = header_get(h, F_SLOPE, 0), inter = header_get(h, F_INTER, 0);
    if (!isfinite(slope) || slope == 0)
        slope = 1, inter = 0;
    if (!isfinite(inter))
        inter = 0;
    size_t const width = types[type].width;
    bool const straight = types[type].code == FLOAT32 && !h->swapped && slope == 1 && inter == 0;
    uint8_t *piece = straight ? NULL : xalloc(PIECE, 1);
    size_t got = 1;
    int rc = 0;
    *taken = 0;
    while (rc == 0 && got && *taken < count) {
        size_t const wanted = count - *taken < PIECE / width ? count - *taken : PIECE / width;
        uint8_t *at = straight ? (uint8_t *)(voxel + *taken) : piece;
        rc = gzip_take(from, at, wanted * width, &got, e);
        got /= width;
        if (rc == 0 && h->swapped)
            foreign_swap(at, got, width);
        if (rc == 0 && !straight)
            types[type].floats(at, got, slope, inter, voxel + *taken);
        *taken += got;
    }
    free(piece);
    return rc;
}

/* Of those that are not read. */
static const char *type_name(int code)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {{1, "bits"},
                 {32, "complex numbers"},
                 {128, "colours"},
                 {1536, "128-bit floats"},
                 {1792, "complex numbers"},
                 {2048, "complex numbers"},
                 {2304, "colours"}};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (names[i].code == code)
            return names[i].name;
    return "unknown";
}

int nifti_count_nan(struct nifti *image, const char *path, struct error *e)
{
    size_t const count = grid_voxels(&image->grid);
    image->nan = 0;
    for (size_t i = floats_bad(image->voxel, count); i < count; i++) {
        if (isinf(image->voxel[i]))
            return fail(e, "cannot use '%s': voxel number %zu is infinite: mend it where it was made", path, i);
        image->nan += isnan(image->voxel[i]) != 0;
    }
    return 0;
}

static int voxels_read(const struct header *h, struct gzip_reader *from, const char *path, size_t given,
                       size_t max_bytes, struct nifti *image, struct error *e)
{
    int code = (int)header_get(h, F_DATATYPE, 0);
    size_t type = 0;
    while (type < COUNT_OF(types) && types[type].code != code)
        type++;
    if (type == COUNT_OF(types))
        return fail(e, "cannot open '%s': datatype %d (%s) is none of 2 4 8 16 64 256 512 768 1024 1280 (real numbers)",
                    path, code, type_name(code));
    size_t const width = types[type].width, count = grid_voxels(&image->grid); /* at most 32767^3 */
    uint64_t const most = gzip_most(from);
    double offset;
    if (voxels_seek(h, from, path, given, &offset, e) < 0)
        return -1;
    if (offset > (double)most || count > (most - (uint64_t)offset) / width)
        return voxels_short(image, path, width, offset, most, !gzip_packed(from), e);
    if (count > max_bytes / 2 / sizeof(float))
        return fail(e, "cannot open '%s': %zu voxels need more memory than --memory-limit gives", path, count);
    image->voxel = try_alloc(e, count, sizeof *image->voxel);
    if (!image->voxel)
        return fail_in(e, "cannot open '%s'", path);
    size_t taken;
    if (voxels_take(h, type, from, count, image->voxel, &taken, e) < 0)
        return -1;
    if (taken < count)
        return voxels_short(image, path, width, offset, (uint64_t)offset + taken * width, true, e);
    if (gzip_finish(from, max_bytes, e) < 0)
        return -1;
    return nifti_count_nan(image, path, e);
}

/* "a/b.hdr" or "a/b.hdr.gz" -> "a/b.img" or "a/b.img.gz", whichever is there; the caller's. */
static char *second_file(const char *path, struct error *e)
{
    size_t const length = strlen(path);
    bool const packed = length > 7 && strcasecmp(path + length - 7, ".hdr.gz") == 0;
    size_t const stem = length - (packed ? 7 : length > 4 && strcasecmp(path + length - 4, ".hdr") == 0 ? 4 : 0);
    static const char *const endings[] = {".img", ".img.gz", ".IMG", ".IMG.GZ", ".IMG.gz"};
    for (size_t i = 0; path[stem] && i < COUNT_OF(endings); i++) {
        char *other = xprintf("%.*s%s", (int)stem, path, endings[i]);
        if (file_exists(other))
            return other;
        free(other);
    }
    fail(e, "cannot open '%s': its voxels lie in a second file of the same name (.img or .img.gz), which is not there",
         path);
    return NULL;
}

int nifti_read_files(const char *path, size_t max_bytes, struct nifti *image, char **data_file, struct error *e)
{
    struct gzip_reader *from = NULL;
    struct header h = {0};
    char *other = NULL;
    *image = (struct nifti){0};
    *data_file = NULL;
    int rc = gzip_open(&from, path, e);
    if (rc == 0)
        rc = header_take(&h, from, path, e);
    if (rc == 0)
        rc = header_shape(&h, path, image->grid.dim, e);
    if (rc == 0)
        rc = header_place(&h, path, image, e);
    if (rc == 0 && h.pair) {
        gzip_close(&from);
        other = second_file(path, e);
        rc = other ? gzip_open(&from, other, e) : -1;
    }
    if (rc == 0)
        rc = voxels_read(&h, from, other ? other : path, other ? 0 : h.size, max_bytes, image, e);
    gzip_close(&from);
    if (rc == 0)
        *data_file = other;
    else
        free(other);
    if (rc < 0) {
        free(image->voxel);
        image->voxel = NULL;
    }
    return rc;
}

int nifti_read(const char *path, size_t max_bytes, struct nifti *image, struct error *e)
{
    char *data_file;
    int rc = nifti_read_files(path, max_bytes, image, &data_file, e);
    free(data_file);
    if (rc == 0 && image->nan) {
        rc = fail(e, "cannot use '%s': voxel number %zu is no number (NaN): mend it where it was made", path,
                  floats_bad(image->voxel, grid_voxels(&image->grid)));
        free(image->voxel);
        image->voxel = NULL;
    }
    return rc;
}
