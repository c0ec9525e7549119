/* SPDX-License-Identifier: Apache-2.0 */
/* truth -- which structures of an RTSTRUCT or SEG are tumour, and the mask they make together.   scan -> [truth] -> rtstruct, seg
 *
 * By default everything is truth but what cannot be: by its type (RTROIInterpretedType, a segment's category), or because each word of its
 * name is one of an outline, a table or an organ: 'BODY', 'Lung_L', 'liver' are none; 'liver met', 'GTV lung' may be. */
#include "common/log.h"
#include "stages/load/load.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *type, *why;
    bool unless_named; /* a name that speaks of tumour goes before it */
} types[] = {{"EXTERNAL", "an outline of the body", false},
             {"SUPPORT", "a support", false},
             {"FIXATION", "a fixation", false},
             {"BOLUS", "a bolus", false},
             {"OBJECT", "an object", true},
             {"MARKER", "a marker", false},
             {"REGISTRATION", "a registration mark", false},
             {"ISOCENTER", "an isocentre", false},
             {"CONTRAST_AGENT", "a contrast agent", false},
             {"SUBSTANCE", "a substance", true},
             {"DOSE_REGION", "a region of dose", false},
             {"DOSE_MEASUREMENT", "a dose measurement", false},
             {"TREATED_VOLUME", "a treated volume", false},
             {"IRRAD_VOLUME", "an irradiated volume", false},
             {"CTV", "a margin round a tumour", false},
             {"PTV", "a margin round a tumour", false},
             {"BRACHY_CHANNEL", "a channel", false},
             {"BRACHY_ACCESSORY", "an applicator", false},
             {"BRACHY_SRC_APP", "an applicator", false},
             {"BRACHY_CHNL_SHLD", "a shield", false},
             {"ORGAN", "an organ", true},
             {"AVOIDANCE", "an organ", true},
             {"CONTROL", "a control region", true},
             {"CAVITY", "a cavity", true}};

/* Parts of words that speak of tumour. */
static const char *const tumour[] = {"gtv",    "tumor",   "tumour",   "lesion",   "cancer",
                                     "metast", "neoplas", "lymphoma", "carcinom", "melanom"};
/* Words that say which one, and not what. */
static const char *const sides[] = {"left",      "right", "l",         "r",     "lt",      "rt",      "lft",
                                    "rgt",       "both",  "total",     "whole", "contour", "outline", "surface",
                                    "structure", "outer", "interior",  "ct",    "pet",     "mr",      "auto",
                                    "normal",    "bilat", "bilateral", "the",   "of",      "roi"};
static const struct {
    const char *why, *word[40];
} nouns[] = {
    {"an outline of the body by its name",
     {"body", "external", "externals", "skin", "patient", "bodycontour", "outercontour", "patientoutline", "background",
      "air"}},
    {"a support by its name", {"couch", "table", "tabletop", "couchsurface", "couchinterior", "bolus", "mask"}},
    {"an organ by its name",
     {"liver",   "lung",       "lungs", "heart", "brain",   "brainstem", "bladder",     "kidney", "kidneys", "spleen",
      "stomach", "pancreas",   "bowel", "colon", "rectum",  "esophagus", "oesophagus",  "aorta",  "trachea", "cord",
      "spinal",  "spinalcord", "spine", "femur", "parotid", "parotids",  "mandible",    "eye",    "eyes",    "lens",
      "thyroid", "larynx",     "bone",  "bones", "muscle",  "fat",       "gallbladder", "urinary"}},
};

static bool is_one_of(const char *word, const char *const *of, size_t count)
{
    for (size_t i = 0; i < count && of[i]; i++)
        if (strcasecmp(of[i], word) == 0)
            return true;
    return false;
}

/* What every word of the name is; NULL: some word is not of these. */
static const char *why_by_name(const char *name)
{
    const char *why = NULL;
    char word[64];
    for (const char *at = name; *at;) {
        size_t length = 0;
        while (isalpha((unsigned char)at[length]) || (unsigned char)at[length] > 127)
            length++;
        if (length == 0) {
            at++;
            continue;
        }
        format_into(word, sizeof word, "%.*s", (int)(length < 63 ? length : 63), at);
        at += length;
        if (is_one_of(word, sides, COUNT_OF(sides)))
            continue;
        const char *noun = NULL;
        for (size_t i = 0; i < COUNT_OF(nouns) && !noun; i++)
            if (is_one_of(word, nouns[i].word, COUNT_OF(nouns[i].word)))
                noun = nouns[i].why;
        if (!noun)
            return NULL;
        why = noun;
    }
    return why;
}

