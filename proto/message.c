/* SPDX-License-Identifier: Apache-2.0 */
/* message -- the kinds of message, the facts of a scan, the small messages; for arrays see message_arrays.c, message_batch.c.   proto */
#include "proto/message.h"
#include "proto/message_internal.h"
#include <math.h>
#include <string.h>

static const char *const type_names[] = {
    [MESSAGE_VOLUME] = "volume",       [MESSAGE_REGIONS] = "regions",       [MESSAGE_REFUSAL] = "refusal",
    [MESSAGE_PAIR_TASK] = "pair_task", [MESSAGE_PAIR_BATCH] = "pair_batch", [MESSAGE_METRIC] = "metric"};

int message_type_of(const struct buffer *b, struct error *e)
{
    struct wire_map map;
    char type[32];
    if (wire_open(b, &map, type, e))
        return -1;
    for (size_t i = 1; i < COUNT_OF(type_names); i++)
        if (strcmp(type, type_names[i]) == 0)
            return (int)i;
    return fail(e, "message has the unknown type '%s'", type);
}

const char *box_channel_names(int channels)
{
    static const char *const names[] = {[1] = "pet", [2] = "pet,ct"};
    return channels >= 1 && channels <= BOX_CHANNELS ? names[channels] : "unknown";
}

struct volume_scale facts_scale(const struct scan_facts *f)
{
    return (struct volume_scale){.mean = {[BOX_PET] = (float)f->volume_mean, [BOX_CT] = (float)f->ct_mean},
                                 .sd = {[BOX_PET] = (float)f->volume_sd, [BOX_CT] = (float)f->ct_sd}};
}

/* ---- facts */

#define FACT(kind, field, unit, meaning)                                                                               \
    {                                                                                                                  \
#field, kind, offsetof(struct scan_facts, field), sizeof((struct scan_facts *)0)->field, unit, meaning         \
    }
