/* standardise -- a cached box of SUV to the numbers a network sees.   pairs, train, eval, classify -> [standardise]
 *
 * The cache keeps SUV as cropped; the recipe says how it is standardised, and whoever feeds a network calls this one function,
 * so that training and classification cannot differ. */
#ifndef PETREL_PROTO_STANDARDISE_H
#define PETREL_PROTO_STANDARDISE_H
#include "proto/message.h"
#include "proto/recipe.h"

/* In place, box [channels][16][16][16]. standardise = box: each channel to mean 0, unbiased sd 1 (a constant box becomes zeros);
 * volume: (x - volume_mean) / volume_sd, the whole volume's, in the first channel, others as box; none: as they are. */
void box_standardise(float *box, const struct recipe *r, int channels, double volume_mean, double volume_sd);
#endif
