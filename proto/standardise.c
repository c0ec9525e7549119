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

void box_standardise(float *box, const struct recipe *r, int channels, double volume_mean, double volume_sd)
{
    if (!strcmp(r->standardise, "none"))
        return;
    bool volume = !strcmp(r->standardise, "volume");
    for (int c = 0; c < channels; c++)
        if (volume && c == 0)
            shift_scale(box, volume_mean, volume_sd);
        else
            standardise_own(box + (size_t)c * BOX_VOXELS);
}
