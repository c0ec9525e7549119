/* SPDX-License-Identifier: Apache-2.0 */
/* load -- the nouns of petrel-load.   scans on disk -> [load] -> suv
 *
 *     find      what is each argument? a list of sources, one a scan    (list.c, autopet.c, metadata.c help)
 *     scan      one source -> one volume message: voxels, truth, facts
 *     image     a volume in one file: common/nifti, mha, nrrd (which share raw)      sidecar_json   the JSON beside it
 *     series    a DICOM series, from dicom.h     rtstruct, seg   contours, segments -> mask on a grid
 *     ct        the CT of the same study, on the scan's grid (find_ct says which it is)
 *     reader    the process in which all this is done, within its sandbox (reader.h, sandbox.h)
 *     hash      names that are no names
 *     clock     times and dates as files write them
 *     override  facts the user gives in place of the files'     explain   a page about how a scan's SUV comes about
 *
 * Parsers of foreign files live in this room, NIfTI's in common. Every size a file declares is checked against the bytes
 * that are there before anything is allocated. */
#ifndef PETREL_STAGES_LOAD_LOAD_H
#define PETREL_STAGES_LOAD_LOAD_H
#include "common/file.h"
#include "common/nifti.h"
#include "common/opts.h"
#include "proto/message.h"
#include "stages/load/dicom.h"

struct load_options {
    const char *units;            /* suv|bqml|auto: of NIfTI volumes that do not say */
    const char *mask;             /* truth of the one scan that is given; NULL: look for it */
    bool want_ct;                 /* every scan must have its CT */
    const char *ct;               /* of the one scan that is given; NULL: look for it */
    const char *organs;           /* its organ map; NULL: look for it */
    struct opt_strings roi;       /* names of the RTSTRUCT regions to take; none: all */
    const char *metadata;         /* autoPET's table; NULL: none */
    struct opt_strings diagnosis; /* to be read; none: all */
    bool first_study;             /* of each patient, alone */
    const char *salt;             /* of the patient hash; NULL: the user's own */
    bool keep_identifiers;
    size_t memory_limit;         /* bytes */
    bool accept_implausible;     /* --check: as petrel-suv will be told */
    bool explain;                /* --check: every scan's page of explain.c instead of a table of what is refused */
    struct opt_strings override; /* facts in place of the files' */
};

/* ---- find ---- */
enum source_kind { SOURCE_IMAGE, SOURCE_DICOM, SOURCE_REFUSED };
/* One scan to be read. Texts are the source's own, NULL where nothing is known. */
struct source {
    enum source_kind kind;
    char *label;             /* its place below what was asked for, "cohort/PETCT_01/A/PET.nii.gz": sorts the stream
                                    and goes into the run id, so that both are the same on every machine */
    char *path;              /* the image, or the folder of the slices */
    char *mask;              /* an image, RTSTRUCT or SEG */
    char *organs;            /* an image: which voxel is of which organ */
    char *sidecar;           /* JSON */
    char *patient, *study;   /* said by the list, the layout or the file's name */
    bool listed;             /* said by the list: goes before what the file itself says */
    char *units;             /* "SUV": the name or the list says so */
    char *diagnosis, *sex;   /* said by the list */
    char *override;          /* facts the user gave in place of its files': "weight_g=70000;..."; NULL: none */
    double age_y, study_day; /* NAN: unknown; days as clock_days counts them */
    char series_uid[DICOM_UID];
    struct names slice;      /* SOURCE_DICOM: the files of the series */
    char *ct;                /* its CT: an image, or the folder of ct_slice; NULL: none known */
    struct names ct_slice;   /* files of a DICOM series; none: ct is an image */
    struct error ct_refused; /* text set: why there is no CT, should one be wanted */
    struct error refused; /* text set: it cannot be read as it stands, and why. SOURCE_REFUSED: it is no scan at all */
};
struct sources {
    struct source *item;
    size_t count, room;
};
/* Every scan the arguments name, sorted by label, none twice. Arguments that name none become SOURCE_REFUSED.
 * -1: no scan at all (EX_NOINPUT), or --mask with more than one. */
