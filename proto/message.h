/* SPDX-License-Identifier: Apache-2.0 */
/* message -- what crosses a process, as structs and as msgpack; the only user of msgpack.h.   proto
 *
 * Every message is a map: {"v": MESSAGE_VERSION, "type": "...", fields...}, or a refusal in place of any of them.
 * Unknown fields are skipped (so a field may be added without raising the version); a missing, misshapen or
 * over-long one is refused by name. Arrays are msgpack bin, little endian, C order. Lengths are checked against the
 * message's own bytes before anything is allocated.
 * Encoders die only for want of memory. Decoders return -1 and a sentence; what they fill is freed by *_free. */
#ifndef PETREL_PROTO_MESSAGE_H
#define PETREL_PROTO_MESSAGE_H
#include "common/augmentation.h"
#include "common/base.h"
#include "common/volume.h"

enum {
    MESSAGE_VERSION = 2
}; /* raise when a reader of the old one would misread the new one; 2: views of a pair task */
/* Largest scan a message carries: 2 GiB of float32. A run-length coded map claims its size in a few bytes, so it is bounded. */
enum { MESSAGE_VOXELS_MAX = 1 << 29 };

enum message_type {
    MESSAGE_VOLUME = 1,
    MESSAGE_REGIONS,
    MESSAGE_REFUSAL,
    MESSAGE_PAIR_TASK,
    MESSAGE_PAIR_BATCH,
    MESSAGE_METRIC
};
/* Type of an encoded message, or -1 and a sentence (not msgpack, another version, unknown type). */
int message_type_of(const struct buffer *b, struct error *e) MUST_USE;

/* What is known of a scan; one table in message.c drives msgpack, the cache's attributes and JSON.
 * Unknown reals are NAN, unknown texts "". Times are seconds since midnight of the day of the earliest acquisition, in the zone of the
 * scanner: those of other days are below 0 or above 86,400. */
struct scan_facts {
    char patient[40];         /* salted hash, or the id with --keep-identifiers */
    char study[64], scan[64]; /* names for files: study (hash) and its scan within it */
    char source[512];         /* path read */
    char sha256[65];          /* of the source file(s) in order */
    char modality[16], vendor[64], model[64];
    char tracer[32], diagnosis[32], sex[8];
    double age_y, weight_g, height_m;
    int64_t simulated; /* 1: not a real patient; is said wherever results appear */
    /* SUV */
    char nuclide[8];                                                   /* "F-18", by its code; "": not said */
    char units[16];                                                    /* BQML | CNTS | GML | SUV */
    char decay_correction[16];                                         /* START | ADMIN | NONE | "" */
    char corrected[128];                                               /* CorrectedImage, backslash separated */
    double dose_bq, half_life_s, injection_s, series_s, acquisition_s; /* acquisition: the earliest bed */
    double scan_start_s;   /* vendor's own start of the scan: Siemens (0071,1022), GE (0009,100D) */
    double corrected_to_s; /* the moment decay was corrected to, where it is said outright */
    double frame_reference_s, frame_duration_s; /* of the earliest bed: FrameReferenceTime, ActualFrameDuration */
    double clock_spread_s;                      /* how far the starts of the scan that its frames tell lie apart */
    int64_t injection_dated;                    /* 1: injection_s is of a day that is said; else its day is any */
    char unread[256];      /* what should be numbers and times, and is none: "(0010,1030) PatientWeight '155lb'; ..." */
    char overridden[256];  /* facts the user gave in place of the files': "weight_g=70000;..." (proto/suv.h) */
    char told[768];        /* what was converted, chosen, or contradicts itself: sentences, "; " between them */
    char reference_by[48]; /* filled by suv: what said the moment decay was corrected to */
    double reference_s;    /* filled by suv: that moment */
    double delay_s;        /* filled by suv: decay time used */
    double suv_factor;     /* filled by suv: SUV = factor * value */
    char suv_formula[96];  /* filled by suv: "SUVbw = Bq/mL * weight_g / (dose_bq * 2^(-delay_s/half_life_s))" */
    double suv_max;        /* filled by suv */
    double body_mean;      /* filled by suv: mean SUV of what is brighter than half the volume's mean */
    double dose_share;     /* filled by suv: share of the dose, decayed, that the volume holds */
    double volume_mean, volume_sd; /* of the whole SUV volume, unbiased sd; filled by suv */
    /* CT, where the scan has one */
    char ct_sha256[65];    /* of its source file(s) in order; "": none */
    double ct_mean, ct_sd; /* of the whole CT on the scan's grid, HU, unbiased sd; filled by suv */
    char cropped[128];     /* filled by suv: where --crop thighs cut, or why it did not */
    char regions_how[480]; /* filled by roi: thresholds and reference the regions were found with */
    char made_with[1024]; /* record (proto/recipe.h) of what made it what it is: by suv of its own, by roi of RECIPE_SCAN */
};
void scan_facts_init(struct scan_facts *f); /* unknown everywhere */

