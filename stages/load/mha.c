/* SPDX-License-Identifier: Apache-2.0 */
/* mha -- a MetaImage: .mha, or .mhd with its voxels in a second file.   image -> [mha] -> raw
 *
 * "Name = value" lines, ElementDataFile the last. Places are in LPS (as ITK has it); the three numbers of TransformMatrix
 * that come first are the direction of the first axis. */
#include "common/log.h"
#include "stages/load/load.h"
#include "stages/load/raw.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct header {
    char dims[64], size[160], spacing[160], element[160], offset[160], turn[800], type[64], data[1024];
    char msb[16], packed[16], channels[16], header_size[32], slope[64], added[64], binary[16], unit[32];
};
static const struct {
    const char *name;
    size_t offset, size;
} fields[] = {
#define FIELD(name, member)                                                                                            \
    {                                                                                                                  \
        name, offsetof(struct header, member), sizeof((struct header *)0)->member                                      \
    }
    FIELD("NDims", dims),
    FIELD("DimSize", size),
    FIELD("ElementSpacing", spacing),
    FIELD("ElementSize", element),
    FIELD("DistanceUnits", unit),
    FIELD("Offset", offset),
    FIELD("Position", offset),
    FIELD("Origin", offset),
    FIELD("TransformMatrix", turn),
    FIELD("Rotation", turn),
    FIELD("Orientation", turn),
    FIELD("ElementType", type),
    FIELD("ElementByteOrderMSB", msb),
    FIELD("BinaryDataByteOrderMSB", msb),
    FIELD("CompressedData", packed),
    FIELD("ElementNumberOfChannels", channels),
    FIELD("HeaderSize", header_size),
    FIELD("ElementToIntensityFunctionSlope", slope),
    FIELD("ElementToIntensityFunctionOffset", added),
    FIELD("BinaryData", binary),
    FIELD("ElementDataFile", data),
#undef FIELD
};

static int line_take(struct header *h, char *line, const char *path, struct error *e)
{
    char *value = strchr(line, '=');
    if (!value)
        return fail(e, "cannot open '%s': header line '%.40s' is no 'Name = value'", path, line);
    *value++ = '\0';
    line[strcspn(line, " \t")] = '\0';
    value += strspn(value, " \t");
    for (size_t length = strlen(value); length && strchr(" \t", value[length - 1]);)
        value[--length] = '\0';
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if (strcmp(fields[i].name, line) != 0)
            continue;
        if (strlen(value) >= fields[i].size)
            return fail(e, "cannot open '%s': %s is longer than %zu letters", path, line, fields[i].size - 1);
        memcpy((char *)h + fields[i].offset, value, strlen(value) + 1);
    }
    return 0;
}

/* Three dimensions, or four of which the last is one image. */
static int size_read(const struct header *h, const char *path, size_t *dims, struct grid *g, struct error *e)
{
    double size[4] = {0};
    *dims = strcmp(h->dims, "4") == 0 ? 4 : 3;
    if (*dims == 3 && strcmp(h->dims, "3") != 0)
        return fail(e, "cannot open '%s': NDims is '%s': a scan has 3", path, h->dims);
    if (*h->channels && strcmp(h->channels, "1") != 0)
        return fail(e, "cannot open '%s': ElementNumberOfChannels is %s: a scan has 1", path, h->channels);
    if (!raw_numbers(h->size, " \t", size, *dims))
        return fail(e, "cannot open '%s': DimSize is '%s', not %zu numbers", path, h->size, *dims);
    if (*dims == 4 && size[3] != 1)
        return fail(e, "cannot open '%s': DimSize is '%s': NDims is '4', and it holds several volumes: a scan is one",
                    path, h->size);
    for (size_t i = 0; i < 3; i++) {
        if (!(size[i] >= 1 && size[i] <= 32767 && size[i] == floor(size[i])))
            return fail(e, "cannot open '%s': DimSize has %g (1 to 32767)", path, size[i]);
        g->dim[2 - i] = (int64_t)size[i];
    }
    return 0;
}

static int unit_read(const char *unit, const char *path, double *mm, struct error *e)
{
    *mm = raw_unit_mm(unit);
    if (!(*mm > 0))
        return fail(e, "cannot open '%s': DistanceUnits is '%s': mm, cm or um wanted", path, unit);
    if (*mm < 1 || *mm > 1)
        log_warn("'%s' measures in %s (DistanceUnits): taken so, though other programs take them for mm", path, unit);
    return 0;
}

