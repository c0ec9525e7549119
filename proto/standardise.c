/* SPDX-License-Identifier: Apache-2.0 */
/* standardise -- a cached box of SUV to the numbers a network sees.   pairs, train, eval, classify -> [standardise] */
#include "proto/standardise.h"
#include <math.h>
#include <string.h>

static void shift_scale(float *x, double mean, double sd)
{
    double factor = sd > 1e-12 && isfinite(sd) ? 1 / sd : 0;
    for (size_t i = 0; i < BOX_VOXELS; i++)
        x[i] = (float)((x[i] - mean) * factor);
}

static void standardise_own(float *x)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < BOX_VOXELS; i++)
        sum += x[i];
    double mean = sum / BOX_VOXELS;
    for (size_t i = 0; i < BOX_VOXELS; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    shift_scale(x, mean, sqrt(squares / (BOX_VOXELS - 1)));
}

static void window(float *x, const struct opt_reals *hu)
{
    float low = (float)hu->value[0], high = (float)hu->value[1];
    for (size_t i = 0; i < BOX_VOXELS; i++)
        x[i] = x[i] < low ? low : x[i] > high ? high : x[i];
}

void box_standardise(float *box, const struct recipe *r, int channels, const struct volume_scale *volume)
{
    bool none = !strcmp(r->standardise, "none"), own = !strcmp(r->standardise, "box");
    for (int c = 0; c < channels; c++, box += BOX_VOXELS) {
        if (c == BOX_CT)
            window(box, &r->ct_window);
        if (own)
            standardise_own(box);
        else if (!none)
            shift_scale(box, (double)volume->mean[c], (double)volume->sd[c]);
    }
}
