/* SPDX-License-Identifier: Apache-2.0 */
/* recipe -- every setting of the method, with both values of METHOD.md 1 in pipelines/recipes/.   proto
 *
 * One table (recipe.c) is the options of every stage, the keys of recipe files and the run record. Defaults are the
 * `paper` recipe. A stage shows in --help only its own groups, but accepts them all, so one file serves a pipeline. */
#ifndef PETREL_PROTO_RECIPE_H
#define PETREL_PROTO_RECIPE_H
#include "common/opts.h"

enum recipe_group {
    RECIPE_REGIONS = 1,
    RECIPE_BOXES = 2,
    RECIPE_NETWORK = 4,
    RECIPE_SAMPLING = 8,
    RECIPE_AUGMENT = 16,
    RECIPE_PRETRAIN = 32,
    RECIPE_CLASSIFIER = 64,
    RECIPE_CHANNELS = 128,
    RECIPE_ALL = 255
};

struct recipe {
    const char *recipe_name; /* paper */
    /* regions (METHOD.md 6) */
    const char *roi_method;              /* fcm|fixed|relative|percist */
    int64_t fcm_clusters;                /* 4 */
    double fcm_fuzziness, fcm_tolerance; /* 2, 1e-5 */
    const char *fcm_start;               /* quantile|even */
    double fcm_bin_suv, fcm_cap_suv;     /* 0.01, 4: of the histogram; what is above the cap counts in the last bin */
    double fcm_smooth_voxels;            /* 1: sd of the Gaussian of the second ensemble member */
    double body_air_suv,
        body_share;       /* 0.1, 0.02: the body is what is above air and not much smaller than its largest part */
    double grow_fraction; /* 0.41 of the peak */
    double grow_valley, grow_prominence; /* 0.6, 0.05: see stages/roi/grow.h */
    double fixed_suv;                    /* 4.0 */
    double relative_fraction;            /* 0.41 of SUVmax */
    double relative_floor_suv;           /* 2.5 */
    double percist_factor, percist_sds;  /* 1.5, 2: threshold = factor * the liver's mean + sds * its sd */
    double percist_sphere_mm;            /* 30: diameter of the liver reference */
    bool fill_holes;
    double region_min_ml;      /* specks below are dropped */
    int64_t connectivity;      /* 26 */
    double tumour_overlap;     /* 0.5 */
    const char *exclude;       /* comma list of organs (proto/organ.h) whose regions are left out; or none */
    double exclude_overlap;    /* 0.5: a region is an organ's when at least this share of it lies in the map's organ */
    const char *position_axes; /* fixed|itk: signs of the principal axes */
    /* boxes */
    const char *channels;       /* pet|pet,ct */
    struct opt_reals ct_window; /* -1024,1024: HU below and above are taken for these */
    const char *standardise;    /* box|volume|none */
    const char *border;         /* keep|drop */
    /* network (METHOD.md 2) */
    const char *backbone;         /* resnet10|resnet18|resnet34 */
    int64_t backbone_width;       /* 64: channels of the stem; an embedding is 8 times as wide */
    struct opt_reals stem_stride; /* 1,2,2 */
    bool position;                /* PEB; --no-position is the ablation */
    const char *position_unit;    /* mm|voxel */
    const char *position_box;     /* axis|oriented */
    const char *peb_norm;         /* layer|l2 */
    int64_t projection_width;     /* 2048 */
    const char *precision;        /* float32|bfloat16: images and products while learning */
    /* sampling */
    bool semantic;               /* same-class partners; --no-semantic: view 2 is always an augmented view 1 */
    double tumour_share;         /* 0.80 */
    double augmented_rate;       /* 0.30 of pairs are raw / augmented; the rest same-class partners */
    bool view2_always_augmented; /* released: true */
    int64_t pairs_per_epoch;     /* 2000 */
    int64_t redraw_epochs;       /* 1: pairs drawn anew every so many epochs (released: 800) */
    double train_fraction;       /* 1: share of the training regions of each label that is learned from */
    /* augmentation (METHOD.md 4) */
    const char *augment_pretrain; /* comma list of affine,flip,rotate,noise,histogram,contrast; or none */
    const char *augment_classifier;
    double augment_probability; /* 0.8 each */
    double affine_rotate_rad, affine_shear, affine_translate_voxels, affine_scale;
    double rotate_rad; /* U(-r, r) per axis */
    double noise_sd;   /* sigma ~ U(0, noise_sd) */
    double gamma_low, gamma_high;
    int64_t histogram_points; /* 10 */
    /* VICReg (METHOD.md 3) */
    double vicreg_invariance, vicreg_variance, vicreg_covariance; /* 25 25 1 */
    const char *vicreg_reduction;                                 /* mean|literal */
    /* pretraining */
    double lr, momentum, weight_decay, lars_trust, clip_norm; /* 0.5 0.9 1e-6 0.001 0 (off) */
    bool sync_norm;                                           /* several ranks: batch statistics of all their boxes */
    const char *schedule_unit;                                /* epoch|step */
    double warmup, schedule_length, schedule_end;             /* 60; 0: epochs; 0.001 */
    int64_t epochs, patience, batch;                          /* 2000 600 128 */
    /* classifier */
    int64_t classifier_hidden;         /* 128 */
    const char *classifier_activation; /* relu|gelu */
    double focal_alpha, focal_gamma;   /* 0.55 2 */
    const char *focal_on;              /* logits|softmax */
    const char *focal_balance; /* plain: alpha scales all (released); class: alpha for tumours, 1-alpha for others */
    struct opt_reals class_weights;   /* 1,1: others' and tumours' losses times this; 0,0: so that both weigh alike */
    bool unfreeze;                    /* the classifier phase trains the encoder, too */
    const char *classifier_optimiser; /* adamw|adam */
    double classifier_lr, classifier_weight_decay;                    /* 1e-4 0.01 */
    int64_t classifier_epochs, classifier_patience, classifier_batch; /* 800 200 128 */
    int64_t classifier_tumours, classifier_others; /* drawn per epoch (tumours repeated as needed); 0: all of them */
    int64_t classifier_views; /* 0: fresh augmentations every epoch; K: epoch e uses draw e mod K, so that
                                            frozen embeddings are computed once per draw */
    double threshold;         /* 0.5 */
};

void recipe_defaults(struct recipe *r);
int recipe_channels(const struct recipe *r); /* how many: C */
/* Appends rows for every setting to table (capacity `room`); rows outside `groups` get OPT_HIDDEN. Returns rows added. */
size_t recipe_options(struct recipe *r, unsigned groups, struct option *table, size_t room);
/* -1 and a sentence for settings that contradict each other. */
int recipe_check(const struct recipe *r, struct error *e) MUST_USE;
/* XXH3 over the values of the settings in `groups`: who may reuse what. */
uint64_t recipe_digest(const struct recipe *r, unsigned groups);
enum { RECIPE_ROWS = 128 };
#endif