/* The table itself, for whoever stores facts elsewhere (the cache, the report). */
enum fact_kind { FACT_TEXT, FACT_REAL, FACT_INT };
struct fact_field {
    const char *name;
    enum fact_kind kind;
    size_t offset, size;
    const char *unit, *meaning;
};
extern const struct fact_field scan_fact_fields[];
extern const size_t scan_fact_count;

/* load -> suv -> roi. The CT crosses on the scan's own grid, in whole Hounsfield units. */
struct volume_message {
    struct scan_facts facts;
    struct volume volume;
};
void volume_message_encode(const struct volume_message *m, struct buffer *out);
int volume_message_decode(const struct buffer *b, struct volume_message *m, struct error *e) MUST_USE;
void volume_message_free(struct volume_message *m);

/* Position vectors, METHOD.md 5: [cz,cy,cx, s1,s2,s3, tx,ty,tz] in four forms. */
enum position_form {
    POSITION_AXIS_VOXEL,
    POSITION_AXIS_MM,
    POSITION_ORIENTED_VOXEL,
    POSITION_ORIENTED_MM,
    POSITION_FORMS
};
enum { POSITION_SIZE = 9, BOX_SIDE = 16, BOX_VOXELS = 4096 };
/* Channels of a box, in this order: PET in SUV, then CT in HU. One of C channels has the first C of them. */
enum box_channel { BOX_PET, BOX_CT, BOX_CHANNELS };
const char *box_channel_names(int channels); /* "pet", "pet,ct" */
/* Mean and unbiased sd of each channel over the whole scan, in its unit; NAN: unknown. */
struct volume_scale {
    float mean[BOX_CHANNELS], sd[BOX_CHANNELS];
};
struct volume_scale facts_scale(const struct scan_facts *f);

/* One high-uptake region. */
struct region {
    int32_t component; /* its value in the label map, from 1 */
    int32_t label;     /* 1 tumour, 0 not, -1 no truth */
    int64_t voxels;
    double ml, suv_max, suv_mean, suv_peak; /* suv_peak: mean in a 1 ml sphere, where it is highest (PERCIST) */
    double centroid_mm[3];                  /* RAS x,y,z */
    double centroid[3];                     /* mean index z,y,x */
    int32_t low[3], high[3];                /* axis-aligned bounds, z,y,x, both included */
    int32_t box_low[3];                     /* first voxel of the 16^3 box, may lie outside the volume */
    double overlap;                         /* share of its voxels inside the truth mask; NAN: no truth */
    int32_t organ, organ_by;                /* proto/organ.h: whose it is (0: no organ known), and how that is known */
    int32_t clipped;                        /* 1: the box left the volume and was padded with air */
    double in_box; /* share of its voxels inside its box: what the network sees of it; NaN: made before that was kept */
    float position[POSITION_FORMS][POSITION_SIZE];
};

/* The table of what is kept of a region: columns of the message, datasets of the cache (/roi/NAME; position and label
 * stand at the top), columns of a classifier's table. `count` values a region, of the kind. */
enum region_kind { REGION_I32, REGION_I64, REGION_F64, REGION_F32 };
struct region_field {
    const char *name;
    enum region_kind kind;
    size_t offset, count;
    const char *unit, *meaning;
};
extern const struct region_field region_fields[];
extern const size_t region_field_count;
/* Any list of records kept as columns: regions, lesions (/lesion/NAME), their parts (/lesion_part/NAME). */
struct record_table {
    const struct region_field *field;
    size_t fields, size; /* size: of a record */
};
extern const struct record_table region_table, lesion_table, lesion_part_table;
size_t region_kind_size(enum region_kind kind);