const struct fact_field scan_fact_fields[] = {
    FACT(FACT_TEXT, patient, "", "salted hash of the patient, or the id where identifiers are kept"),
    FACT(FACT_TEXT, study, "", "name of the study"),
    FACT(FACT_TEXT, scan, "", "name of the scan within its study"),
    FACT(FACT_TEXT, source, "", "path the scan was read from"),
    FACT(FACT_TEXT, sha256, "", "SHA-256 of the source files, in order"),
    FACT(FACT_TEXT, modality, "", "DICOM modality"),
    FACT(FACT_TEXT, vendor, "", "maker of the scanner"),
    FACT(FACT_TEXT, model, "", "model of the scanner"),
    FACT(FACT_TEXT, tracer, "", "radiopharmaceutical"),
    FACT(FACT_TEXT, diagnosis, "", "diagnosis of the study"),
    FACT(FACT_TEXT, sex, "", "patient's sex"),
    FACT(FACT_REAL, age_y, "years", "patient's age"),
    FACT(FACT_REAL, weight_g, "g", "patient's weight"),
    FACT(FACT_REAL, height_m, "m", "patient's height"),
    FACT(FACT_INT, simulated, "", "1: not a real patient"),
    FACT(FACT_TEXT, nuclide, "", "nuclide of the radiopharmaceutical, by its code"),
    FACT(FACT_TEXT, units, "", "units of the stored values: BQML, CNTS, GML or SUV"),
    FACT(FACT_TEXT, decay_correction, "", "START, ADMIN or NONE"),
    FACT(FACT_TEXT, corrected, "", "corrections applied by the scanner (CorrectedImage)"),
    FACT(FACT_REAL, dose_bq, "Bq", "activity injected"),
    FACT(FACT_REAL, half_life_s, "s", "half-life of the nuclide"),
    FACT(FACT_REAL, injection_s, "s", "time of injection since midnight of the acquisition's day"),
    FACT(FACT_REAL, series_s, "s", "time of the series since midnight of the acquisition's day"),
    FACT(FACT_REAL, acquisition_s, "s", "time of the earliest bed since midnight of the acquisition's day"),
    FACT(FACT_REAL, scan_start_s, "s", "vendor's own start of the scan since midnight of the acquisition's day"),
    FACT(FACT_REAL, corrected_to_s, "s", "moment decay was corrected to, where it is said outright"),
    FACT(FACT_REAL, frame_reference_s, "s", "FrameReferenceTime of the earliest bed"),
    FACT(FACT_REAL, frame_duration_s, "s", "ActualFrameDuration of the earliest bed"),
    FACT(FACT_REAL, clock_spread_s, "s", "how far the starts of the scan that its frames tell lie apart"),
    FACT(FACT_INT, injection_dated, "", "1: the day of injection is known, not its time alone"),
    FACT(FACT_TEXT, unread, "", "what should be numbers and times, and is none"),
    FACT(FACT_TEXT, overridden, "", "facts the user gave in place of the files'"),
    FACT(FACT_TEXT, told, "", "what was converted, chosen, or contradicts itself"),
    FACT(FACT_TEXT, reference_by, "", "what said the moment decay was corrected to"),
    FACT(FACT_REAL, reference_s, "s", "moment decay was corrected to, since midnight of the acquisition's day"),
    FACT(FACT_REAL, delay_s, "s", "time of decay used for the SUV"),
    FACT(FACT_REAL, suv_factor, "SUV per stored unit", "SUV = factor * value"),
    FACT(FACT_TEXT, suv_formula, "", "formula the factor comes from"),
    FACT(FACT_REAL, suv_max, "SUV", "largest SUV of the scan"),
    FACT(FACT_REAL, body_mean, "SUV", "mean of what is brighter than half the volume's mean"),
    FACT(FACT_REAL, dose_share, "", "share of the decayed dose that the volume holds"),
    FACT(FACT_REAL, volume_mean, "SUV", "mean of the whole volume"),
    FACT(FACT_REAL, volume_sd, "SUV", "unbiased standard deviation of the whole volume"),
    FACT(FACT_TEXT, ct_sha256, "", "SHA-256 of the CT's source files, in order; empty: no CT"),
    FACT(FACT_REAL, ct_mean, "HU", "mean of the whole CT on the scan's grid"),
    FACT(FACT_REAL, ct_sd, "HU", "unbiased standard deviation of the whole CT on the scan's grid"),
    FACT(FACT_TEXT, cropped, "", "where the scan was cut at the thighs, or why it was not"),
    FACT(FACT_TEXT, regions_how, "", "thresholds and reference the regions were found with"),
    FACT(FACT_TEXT, made_with, "",
         "SUV and region settings that differ from their defaults, and the generation of each group"),
};
const size_t scan_fact_count = COUNT_OF(scan_fact_fields);

void scan_facts_init(struct scan_facts *f)
{
    memset(f, 0, sizeof *f);
    for (size_t i = 0; i < scan_fact_count; i++)
        if (scan_fact_fields[i].kind == FACT_REAL)
            *(double *)((char *)f + scan_fact_fields[i].offset) = (double)NAN;
}

static struct wire_field fact_wire(const struct fact_field *f)
{
    static const enum wire_kind kind_of[] = {[FACT_TEXT] = WIRE_TEXT, [FACT_REAL] = WIRE_REAL, [FACT_INT] = WIRE_I64};
    return (struct wire_field){f->name, kind_of[f->kind], f->offset, f->size};
}

void facts_put(struct wire_writer *w, const struct scan_facts *facts)
{
    wire_map(w, "facts", scan_fact_count);
    for (size_t i = 0; i < scan_fact_count; i++) {
        struct wire_field field = fact_wire(&scan_fact_fields[i]);
        wire_put(w, &field, 1, facts);
    }
}

int facts_get(const struct wire_map *map, struct scan_facts *facts, struct error *e)
{
    struct wire_map inner;
    if (wire_get_map(map, "facts", &inner, e))
        return -1;
    for (size_t i = 0; i < scan_fact_count; i++) {
        struct wire_field field = fact_wire(&scan_fact_fields[i]);
        if (wire_get(&inner, &field, 1, facts, e))
            return fail_in(e, "facts");
    }
    return 0;
}

/* ---- messages that are one struct: field by field, in both directions */

static void struct_encode(const char *type, const struct wire_field *field, size_t count, const void *m,
                          struct buffer *out)
{
    struct wire_writer w;
    wire_begin(&w, type, count, 0);
    wire_put(&w, field, count, m);
    wire_end(&w, out);
}

