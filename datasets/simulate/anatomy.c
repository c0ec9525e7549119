/* SPDX-License-Identifier: Apache-2.0 */
/* anatomy -- organ maps and tumour places of real studies.   [anatomy] -> body -> lesion -> scanner */
#include "datasets/simulate/anatomy.h"
#include "common/file.h"
#include "common/nifti.h"
#include "datasets/simulate/body.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const size_t table_max = (size_t)64 << 20, map_max = (size_t)2 << 30;

const uint8_t anatomy_organ[ANATOMY_LABELS] = {ORGAN_AIR,     ORGAN_SPLEEN,   ORGAN_KIDNEY, ORGAN_LIVER,
                                               ORGAN_BLADDER, ORGAN_LUNG,     ORGAN_BRAIN,  ORGAN_HEART,
                                               ORGAN_STOMACH, ORGAN_PROSTATE, ORGAN_GLAND};

uint8_t anatomy_label(int organ)
{
    if (organ == ORGAN_RENAL_PELVIS)
        organ = ORGAN_KIDNEY;
    for (uint8_t label = 1; label < ANATOMY_LABELS; label++)
        if (anatomy_organ[label] == organ)
            return label;
    return 0;
}

/* ---- the table ---- */

static const char *const columns[] = {
    "study", "patient", "diagnosis", "sex", "age_y", "voxel_clicks_tumour", "voxel_clicks_background"};
enum { COLUMNS = COUNT_OF(columns) };

/* "1,2,3;4,5,6"; empty and "-": none. Clicks past the most are left out. */
static int clicks_parse(const char *text, struct clicks *c, struct error *e)
{
    *c = (struct clicks){0};
    while (*text != '\0' && *text != '-' && c->count < CLICKS_MOST) {
        int used = 0;
        int32_t *v = c->xyz[c->count];
        if (sscanf(text, "%d,%d,%d%n", &v[0], &v[1], &v[2], &used) != 3 || (text[used] != ';' && text[used] != '\0'))
            return fail(e, "clicks '%.40s' are no x,y,z voxels joined by ';'", text);
        c->count++;
        text += used + (text[used] == ';');
    }
    return 0;
}

/* Cuts the line at its tabs. */
static size_t line_cut(char *line, char **field, size_t room)
{
    size_t count = 0;
    for (char *at = line; at && count < room;) {
        field[count++] = at;
        at = strchr(at, '\t');
        if (at)
            *at++ = '\0';
    }
    return count;
}

static int study_parse(struct study *s, char *const *field, const size_t *column, struct error *e)
{
    *s = (struct study){.age_y = strtod(field[column[4]], NULL)};
    char *const to[] = {s->name, s->patient, s->diagnosis, s->sex};
    const size_t room[] = {sizeof s->name, sizeof s->patient, sizeof s->diagnosis, sizeof s->sex};
    for (size_t i = 0; i < COUNT_OF(to); i++) {
        if (strlen(field[column[i]]) >= room[i] || strchr(field[column[i]], '/'))
            return fail(e, "%s '%.40s' is too long or holds a '/'", columns[i], field[column[i]]);
        format_into(to[i], room[i], "%s", field[column[i]]);
    }
    return clicks_parse(field[column[5]], &s->tumour, e) < 0 || clicks_parse(field[column[6]], &s->background, e) < 0
               ? -1
               : 0;
}

static int by_patient(const void *left, const void *right)
{
    const struct study *a = left, *b = right;
    int order = strcmp(a->patient, b->patient);
    return order ? order : strcmp(a->name, b->name);
}