static int shape_read(const struct header *h, const char *path, struct nifti *image, struct error *e)
{
    static const double straight[2][16] = {{1, 0, 0, 0, 1, 0, 0, 0, 1},
                                           {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}};
    double spacing[4] = {1, 1, 1, 1}, offset[4] = {0}, turn[16], mm;
    size_t dims;
    if (size_read(h, path, &dims, &image->grid, e) < 0 || unit_read(h->unit, path, &mm, e) < 0)
        return -1;
    memcpy(turn, straight[dims - 3], sizeof turn);
    /* as its own library has it: ElementSpacing, else ElementSize */
    const char *sized = *h->spacing ? h->spacing : h->element;
    if ((*sized && !raw_numbers(sized, " \t", spacing, dims)) ||
        (*h->offset && !raw_numbers(h->offset, " \t", offset, dims)) ||
        (*h->turn && !raw_numbers(h->turn, " \t", turn, dims * dims)))
        return fail(
            e, "cannot open '%s': ElementSpacing, Offset or TransformMatrix does not hold %zu, %zu and %zu numbers",
            path, dims, dims, dims * dims);
    image->sized = *sized != '\0';
    image->placed = image->sized && (*h->offset || *h->turn);
    for (size_t i = 0; i < 3; i++) {
        double ras = i < 2 ? -mm : mm;
        for (size_t axis = 0; axis < 3; axis++)
            image->grid.affine[i][axis] = ras * turn[dims * axis + i] * spacing[axis];
        image->grid.affine[i][3] = ras * offset[i];
    }
    return raw_place(path, &image->grid, e);
}

static int data_place(const struct header *h, const char *path, struct raw *r, struct error *e)
{
    double skip = 0, slope = 1, added = 0;
    r->type = raw_type(h->type);
    r->big_endian = raw_true(h->msb);
    r->packed = raw_true(h->packed);
    if (!r->type)
        return fail(e, "cannot open '%s': ElementType '%s' is none that is read (MET_SHORT, MET_FLOAT, ...)", path,
                    h->type);
    if (*h->binary && !raw_true(h->binary))
        return fail(e, "cannot open '%s': its voxels are written as text (BinaryData = False)", path);
    if (*h->slope && !(raw_numbers(h->slope, " ", &slope, 1) && slope == 1))
        return fail(e, "cannot open '%s': ElementToIntensityFunctionSlope is '%s': only 1 is read", path, h->slope);
    if (*h->added && !(raw_numbers(h->added, " ", &added, 1) && added == 0))
        return fail(e, "cannot open '%s': ElementToIntensityFunctionOffset is '%s': only 0 is read", path, h->added);
    if (*h->header_size &&
        !(raw_numbers(h->header_size, " ", &skip, 1) && skip >= -1 && skip < 1e15 && skip == floor(skip)))
        return fail(e, "cannot open '%s': HeaderSize is '%s'", path, h->header_size);
    if (strcasecmp(h->data, "LOCAL") == 0)
        return 0;
    if (strncmp(h->data, "LIST", 4) == 0 || strchr(h->data, '%'))
        return fail(
            e, "cannot open '%s': its voxels lie in a list of files (ElementDataFile = %.40s): make one .mha of it",
            path, h->data);
    char *dir = path_parent(path);
    r->file = path_join(dir, h->data);
    free(dir);
    r->at_end = skip < 0;
    r->offset = skip > 0 ? (size_t)skip : 0;
    return 0;
}

static int header_read(struct buffer *file, const char *path, struct raw *r, struct nifti *image, struct error *e)
{
    struct header h = {0};
    size_t at = 0;
    for (char *line; !*h.data && (line = raw_line(file, &at));)
        if (*line && line_take(&h, line, path, e) < 0)
            return -1;
    if (!*h.data)
        return fail(e, "cannot open '%s': no MetaImage: no line 'ElementDataFile = ...' ends its header", path);
    r->offset = at;
    return shape_read(&h, path, image, e) < 0 || data_place(&h, path, r, e) < 0 ? -1 : 0;
}

int mha_read(const char *path, size_t max_bytes, struct nifti *image, char **data_file, struct error *e)
{
    return raw_open(path, max_bytes, header_read, image, data_file, e);
}
