/* SPDX-License-Identifier: Apache-2.0 */
/* scan -- one source becomes one volume message: voxels in LPS order, truth, facts.   find -> [scan] -> suv */
#include "common/log.h"
#include "proto/suv.h"
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

/* Puts `name` in place of every `id`. */
static void replace(char *text, size_t size, const char *id, const char *name)
{
    size_t length = strlen(id);
    if (length < 3) /* too short to be told from other text */
        return;
    char *scrubbed = xstrdup("");
    const char *at = text;
    for (const char *found; (found = strstr(at, id)); at = found + length) {
        char *longer = xprintf("%s%.*s%s", scrubbed, (int)(found - at), at, name);
        free(scrubbed);
        scrubbed = longer;
    }
    char *whole = xprintf("%s%s", scrubbed, at);
    snprintf(text, size, "%.*s", (int)(size - 1), whole);
    free(whole);
    free(scrubbed);
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
    snprintf(f->source, sizeof f->source, "%.*s", (int)(sizeof f->source - 1), from->label);
    if (from->kind == SOURCE_DICOM) {
        name_of(o, false, from->series_uid, f->scan, sizeof f->scan);
    } else {
        const char *base = path_base(from->path);
        snprintf(f->scan, sizeof f->scan, "%.*s", (int)image_stem(base) < 63 ? (int)image_stem(base) : 63, base);
    }
    if (!open) {
        replace(f->source, sizeof f->source, patient, f->patient);
        replace(f->source, sizeof f->source, study, f->study);
        replace(f->scan, sizeof f->scan, patient, f->patient);
        replace(f->scan, sizeof f->scan, study, f->study);
    }
    name_clean(f->scan);
    if (from->diagnosis)
        snprintf(f->diagnosis, sizeof f->diagnosis, "%.31s", from->diagnosis);
    if (from->sex && !strstr(f->overridden, "sex="))
        snprintf(f->sex, sizeof f->sex, "%.7s", from->sex);
    if (isfinite(from->age_y))
        f->age_y = from->age_y;
}

void scan_identify(const struct source *from, const struct load_options *o, struct scan_facts *f)
{
    scan_facts_init(f);
    identify(from, o, NULL, NULL, f);
}

void scan_scrub(const struct source *from, const struct load_options *o, const struct scan_facts *f, char *text,
                size_t size)
{
    if (o->keep_identifiers || f->simulated)
        return;
    if (from->patient)
        replace(text, size, from->patient, f->patient);
    if (from->study)
        replace(text, size, from->study, f->study);
}

int files_sha256(const char *const *file, size_t count, char hex[65], struct error *e)
{
    if (count == 1)
        return file_sha256(file[0], hex, e);
    char *all = xalloc(count, 65);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = file_sha256(file[i], all + 64 * i, e);
    if (rc == 0)
        bytes_sha256(all, 64 * count, hex);
    free(all);
    return rc;
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
    if (!image.placed)
        log_warn("'%s' does not say where it lies: taken as stored from right to left, back to front, "
                 "feet to head",
                 from->path);
    format_into(m->facts.modality, sizeof m->facts.modality, "PT");
    take(&m->volume, &image.grid, &image.voxel);
    if (o->want_ct && ct_read(from, max_bytes, &image.grid, image.placed, &m->volume, &m->facts, e) < 0)
        return -1;
    const struct volume *v = &m->volume;
    if (from->mask && mask_read(from->mask, max_bytes, &image.grid, image.placed, &v->grid, &m->volume.mask, e) < 0)
        return -1;
    return from->organs ? organs_read(from->organs, max_bytes, &image.grid, image.placed, &v->grid, &m->volume.organ, e)
                        : 0;
}

static int read_dicom(const struct source *from, const struct load_options *o, struct volume_message *m, struct error *e)
{
    struct series series;
    char *patient = NULL, *study = NULL;
    int rc = series_read(&from->slice, o->memory_limit / 4, &series, &m->facts, &patient, &study, e);
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
    if (from->organs &&
        organs_read(from->organs, o->memory_limit / 4, &series.grid, true, &m->volume.grid, &m->volume.organ, e) < 0)
        return -1;
    if (!from->mask)
        return 0;
    if (image_stem(from->mask))
        return mask_read(from->mask, o->memory_limit / 4, &series.grid, true, &m->volume.grid, &m->volume.mask, e);
    struct dicom_probe probe;
    uint8_t *mask;
    rc = dicom_probe(from->mask, &probe, e);
    if (rc > 0)
        return fail(e, "cannot use mask '%s': neither an image nor DICOM", from->mask);
    if (rc < 0 ||
        (strcmp(probe.modality, "SEG") == 0 ? seg_read : rtstruct_read)(from->mask, &o->roi, &series, &mask, e) < 0)
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
    if (rc < 0)
        volume_free(&m->volume);
    return rc;
}
