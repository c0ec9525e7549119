/* SPDX-License-Identifier: Apache-2.0 */
/* model -- a model file on a back end: what train writes, what eval and classify open.   train ═▶ [model] ═▶ eval
 *
 * A model file is safetensors with PyTorch's names (backbone.*, peb.*, projection.*, classifier.*) and this metadata,
 * all text:
 *     petrel       "model 1"; "compact model 1": without dead weights (model_compact.c)
 *     version      of the program that wrote it
 *     phase        pretrain | classifier
 *     recipe       name of the recipe
 *     settings     every recipe setting, "key = value" lines
 *     channels     of a box
 *     cache        digest of the cache it was trained on
 *     cohort       "" | "simulated cohort" | "partly simulated cohort"
 *     patients     whom it and what it began from learned from (model_patients.h); not in files of version 0.1
 *     patients_validation   whom they were chosen by: validation patients, early stopping
 *     overridden   only where users gave values in place of the scans' own: "PATIENT SCAN: weight_g=70000" a line
 *     seed         of the run
 *     epoch, step  where its parameters were taken: the epoch last learned from, steps in all
 * No time, host or path is in it: the same run gives the same bytes.
 *
 * Beside it in the run directory, for whoever plots:
 *     losses.csv             epoch,step,loss,TERM...,lr,seconds,set    (TERM: the method's; set: train | validation)
 *     classifier-losses.csv  epoch,step,loss,lr,seconds,set
 * epoch and step count from 0, step within its epoch; a validation row is the mean over one pass and carries its
 * epoch's last step. */
#ifndef PETREL_STAGES_MODEL_H
#define PETREL_STAGES_MODEL_H
#include "common/opts.h"
#include "common/safetensors.h"
#include "kernels/nets/network.h"
#include "proto/recipe.h"

struct model {
    struct recipe recipe; /* it was trained with: standardise, position_unit, threshold, roi_method, ... */
    struct network_settings network;
    int channels, embedding; /* C of a box; width of an embedding (512) */
    bool position;           /* false: positions are not looked at and may be NULL */
    bool has_classifier;     /* false: model_predict refuses */
    bool simulated;          /* trained, even in part, on a simulated cohort: say so wherever results appear */
    char cohort[64];         /* "" or words for people: "simulated cohort" */
    char phase[16], recipe_name[64], version[64], cache_digest[65];
    char sha256[65]; /* of the file, where whoever opened it asked (file_sha256); "": not */
    uint64_t seed;
    int64_t epoch, step;
    char *settings;    /* the metadata's text */
    char *patients[2]; /* learned from, chosen by: model_patients.h; NULL: the file does not say */
    struct backend *backend;
    /* model.c's own */
    struct params *params;
    struct tape *tape;
    struct network_values values;
    float *box, *row, *out, *logit; /* host staging for one batch */
};

/* Which back end, as options ask for it. name: "auto" (a usable GPU, else cpu), "cpu", "cuda" or "ref"; precision: "float32"
 * or "bfloat16"; threads 0: all cores. */
struct backend_wish {
    const char *name, *precision;
    int64_t threads;
};
#define BACKEND_CHOICES   "auto|cpu|cuda|ref"
#define PRECISION_CHOICES "float32|bfloat16"
/* Says aloud which it is. One asked for by name, or in a precision, is had so or is an error. */
struct backend *backend_choose(const struct backend_wish *w, struct error *e) MUST_USE;

/* Only what stands in the file about the model: settings, facts; no back end, nothing to ask. model_close as after model_open. */
int model_open_facts(struct model *m, const char *path, struct error *e) MUST_USE;
/* Opens a model file on a back end. -1 and a sentence naming the file and what is missing, extra or misshapen. */
int model_open(struct model *m, const char *path, const struct backend_wish *w, struct error *e) MUST_USE;
void model_close(struct model *m);
/* Weights as they are before any training, of this seed: for asking what training gave. */
void model_forget(struct model *m, uint64_t seed);
/* Gives the network back and keeps the facts: it answers no more, and is still to be closed. */
void model_unload(struct model *m);
/* Floats of one channel of what the network is given: a box, or one slice of it. */
static inline size_t model_input_floats(const struct network_settings *s)
{
    return (size_t)s->box[0] * (size_t)s->box[1] * (size_t)s->box[2];
}
/* n boxes [n][C][16][16][16], standardised as m->recipe.standardise says, and their positions [n][9] in the form
 * m->recipe names -> out [n][embedding]. Any n. Encoder and PEB in evaluation mode (running statistics). A box's
 * numbers do not depend on what else is asked for. Of a network of slices (box_slices): the mean of the box's middle slices. */
