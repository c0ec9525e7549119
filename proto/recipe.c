/* SPDX-License-Identifier: Apache-2.0 */
/* recipe -- the table of settings: option, recipe key and run record from one row each.   proto
 * Defaults are the `paper` recipe; pipelines/recipes/{paper,released}.conf say where each value comes from. */
#include "proto/recipe.h"
#include "common/file.h"
#include "proto/organ.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct recipe paper = {
    .recipe_name = "paper",
    .roi_method = "fcm",
    .fcm_clusters = 4,
    .fcm_fuzziness = 2,
    .fcm_tolerance = 1e-5,
    .fcm_start = "quantile",
    .fcm_bin_suv = 0.01,
    .fcm_cap_suv = 4,
    .fcm_smooth_voxels = 1,
    .body_air_suv = 0.1,
    .body_share = 0.02,
    .grow_fraction = 0.41,
    .grow_valley = 0.6,
    .grow_prominence = 0.05,
    .fixed_suv = 4.0,
    .relative_fraction = 0.41,
    .relative_floor_suv = 2.5,
    .percist_factor = 1.5,
    .percist_sds = 2,
    .percist_sphere_mm = 30,
    .fill_holes = true,
    .region_min_ml = 0.1,
    .connectivity = 26,
    .tumour_overlap = 0.5,
    .exclude = "brain,heart,kidneys,bladder",
    .exclude_overlap = 0.5,
    .position_axes = "fixed",
    .channels = "pet",
    .ct_window = {2, {-1024, 1024}},
    .standardise = "box",
    .border = "keep",
    .backbone = "resnet18",
    .backbone_width = 64,
    .stem_stride = {3, {1, 2, 2}},
    .position = true,
    .position_unit = "mm",
    .position_box = "oriented",
    .peb_norm = "layer",
    .projection_width = 2048,
    .precision = "float32",
    .semantic = true,
    .tumour_share = 0.80,
    .augmented_rate = 0.30,
    .view2_always_augmented = false,
    .pairs_per_epoch = 2000,
    .redraw_epochs = 1,
    .train_fraction = 1,
    .augment_pretrain = "affine,flip,rotate,noise,histogram",
    .augment_classifier = "affine,flip,rotate,noise,histogram",
    .augment_probability = 0.8,
    .affine_rotate_rad = 0.26,
    .affine_shear = 0.1,
    .affine_translate_voxels = 1,
    .affine_scale = 0.1,
    .rotate_rad = 0.26,
    .noise_sd = 0.1,
    .gamma_low = 0.5,
    .gamma_high = 4.5,
    .histogram_points = 10,
    .vicreg_invariance = 25,
    .vicreg_variance = 25,
    .vicreg_covariance = 1,
    .vicreg_reduction = "mean",
    .lr = 0.5,
    .momentum = 0.9,
    .weight_decay = 1e-6,
    .lars_trust = 0.001,
    .clip_norm = 0,
    .sync_norm = false,
    .schedule_unit = "epoch",
    .warmup = 60,
    .schedule_length = 0,
    .schedule_end = 0.001,
    .epochs = 2000,
    .patience = 600,
    .batch = 128,
    .classifier_hidden = 128,
    .classifier_activation = "relu",
    .focal_alpha = 0.55,
    .focal_gamma = 2,
    .focal_on = "logits",
    .focal_balance = "plain",
    .class_weights = {2, {1, 1}},
    .unfreeze = false,
    .classifier_optimiser = "adamw",
    .classifier_lr = 1e-4,
    .classifier_weight_decay = 0.01,
    .classifier_epochs = 800,
    .classifier_patience = 200,
    .classifier_batch = 128,
    .classifier_tumours = 0,
    .classifier_others = 0,
    .classifier_views = 0,
    .threshold = 0.5,
};

void recipe_defaults(struct recipe *r)
{
    *r = paper;
}

