/* SPDX-License-Identifier: Apache-2.0 */
/* load -- the nouns of petrel-load.   scans on disk -> [load] -> suv
 *
 *     find      what is each argument? a list of sources, one a scan    (find_dicom, find_truth, find_ct, list, nnunet, autopet, metadata)
 *     scan      one source -> one volume message: voxels, truth, facts
 *     image     a volume in one file: common/nifti, mha, nrrd (which share raw)      sidecar_json   the JSON beside it
 *     series    a DICOM series, from dicom.h     truth     structures of it -> mask: rtstruct, seg
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
    const char *organs;           /* its organ map, a file or a folder; NULL: look for it */
    const char *organs_of;        /* whose numbers organ maps have: auto, petrel, or a word of organs.def */
    const char *regions;          /* regions that somebody drew, of the one scan that is given; NULL: none */
    struct opt_strings roi;       /* names of the RTSTRUCT regions or segments to take; none: all that may be tumour */
    bool allow_empty_truth;       /* structures that turn out to hold no voxel are no reason to refuse their scan */
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
    bool mask_named;         /* somebody said so: --mask, a list */
    struct names joined;     /* more SEG of the same series */
    char *organs;            /* an image, or a folder of them: which voxel is of which organ */
    char *regions;           /* regions that somebody drew: an image, RTSTRUCT or SEG */
    char *sidecar;           /* JSON */
    char *patient, *study;   /* said by the list, the layout or the file's name */
    bool listed;             /* said by the list: goes before what the file itself says */
    char *units;             /* "SUV": the name or the list says so */
    char *diagnosis, *sex;   /* said by the list */
    char *override;          /* facts the user gave in place of its files': "weight_g=70000;..."; NULL: none */
    double age_y, study_day; /* NAN: unknown; days as clock_days counts them */
    char series_uid[DICOM_UID];
    struct names slice;    /* SOURCE_DICOM: the files of the series */
    char *ct;              /* its CT: an image, or the folder of ct_slice; NULL: none known */
    struct names ct_slice; /* files of a DICOM series; none: ct is an image */
    char *doubt; /* SOURCE_DICOM: why slices of it may be missing, such as a file beside it that cannot be read */
    struct error ct_refused; /* text set: why there is no CT, should one be wanted */
    struct error refused; /* text set: it cannot be read as it stands, and why. SOURCE_REFUSED: it is no scan at all */
};
struct sources {
    struct source *item;
    size_t count, room;
    struct names truth; /* images of truth met on the way */
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
void source_set_regions(struct source *f, const char *regions);
/* Frees all but the first `count`. */
void sources_cut(struct sources *s, size_t count);

/* From now on `page` names the file that is looked at, so that whoever outlives this process knows which one killed it; those named in
 * `avoid` are not looked at. */
void find_watch(char *page, size_t size, const struct names *avoid);
void find_look(const char *path);
/* dicom_probe of a file that is not to be avoided; -1 if it is. */
int find_probe(const char *path, struct dicom_probe *probe, struct error *e) MUST_USE;

/* A folder and all below it (walk.c), each file once by whatever road; what cannot be looked at becomes SOURCE_REFUSED. -1: no scan,
 * and what there is. */
int walk_find(struct sources *s, const char *path, const char *label, struct error *e) MUST_USE;
/* "a ZIP archive", by its first bytes; NULL: none that is known. */
const char *file_kind(const char *path);
#define DICOMDIR_CLASS "1.2.840.10008.1.3.10"

/* find's helpers. A path (file or folder) is searched for scans; labels begin with `label`. */
int path_find(struct sources *s, const char *path, const char *label, struct error *e) MUST_USE;
/* A list file: tab-separated with a header naming its columns. scan is needed; patient, study, mask ("-": none), units,
 * organs (an organ map), diagnosis, sex, age_y are optional. Paths are relative to the list. A bad line becomes SOURCE_REFUSED. */
int list_find(struct sources *s, const char *path, struct error *e) MUST_USE;
/* listing.c: a folder's names, sorted; and the path of the file `name` in it, in this case or another, the caller's (NULL: none). The last
 * folder's names are kept until they are forgotten. */
const struct names *listing_of(const char *dir);
char *listing_find(const char *dir, const char *name) MUST_USE;
void listing_forget(void);
/* find_image.c. The image `path` as a source: its mask, sidecar, and what its name and place say of it. */
void image_source(struct sources *s, const char *path, const char *label);
/* An image met in a folder: a source if it is a scan, noted if it is truth, said if it is passed over. */
void image_look(struct sources *s, const char *path, const char *label);
/* When all are found: truth of two scans, and truth of none. */
void truth_settle(struct sources *s);
/* DIR/<stem><tail> with an image's ending, the first that is there; the caller's. NULL: none. */
char *image_beside(const char *dir, const char *stem, size_t length, const char *tail) MUST_USE;
/* A name that ends as an image does; the length without that ending, 0 if it does not. */
size_t image_stem(const char *name);
/* The first `stem` letters end so, in any case; and their number without _image, _PET, _PT, _SUV. */
bool stem_ends(const char *name, size_t stem, const char *tail);
size_t stem_without_kind(const char *name, size_t stem);
/* By its name it is a scan, not a mask, a CT or some other thing that lies beside one. */
bool image_is_scan(const char *name);
/* Another scan of the same folder, which files like SEG and CT may belong to as well; NULL: none, or a study of autoPET. */
const char *image_rival(const char *dir, const char *name);
/* autoPET: PETCT_<hash>/<date>/{SUV,PET,SEG,CT,CTres}.nii.gz. The name of the scan among a folder's, SUV before PET;
 * NULL: not such a folder. */
const char *autopet_scan(const struct names *in_folder);
/* fdg_<patient>_<study> or psma_<patient>_<study>: whether a name is one, and who it is of (of `stem` letters). */
bool autopet_name(const char *name);
bool autopet_who(struct source *f, const char *name, size_t stem);
/* nnU-Net's folders: it is a file of labels*; it is one of images* with a channel, and whether that is the scan's; what its place says of a
 * scan, false: nothing. */
bool nnunet_is_label(const char *path);
bool nnunet_knows(const char *path, bool *scan);
bool nnunet_source(struct source *f, const char *path);
/* What root/dataset.json says of its channels (nnunet_json.c), until another root is asked for. */
enum { NNUNET_CHANNELS = 16 };
struct nnunet_dataset {
    char name[NNUNET_CHANNELS][32]; /* "" where nothing is said */
    bool said;
};
const struct nnunet_dataset *nnunet_dataset(const char *root);
/* The DICOM files of one folder tree, to be grouped into series. */
struct dicom_file {
    char *path, *label;
    struct dicom_probe probe;
    bool is_truth;                  /* an RTSTRUCT or SEG: */
    struct dicom_references refers; /* what it was drawn on */
    struct error unreadable;        /* text set: that is not known, and why */
};
struct dicom_files {
    struct dicom_file *item;
    size_t count, room;
    struct names unread; /* files and folders among them that could not be looked at */
};
void dicom_files_add(struct dicom_files *d, const char *path, const char *label, const struct dicom_probe *probe);
/* Adds the DICOM files of one folder (not below it), those that can be read. */
int dicom_files_of(const char *dir, const char *label, struct dicom_files *d, struct error *e) MUST_USE;
/* find_ct.c: the CT series of `d` that goes with the series `pet` is of (NULL: any) becomes its CT; likewise the image beside
 * dir/name, whose name without its ending has `stem` characters. */
void ct_among(struct source *f, const struct dicom_files *d, const struct dicom_probe *pet);
void ct_beside(struct source *f, const char *dir, const char *name, size_t stem);
/* find_series.c: which files are one series, and which series of a study are read. */
struct found_series {
    char study_uid[DICOM_UID], frame_uid[DICOM_UID];
    char image_type[129], corrected[129];
    bool uncorrected, derived;         /* not corrected for attenuation; made of other images */
    double normal[3], low_mm, high_mm; /* where it lies along its slices' normal; NAN: not known */
    size_t count;
};
int series_order(const struct dicom_file *a, const struct dicom_file *b); /* 0: of one series, or it seems so */
/* Leaves the first of files that are copies, byte for byte, of one instance; how many are left. */
size_t series_unique(struct dicom_file *image, size_t count);
struct found_series series_measure(struct source *f, const struct dicom_file *image, size_t count);
void series_doubt(struct source *f, const struct dicom_files *d);
/* found: of the sources from `before` on. Those that another one of their study stands for are left out, and it is said; parts of one
 * body are refused. */
void series_choose(struct sources *s, size_t before, const struct found_series *found);
/* One source a PET series, each with its truth and CT. */
void dicom_sources(struct sources *s, const struct dicom_files *d);
/* find_truth.c: what an RTSTRUCT or SEG refers to; the truth of the series `pet` is of; and what is truth of no scan from s->item[first]
 * on, aloud. */
void truth_probe(struct dicom_file *f);
void truth_find(struct source *f, const struct dicom_files *d, const struct dicom_file *pet);
void truth_tell_unused(const struct sources *s, size_t first, const struct dicom_files *d);
void dicom_files_free(struct dicom_files *d);
/* "a/b/c" -> "a/b", "c" -> "."; the caller's. */
char *path_parent(const char *path) MUST_USE;

/* ---- images ---- */
/* A volume by its ending: .nii .nii.gz .hdr .mha .mhd .nrrd .nhdr, in its own order, as nifti_read has it. *data_file: the second
 * file its voxels lie in, the caller's; NULL: none, or not asked for. */
int image_read(const char *path, size_t max_bytes, struct nifti *image, char **data_file, struct error *e) MUST_USE;
const char *image_ending(size_t which); /* the endings, NULL after the last */
/* Its voxels that are no numbers become `air`, aloud, if all are background: a way through others of their kind leads out of the image. */
int image_air(struct nifti *image, const char *path, float air, struct error *e) MUST_USE;
/* The same of one format; *data_file is set whatever comes of it. */
int mha_read(const char *path, size_t max_bytes, struct nifti *image, char **data_file, struct error *e) MUST_USE;
int nrrd_read(const char *path, size_t max_bytes, struct nifti *image, char **data_file, struct error *e) MUST_USE;

/* ---- one scan ---- */
/* Round a text that says who it is, in a sentence: shown in quotes here, hashed wherever else the sentence goes (scan_scrub). */
#define SECRET_BEGIN "\001"
#define SECRET_END   "\002"
/* Quotes in their place, for people here. */
void scan_unmark(char *text);

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

struct series;
struct given;
/* organs.c: the same of whoever's map: of = petrel (our numbers), a word of organs.def, or auto: by the names of the files. */
int organ_maps_read(const char *path, const char *of, size_t max_bytes, const struct grid *file, bool placed,
                    const struct grid *lps, uint8_t **organs, struct error *e) MUST_USE;
/* given.c: regions that somebody drew; series: of a DICOM scan, in file order. *given is the caller's whatever comes of it. */
int given_read(const char *path, const struct load_options *o, const struct grid *file, bool placed,
               const struct series *series, struct given **given, struct error *e) MUST_USE;

/* The scan's CT in whole HU on its grid, into v->ct (linear; CT_OUTSIDE_HU where the CT did not look), and ct_sha256. Refused
 * by name: none, one that cannot be read, one that lies nowhere on the scan. file, placed: as for mask_read. */
int ct_read(const struct source *from, size_t max_bytes, const struct grid *file, bool placed, struct volume *v,
            struct scan_facts *f, struct error *e) MUST_USE;

/* The JSON beside a NIfTI file (BIDS-PET names): fills what it knows of *f; *patient and *study get the ids (owned by the
 * caller, NULL where not said). A field of the wrong kind is refused by name. */
int sidecar_read(const char *path, struct scan_facts *f, char **patient, char **study, struct error *e) MUST_USE;
/* The fields that BIDS-PET has in another way; called by sidecar_read. */
struct json_t;
int sidecar_bids(const struct json_t *object, struct scan_facts *f, struct error *e) MUST_USE;
/* With units BQML, what SUV needs must be there: -1 and the name of the first field that is not. path NULL: no JSON. */
int sidecar_check(const char *nifti, const char *path, const struct scan_facts *f, struct error *e) MUST_USE;

/* A DICOM series as one volume, slices sorted along their normal, in file order; facts; ids as above. Refused by tag: images that are no
 * slices of PET, missing or repeated slices, slices that differ in what they must share (agreement.c). doubt: why some may be missing (a
 * sentence; NULL: nothing says so); it is refused, then, unless its own numbers say that it is whole. */
struct series {
    struct grid grid;
    float *voxel; /* owned */
    char series_uid[DICOM_UID], frame_uid[DICOM_UID];
};
int series_read(const struct names *slice, const char *doubt, size_t max_bytes, struct series *s, struct scan_facts *f,
                char **patient, char **study, struct error *e) MUST_USE;
/* Sort slices and lay their grid, for PET and CT; *count becomes less where an image was there twice. */
int series_arrange(struct dicom_image *image, const char **path, size_t *count, struct grid *grid,
                   struct error *e) MUST_USE;
/* agreement.c: all say the same of whatever a series must share. */
int series_agree(const struct dicom_image *image, const char *const *path, size_t count, struct error *e) MUST_USE;
/* One of a backslash-separated list. */
bool values_have(const char *list, const char *value);
/* series_kind.c: it is a slice of PET, whatever its modality says. */
int series_kind(const struct dicom_image *image, const char *path, struct error *e) MUST_USE;
/* completeness.c: of two images at one place that are one instance (SOPInstanceUID) and hold the same, one stays: image, path and
 * along_mm are sorted, and move up. Two that are one instance and differ are refused. */
int series_unrepeat(struct dicom_image *image, const char **path, double *along_mm, size_t *count,
                    struct error *e) MUST_USE;
/* completeness.c: every part of a concatenation of Enhanced PET files. */
int series_parts(const struct dicom_image *image, const char *const *path, size_t count, struct error *e) MUST_USE;
/* completeness.c: as many slices as its own numbers say; image: sorted. */
int series_complete(const struct dicom_image *image, const char *const *path, size_t count, const char *doubt,
                    struct error *e) MUST_USE;
/* What DICOM attributes say of the scan, and then what the user says (f->overridden). image: the slices, any order. */
int series_facts(struct dicom_image *image, size_t count, struct scan_facts *f, struct error *e) MUST_USE;
/* Then: where decay was not corrected, the slopes of slices acquired later than the first grow by what had decayed until then, so that one
 * factor fits all. -1: also where a series' moment could not be checked, ActualFrameDuration being missing. */
int series_decay(struct dicom_image *image, size_t count, struct scan_facts *f, struct error *e) MUST_USE;

/* What structures make together on a series' grid, in file order: the regions of an RTSTRUCT, filled slice by slice (a voxel is inside if
 * its centre is), or the segments of one or several SEG. By default all that may be tumour, which outlines of the body, organs and
 * the like are not (truth.c); with --roi those named. Whatever is left out is said, and counted. */
struct truth {
    const struct opt_strings *roi;
    const struct series *series;
    uint8_t *mask;   /* the caller's */
    uint16_t *label; /* likewise: the number of the structure that took a voxel first; NULL: not asked for */
    bool found[64];  /* which of roi */
    size_t named;    /* structures there are */
    char there[400]; /* their names, for sentences */
    char left[400];  /* those that are no tumour, and why */
};
/* Reads all files into t->mask, and says what is left out. -1: one cannot be used; a name of --roi is nowhere; no voxel is inside though
 * structures were named, unless allow_empty. */
int truth_read(const struct names *file, const struct load_options *o, const struct series *s, uint8_t **mask,
               struct error *e) MUST_USE;
/* The same, and which structure each voxel is of: a segment's number, or the place of a ROI in (3006,0020) StructureSetROISequence, from 1;
 * the first that takes a voxel keeps it. */
int truth_read_labels(const struct names *file, const struct load_options *o, const struct series *s, uint8_t **mask,
                      uint16_t **label, struct error *e) MUST_USE;
/* Notes a structure, and says whether it belongs to the truth; type: RTROIInterpretedType, or what a segment's category is. */
bool truth_wants(struct truth *t, const char *name, const char *type);
/* Why a structure is no tumour by default; NULL: it may be one. */
const char *truth_no_tumour(const char *name, const char *type);
int rtstruct_read(const char *path, struct truth *t, struct error *e) MUST_USE;
int seg_read(const char *path, struct truth *t, struct error *e) MUST_USE;
/* For regions that somebody drew in the series' frame of reference, but not on its slices, such as on the CT's. 1: *own is the grid they lie
 * on: of a SEG its frames'; of an RTSTRUCT the contours' planes, with rows and columns as the series has them. 0: it is the series' own, or
 * another frame of reference, which reading it will tell. -1: they lie on no grid. */
int seg_own_grid(const char *path, const struct series *s, struct grid *own, struct error *e) MUST_USE;
int rtstruct_own_grid(const char *path, const struct series *s, struct grid *own, struct error *e) MUST_USE;
/* One region's contours OR'ed into mask. A contour within one is a hole, one that crosses another is added to it; of CLOSEDPLANAR_XOR what
 * an odd number encloses is inside. -1: a contour off the slices or beyond the images. */
struct fill_counts {
    size_t voxels, twice, empty,
        beyond; /* inside; contours drawn twice, that hold no voxel centre, that reach beyond the images */
};
int contours_fill(const struct dicom_roi *roi, const struct grid *grid, uint8_t *mask, struct fill_counts *c,
                  struct error *e) MUST_USE;
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
