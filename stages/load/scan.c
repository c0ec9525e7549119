/* SPDX-License-Identifier: Apache-2.0 */
/* scan -- one source becomes one volume message: voxels in LPS order, truth, facts.   find -> [scan] -> suv */
#include "common/log.h"
#include "common/utf8.h"
#include "proto/suv.h"
#include "stages/load/hide.h"
#include "stages/load/load.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- who it is ---- */

/* Names go into file names further on. */
static void name_clean(char *name)
{
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("._-", *name))
            *name = '_';
}

/* The id itself where that is no secret, else its salted hash. */
static void name_of(const struct load_options *o, bool open, const char *id, char *name, size_t size)
{
    char hashed[13];
    hash_name(o->salt, id, hashed);
    snprintf(name, size, "%.*s", (int)(size - 1), open ? id : hashed);
    name_clean(name);
}

/* Letters and digits of any alphabet (bytes above 127 are parts of one); what else there is parts words, an underscore, too: names
 * of files are made so. */
static bool of_word(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Puts `name` in place of every `id` that is a word, or words, of its own. quoted: within 'quotes' alone, where a sentence has what
 * it speaks of; an id that is an ordinary word, such as scan, is one of the sentence's own elsewhere. */
static void replace(char *text, size_t size, const char *id, const char *name, bool quoted)
{
    size_t const length = strlen(id);
    char *made = NULL, last = ' ';
    size_t made_size = 0;
    bool within = false;
    if (length < 3) /* too short to be told from other text */
        return;
    FILE *to = open_memstream(&made, &made_size);
    if (!to)
        die(EX_OSERR, "out of memory");
    for (const char *at = text; *at;) {
        if (*at == '\'')
            within = within ? of_word(at[1]) : !of_word(last) && at[1] != ' ';
        if ((within || !quoted) && strncmp(at, id, length) == 0 && !(of_word(id[0]) && of_word(last)) &&
            !(of_word(id[length - 1]) && of_word(at[length]))) {
            fputs(name, to);
            at += length;
            last = id[length - 1];
        } else {
            last = *at;
            fputc(*at++, to);
        }
    }
    fclose(to);
    snprintf(text, size, "%.*s", (int)(size - 1), made);
    free(made);
}

/* All letters: it may be a word of any sentence. */
static bool is_plain_word(const char *id)
{
    while (isalpha((unsigned char)*id))
        id++;
    return *id == '\0';
}

/* patient, study: as the file says, or NULL. */
static void identify(const struct source *from, const struct load_options *o, const char *patient, const char *study,
                     struct scan_facts *f)
{
    bool open = o->keep_identifiers || f->simulated;
    if (from->patient && (from->listed || !patient))
        patient = from->patient;
    if (from->study && (from->listed || !study))
        study = from->study;
    if (!patient)
        patient = from->label; /* a patient of its own */
    if (!study)
        study = from->label;
    name_of(o, open, patient, f->patient, sizeof f->patient);
    name_of(o, open, study, f->study, sizeof f->study);
    char *place = open ? xstrdup(from->label) : hide_path(o->salt, from->label);
    snprintf(f->source, sizeof f->source, "%.*s", (int)(sizeof f->source - 1), place);
    free(place);
    if (from->kind == SOURCE_DICOM) {
        name_of(o, false, from->series_uid, f->scan, sizeof f->scan);
    } else {
        const char *base = path_base(from->path);
        char *stem = xprintf("%.*s", (int)image_stem(base), base),
             *name = open ? xstrdup(stem) : hide_path(o->salt, stem);
        snprintf(f->scan, sizeof f->scan, "%.63s", name);
        free(name);
        free(stem);
    }
    name_clean(f->scan);
    if (from->diagnosis)
        snprintf(f->diagnosis, sizeof f->diagnosis, "%.31s", from->diagnosis);
    if (from->sex && !strstr(f->overridden, "sex="))
        snprintf(f->sex, sizeof f->sex, "%.7s", from->sex);
    if (isfinite(from->age_y))
        f->age_y = from->age_y;
}

/* Messages and caches are UTF-8, whatever names files have and lists and headers hold. */
static void facts_clean(struct scan_facts *f)
{
    for (size_t i = 0; i < scan_fact_count; i++)
        if (scan_fact_fields[i].kind == FACT_TEXT)
            utf8_clean((char *)f + scan_fact_fields[i].offset, scan_fact_fields[i].size);
}

void scan_identify(const struct source *from, const struct load_options *o, struct scan_facts *f)
{
    scan_facts_init(f);
    identify(from, o, NULL, NULL, f);
    facts_clean(f);
}

void scan_unmark(char *text)
{
    for (; *text; text++)
        if (*text == *SECRET_BEGIN || *text == *SECRET_END)
            *text = '\'';
}

/* Marked texts become their hashes. */
static void marked_hash(const struct load_options *o, char *text, size_t size)
{
    char *made = NULL;
    size_t made_size = 0;
    FILE *to = open_memstream(&made, &made_size);
    if (!to)
        die(EX_OSERR, "out of memory");
    for (const char *at = text; *at;) {
        if (*at != *SECRET_BEGIN) {
            fputc(*at++, to);
            continue;
        }
        size_t const length = strcspn(++at, SECRET_END);
        char *id = xprintf("%.*s", (int)length, at), name[64];
        name_of(o, false, id, name, sizeof name);
        fprintf(to, "'%s'", name);
        at += length + (at[length] != '\0');
        free(id);
    }
    fclose(to);
    snprintf(text, size, "%.*s", (int)(size - 1), made);
    free(made);
}

void scan_scrub(const struct source *from, const struct load_options *o, const struct scan_facts *f, char *text,
                size_t size)
{
    const char *const id[] = {from->patient, from->study}, *const name[] = {f->patient, f->study};
    if (o->keep_identifiers || f->simulated) {
        scan_unmark(text);
        return;
    }
    marked_hash(o, text, size);
    char *hidden = hide_text(text);
    snprintf(text, size, "%.*s", (int)(size - 1), hidden);
    free(hidden);
    for (size_t i = 0; i < COUNT_OF(id); i++)
        if (id[i])
            replace(text, size, id[i], name[i], is_plain_word(id[i]));
}

/* Of the file, or of the several it is: slices, a header and its voxels. */
static int digest(const struct source *from, const char *data_file, struct scan_facts *f, struct error *e)
{
    const char *pair[] = {from->path, data_file};
    if (from->kind == SOURCE_DICOM)
        return files_sha256((const char *const *)from->slice.name, from->slice.count, f->sha256, e);
    return files_sha256(pair, data_file ? 2 : 1, f->sha256, e);
}

/* ---- voxels ---- */

static int units_decide(const struct source *from, const struct load_options *o, struct scan_facts *f, struct error *e)
{
    if (!*f->units && from->units)
        format_into(f->units, sizeof f->units, "%s", from->units);
    if (!*f->units && strcmp(o->units, "auto") != 0)
        format_into(f->units, sizeof f->units, "%s", strcmp(o->units, "suv") == 0 ? "SUV" : "BQML");
    if (!*f->units)
        return fail(
            e,
            "cannot use '%s': its units are not known: give --units suv or --units bqml, or \"Units\" in a JSON "
            "beside it",
            from->path);
    return sidecar_check(from->path, from->sidecar, f, e);
}

/* Turn what was read; file: its grid as it was. */
static void take(struct volume *v, const struct grid *file, float **voxel)
{
    void *turning = *voxel;
    *voxel = NULL;
    v->grid = *file;
    volume_turn_lps(&v->grid, &v->turned, &turning, sizeof(float));
    v->voxel = turning;
}

/* What its header leaves open of where it lies, and what is made of it. */
static void place_tell(const char *path, const struct nifti *image)
{
    static const char *const ways[3][2] = {
        {"left to right", "right to left"}, {"back to front", "front to back"}, {"feet to head", "head to feet"}};
    if (image->forms_apart > 0)
        log_warn("'%s': its sform and qform say two places, %.1f voxels apart: sform is taken, as nibabel does (ITK "
                 "may take "
                 "qform)",
                 path, image->forms_apart);
    if (image->placed)
        return;
    const struct grid *g = &image->grid;
    bool const by_nibabel = g->affine[1][1] > 0; /* NIfTI; the others' own library has y to the back */
    log_warn("'%s' does not say where it lies: taken as stored from %s, %s, %s, as %s", path,
             ways[0][g->affine[0][0] < 0], ways[1][g->affine[1][1] < 0], ways[2][g->affine[2][2] < 0],
             by_nibabel ? "nibabel and FSL do (ITK has front to back)" : "ITK does");
}

static int read_image(const struct source *from, const struct load_options *o, struct volume_message *m,
                      char **data_file, struct error *e)
{
    struct nifti image = {0};
    char *patient = NULL, *study = NULL;
    size_t max_bytes = o->memory_limit / 4; /* the file's bytes, our floats, and room to turn them */
    int rc = from->sidecar ? sidecar_read(from->sidecar, &m->facts, &patient, &study, e) : 0;
    identify(from, o, patient, study, &m->facts);
    if (rc == 0 && !patient && !from->patient)
        log_warn("'%s' has no patient id: taken as a patient of its own", from->label);
    free(patient);
    free(study);
    if (rc == 0 && !from->sidecar)
        rc = suv_override(&m->facts, e);
    if (rc == 0)
        rc = units_decide(from, o, &m->facts, e);
    if (rc == 0)
        rc = image_read(from->path, max_bytes, &image, data_file, e);
    if (rc < 0)
        return -1;
    if (!image.sized)
        rc = fail(
            e,
            "cannot use '%s': its header does not say how large its voxels are (ElementSpacing, ElementSize, space "
            "directions, spacings), and volumes need it",
            from->path);
    if (rc == 0)
        rc = image_air(&image, from->path, 0, e);
    if (rc < 0) {
        free(image.voxel);
        return -1;
    }
    place_tell(from->path, &image);
    format_into(m->facts.modality, sizeof m->facts.modality, "PT");
    take(&m->volume, &image.grid, &image.voxel);
    if (o->want_ct && ct_read(from, max_bytes, &image.grid, image.placed, &m->volume, &m->facts, e) < 0)
        return -1;
    const struct volume *v = &m->volume;
    if (from->mask && mask_read(from->mask, max_bytes, &image.grid, image.placed, &v->grid, &m->volume.mask, e) < 0)
        return -1;
    if (from->organs && organ_maps_read(from->organs, o->organs_of, max_bytes, &image.grid, image.placed, &v->grid,
                                        &m->volume.organ, e) < 0)
        return -1;
    return from->regions ? given_read(from->regions, o, &image.grid, image.placed, NULL, &m->volume.given, e) : 0;
}

static int read_dicom(const struct source *from, const struct load_options *o, struct volume_message *m, struct error *e)
{
    struct series series;
    char *patient = NULL, *study = NULL;
    int rc = series_read(&from->slice, from->doubt, o->memory_limit / 4, &series, &m->facts, &patient, &study, e);
    identify(from, o, patient, study, &m->facts);
    if (rc == 0 && !patient && !from->patient)
        log_warn("'%s' has no patient id: taken as a patient of its own", from->label);
    free(patient);
    free(study);
    if (rc < 0)
        return -1;
    take(&m->volume, &series.grid, &series.voxel);
    if (o->want_ct && ct_read(from, o->memory_limit / 4, &series.grid, true, &m->volume, &m->facts, e) < 0)
        return -1;
    if (from->organs && organ_maps_read(from->organs, o->organs_of, o->memory_limit / 4, &series.grid, true,
                                        &m->volume.grid, &m->volume.organ, e) < 0)
        return -1;
    if (from->regions && given_read(from->regions, o, &series.grid, true, &series, &m->volume.given, e) < 0)
        return -1;
    if (!from->mask)
        return 0;
    if (image_stem(from->mask))
        return mask_read(from->mask, o->memory_limit / 4, &series.grid, true, &m->volume.grid, &m->volume.mask, e);
    uint8_t *mask;
    struct names file = {.name = xalloc(from->joined.count + 1, sizeof *file.name), .count = 1};
    file.name[0] = from->mask;
    for (size_t i = 0; i < from->joined.count; i++)
        file.name[file.count++] = from->joined.name[i];
    rc = truth_read(&file, o, &series, &mask, e);
    free(file.name);
    if (rc < 0)
        return -1;
    void *turning = mask;
    struct turn turned;
    volume_turn_lps(&series.grid, &turned, &turning, 1);
    m->volume.mask = turning;
    return 0;
}

int scan_read(const struct source *from, const struct load_options *o, struct volume_message *m, struct error *e)
{
    *m = (struct volume_message){0};
    scan_facts_init(&m->facts);
    if (from->override)
        format_into(m->facts.overridden, sizeof m->facts.overridden, "%s", from->override);
    char *data_file = NULL;
    int rc = -1;
    if (from->kind == SOURCE_REFUSED || *from->refused.text) {
        identify(from, o, NULL, NULL, &m->facts);
        if (e)
            *e = from->refused;
    } else if (from->kind == SOURCE_IMAGE) {
        rc = read_image(from, o, m, &data_file, e);
    } else {
        rc = read_dicom(from, o, m, e);
    }
    if (rc == 0)
        rc = digest(from, data_file, &m->facts, e);
    free(data_file);
    facts_clean(&m->facts);
    if (rc < 0)
        volume_free(&m->volume);
    return rc;
}
