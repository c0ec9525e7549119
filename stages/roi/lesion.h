/* SPDX-License-Identifier: Apache-2.0 */
/* lesion -- the lesions of the truth, and what the regions hold of each.   regions -> [lesion]
 *
 * A lesion is a 26-connected component of the truth mask, whatever its size. It is measured as a region is (property.h), and laid
 * over the label map: which region holds most of it, what all of them hold, what was left out as an organ's. Whoever asks later
 * (petrel-cache recall, petrel-eval) thus needs no mask. */
#ifndef PETREL_ROI_LESION_H
#define PETREL_ROI_LESION_H
#include "proto/message.h"
#include "stages/roi/body.h"
#include "stages/roi/labels.h"
#include "stages/roi/liver.h"

/* number[]: of each label of *l in out->region, 0 where it is not there; excluded[]: likewise in out->excluded. Fills
 * out->lesions, known 0 where v has no mask. lesions_free() them. */
void lesions_find(const struct volume *v, const struct crop *body, const struct labels *l, const uint32_t *number,
                  const uint32_t *excluded, const struct liver *liver, struct regions_message *out);
#endif