/* One lesion of the truth: a 26-connected component of its mask; and what the regions make of it. A scan without a truth has none
 * and does not know (regions_message.lesions.known). */
struct lesion {
    int32_t id; /* from 1, by first voxel */
    int64_t voxels;
    double ml, suv_max, suv_mean;
    double centroid_mm[3]; /* RAS x,y,z */
    double centroid[3];    /* mean index z,y,x */
    double from_liver_mm[3]; /* its centroid from the liver's: to the patient's left, to the front, up; NAN: no liver known */
    int32_t organ;           /* that of the organ map which holds most of it (proto/organ.h); 0: none, or no map */
    int32_t region;  /* component of the region that holds most of it (the lower of equal ones); 0: none touches it */
    int32_t sharing; /* other lesions of which that region holds at least half */
    double covered;  /* share of its voxels in that region */
    double in_regions, in_tumours; /* in any region; in any whose label is tumour */
    double in_excluded;            /* in regions that were left out as an organ's */
};
#define LESION_HALF 0.5 /* a lesion is found by what holds at least this share of it */
static inline bool lesion_found(const struct lesion *l)
{
    return l->covered >= LESION_HALF;
}
/* By a region of its own: one that holds half of no other lesion. */
static inline bool lesion_found_alone(const struct lesion *l)
{
    return lesion_found(l) && l->sharing == 0;
}
static inline bool lesion_left_out(const struct lesion *l) /* as an organ's */
{
    return l->in_excluded >= LESION_HALF;
}
/* How much of a lesion lies in one region. */
struct lesion_part {
    int32_t lesion, component;
    int64_t voxels;
};
struct lesions {
    int32_t known; /* 1: the scan had a truth; 0: it had none, or whoever made this did not look */
    size_t count, part_count;
    struct lesion *lesion;
    struct lesion_part *part; /* by lesion, then component */
};
void lesions_free(struct lesions *l);

/* What a scan's regions are compared with, and where the body lies; NAN where nobody looked or nothing was found: never a default. */
enum reference_by { REFERENCE_UNKNOWN, REFERENCE_BY_RULE, REFERENCE_BY_MAP, REFERENCE_GIVEN, REFERENCE_WAYS };
struct references {
    int32_t liver_by; /* enum reference_by */
    double liver_mean, liver_sd,
        liver_ml; /* SUV of the sphere in its right lobe (stages/roi/liver.h); ml of the sphere */
    double liver_mm[3], liver_centroid_mm[3]; /* middle of that sphere, and of the liver: RAS */
    double blood_mean, blood_sd, blood_ml;    /* blood pool: the aorta of an organ map, less its rim */
    double spleen_mean, spleen_ml, marrow_mean,
        marrow_ml;              /* of an organ map, less their rims; marrow: of the vertebrae */
    double body_low, body_high; /* first and last slice of the body, index z */
};
void references_init(struct references *f); /* nothing known */

/* roi -> cache | classify: one scan's regions. */
struct regions_message {
    struct scan_facts facts;
    uint64_t settings; /* recipe_digest(RECIPE_SCAN), XXH3 of facts.made_with: one cache, one digest */
    struct grid grid;
    struct turn turned;
    int32_t channels;      /* C */
    size_t count;          /* N */
    struct region *region; /* [N] */
    size_t excluded_count;
    struct region *excluded; /* regions of organs that were left out: measured as the others, in neither box nor label map */
    float *box;              /* [N][C][16][16][16] SUV, HU */
    struct lesions lesions;   /* of the truth */
    struct buffer label_runs; /* label map of the whole grid, run-length coded: pairs (uint32 value, uint32 length) */
    int32_t mip_angles, mip_height, mip_width; /* rotating maximum-intensity projection; 0: none */
    double mip_mm;                             /* side of a pixel; row 0 is the head */
    double mip_z, mip_y, mip_x;  /* voxel index (fractional) at the picture's middle, about which it turns */
    uint8_t *mip;                /* [angles][height][width], SUV 0..10 as 0..255 */
    struct buffer excluded_runs; /* likewise of excluded[], 1.. in its order; without a byte where nobody asked */
    struct references references;
    struct volume scan; /* the scan itself, on `grid`, where it was asked for (petrel-roi --with-scan); voxel NULL: it was not.
                           Its mask does not travel: lesions tell of it */
};
void regions_message_encode(const struct regions_message *m, struct buffer *out);
int regions_message_decode(const struct buffer *b, struct regions_message *m, struct error *e) MUST_USE;
void regions_message_free(struct regions_message *m);
/* Run-length code and back. labels_decode: -1 if the runs do not fill `voxels` exactly; label NULL only asks. */
void labels_encode(const uint32_t *label, size_t voxels, struct buffer *runs);
int labels_decode(const struct buffer *runs, uint32_t *label, size_t voxels, struct error *e) MUST_USE;
/* The same code for a map of bytes, such as organs; -1 also for a value above 255. */
void bytes_encode(const uint8_t *label, size_t voxels, struct buffer *runs);
int bytes_decode(const struct buffer *runs, uint8_t *label, size_t voxels, struct error *e) MUST_USE;

