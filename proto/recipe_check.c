/* SPDX-License-Identifier: Apache-2.0 */
/* recipe_check -- settings that contradict each other.   proto */
#include "common/augmentation.h"
#include "proto/organ.h"
#include "proto/recipe.h"
#include <stdio.h>
#include <string.h>

int recipe_crop(const struct recipe *r, double *low_mm, double *high_mm, struct error *e)
{
    char rest;
    if (strcmp(r->crop, "none") == 0)
        return CROP_NONE;
    if (strcmp(r->crop, "thighs") == 0)
        return CROP_THIGHS;
    if (strchr(r->crop, ' ') || sscanf(r->crop, "%lf,%lf%c", low_mm, high_mm, &rest) != 2 || !(*low_mm <= *high_mm))
        return fail_as(e, EX_CONFIG,
                       "crop is '%s': give 'thighs', 'none', or two heights in mm, the lower first, such as -900,0",
                       r->crop);
    return CROP_HEIGHTS;
}

int recipe_position_parts(const struct recipe *r, unsigned *parts, struct error *e)
{
    static const char *const names[] = {"centroid", "size", "rotation"}; /* as they lie in the vector */
    *parts = 0;
    for (const char *at = r->position_parts; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t length = strcspn(at, ","), i = 0;
        while (i < COUNT_OF(names) && (strlen(names[i]) != length || strncmp(names[i], at, length) != 0))
            i++;
        if (i == COUNT_OF(names))
            return fail_as(e, EX_CONFIG, "position_parts names '%.*s': list some of centroid,size,rotation%s",
                           (int)length, at, length ? "" : ", or say position = no");
        if (*parts & 1u << i)
            return fail_as(e, EX_CONFIG, "position_parts names '%s' twice", names[i]);
        *parts |= 1u << i;
    }
    return 0;
}

int recipe_check(const struct recipe *r, struct error *e)
{
    if (augmentation_list("augment_pretrain", r->augment_pretrain, NULL, NULL, e) ||
        augmentation_list("augment_classifier", r->augment_classifier, NULL, NULL, e))
        return -1;
    unsigned parts;
    if (recipe_position_parts(r, &parts, e))
        return -1;
    if (!strcmp(r->fusion, "late") && recipe_channels(r) != 2)
        return fail_as(e, EX_CONFIG, "fusion is late, of PET and CT, and channels is '%s': set channels = pet,ct",
                       r->channels);
    double low_mm, high_mm;
    if (recipe_crop(r, &low_mm, &high_mm, e) < 0)
        return -1;
    if (r->spacing.count != 0 && r->spacing.count != 3)
        return fail_as(e, EX_CONFIG, "spacing has to be three numbers, mm between slices, rows and columns, or none");
    if (r->clip.count != 0 && (r->clip.count != 2 || !(r->clip.value[0] < r->clip.value[1])))
        return fail_as(e, EX_CONFIG, "clip has to be two SUV, the lower first, or none");
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
    bool augmented =
        !r->semantic || r->view2_always_augmented || r->augmented_rate > 0 || !strcmp(r->augmented_views, "all");
    if (augmented && strcmp(r->augment_pretrain, "none") == 0)
        return fail_as(e, EX_CONFIG,
                       "augment_pretrain is 'none', so a region and its augmentation would be twice the same: "
                       "name some, or set semantic = yes, augmented_rate = 0, view2_always_augmented = no and "
                       "augmented_views = paper");
    if (!strcmp(r->classifier_norm, "batch") && (!r->whole_batches || r->classifier_views > 0))
        return fail_as(
            e, EX_CONFIG,
            "classifier_norm is batch, so a box's embedding depends on its batch: set whole_batches = yes and "
            "classifier_views = 0");
    const struct opt_reals *crop = &r->local_crop;
    if (crop->count != 2 || crop->value[0] > crop->value[1] || crop->value[0] != (double)(int)crop->value[0] ||
        crop->value[1] != (double)(int)crop->value[1])
        return fail_as(e, EX_CONFIG, "local_crop has to be two whole numbers of voxels, the lower first, such as 6,12");
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