static int struct_decode(const char *type, const struct wire_field *field, size_t count, const struct buffer *b,
                         void *m, struct error *e)
{
    struct wire_map map;
    return wire_open_as(b, type, &map, e) || wire_get(&map, field, count, m, e) ? -1 : 0;
}

static const struct wire_field refusal_fields[] = {
    FIELD(WIRE_TEXT, refusal_message, scan), FIELD(WIRE_TEXT, refusal_message, stage),
    FIELD(WIRE_I32, refusal_message, code), FIELD(WIRE_TEXT, refusal_message, sentence)};

void refusal_message_encode(const struct refusal_message *m, struct buffer *out)
{
    struct_encode("refusal", refusal_fields, COUNT_OF(refusal_fields), m, out);
}

int refusal_message_decode(const struct buffer *b, struct refusal_message *m, struct error *e)
{
    return struct_decode("refusal", refusal_fields, COUNT_OF(refusal_fields), b, m, e);
}

static const struct wire_field metric_fields[] = {
    FIELD(WIRE_TEXT, metric_message, name), FIELD(WIRE_I64, metric_message, epoch),
    FIELD(WIRE_I64, metric_message, step), FIELD(WIRE_REAL, metric_message, value)};

void metric_encode(const struct metric_message *m, struct buffer *out)
{
    struct_encode("metric", metric_fields, COUNT_OF(metric_fields), m, out);
}

int metric_decode(const struct buffer *b, struct metric_message *m, struct error *e)
{
    return struct_decode("metric", metric_fields, COUNT_OF(metric_fields), b, m, e);
}

const struct wire_field pair_task_fields[PAIR_TASK_FIELDS] = {
    FIELD(WIRE_I32, pair_task_message, phase),        FIELD(WIRE_U64, pair_task_message, seed),
    FIELD(WIRE_I64, pair_task_message, epoch),        FIELD(WIRE_I64, pair_task_message, step),
    FIELD(WIRE_U64, pair_task_message, sampling),     FIELD(WIRE_I32, pair_task_message, part),
    FIELD(WIRE_I32, pair_task_message, parts),        FIELD(WIRE_I32, pair_task_message, drawn),
    FIELD(WIRE_I32, pair_task_message, views_wanted), FIELD(WIRE_I32, pair_task_message, layout)};

int pair_task_check(const struct pair_task_message *m, struct error *e)
{
    if (m->phase < PHASE_PRETRAIN || m->phase > PHASE_CLASSIFIER_VALIDATION)
        return fail(e, "message's 'phase' is %d, known are %d to %d", m->phase, PHASE_PRETRAIN,
                    PHASE_CLASSIFIER_VALIDATION);
    if (m->parts < 0 || m->part < 0 || (m->part && m->part >= m->parts))
        return fail(e, "message asks for part %d of %d of a batch: parts count from 0", m->part, m->parts);
    if (m->drawn != 0 && m->drawn != 1)
        return fail(e, "message's 'drawn' is %d, known are 0 and 1", m->drawn);
    if (m->layout < 0 || m->layout >= VIEW_LAYOUTS ||
        m->views_wanted < (m->layout == VIEWS_GRID ? VIEWS_OCTANTS + 1 : 0) || m->views_wanted > VIEWS_MAX)
        return fail(e, "message asks for %d views of layout %d: 0 to %d of 0, %d to %d of 1", m->views_wanted,
                    m->layout, VIEWS_MAX, VIEWS_OCTANTS + 1, VIEWS_MAX);
    if (m->epoch < 0 || m->step < 0)
        return fail(e, "message asks for epoch %lld, step %lld: both count from 0", (long long)m->epoch,
                    (long long)m->step);
    return 0;
}

void pair_task_encode(const struct pair_task_message *m, struct buffer *out)
{
    struct_encode("pair_task", pair_task_fields, PAIR_TASK_FIELDS, m, out);
}

int pair_task_decode(const struct buffer *b, struct pair_task_message *m, struct error *e)
{
    return struct_decode("pair_task", pair_task_fields, PAIR_TASK_FIELDS, b, m, e) || pair_task_check(m, e) ? -1 : 0;
}