int recipe_channels(const struct recipe *r)
{
    return strcmp(r->channels, "pet") ? 2 : 1;
}

static const char regions[] = "Regions", boxes[] = "Boxes and positions", network[] = "Network", sampling[] = "Pairs",
                  augment[] = "Augmentation", pretrain[] = "Pretraining", classifier[] = "Classifier";
enum {
    R = RECIPE_REGIONS,
    X = RECIPE_BOXES,
    N = RECIPE_NETWORK,
    S = RECIPE_SAMPLING,
    A = RECIPE_AUGMENT,
    P = RECIPE_PRETRAIN,
    C = RECIPE_CLASSIFIER,
    L = RECIPE_CHANNELS
};
#define AT(field) offsetof(struct recipe, field)

/* In the order of struct recipe. A row may serve two groups: positions are chosen where pairs are made and shown where
 * the network is described. */
static const struct {
    const char *name;
    enum opt_kind kind;
    size_t offset;
    unsigned groups;
    const char *heading;
    const char *argument;
    double low, high;
    const char *help;
} rows[] = {
    {"recipe-name", OPT_STRING, AT(recipe_name), 0, "Recipe", "NAME", 0, 0, "what reports call these settings"},

    {"roi-method", OPT_CHOICE, AT(roi_method), R, regions, "fcm|fixed|relative|percist", 0, 0,
     "how high-uptake regions are found: fuzzy c-means and growing, SUV of fixed-suv, share of SUVmax, or PERCIST's "
     "liver threshold"},
    {"fcm-clusters", OPT_INT, AT(fcm_clusters), R, regions, "N", 2, 64, "fuzzy c-means: number of clusters"},
    {"fcm-fuzziness", OPT_REAL, AT(fcm_fuzziness), R, regions, "M", 1.01, 100,
     "fuzzy c-means: exponent m of the memberships"},
    {"fcm-tolerance", OPT_REAL, AT(fcm_tolerance), R, regions, "SUV", 1e-12, 1,
     "fuzzy c-means: stop when no centre moves further (SUV)"},
    {"fcm-start", OPT_CHOICE, AT(fcm_start), R, regions, "quantile|even", 0, 0,
     "fuzzy c-means: centres start at quantiles of the body's voxels, or evenly over their values"},
    {"fcm-bin-suv", OPT_REAL, AT(fcm_bin_suv), R, regions, "SUV", 1e-4, 1,
     "fuzzy c-means: width of the histogram's bins (SUV)"},
    {"fcm-cap-suv", OPT_REAL, AT(fcm_cap_suv), R, regions, "SUV", 0.1, 1000,
     "fuzzy c-means: what is above counts in the last bin, or the bladder were a cluster of its own (SUV)"},
    {"fcm-smooth-voxels", OPT_REAL, AT(fcm_smooth_voxels), R, regions, "VOXELS", 0, 16,
     "sd of the Gaussian before the second clustering of the ensemble (voxels; 0: none)"},
    {"body-air-suv", OPT_REAL, AT(body_air_suv), R, regions, "SUV", 1e-6, 10,
     "air and its noise lie below, the body above (SUV)"},
    {"body-share", OPT_REAL, AT(body_share), R, regions, "SHARE", 0, 1,
     "parts of the body that are smaller than this share of the largest are left out: a syringe on the table"},
    {"grow-fraction", OPT_REAL, AT(grow_fraction), R, regions, "SHARE", 0.01, 1,
     "grow from a peak down to this share of it"},
    {"grow-valley", OPT_REAL, AT(grow_valley), R, regions, "SHARE", 0, 1,
     "two peaks stay apart where what lies between is below this share of the lower one"},
    {"grow-prominence", OPT_REAL, AT(grow_prominence), R, regions, "SHARE", 0, 1,
     "a bump on a hot slope that rises by less than this share of itself is noise"},
    {"fixed-suv", OPT_REAL, AT(fixed_suv), R, regions, "SUV", 0.01, 1000, "threshold of roi-method fixed (SUV)"},
    {"relative-fraction", OPT_REAL, AT(relative_fraction), R, regions, "SHARE", 0.01, 1,
     "threshold of roi-method relative, as a share of the scan's SUVmax"},
    {"relative-floor-suv", OPT_REAL, AT(relative_floor_suv), R, regions, "SUV", 0.01, 1000,
     "roi-method relative looks at peaks of at least this SUV, and not below it"},
    {"percist-factor", OPT_REAL, AT(percist_factor), R, regions, "FACTOR", 0, 100,
     "roi-method percist: threshold = this times the liver's mean SUV ..."},
    {"percist-sds", OPT_REAL, AT(percist_sds), R, regions, "FACTOR", 0, 100,
     "... plus this times its standard deviation"},
    {"percist-sphere-mm", OPT_REAL, AT(percist_sphere_mm), R, regions, "MM", 5, 100,
     "diameter of the sphere in the liver (mm)"},
    {"fill-holes", OPT_FLAG, AT(fill_holes), R, regions, NULL, 0, 0, "what a region encloses belongs to it"},
    {"region-min-ml", OPT_REAL, AT(region_min_ml), R, regions, "ML", 0, 1e6,
     "regions below this volume are specks and dropped (ml)"},
    {"connectivity", OPT_INT, AT(connectivity), R, regions, "6|18|26", 6, 26, "neighbours that make voxels one region"},
    {"tumour-overlap", OPT_REAL, AT(tumour_overlap), R, regions, "SHARE", 0, 1,
     "a region is a tumour when at least this share of its voxels lies in the truth mask"},
    {"exclude", OPT_STRING, AT(exclude), R, regions, "ORGANS", 0, 0,
     "leave out the regions of these organs: some of "
     "spleen,kidneys,liver,bladder,lungs,brain,heart,stomach,prostate,glands with "
     "an organ map; of brain,heart,kidneys,bladder without one; or none"},
    {"exclude-overlap", OPT_REAL, AT(exclude_overlap), R, regions, "SHARE", 0.01, 1,
     "a region is an organ's when at least this share of its voxels lies in the organ map's organ"},
    {"position-axes", OPT_CHOICE, AT(position_axes), R, regions, "fixed|itk", 0, 0,
     "signs of the principal axes: largest component positive, or as ITK has them"},

    {"channels", OPT_CHOICE, AT(channels), L | N | X, boxes, "pet|pet,ct", 0, 0,
     "of a box: the PET alone, or with the CT of the same study, which every scan must then have"},
    {"ct-window", OPT_REALS, AT(ct_window), X, boxes, "HU,HU", -32768, 32767,
     "CT below the first and above the second is taken for these, before it is standardised (HU)"},
    {"standardise", OPT_CHOICE, AT(standardise), X, boxes, "box|volume|none", 0, 0,
     "make each channel of a box mean 0 and sd 1 by its own values, by its whole volume's, or not"},
    {"border", OPT_CHOICE, AT(border), R | X, boxes, "keep|drop", 0, 0,
     "regions whose box leaves the volume: pad with air, or leave out"},
    {"position-unit", OPT_CHOICE, AT(position_unit), N | X, boxes, "mm|voxel", 0, 0,
     "unit of centroid and size in the position vector"},
    {"position-box", OPT_CHOICE, AT(position_box), N | X, boxes, "axis|oriented", 0, 0,
     "whose size the position vector gives: the axis-aligned box's, or the principal axes'"},

    {"backbone", OPT_CHOICE, AT(backbone), N, network, "resnet10|resnet18|resnet34", 0, 0, "the encoder"},
    {"backbone-width", OPT_INT, AT(backbone_width), N, network, "N", 1, 1024,
     "channels of the first convolution; the embedding is 8 times as wide"},
    {"stem-stride", OPT_REALS, AT(stem_stride), N, network, "D,H,W", 1, 2, "stride of the first convolution (voxels)"},
    {"position", OPT_FLAG, AT(position), N, network, NULL, 0, 0, "join the position vector to the features (PEB)"},
    {"peb-norm", OPT_CHOICE, AT(peb_norm), N, network, "layer|l2", 0, 0,
     "normalisation of features and position before they are joined: LayerNorm without affine, or L2"},
    {"projection-width", OPT_INT, AT(projection_width), N, network, "N", 2, 65536,
     "width of both layers of the projection head"},
    {"precision", OPT_CHOICE, AT(precision), P | C, network, "float32|bfloat16", 0, 0,
     "of images and of what products read while learning; parameters, statistics, losses and sums are float32 in both"},

    {"semantic", OPT_FLAG, AT(semantic), S, sampling, NULL, 0, 0,
     "pair a region with another of its class; without, view 2 is always an augmented view 1"},
    {"tumour-share", OPT_REAL, AT(tumour_share), S, sampling, "SHARE", 0, 1, "share of pairs that are of tumours"},
    {"augmented-rate", OPT_REAL, AT(augmented_rate), S, sampling, "SHARE", 0, 1,
     "share of pairs that are a region and its augmentation; the rest are same-class partners"},
    {"view2-always-augmented", OPT_FLAG, AT(view2_always_augmented), S, sampling, NULL, 0, 0,
     "augment the same-class partners too"},
    {"pairs-per-epoch", OPT_INT, AT(pairs_per_epoch), S, sampling, "N", 2, 1e7, "pairs an epoch"},
    {"redraw-epochs", OPT_INT, AT(redraw_epochs), S, sampling, "EPOCHS", 1, 1e9,
     "pairs are drawn anew every so many epochs"},
    {"train-fraction", OPT_REAL, AT(train_fraction), S, sampling, "SHARE", 1e-6, 1,
     "learn from this share of the training regions of each label, the same ones whatever the seed"},

    {"augment-pretrain", OPT_STRING, AT(augment_pretrain), A, augment, "LIST", 0, 0,
     "in pretraining, in this order: some of affine,flip,rotate,noise,histogram,contrast; or none"},
    {"augment-classifier", OPT_STRING, AT(augment_classifier), A, augment, "LIST", 0, 0,
     "the same for the classifier's training"},
    {"augment-probability", OPT_REAL, AT(augment_probability), A, augment, "P", 0, 1, "probability of each augmentation"},
    {"affine-rotate-rad", OPT_REAL, AT(affine_rotate_rad), A, augment, "RAD", 0, 10,
     "affine: rotation U(-r, r) about each axis (radians)"},
    {"affine-shear", OPT_REAL, AT(affine_shear), A, augment, "S", 0, 1, "affine: shear U(-s, s)"},
    {"affine-translate-voxels", OPT_REAL, AT(affine_translate_voxels), A, augment, "VOXELS", 0, 16,
     "affine: shift U(-t, t) along each axis (voxels)"},
    {"affine-scale", OPT_REAL, AT(affine_scale), A, augment, "S", 0, 0.99, "affine: scale 1 + U(-s, s) along each axis"},
    {"rotate-rad", OPT_REAL, AT(rotate_rad), A, augment, "RAD", 0, 100, "rotate: U(-r, r) about each axis (radians)"},
    {"noise-sd", OPT_REAL, AT(noise_sd), A, augment, "SD", 0, 100,
     "noise: sigma ~ U(0, sd), then N(0, sigma) (standardised units)"},
    {"gamma-low", OPT_REAL, AT(gamma_low), A, augment, "GAMMA", 0.01, 100, "contrast: exponent U(low, high)"},
    {"gamma-high", OPT_REAL, AT(gamma_high), A, augment, "GAMMA", 0.01, 100, "contrast: exponent U(low, high)"},
    {"histogram-points", OPT_INT, AT(histogram_points), A, augment, "N", 3, 64, "histogram shift: control points"},

    {"vicreg-invariance", OPT_REAL, AT(vicreg_invariance), P, pretrain, "WEIGHT", 0, 1e6,
     "weight of the invariance term"},
    {"vicreg-variance", OPT_REAL, AT(vicreg_variance), P, pretrain, "WEIGHT", 0, 1e6, "weight of the variance term"},
    {"vicreg-covariance", OPT_REAL, AT(vicreg_covariance), P, pretrain, "WEIGHT", 0, 1e6,
     "weight of the covariance term"},
    {"vicreg-reduction", OPT_CHOICE, AT(vicreg_reduction), P, pretrain, "mean|literal", 0, 0,
     "means as in Lightly, or sums as the paper's equations 2 to 6 are printed"},
    {"lr", OPT_REAL, AT(lr), P, pretrain, "RATE", 0, 1000, "LARS: learning rate after warm-up"},
    {"momentum", OPT_REAL, AT(momentum), P, pretrain, "M", 0, 0.9999, "LARS: momentum"},
    {"weight-decay", OPT_REAL, AT(weight_decay), P, pretrain, "WD", 0, 1, "LARS: weight decay"},
    {"lars-trust", OPT_REAL, AT(lars_trust), P, pretrain, "C", 0, 1, "LARS: trust coefficient"},
    {"clip-norm", OPT_REAL, AT(clip_norm), P, pretrain, "NORM", 0, 1e9, "clip the gradient's global norm (0: not)"},
    {"sync-norm", OPT_FLAG, AT(sync_norm), P, pretrain, NULL, 0, 0,
     "several ranks: batch statistics of all their boxes, not of each rank's own"},
    {"schedule-unit", OPT_CHOICE, AT(schedule_unit), P, pretrain, "epoch|step", 0, 0,
     "what warmup and schedule-length count"},
    {"warmup", OPT_REAL, AT(warmup), P, pretrain, "UNITS", 0, 1e9, "linear warm-up (schedule-units)"},
    {"schedule-length", OPT_REAL, AT(schedule_length), P, pretrain, "UNITS", 0, 1e9,
     "where the cosine ends, warm-up included (schedule-units; 0: the last epoch)"},
    {"schedule-end", OPT_REAL, AT(schedule_end), P, pretrain, "FACTOR", 0, 1,
     "factor of the learning rate at the cosine's end and after"},
    {"epochs", OPT_INT, AT(epochs), P, pretrain, "N", 1, 1e7, "epochs of pretraining at most"},
    {"patience", OPT_INT, AT(patience), P, pretrain, "N", 1, 1e7,
     "stop after so many epochs without a better validation loss"},
    {"batch", OPT_INT, AT(batch), P | S, pretrain, "N", 2, 65536, "pairs a step"},

    {"classifier-hidden", OPT_INT, AT(classifier_hidden), N | C, classifier, "N", 1, 65536, "width of the hidden layer"},
    {"classifier-activation", OPT_CHOICE, AT(classifier_activation), N | C, classifier, "relu|gelu", 0, 0,
     "between the two layers"},
    {"focal-alpha", OPT_REAL, AT(focal_alpha), C, classifier, "ALPHA", 0, 1, "focal loss: alpha"},
    {"focal-gamma", OPT_REAL, AT(focal_gamma), C, classifier, "GAMMA", 0, 20, "focal loss: gamma"},
    {"focal-on", OPT_CHOICE, AT(focal_on), C, classifier, "logits|softmax", 0, 0,
     "cross-entropy of the logits, or (as released) of values already softmaxed"},
    {"focal-balance", OPT_CHOICE, AT(focal_balance), C, classifier, "plain|class", 0, 0,
     "alpha scales every loss, or alpha tumours' and 1 - alpha the others'"},
    {"class-weights", OPT_REALS, AT(class_weights), C, classifier, "OTHERS,TUMOURS", 0, 1e6,
     "multiply the losses of each class (0,0: by what makes both classes weigh alike in an epoch)"},
    {"unfreeze", OPT_FLAG, AT(unfreeze), C, classifier, NULL, 0, 0,
     "fine-tuning: encoder and PEB learn with the classifier, at its rate"},
    {"classifier-optimiser", OPT_CHOICE, AT(classifier_optimiser), C, classifier, "adamw|adam", 0, 0, "optimiser"},
    {"classifier-lr", OPT_REAL, AT(classifier_lr), C, classifier, "RATE", 0, 10, "learning rate"},
    {"classifier-weight-decay", OPT_REAL, AT(classifier_weight_decay), C, classifier, "WD", 0, 1, "weight decay"},
    {"classifier-epochs", OPT_INT, AT(classifier_epochs), C, classifier, "N", 1, 1e7, "epochs at most"},
    {"classifier-patience", OPT_INT, AT(classifier_patience), C, classifier, "N", 1, 1e7,
     "stop after so many epochs without a better validation loss"},
    {"classifier-batch", OPT_INT, AT(classifier_batch), C | S, classifier, "N", 2, 65536, "boxes a step"},
    {"classifier-tumours", OPT_INT, AT(classifier_tumours), C | S, classifier, "N", 0, 1e7,
     "tumours drawn an epoch, repeated as needed (0: all, once)"},
    {"classifier-others", OPT_INT, AT(classifier_others), C | S, classifier, "N", 0, 1e7,
     "others drawn an epoch (0: all, once)"},
    {"classifier-views", OPT_INT, AT(classifier_views), C | S, classifier, "K", 0, 1e6,
     "epoch e uses augmentation draw e mod K, so that embeddings are computed once a draw (0: a fresh draw every "
     "epoch)"},
    {"threshold", OPT_REAL, AT(threshold), C, classifier, "P", 0, 1,
     "a region is called a tumour from this probability on"},
};
_Static_assert(COUNT_OF(rows) <= RECIPE_ROWS, "RECIPE_ROWS is too small");

