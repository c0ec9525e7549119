/* SPDX-License-Identifier: Apache-2.0 */
/* nrrd -- an NRRD file: .nrrd, or .nhdr with its voxels in a second file.   image -> [nrrd] -> raw
 *
 * "field: value" lines up to an empty one. Where "space" and "space directions" stand, it says where it lies. */
#include "stages/load/load.h"
#include "stages/load/raw.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct header {
    char dimension[16], sizes[160], type[64], encoding[32], endian[32], space[64], directions[400], origin[160],
        spacings[160];
    char data[1024], byte_skip[32], line_skip[32];
};
static const struct {
    const char *name;
    size_t offset, size;
} fields[] = {
#define FIELD(name, member)                                                                                            \
    {                                                                                                                  \
        name, offsetof(struct header, member), sizeof((struct header *)0)->member                                      \
    }
    FIELD("dimension", dimension),
    FIELD("sizes", sizes),
    FIELD("type", type),
    FIELD("encoding", encoding),
    FIELD("endian", endian),
    FIELD("space", space),
    FIELD("space directions", directions),
    FIELD("space origin", origin),
    FIELD("spacings", spacings),
    FIELD("data file", data),
    FIELD("datafile", data),
    FIELD("byte skip", byte_skip),
    FIELD("byteskip", byte_skip),
    FIELD("line skip", line_skip),
    FIELD("lineskip", line_skip),
#undef FIELD
};
/* Sign of each coordinate that makes it RAS. */
static const struct {
    const char *name, *code;
    double ras[3];
} spaces[] = {{"left-posterior-superior", "LPS", {-1, -1, 1}},
              {"right-anterior-superior", "RAS", {1, 1, 1}},
              {"left-anterior-superior", "LAS", {-1, 1, 1}}};

static int line_take(struct header *h, char *line, const char *path, struct error *e)
{
    char *value = strchr(line, ':');
    if (*line == '#' || (value && value[1] == '=')) /* comments, and keys of people's own */
        return 0;
    if (!value)
        return fail(e, "cannot open '%s': header line '%.40s' is no 'field: value'", path, line);
    *value++ = '\0';
    value += strspn(value, " \t");
    for (size_t length = strlen(value); length && strchr(" \t", value[length - 1]);)
        value[--length] = '\0';
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if (strcasecmp(fields[i].name, line) != 0)
            continue;
        if (strlen(value) >= fields[i].size)
            return fail(e, "cannot open '%s': '%s' is longer than %zu letters", path, line, fields[i].size - 1);
        memcpy((char *)h + fields[i].offset, value, strlen(value) + 1);
    }
    return 0;
}

/* From the space, its directions and origin; or from spacings alone, and then it is not said where it lies. */
static int place_read(const struct header *h, const char *path, struct nifti *image, struct error *e)
{
    double direction[9] = {-1, 0, 0, 0, -1, 0, 0, 0, 1}, origin[3] = {0}, spacing[3] = {1, 1, 1};
    const double *ras = spaces[1].ras;
    image->placed = *h->directions != '\0';
    if (image->placed) {
        size_t s = 0;
        while (s < COUNT_OF(spaces) && strcasecmp(spaces[s].name, h->space) != 0 &&
               strcasecmp(spaces[s].code, h->space) != 0)
            s++;
        if (s == COUNT_OF(spaces))
            return fail(e, "cannot open '%s': space '%s' is none of LPS, RAS and LAS", path, h->space);
        ras = spaces[s].ras;
        if (!raw_numbers(h->directions, " \t(),", direction, 9))
            return fail(e, "cannot open '%s': space directions are '%.80s', not three times three numbers", path,
                        h->directions);
        if (*h->origin && !raw_numbers(h->origin, " \t(),", origin, 3))
            return fail(e, "cannot open '%s': space origin is '%.80s', not three numbers", path, h->origin);
    } else if (*h->spacings && !raw_numbers(h->spacings, " \t", spacing, 3)) {
        return fail(e, "cannot open '%s': spacings are '%.80s', not three numbers", path, h->spacings);
    }
    for (size_t i = 0; i < 3; i++) {
        for (size_t axis = 0; axis < 3; axis++)
            image->grid.affine[i][axis] = ras[i] * direction[3 * axis + i] * spacing[axis];
        image->grid.affine[i][3] = ras[i] * origin[i];
    }
    return raw_place(path, &image->grid, e);
}