int sources_find(struct sources *s, char *const *argument, size_t count, const struct load_options *o,
                 struct error *e) MUST_USE;
void sources_free(struct sources *s);
/* Fills diagnosis, sex, age and day of study from autoPET's table (metadata.c). */
int metadata_join(struct sources *s, const char *path, struct error *e) MUST_USE;
/* Keeps the scans of these diagnoses (none: all), and of each patient the first study if so asked; what is refused anyway
 * stays, to be told. -1: none is left (EX_NOINPUT). */
int sources_choose(struct sources *s, const struct opt_strings *diagnosis, bool first_study, struct error *e) MUST_USE;
void source_free(struct source *f);
/* What --override gives (override.c) to the sources it is for. -1: no such fact, or no value (EX_USAGE). */
int overrides_join(struct sources *s, const struct opt_strings *given, struct error *e) MUST_USE;
/* The run id: the same list of scans (labels, sizes) and the same options that change what is read give the same number,
 * on any machine. */
uint64_t sources_run(const struct sources *s, const struct load_options *o);
/* Adds an empty one of this kind, age unknown. */
struct source *sources_add(struct sources *s, enum source_kind kind);

/* Makes `mask` its truth (NULL: none), whatever was found before; and `organs` its organ map. */
void source_set_mask(struct source *f, const char *mask);
/* Makes `ct` (an image, or a folder with one CT series) its CT; NULL: none. */
int source_set_ct(struct source *f, const char *ct, struct error *e) MUST_USE;
void source_clear_ct(struct source *f);
void source_set_organs(struct source *f, const char *organs);
/* Frees all but the first `count`. */
void sources_cut(struct sources *s, size_t count);

/* From now on `page` names the file that is looked at, so that whoever outlives this process knows which one killed it; those named in
 * `avoid` are not looked at. */
void find_watch(char *page, size_t size, const struct names *avoid);
void find_look(const char *path);
/* dicom_probe of a file that is not to be avoided; -1 if it is. */
int find_probe(const char *path, struct dicom_probe *probe, struct error *e) MUST_USE;

/* find's helpers. A path (file or folder) is searched for scans; labels begin with `label`. */
int path_find(struct sources *s, const char *path, const char *label, struct error *e) MUST_USE;
/* A list file: tab-separated with a header naming its columns. scan is needed; patient, study, mask ("-": none), units,
 * organs (an organ map), diagnosis, sex, age_y are optional. Paths are relative to the list. A bad line becomes SOURCE_REFUSED. */
int list_find(struct sources *s, const char *path, struct error *e) MUST_USE;
/* The image `path` as a source: its mask, sidecar, and what its name and place say of it. */
void image_source(struct sources *s, const char *path, const char *label);
/* DIR/<stem><tail> with an image's ending, the first that is there; the caller's. NULL: none. */
char *image_beside(const char *dir, const char *stem, size_t length, const char *tail) MUST_USE;
/* A name that ends as an image does; the length without that ending, 0 if it does not. */
size_t image_stem(const char *name);
/* By its name it is a scan, not a mask, a CT or some other thing that lies beside one. */
bool image_is_scan(const char *name);
/* autoPET: PETCT_<hash>/<date>/{SUV,PET,SEG,CT,CTres}.nii.gz. The name of the scan among a folder's, SUV before PET;
 * NULL: not such a folder. */
const char *autopet_scan(const struct names *in_folder);
/* The nnU-Net style release: imagesTr/fdg_<patient>_<study>_0001.nii.gz beside labelsTr/. Fills *f and returns true for such
 * a name. */