size_t recipe_options(struct recipe *r, unsigned groups, struct option *table, size_t room)
{
    assert(room >= COUNT_OF(rows));
    (void)room;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        table[i] = (struct option){.name = rows[i].name,
                                   .kind = rows[i].kind,
                                   .value = (char *)r + rows[i].offset,
                                   .argument = rows[i].argument,
                                   .low = rows[i].low,
                                   .high = rows[i].high,
                                   .help = rows[i].help,
                                   .group = rows[i].heading,
                                   .flags = OPT_RECIPE | (rows[i].groups & groups ? 0u : (unsigned)OPT_HIDDEN)};
    return COUNT_OF(rows);
}

uint64_t recipe_digest(const struct recipe *r, unsigned groups)
{
    struct recipe copy = *r;
    struct option table[RECIPE_ROWS];
    recipe_options(&copy, groups, table, RECIPE_ROWS);
    char *text = xstrdup("");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (!(rows[i].groups & groups))
            continue;
        char *value = opts_value(&table[i]), *longer = xprintf("%s%s=%s\n", text, rows[i].name, value);
        free(value);
        free(text);
        text = longer;
    }
    uint64_t digest = bytes_xxh3(text, strlen(text));
    free(text);
    return digest;
}

/* A comma list of known augmentations, none twice; or "none". */
static int augment_check(const char *key, const char *list, struct error *e)
{
    static const char *const known[] = {"affine", "flip", "rotate", "noise", "histogram", "contrast"};
    unsigned seen = 0;
    if (strcmp(list, "none") == 0)
        return 0;
    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ","), k = 0;
        while (k < COUNT_OF(known) && (strlen(known[k]) != length || memcmp(known[k], at, length) != 0))
            k++;
        if (k == COUNT_OF(known))
            return fail_as(e, EX_CONFIG, "%s has '%.*s' (some of affine,flip,rotate,noise,histogram,contrast; or none)",
                           key, (int)length, at);
        if (seen & 1u << k)
            return fail_as(e, EX_CONFIG, "%s has '%s' twice", key, known[k]);
        seen |= 1u << k;
        at += length;
        if (!*at)
            return 0;
    }
}

