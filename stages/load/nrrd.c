/* SPDX-License-Identifier: Apache-2.0 */
/* nrrd -- an NRRD file: .nrrd, or .nhdr with its voxels in a second file.   image -> [nrrd] -> raw
 *
 * "field: value" lines up to an empty one. Where "space" and "space directions" stand, it says where it lies. */
#include "common/log.h"
#include "stages/load/load.h"
#include "stages/load/raw.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct header {
    char dimension[16], sizes[160], type[64], encoding[32], endian[32], space[64], directions[400], origin[160],
        spacings[160], space_units[160], units[160];
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
    FIELD("space units", space_units),
    FIELD("units", units),
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

/* The three axes that are a scan's among those of the file: of four, one is left out, of size 1 (`left` of the file's, or dims). */
struct axes {
    size_t dims, left;
    double size[4];
};

/* Next piece of `text`: a vector in brackets, a text in quotes (without them), or a word. NULL: no more. */
static char *piece(char **text)
{
    char *at = *text + strspn(*text, " \t");
    if (!*at)
        return NULL;
    char const close = *at == '(' ? ')' : *at == '"' ? '"' : '\0';
    at += close != '\0';
    size_t const length = close ? strcspn(at, (char[]){close, '\0'}) : strcspn(at, " \t(\"");
    *text = at + length + (close && at[length] == close);
    if (!close && at[length] && strchr(" \t", at[length]))
        ++*text;
    else if (!close && at[length])
        return NULL; /* a word that runs into a bracket */
    at[length] = '\0';
    return at;
}

/* The pieces of a field, one an axis; NULL where there are fewer or more. */
static bool pieces(char *copy, size_t count, char *of[4])
{
    char *rest = copy;
    for (size_t i = 0; i < count; i++)
        if (!(of[i] = piece(&rest)))
            return false;
    return rest[strspn(rest, " \t")] == '\0';
}

/* mm of one unit, the same for all three axes; "" where nothing is said. */
static int unit_read(const char *field, const char *text, const char *path, size_t count, double *mm, struct error *e)
{
    char copy[160], *of[4];
    format_into(copy, sizeof copy, "%s", text);
    *mm = 1;
    if (!*text)
        return 0;
    if (count > 4 || !pieces(copy, count, of))
        return fail(e, "cannot open '%s': %s are '%.80s', not %zu texts in quotes", path, field, text, count);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(of[i], of[0]) != 0)
            return fail(e, "cannot open '%s': %s are '%.80s': one unit for all axes wanted", path, field, text);
        *mm = raw_unit_mm(of[i]);
        if (!(*mm > 0))
            return fail(e, "cannot open '%s': %s are '%.80s': mm, cm, m or um wanted", path, field, text);
    }
    if (*mm < 1 || *mm > 1)
        log_warn("'%s' measures in %s (%s): taken so, though other programs take them for mm", path, of[0], field);
    return 0;
}

static int directions_read(const struct header *h, const char *path, const struct axes *x, double direction[9],
                           struct error *e)
{
    char copy[400], *of[4];
    format_into(copy, sizeof copy, "%s", h->directions);
    size_t taken = 0;
    bool good = pieces(copy, x->dims, of);
    for (size_t i = 0; good && i < x->dims; i++) {
        bool const none = strcasecmp(of[i], "none") == 0;
        if (i == x->left)
            continue; /* "none", or where time goes */
        good = !none && raw_numbers(of[i], " \t,", direction + 3 * taken++, 3);
    }
    return good ? 0
                : fail(e, "cannot open '%s': space directions are '%.80s', not three times three numbers", path,
                       h->directions);
}

/* From the space, its directions and origin; or from spacings alone, and then it is not said where it lies: as ITK has it, x to the left,
 * y to the back. */
