/* regions -- one scan's regions, boxes and pictures: everything petrel-roi does to a volume.   suv -> [roi] -> cache, classify */
#ifndef PETREL_ROI_REGIONS_H
#define PETREL_ROI_REGIONS_H
#include "proto/message.h"
#include "proto/recipe.h"

struct regions_summary { size_t regions, tumours, clipped; char how[160]; /* thresholds used */ };

/* Fills *out but for its facts; regions_message_free() it. -1 and a sentence for a volume that cannot be right. */
int regions_find(const struct volume *v, const struct recipe *r, struct regions_message *out,
                 struct regions_summary *summary, struct error *e) MUST_USE;
#endif