int recipe_check(const struct recipe *r, struct error *e)
{
    if (augment_check("augment_pretrain", r->augment_pretrain, e) ||
        augment_check("augment_classifier", r->augment_classifier, e))
        return -1;
    unsigned organs;
    if (organ_list_read("exclude", r->exclude, &organs, e))
        return -1;
    if (r->fcm_cap_suv < 2 * r->fcm_bin_suv || r->fcm_cap_suv > 1e5 * r->fcm_bin_suv)
        return fail_as(e, EX_CONFIG, "fcm_cap_suv %g makes no histogram of bins of fcm_bin_suv %g (2 to 100000 of them)",
                       r->fcm_cap_suv, r->fcm_bin_suv);
    if (r->connectivity != 6 && r->connectivity != 18 && r->connectivity != 26)
        return fail_as(e, EX_CONFIG, "connectivity is %lld (6, 18 or 26)", (long long)r->connectivity);
    bool strides = r->stem_stride.count == 3;
    for (size_t a = 0; a < r->stem_stride.count; a++)
        strides = strides && (r->stem_stride.value[a] == 1 || r->stem_stride.value[a] == 2);
    if (!strides)
        return fail_as(e, EX_CONFIG, "stem_stride has to be three numbers, each 1 or 2, such as 1,2,2");
    const struct opt_reals *hu = &r->ct_window, *w = &r->class_weights;
    if (hu->count != 2 || !(hu->value[0] < hu->value[1]))
        return fail_as(e, EX_CONFIG, "ct_window has to be two numbers, the lower first, such as -1024,1024");
    if (w->count != 2 || w->value[0] < 0 || w->value[1] < 0 || (w->value[0] == 0) != (w->value[1] == 0))
        return fail_as(e, EX_CONFIG, "class_weights has to be two positive numbers, others' and tumours', or 0,0");
    if (r->gamma_low > r->gamma_high)
        return fail_as(e, EX_CONFIG, "gamma_low %g is above gamma_high %g", r->gamma_low, r->gamma_high);
    bool augmented = !r->semantic || r->view2_always_augmented || r->augmented_rate > 0;
    if (augmented && strcmp(r->augment_pretrain, "none") == 0)
        return fail_as(e, EX_CONFIG,
                       "augment_pretrain is 'none', so a region and its augmentation would be twice the same: "
                       "name some, or set semantic = yes, augmented_rate = 0 and view2_always_augmented = no");
    if (r->batch > r->pairs_per_epoch)
        return fail_as(e, EX_CONFIG, "batch %lld is above pairs_per_epoch %lld: no epoch would fill one",
                       (long long)r->batch, (long long)r->pairs_per_epoch);
    if (r->schedule_length > 0 && r->warmup > r->schedule_length)
        return fail_as(e, EX_CONFIG, "warmup %g is above schedule_length %g", r->warmup, r->schedule_length);
    if (r->schedule_length == 0 && strcmp(r->schedule_unit, "epoch") == 0 && r->warmup > (double)r->epochs)
        return fail_as(e, EX_CONFIG, "warmup %g is above epochs %lld", r->warmup, (long long)r->epochs);
    if (r->vicreg_invariance == 0 && r->vicreg_variance == 0 && r->vicreg_covariance == 0)
        return fail_as(e, EX_CONFIG,
                       "vicreg_invariance, vicreg_variance and vicreg_covariance are all 0: nothing would be learned");
    return 0;
}