static int table_parse(struct anatomy *a, char *text, struct error *e)
{
    size_t column[COLUMNS], room = 0, number = 0;
    char *field[32];
    for (char *line = strtok(text, "\r\n"); line; line = strtok(NULL, "\r\n"), number++) {
        size_t fields = line_cut(line, field, COUNT_OF(field));
        for (size_t c = 0; number == 0 && c < COLUMNS; c++) {
            for (column[c] = 0; column[c] < fields && strcmp(field[column[c]], columns[c]) != 0; column[c]++)
                ;
            if (column[c] == fields)
                return fail(e, "it has no column '%s'", columns[c]);
        }
        if (number == 0)
            continue;
        for (size_t c = 0; c < COLUMNS; c++)
            if (column[c] >= fields)
                return fail(e, "line %zu has %zu columns: '%s' is missing", number + 1, fields, columns[c]);
        if (a->count == room)
            a->study = xresize(a->study, room = room ? 2 * room : 64, sizeof *a->study);
        if (study_parse(&a->study[a->count++], field, column, e) < 0)
            return fail_in(e, "line %zu", number + 1);
    }
    return a->count > 0 ? 0 : fail(e, "it names no study");
}

int anatomy_open(struct anatomy *a, const char *dir, struct error *e)
{
    *a = (struct anatomy){.dir = xstrdup(dir)};
    struct buffer file = {0};
    char *path = path_join(dir, "studies.tsv");
    int rc = file_read(path, table_max, &file, e);
    if (rc == 0) {
        a->digest = bytes_xxh3(file.data, file.size);
        rc = table_parse(a, (char *)file.data, e);
        if (rc < 0)
            fail_in(e, "cannot use '%s'", path);
    }
    if (rc == 0) {
        qsort(a->study, a->count, sizeof *a->study, by_patient);
        a->first = xalloc(a->count + 1, sizeof *a->first);
        for (size_t i = 0; i < a->count; i++)
            if (i == 0 || strcmp(a->study[i].patient, a->study[i - 1].patient) != 0)
                a->first[a->patients++] = i;
        a->first[a->patients] = a->count;
    } else {
        anatomy_close(a);
    }
    buffer_free(&file);
    free(path);
    return rc;
}

void anatomy_close(struct anatomy *a)
{
    free(a->dir);
    free(a->study);
    free(a->first);
    *a = (struct anatomy){0};
}

const struct study *anatomy_assign(const struct anatomy *a, struct patient *p)
{
    size_t turn = (size_t)(p->number - 1) / a->patients, who = (size_t)(p->number - 1) % a->patients;
    uint32_t *order = xalloc(a->patients, sizeof *order);
    for (size_t i = 0; i < a->patients; i++)
        order[i] = (uint32_t)i;
    struct rng r = draw_rng(p->seed, 0, DRAW_ANATOMY);
    rng_shuffle(&r, order, a->patients);
    size_t first = a->first[order[who]], count = a->first[order[who] + 1] - first;
    free(order);
    const struct study *s = &a->study[first + turn % count];
    format_into(p->id, sizeof p->id, "SIMULATED_%04zu", who + 1);
    if (turn > 0)
        format_into(p->study, sizeof p->study, "SIMULATED_PETCT_%zu", turn + 1);
    p->male = strcmp(s->sex, "F") != 0;
    p->diseased = s->tumour.count > 0;
    if (s->age_y > 0.0)
        p->age_y = s->age_y;
    return s;
}

/* ---- one map ---- */

struct map {
    struct grid grid; /* LPS */
    struct turn turned;
    uint8_t *label;
    struct extent {
        double sum[3];
        int64_t count, low[3], high[3];
    } organ[ANATOMY_LABELS];
};

static int map_read(const char *path, struct map *m, struct error *e)
{
    struct nifti image;
    *m = (struct map){0};
    if (nifti_read(path, map_max, &image, e) < 0)
        return -1;
    size_t n = grid_voxels(&image.grid);
    uint8_t *label = (uint8_t *)image.voxel; /* in place: byte i is written after float i was read */
    for (size_t i = 0; i < n; i++) {
        float v = image.voxel[i];
        if (!(v >= 0.0F && v < (float)ANATOMY_LABELS)) {
            free(image.voxel);
            return fail(e, "cannot use '%s': voxel %zu is %g, and organs are 0 to %d", path, i, (double)v,
                        ANATOMY_LABELS - 1);
        }
        label[i] = (uint8_t)v;
    }
    m->grid = image.grid;
    m->label = xresize(label, n, 1);
    volume_turn_lps(&m->grid, &m->turned, (void **)&m->label, 1);
    for (size_t o = 0; o < ANATOMY_LABELS; o++)
        m->organ[o] = (struct extent){.low = {INT64_MAX, INT64_MAX, INT64_MAX}, .high = {-1, -1, -1}};
    size_t i = 0;
    int64_t at[3];
    for (at[0] = 0; at[0] < m->grid.dim[0]; at[0]++)
        for (at[1] = 0; at[1] < m->grid.dim[1]; at[1]++)
            for (at[2] = 0; at[2] < m->grid.dim[2]; at[2]++, i++) {
                if (m->label[i] == 0)
                    continue;
                struct extent *x = &m->organ[m->label[i]];
                x->count++;
                for (int a = 0; a < 3; a++) {
                    x->sum[a] += (double)at[a];
                    x->low[a] = at[a] < x->low[a] ? at[a] : x->low[a];
                    x->high[a] = at[a] > x->high[a] ? at[a] : x->high[a];
                }
            }
    return 0;
}