const char *truth_no_tumour(const char *name, const char *type)
{
    bool speaks = strcmp(type, "TUMOUR") == 0 || strcmp(type, "GTV") == 0;
    for (size_t i = 0; i < COUNT_OF(tumour); i++)
        speaks |= strcasestr(name, tumour[i]) != NULL;
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (strcmp(types[i].type, type) == 0 && !(types[i].unless_named && speaks))
            return types[i].why;
    return speaks ? NULL : why_by_name(name);
}

static void append(char *to, size_t size, const char *name, const char *why)
{
    size_t const at = strlen(to);
    if (at + strlen(name) + 60 < size)
        format_into(to + at, size - at, "%s'%s'%s%s%s", at ? ", " : "", name, why ? " (" : "", why ? why : "",
                    why ? ")" : "");
    else if (at + 6 < size && !ends_with(to, " ..."))
        format_into(to + at, size - at, " ...");
}

bool truth_wants(struct truth *t, const char *name, const char *type)
{
    bool asked = false;
    t->named++;
    append(t->there, sizeof t->there, name, NULL);
    for (size_t i = 0; i < t->roi->count; i++)
        if (strcasecmp(t->roi->value[i], name) == 0)
            asked = t->found[i] = true;
    if (t->roi->count)
        return asked;
    const char *why = truth_no_tumour(name, type);
    if (why)
        append(t->left, sizeof t->left, name, why);
    return !why;
}

static int file_read_into(struct truth *t, const char *path, struct error *e)
{
    struct dicom_probe probe;
    int rc = dicom_probe(path, &probe, e);
    if (rc > 0)
        return fail(e, "cannot use mask '%s': neither an image nor DICOM", path);
    if (rc == 0 && strcmp(probe.modality, "SEG") != 0 && strcmp(probe.modality, "RTSTRUCT") != 0)
        rc = fail(e, "it is of modality '%s' ((0008,0060)): RTSTRUCT or SEG wanted", probe.modality);
    t->left[0] = '\0';
    if (rc == 0)
        rc = (strcmp(probe.modality, "SEG") == 0 ? seg_read : rtstruct_read)(path, t, e);
    if (rc == 0 && *t->left)
        log_warn("'%s': left out, being no tumour: %s: name with --roi what is wanted", path, t->left);
    return rc < 0 ? fail_in(e, "cannot use mask '%s'", path) : 0;
}

static int truth_check(const struct truth *t, const struct names *file, bool allow_empty, struct error *e)
{
    for (size_t i = 0; i < t->roi->count; i++)
        if (!t->found[i])
            return fail(
                e,
                "cannot use mask '%s': no ROI or segment '%s': (3006,0026) ROIName or (0062,0005) SegmentLabel has %s",
                file->name[0], t->roi->value[i], t->there);
    size_t const count = grid_voxels(&t->series->grid);
    if (allow_empty || memchr(t->mask, 1, count))
        return 0;
    if (t->named == 0)
        return fail(e,
                    "cannot use mask '%s': it names no structure ((3006,0020) StructureSetROISequence, (0062,0002) "
                    "SegmentSequence): give --allow-empty-truth if that is right",
                    file->name[0]);
    return fail(
        e,
        "cannot use mask '%s': it names %zu structures (%s), and no voxel is inside: name one with --roi, or give "
        "--allow-empty-truth",
        file->name[0], t->named, t->there);
}

static int read_all(const struct names *file, const struct load_options *o, const struct series *s, uint8_t **mask,
                    uint16_t **label, struct error *e)
{
    struct truth t = {.roi = &o->roi, .series = s, .mask = try_alloc(e, grid_voxels(&s->grid), 1)};
    int rc = t.mask ? 0 : -1;
    if (rc == 0 && label && !(t.label = try_alloc(e, grid_voxels(&s->grid), sizeof *t.label)))
        rc = -1;
    for (size_t i = 0; rc == 0 && i < file->count; i++)
        rc = file_read_into(&t, file->name[i], e);
    if (rc == 0)
        rc = truth_check(&t, file, o->allow_empty_truth, e);
    if (rc < 0) {
        free(t.mask);
        free(t.label);
        t.mask = NULL, t.label = NULL;
    }
    *mask = t.mask;
    if (label)
        *label = t.label;
    return rc;
}

int truth_read(const struct names *file, const struct load_options *o, const struct series *s, uint8_t **mask,
               struct error *e)
{
    return read_all(file, o, s, mask, NULL, e);
}

int truth_read_labels(const struct names *file, const struct load_options *o, const struct series *s, uint8_t **mask,
                      uint16_t **label, struct error *e)
{
    return read_all(file, o, s, mask, label, e);
}
