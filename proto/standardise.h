/* SPDX-License-Identifier: Apache-2.0 */
/* standardise -- a cached box of SUV to the numbers a network sees.   pairs, train, eval, classify -> [standardise]
 *
 * The cache keeps SUV as cropped; the recipe says how it is standardised, and whoever feeds a network calls this one function,
 * so that training and classification cannot differ. */
#ifndef PETREL_PROTO_STANDARDISE_H
#define PETREL_PROTO_STANDARDISE_H
#include "proto/message.h"
#include "proto/recipe.h"

/* In place, box [channels][16][16][16]. First the CT is brought within ct_window. standardise = box: each channel to mean 0,
 * unbiased sd 1 (a constant one becomes zeros); volume: (x - mean) / sd of that channel of the whole volume; none: as they are. */
void box_standardise(float *box, const struct recipe *r, int channels, const struct volume_scale *volume);
#endif