bool autopet_flat(struct source *f, const char *path);
/* The DICOM files of one folder tree, to be grouped into series. */
struct dicom_file {
    char *path, *label;
    struct dicom_probe probe;
    char drawn_on[DICOM_UID]; /* RTSTRUCT, SEG: the series it was drawn on */
};
struct dicom_files {
    struct dicom_file *item;
    size_t count, room;
};
void dicom_files_add(struct dicom_files *d, const char *path, const char *label, const struct dicom_probe *probe);
/* Adds the DICOM files of one folder (not below it), those that can be read. */
int dicom_files_of(const char *dir, const char *label, struct dicom_files *d, struct error *e) MUST_USE;
/* find_ct.c: the CT series of `d` that goes with the series `pet` is of (NULL: any) becomes its CT; likewise the image beside
 * dir/name, whose name without its ending has `stem` characters. */
void ct_among(struct source *f, const struct dicom_files *d, const struct dicom_probe *pet);
void ct_beside(struct source *f, const char *dir, const char *name, size_t stem);
/* One source a PET series, each with the structure set or segmentation of the tree (or of the folder mask/ beside it) that refers to it. */
void dicom_sources(struct sources *s, const struct dicom_files *d);
void dicom_files_free(struct dicom_files *d);
/* "a/b/c" -> "a/b", "c" -> "."; the caller's. */
char *path_parent(const char *path) MUST_USE;

/* ---- images ---- */
/* A volume by its ending: .nii .nii.gz .hdr .mha .mhd .nrrd .nhdr, in its own order, as nifti_read has it. *data_file: the second
 * file its voxels lie in, the caller's; NULL: none, or not asked for. */
int image_read(const char *path, size_t max_bytes, struct nifti *image, char **data_file, struct error *e) MUST_USE;
const char *image_ending(size_t which); /* the endings, NULL after the last */
/* The same of one format; *data_file is set whatever comes of it. */
int mha_read(const char *path, size_t max_bytes, struct nifti *image, char **data_file, struct error *e) MUST_USE;
int nrrd_read(const char *path, size_t max_bytes, struct nifti *image, char **data_file, struct error *e) MUST_USE;

/* ---- one scan ---- */
/* *m is filled as far as it goes also on failure (its facts name the scan); it holds no voxels then. */
int scan_read(const struct source *from, const struct load_options *o, struct volume_message *m,
              struct error *e) MUST_USE;
/* What it is called where nothing of it could be read: names and source of *f, all else unknown. */
void scan_identify(const struct source *from, const struct load_options *o, struct scan_facts *f);
/* Takes the source's ids out of a text that leaves this machine's screen, such as a refusal's sentence. */
void scan_scrub(const struct source *from, const struct load_options *o, const struct scan_facts *f, char *text,
                size_t size);

/* The file's truth mask on the scan's grid in LPS order, 1 where the value is above one half; owned by the caller. Refused
 * by name unless it has the scan's shape and, where both say where they lie, the scan's place (to half a voxel). A mask
 * that does not say where it lies is taken to be stored as the scan's file is. file: the scan's grid before it was turned. */
int mask_read(const char *path, size_t max_bytes, const struct grid *file, bool placed, const struct grid *lps,
              uint8_t **mask, struct error *e) MUST_USE;
/* The same of an organ map: whole numbers, 0 to 255 (proto/organ.h says what they mean). */
int organs_read(const char *path, size_t max_bytes, const struct grid *file, bool placed, const struct grid *lps,
                uint8_t **organs, struct error *e) MUST_USE;

/* The scan's CT in whole HU on its grid, into v->ct (linear; CT_OUTSIDE_HU where the CT did not look), and ct_sha256. Refused
 * by name: none, one that cannot be read, one that lies nowhere on the scan. file, placed: as for mask_read. */
int ct_read(const struct source *from, size_t max_bytes, const struct grid *file, bool placed, struct volume *v,
            struct scan_facts *f, struct error *e) MUST_USE;
/* SHA-256 of a file; of several, of their SHA-256 in order. */
int files_sha256(const char *const *file, size_t count, char hex[65], struct error *e) MUST_USE;

/* The JSON beside a NIfTI file (BIDS-PET names): fills what it knows of *f; *patient and *study get the ids (owned by the
 * caller, NULL where not said). A field of the wrong kind is refused by name. */