/* mm from the liver's centroid. */
static struct point map_place(const struct map *m, const double zyx[3])
{
    const struct extent *l = &m->organ[ORGAN_LABEL_LIVER];
    const double *mm = m->grid.spacing_mm, n = (double)l->count;
    return (struct point){(zyx[2] - l->sum[2] / n) * mm[2], (l->sum[1] / n - zyx[1]) * mm[1],
                          (zyx[0] - l->sum[0] / n) * mm[0]};
}

static struct point map_centroid(const struct map *m, int label)
{
    const struct extent *o = &m->organ[label];
    double n = (double)o->count;
    return map_place(m, (const double[3]){o->sum[0] / n, o->sum[1] / n, o->sum[2] / n});
}

static double clamp(double v, double low, double high)
{
    return fmin(fmax(v, low), high);
}

/* The patient's build from brain, lungs and bladder; then how far each lies off the average body of that build. */
static void patient_fit(struct patient *p, const struct map *m)
{
    static const struct {
        int label;
        struct point usual;
    } marks[] = {{ORGAN_LABEL_BLADDER, {66, -20, -294}},
                 {ORGAN_LABEL_LIVER, {0, 0, 0}},
                 {ORGAN_LABEL_LUNGS, {63, -25, 116}},
                 {ORGAN_LABEL_BRAIN, {61, 29, 407}}};
    double top = m->organ[ORGAN_LABEL_BRAIN].count > 0 ? map_centroid(m, ORGAN_LABEL_BRAIN).up : NAN;
    double low = m->organ[ORGAN_LABEL_BLADDER].count > 0 ? map_centroid(m, ORGAN_LABEL_BLADDER).up : NAN;
    double size = !isnan(top) && !isnan(low) ? (top - low) / 701.0
                  : !isnan(top)              ? top / 407.0
                  : !isnan(low)              ? low / -294.0
                                             : 1.0;
    p->size = clamp(size, 0.85, 1.2);
    const struct extent *lungs = &m->organ[ORGAN_LABEL_LUNGS];
    double half_wide = 0.5 * (double)(lungs->high[2] - lungs->low[2] + 1) * m->grid.spacing_mm[2];
    p->girth = clamp((half_wide + 32.0) / 165.0, 0.85, 1.3); /* ribs, muscle and skin round the lungs: assumed */
    p->height_m = 1.70 * p->size;
    p->weight_g = 1000.0 * 24.2 * p->girth * p->girth * p->height_m * p->height_m;
    p->knots = 0;
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        if (m->organ[marks[i].label].count == 0)
            continue;
        struct point is = map_centroid(m, marks[i].label);
        struct point usual = body_point(&(struct patient){.size = p->size, .girth = p->girth}, marks[i].usual.left,
                                        marks[i].usual.front, marks[i].usual.up);
        p->knot[p->knots].up = marks[i].usual.up;
        p->knot[p->knots++].shift = (struct point){is.left - usual.left, is.front - usual.front, is.up - usual.up};
    }
    for (size_t i = 0; i + 1 < p->knots; i++) /* a liver says little about the midline beside it: the lungs do */
        if (p->knot[i].up == 0.0)
            p->knot[i].shift = (struct point){p->knot[i + 1].shift.left, p->knot[i + 1].shift.front, 0.0};
}