/* In place of an item that was refused: travels to the collector, which counts and lists it. */
struct refusal_message {
    char scan[512];
    char stage[32];
    int32_t code;
    char sentence[1000];
};
void refusal_message_encode(const struct refusal_message *m, struct buffer *out);
int refusal_message_decode(const struct buffer *b, struct refusal_message *m, struct error *e) MUST_USE;

/* train -> pairs: make batch (phase, epoch, step). */
enum pair_phase { PHASE_PRETRAIN, PHASE_PRETRAIN_VALIDATION, PHASE_CLASSIFIER, PHASE_CLASSIFIER_VALIDATION };
/* Which views a step has (stages/pairs/views.h draws them). */
enum view_layout {
    VIEWS_PAIR, /* the pair's two, then local crops: of the first region, the second, the first ... */
    VIEWS_GRID, /* random crops of the second region, half its side; the last VIEWS_OCTANTS: the first one's octants */
    VIEW_LAYOUTS
};
enum { VIEWS_MAX = 32, VIEWS_OCTANTS = 8 };
struct pair_task_message {
    int32_t phase;
    uint64_t seed;
    int64_t epoch, step;
    uint64_t sampling;   /* XXH3 of the sampling settings and the cache: pairs refuses another's */
    int32_t part, parts; /* parts > 1: items part*N/parts .. (part+1)*N/parts of the batch's N, one trainer's share */
    int32_t drawn; /* 1: augmentations are drawn and told, and the boxes left as they are: the trainer applies them */
    int32_t views_wanted, layout; /* of a step of pretraining, as the method asks; views 0: 2, or the classifier's 1 */
};
void pair_task_encode(const struct pair_task_message *m, struct buffer *out);
int pair_task_decode(const struct buffer *b, struct pair_task_message *m, struct error *e) MUST_USE;

/* Where in its region's box a view is from: window[0..2] its lowest voxel (z,y,x), [3] its side (0, 0, 0, 16: all of it; otherwise it
 * was resampled to 16), [4] which slice of it a network of slices is given, -1: none. */
enum { VIEW_WINDOW = 5 };
/* The first of a box's `slices` middle ones; and the middle one of those. */
static inline int slices_first(int slices)
{
    return (BOX_SIDE - slices) / 2;
}
static inline int slices_middle(int slices)
{
    return slices_first(slices) + slices / 2;
}
/* pairs -> train. Pretraining: two views or more; classifier: one. */
struct pair_batch_message {
    struct pair_task_message task;
    int32_t count;           /* N pairs (may be under the recipe's batch at an epoch's end) */
    int32_t views, channels; /* V, C */
    float *box;              /* [V][N][C][16][16][16], standardised and, unless the task wants it drawn, augmented */
    float *position;         /* [V][N][9] */
    int32_t *label;          /* [V][N] */
    uint32_t *region;        /* [V][N]: row number in the cache's order */
    int32_t *window;         /* [V][N][VIEW_WINDOW] */
    int32_t steps;           /* of all boxes, if the task wants them drawn; a box's follow one another, in order */
    struct augmentation_step *step;
};
void pair_batch_encode(const struct pair_batch_message *m, struct buffer *out);
int pair_batch_decode(const struct buffer *b, struct pair_batch_message *m, struct error *e) MUST_USE;
void pair_batch_free(struct pair_batch_message *m);

/* Anything worth plotting while it happens. */
struct metric_message {
    char name[64];
    int64_t epoch, step;
    double value;
};
void metric_encode(const struct metric_message *m, struct buffer *out);
int metric_decode(const struct buffer *b, struct metric_message *m, struct error *e) MUST_USE;
#endif