void model_embed(struct model *m, const float *box, const float *position, size_t n, float *out);
/* The same -> probability of tumour [n] (of slices: the highest that at least half of them reach); embedding may be NULL or takes [n][embedding] in the same pass. */
int model_predict(struct model *m, const float *box, const float *position, size_t n, float *probability,
                  float *embedding, struct error *e) MUST_USE;

/* The regions of `whose` ("scan 'x'", "cache 'y'") were made with the record's settings: -1 and EX_CONFIG with every key and both
 * values unless the model learned from such. A record of version 0.1 ("") is let through, and said. */
int model_suits(const struct model *m, const char *record, const char *whose, struct error *e) MUST_USE;

/* What train uses to write and read them. */
#define MODEL_PATIENTS            "patients"
#define MODEL_PATIENTS_VALIDATION "patients_validation"
struct model_facts {
    const char *phase, *cache_digest, *cohort, *overridden; /* overridden: NULL or "": nothing was */
    const char *patients[2];                                /* as in struct model; NULL: not known */
    const struct recipe *recipe;
    int channels;
    uint64_t seed;
    int64_t epoch, step;
};
/* recipe -> what kernels may know of it, in the phase of pretraining or of the classifier, which may have or lack a PEB of its own; -1
 * where the network cannot be built so. */
int model_network(const struct recipe *r, int channels, bool classifier, struct network_settings *s,
                  struct error *e) MUST_USE;
/* "key = value" lines of every recipe setting. The caller's. */
char *model_settings_text(const struct recipe *r) MUST_USE;
/* The reverse, into *r (set to defaults first). A key this version does not know is an error. */
int model_settings_read(const char *text, struct recipe *r, struct error *e) MUST_USE;
/* The facts as metadata. */
void model_add_facts(struct safetensors *s, const struct model_facts *f);
/* Every parameter of p, PyTorch's names and shapes, as it is now; host: the caller's, model_host_floats(p) of them from
 * xalloc, filled here and borrowed by s. Or, with host NULL, as it is when s is written: fetched one by one. */
size_t model_host_floats(const struct params *p);
void model_add_params(struct safetensors *s, struct params *p, float *host);
/* Tensors of `s` into p (sealed). Each part ("backbone", "peb", "projection", "classifier") p has must be there whole,
 * unless it is named in `optional` ("projection,classifier") and wholly absent; a tensor p has no place for is refused
 * unless its part is named in `skip`. */
int model_load(struct params *p, const struct safetensors *s, const char *path, const char *optional, const char *skip,
               struct error *e) MUST_USE;
/* A file of weights, whoever wrote it: compact ones are made whole, and names of MONAI, 3D-ResNets-PyTorch and Med3D
 * become ours (model_adopt.c says which). */
int model_read(struct safetensors *s, const char *path, struct error *e) MUST_USE;
/* As model_add_params with host NULL, without the weights that can meet no number of a box. Returns memory s
 * borrows, for the caller to free once s is written. model_expand: a file of that kind, read, is made whole again, dead
 * weights zero; another is left alone. */
MUST_USE int64_t *model_add_live(struct safetensors *s, struct params *p);
int model_expand(struct safetensors *s, const char *path, struct error *e) MUST_USE;
/* Parts of parameters that learning alone needs: no model file has them, and --init brings none. */
#define MODEL_LEARNING_PARTS "predictor,prototypes"
#define MODEL_WHOLE          "model 1"
#define MODEL_COMPACT        "compact model 1"
/* Has the file any tensor of this part? */
bool model_has_part(const struct safetensors *s, const char *part);
#endif
