/* SPDX-License-Identifier: Apache-2.0 */
/* series -- one simulated patient as DICOM series.   write -> [series] -> dicom_write */
#include "datasets/simulate/series.h"
#include "common/file.h"
#include "datasets/simulate/dicom_write.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct series {
    const char *dir, *cohort;
    const struct patient *p;
    const struct phantom *ph;
    struct dicom_facts facts;
};

static void name_uid(const struct series *s, const char *what, int64_t number, char uid[UID_ROOM])
{
    char *text = xprintf("%s|%s|%s|%s|%lld", s->cohort, s->p->id, s->p->study, what, (long long)number);
    format_into(uid, UID_ROOM, "2.25.%llu", (unsigned long long)bytes_xxh3(text, strlen(text)));
    free(text);
}

static void begin(struct series *s, enum dicom_kind kind, const char *what)
{
    const struct grid *g = &s->ph->grid;
    struct dicom_facts *f = &s->facts;
    *f = (struct dicom_facts){.kind = kind,
                              .patient_id = s->p->id,
                              .study_id = "SIMULATED",
                              .day = s->p->days == 0 ? "20000101" : "20000401", /* nobody was there */
                              .sex = s->p->male ? "M" : "F",
                              .age_y = s->p->age_y,
                              .weight_kg = s->p->weight_g / 1000.0,
                              .height_m = s->p->height_m,
                              .dose_bq = s->p->dose_bq,
                              .half_life_s = s->p->half_life_s,
                              .injection_s = s->p->injection_s,
                              .series_s = s->p->series_s,
                              .slices = g->dim[0],
                              .rows = g->dim[1],
                              .columns = g->dim[2]};
    for (int a = 0; a < 3; a++) {
        double sign = a < 2 ? -1.0 : 1.0; /* RAS to LPS */
        f->spacing_mm[a] = g->spacing_mm[a];
        f->orientation[a] = sign * g->affine[a][0] / g->spacing_mm[2] + 0.0;
        f->orientation[3 + a] = sign * g->affine[a][1] / g->spacing_mm[1] + 0.0; /* + 0: no minus before a zero */
    }
    name_uid(s, "study", 0, f->study_uid);
    name_uid(s, "frame of reference", 0, f->frame_uid);
    name_uid(s, what, 0, f->series_uid);
}

static void position_of(const struct series *s, int64_t z, double lps_mm[3])
{
    grid_to_mm(&s->ph->grid, (const double[3]){(double)z, 0.0, 0.0}, lps_mm);
    lps_mm[0] = -lps_mm[0];
    lps_mm[1] = -lps_mm[1];
}

/* Bq/mL as 16 bits: the slice's maximum is 65535. */
static void store_pet(const float *bqml, size_t n, struct dicom_slice *slice, uint16_t *stored)
{
    float most = 0.0F;
    for (size_t i = 0; i < n; i++)
        most = bqml[i] > most ? bqml[i] : most;
    slice->slope = most > 0.0F ? (double)most / 65535.0 : 1.0;
    slice->intercept = 0.0;
    for (size_t i = 0; i < n; i++)
        stored[i] = (uint16_t)fmin(floor((double)bqml[i] / slice->slope + 0.5), 65535.0);
}

static void store_ct(const int16_t *hu, size_t n, struct dicom_slice *slice, uint16_t *stored)
{
    slice->slope = 1.0;
    slice->intercept = -1024.0;
    for (size_t i = 0; i < n; i++)
        stored[i] = (uint16_t)(hu[i] < -1024 ? 0 : hu[i] + 1024);
}

static int write_slices(struct series *s, enum dicom_kind kind, const int16_t *hu, struct error *e)
{
    const char *what = kind == DICOM_PET ? "PET" : "CT";
    begin(s, kind, what);
    size_t n = (size_t)(s->facts.rows * s->facts.columns);
    uint16_t *stored = xalloc(n, sizeof *stored);
    char *dir = path_join(s->dir, what);
    int rc = dir_make(dir, e);
    for (int64_t z = 0; rc == 0 && z < s->facts.slices; z++) {
        struct dicom_slice slice = {.number = z + 1, .stored = stored};
        if (kind == DICOM_PET)
            store_pet(s->ph->suv + (size_t)z * n, n, &slice, stored);
        else
            store_ct(hu + (size_t)z * n, n, &slice, stored);
        name_uid(s, what, z + 1, slice.uid);
        position_of(s, z, slice.position_mm);
        char *path = xprintf("%s/%04lld.dcm", dir, (long long)(z + 1));
        rc = dicom_write_slice(path, &s->facts, &slice, e);
        free(path);
    }
    free(dir);
    free(stored);
    return rc;
}

static int write_mask(struct series *s, struct error *e)
{
    begin(s, DICOM_SEG, "SEG");
    size_t plane = (size_t)(s->facts.rows * s->facts.columns);
    struct dicom_mask m = {0};
    struct dicom_frame *frame = xalloc((size_t)s->facts.slices, sizeof *frame);
    uint8_t *bits = xalloc((plane * (size_t)s->facts.slices + 7) / 8 + 1, 1);
    for (int64_t z = 0; z < s->facts.slices; z++) {
        const uint8_t *in = s->ph->lesion + (size_t)z * plane;
        bool last_chance = m.count == 0 && z + 1 == s->facts.slices; /* a SEG has a frame at least */
        if (!memchr(in, 1, plane) && !last_chance)
            continue;
        for (size_t i = 0; i < plane; i++) {
            size_t at = m.count * plane + i;
            bits[at / 8] |= (uint8_t)(in[i] << at % 8);
        }
        name_uid(s, "PET", z + 1, frame[m.count].uid);
        position_of(s, z, frame[m.count++].position_mm);
    }
    m.frame = frame;
    m.bits = bits;
    name_uid(s, "PET", 0, m.of_series_uid);
    name_uid(s, "SEG", 1, m.uid);
    char *dir = path_join(s->dir, "SEG"), *path = path_join(dir, "SEG.dcm");
    int rc = dir_make(dir, e);
    if (rc == 0)
        rc = dicom_write_mask(path, &s->facts, &m, e);
    free(path);
    free(dir);
    free(bits);
    free(frame);
    return rc;
}

int series_write(const char *dir, const char *cohort, const struct patient *p, const struct phantom *ph,
                 const int16_t *hu, struct error *e)
{
    struct series s = {.dir = dir, .cohort = cohort, .p = p, .ph = ph};
    return write_slices(&s, DICOM_PET, NULL, e) < 0 || write_slices(&s, DICOM_CT, hu, e) < 0 || write_mask(&s, e) < 0
               ? -1
               : 0;
}