static int shape_read(const struct header *h, const char *path, struct nifti *image, struct error *e)
{
    double size[3];
    if (strcmp(h->dimension, "3") != 0)
        return fail(e, "cannot open '%s': dimension is '%s': a scan has 3", path, h->dimension);
    if (!raw_numbers(h->sizes, " \t", size, 3))
        return fail(e, "cannot open '%s': sizes are '%.80s', not three numbers", path, h->sizes);
    for (size_t i = 0; i < 3; i++) {
        if (!(size[i] >= 1 && size[i] <= 32767 && size[i] == floor(size[i])))
            return fail(e, "cannot open '%s': sizes has %g (1 to 32767)", path, size[i]);
        image->grid.dim[2 - i] = (int64_t)size[i];
    }
    return place_read(h, path, image, e);
}

static int data_place(const struct header *h, const char *path, struct raw *r, struct error *e)
{
    double skip = 0;
    bool wide = false;
    r->type = raw_type(h->type);
    if (!r->type)
        return fail(e, "cannot open '%s': type '%s' is none that is read (short, float, ...)", path, h->type);
    wide = strcmp(r->type, "uint8") != 0 && strcmp(r->type, "int8") != 0;
    r->packed = strcasecmp(h->encoding, "gzip") == 0 || strcasecmp(h->encoding, "gz") == 0;
    if (!r->packed && strcasecmp(h->encoding, "raw") != 0)
        return fail(e, "cannot open '%s': encoding '%s' is not read: only raw and gzip are", path, h->encoding);
    r->big_endian = strcasecmp(h->endian, "big") == 0;
    if (wide && !r->big_endian && strcasecmp(h->endian, "little") != 0)
        return fail(e, "cannot open '%s': endian is '%s': little or big wanted", path, h->endian);
    if (*h->line_skip && strcmp(h->line_skip, "0") != 0)
        return fail(e, "cannot open '%s': line skip is %s: only 0 is read", path, h->line_skip);
    if (*h->byte_skip && !(raw_numbers(h->byte_skip, " ", &skip, 1) && skip >= -1 && skip < 1e15 && skip == floor(skip)))
        return fail(e, "cannot open '%s': byte skip is '%s'", path, h->byte_skip);
    if (r->packed && skip != 0)
        return fail(e, "cannot open '%s': byte skip within packed voxels is not read", path);
    r->at_end = skip < 0;
    r->offset += skip > 0 ? (size_t)skip : 0;
    if (!*h->data)
        return 0;
    if (strncmp(h->data, "LIST", 4) == 0 || strchr(h->data, '%'))
        return fail(e, "cannot open '%s': its voxels lie in a list of files (data file: %.40s): make one .nrrd of it",
                    path, h->data);
    char *dir = path_parent(path);
    r->file = path_join(dir, h->data);
    free(dir);
    r->offset = skip > 0 ? (size_t)skip : 0;
    return 0;
}

static int header_read(struct buffer *file, const char *path, struct raw *r, struct nifti *image, struct error *e)
{
    struct header h = {0};
    size_t at = 0;
    char *line = raw_line(file, &at);
    if (!line || strncmp(line, "NRRD000", 7) != 0)
        return fail(e, "cannot open '%s': not NRRD (it does not begin with 'NRRD000')", path);
    while ((line = raw_line(file, &at)) && *line)
        if (line_take(&h, line, path, e) < 0)
            return -1;
    if (!line && !*h.data)
        return fail(e, "cannot open '%s': no empty line ends its header: cut short", path);
    r->offset = at;
    return shape_read(&h, path, image, e) < 0 || data_place(&h, path, r, e) < 0 ? -1 : 0;
}

int nrrd_read(const char *path, size_t max_bytes, struct nifti *image, char **data_file, struct error *e)
{
    return raw_open(path, max_bytes, header_read, image, data_file, e);
}