int sidecar_read(const char *path, struct scan_facts *f, char **patient, char **study, struct error *e) MUST_USE;
/* The fields that BIDS-PET has in another way; called by sidecar_read. */
struct json_t;
int sidecar_bids(const struct json_t *object, struct scan_facts *f, struct error *e) MUST_USE;
/* With units BQML, what SUV needs must be there: -1 and the name of the first field that is not. path NULL: no JSON. */
int sidecar_check(const char *nifti, const char *path, const struct scan_facts *f, struct error *e) MUST_USE;

/* A DICOM series as one volume, slices sorted along their normal, in file order; facts; ids as above. Refused by tag:
 * missing or repeated slices, slices of different size, direction, units or series. */
struct series {
    struct grid grid;
    float *voxel; /* owned */
    char series_uid[DICOM_UID], frame_uid[DICOM_UID];
};
int series_read(const struct names *slice, size_t max_bytes, struct series *s, struct scan_facts *f, char **patient,
                char **study, struct error *e) MUST_USE;
/* Sort slices and lay their grid; separate from reading so that it can be tested. voxel stays NULL. */
int series_arrange(struct dicom_image *image, const char **path, size_t count, struct grid *grid,
                   struct error *e) MUST_USE;
/* What DICOM attributes say of the scan, and then what the user says (f->overridden). image: the slices, any order. */
int series_facts(struct dicom_image *image, size_t count, struct scan_facts *f, struct error *e) MUST_USE;
/* Then: where decay was not corrected, the slopes of slices acquired later than the first grow by what had decayed until then, so that one
 * factor fits all. -1: also where a series' moment could not be checked, ActualFrameDuration being missing. */
int series_decay(struct dicom_image *image, size_t count, struct scan_facts *f, struct error *e) MUST_USE;

/* The regions named (all if none) of an RTSTRUCT, filled slice by slice with the even-odd rule: a voxel is inside if its
 * centre is. grid and mask in file order. */
int rtstruct_read(const char *path, const struct opt_strings *roi, const struct series *s, uint8_t **mask,
                  struct error *e) MUST_USE;
/* One region's contours OR'ed into mask. -1: a contour off the slices or beyond them. */
int contours_fill(const struct dicom_roi *roi, const struct grid *grid, uint8_t *mask, struct error *e) MUST_USE;

/* The same of a DICOM segmentation; --roi names its segments by label. */
int seg_read(const char *path, const struct opt_strings *roi, const struct series *s, uint8_t **mask,
             struct error *e) MUST_USE;
/* Whether --roi asks for this one; and whether all it asks for is there: what ("ROI") and tag word the sentence. */
bool roi_wanted(const struct opt_strings *roi, const char *name);
int roi_names_check(const struct opt_strings *roi, const char *const *name, size_t count, const char *what,
                    const char *tag, struct error *e) MUST_USE;
/* Fractional voxel indices (x, y, z) of a point in mm LPS, on a grid whose axes are perpendicular. */
void grid_index_lps(const struct grid *g, const double lps_mm[3], double xyz[3]);

/* explain.c: a page about a scan's SUV: every attribute it took, the moments, rule by rule, the factor, the gate, and what else the same
 * header could have given. read: the facts as they were read; made: as suv left them; why: what refused it, text "" if nothing did. The
 * caller's. */
char *explain_page(const struct source *from, const struct scan_facts *read, const struct scan_facts *made,
                   const char *formula, const struct error *why) MUST_USE;

/* ---- names and times ---- */
/* First 12 hex digits of SHA-256(salt + id). */
void hash_name(const char *salt, const char *id, char name[13]);
/* The user's salt, made on first use (64 hex digits in $XDG_CONFIG_HOME/petrel/salt or ~/.config/petrel/salt, mode 0600). */
int hash_salt(char salt[65], struct error *e) MUST_USE;
/* A time as common/timestamp.h has it -> seconds since midnight; NAN if it is none. */
double clock_seconds(const char *text);
/* "YYYYMMDD...", "YYYY-MM-DD" -> days, in a count that goes on past months and years; NAN. */
double clock_days(const char *text);
#endif