static struct spots spots_of(const struct map *m, const struct clicks *c)
{
    struct spots s = {0};
    for (size_t i = 0; i < c->count; i++) {
        double at[3];
        bool inside = true;
        for (int a = 0; a < 3; a++) {
            int32_t file = c->xyz[i][2 - m->turned.file_axis[a]];
            at[a] = m->turned.flipped[a] ? (double)(m->grid.dim[a] - 1 - file) : (double)file;
            inside = inside && at[a] >= 0.0 && at[a] < (double)m->grid.dim[a];
        }
        if (inside)
            s.at[s.count++] = map_place(m, at);
    }
    return s;
}

/* The phantom's grid: the map's middle, so wide as a phantom without a map, its whole height. step: map voxels a voxel. */
static void phantom_over(const struct map *m, const double spacing_mm[3], const struct patient *p, struct phantom *ph)
{
    const double half_mm[3] = {1e9, 220.0 * fmax(p->girth, 1.0), 330.0 * fmax(p->girth, 1.0)};
    struct grid g = m->grid;
    double step[3], first[3];
    for (int a = 0; a < 3; a++) {
        step[a] = spacing_mm[a] / m->grid.spacing_mm[a];
        step[a] = fabs(step[a] - 1.0) < 0.02 ? 1.0 : step[a];
        double middle = 0.5 * (double)(m->organ[ORGAN_LABEL_LUNGS].low[a] + m->organ[ORGAN_LABEL_LUNGS].high[a]),
               half = half_mm[a] / m->grid.spacing_mm[a];
        first[a] = fmax(ceil(middle - half), 0.0);
        double last = fmin(floor(middle + half), (double)m->grid.dim[a] - 1.0);
        g.dim[a] = (int64_t)floor((last - first[a]) / step[a]) + 1;
        g.spacing_mm[a] = m->grid.spacing_mm[a] * step[a];
    }
    for (int i = 0; i < 3; i++)
        for (int a = 0; a < 3; a++) { /* column 2 - a of the affine is our axis a */
            g.affine[i][3] += m->grid.affine[i][2 - a] * first[a];
            g.affine[i][2 - a] *= step[a];
        }
    struct point low = map_place(m, first);
    phantom_open_on(ph, &g, (const double[3]){low.left, low.front, low.up});
    size_t i = 0;
    for (int64_t z = 0; z < g.dim[0]; z++)
        for (int64_t y = 0; y < g.dim[1]; y++)
            for (int64_t x = 0; x < g.dim[2]; x++) {
                int64_t from[3] = {(int64_t)(first[0] + (double)z * step[0] + 0.5),
                                   (int64_t)(first[1] + (double)y * step[1] + 0.5),
                                   (int64_t)(first[2] + (double)x * step[2] + 0.5)};
                for (int a = 0; a < 3; a++)
                    from[a] = from[a] < m->grid.dim[a] ? from[a] : m->grid.dim[a] - 1;
                ph->organ[i++] = anatomy_organ[m->label[grid_at(&m->grid, from[0], from[1], from[2])]];
            }
}

int anatomy_load(const struct anatomy *a, const struct study *s, const double spacing_mm[3], struct patient *p,
                 struct phantom *ph, struct spots *tumour, struct spots *background, struct error *e)
{
    struct map m;
    char *path = xprintf("%s/organs/%s.nii.gz", a->dir, s->name);
    int rc = map_read(path, &m, e);
    if (rc == 0 && (m.organ[ORGAN_LABEL_LIVER].count == 0 || m.organ[ORGAN_LABEL_LUNGS].count == 0))
        rc = fail(e, "cannot simulate on '%s': its map has no %s", path,
                  m.organ[ORGAN_LABEL_LIVER].count == 0 ? "liver (label 3)" : "lungs (label 5)");
    if (rc == 0) {
        patient_fit(p, &m);
        phantom_over(&m, spacing_mm, p, ph);
        *tumour = spots_of(&m, &s->tumour);
        *background = spots_of(&m, &s->background);
    }
    free(m.label);
    free(path);
    return rc;
}