static int place_read(const struct header *h, const char *path, const struct axes *x, struct nifti *image,
                      struct error *e)
{
    double direction[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, origin[3] = {0}, spacing[3] = {1, 1, 1}, mm = 1;
    const double *ras = spaces[0].ras;
    image->placed = *h->directions != '\0';
    image->sized = image->placed || *h->spacings;
    if (image->placed) {
        size_t s = 0;
        while (s < COUNT_OF(spaces) && strcasecmp(spaces[s].name, h->space) != 0 &&
               strcasecmp(spaces[s].code, h->space) != 0)
            s++;
        if (s == COUNT_OF(spaces))
            return fail(e, "cannot open '%s': space '%s' is none of LPS, RAS and LAS", path, h->space);
        ras = spaces[s].ras;
        if (directions_read(h, path, x, direction, e) < 0 ||
            unit_read("space units", h->space_units, path, 3, &mm, e) < 0)
            return -1;
        if (*h->origin && !raw_numbers(h->origin, " \t(),", origin, 3))
            return fail(e, "cannot open '%s': space origin is '%.80s', not three numbers", path, h->origin);
    } else if (*h->spacings) {
        char copy[160], *of[4];
        format_into(copy, sizeof copy, "%s", h->spacings);
        size_t taken = 0;
        bool good = pieces(copy, x->dims, of);
        for (size_t i = 0; good && i < x->dims; i++)
            good = i == x->left || raw_numbers(of[i], "", &spacing[taken++], 1);
        if (!good)
            return fail(e, "cannot open '%s': spacings are '%.80s', not three numbers", path, h->spacings);
        if (x->dims == 3 && unit_read("units", h->units, path, 3, &mm, e) < 0)
            return -1;
    }
    for (size_t i = 0; i < 3; i++) {
        for (size_t axis = 0; axis < 3; axis++)
            image->grid.affine[i][axis] = mm * ras[i] * direction[3 * axis + i] * spacing[axis];
        image->grid.affine[i][3] = mm * ras[i] * origin[i];
    }
    return raw_place(path, &image->grid, e);
}

/* Of four axes, the one that has no direction, else the last: it must be one image. */
static size_t axis_left(const struct header *h, const struct axes *x)
{
    char copy[400], *of[4];
    format_into(copy, sizeof copy, "%s", h->directions);
    if (x->dims < 4)
        return x->dims;
    if (pieces(copy, x->dims, of))
        for (size_t i = 0; i < x->dims; i++)
            if (strcasecmp(of[i], "none") == 0)
                return i;
    return x->dims - 1;
}

static int shape_read(const struct header *h, const char *path, struct nifti *image, struct error *e)
{
    struct axes x = {.dims = strcmp(h->dimension, "4") == 0 ? 4 : 3};
    if (x.dims == 3 && strcmp(h->dimension, "3") != 0)
        return fail(e, "cannot open '%s': dimension is '%s': a scan has 3", path, h->dimension);
    if (!raw_numbers(h->sizes, " \t", x.size, x.dims))
        return fail(e, "cannot open '%s': sizes are '%.80s', not %zu numbers", path, h->sizes, x.dims);
    x.left = axis_left(h, &x);
    if (x.left < x.dims && x.size[x.left] != 1)
        return fail(
            e, "cannot open '%s': dimension is '4' and sizes are '%.80s': it holds several volumes, and a scan is one",
            path, h->sizes);
    for (size_t i = 0, taken = 0; i < x.dims; i++) {
        if (!(x.size[i] >= 1 && x.size[i] <= 32767 && x.size[i] == floor(x.size[i])))
            return fail(e, "cannot open '%s': sizes has %g (1 to 32767)", path, x.size[i]);
        if (i != x.left)
            image->grid.dim[2 - taken++] = (int64_t)x.size[i];
    }
    return place_read(h, path, &x, image, e);
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
    while (strncmp(h.data, "LIST", 4) != 0 && (line = raw_line(file, &at)) && *line) /* behind LIST come names of files */
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
