/* SPDX-License-Identifier: Apache-2.0 */
/* bids_internal -- what the two files of bids share: the JSON half (bids_json.c).   bids */
#ifndef PETREL_EXPORT_BIDS_INTERNAL_H
#define PETREL_EXPORT_BIDS_INTERNAL_H
#include "stages/export/bids.h"

struct bids_column {
    const char *name, *unit, *help;
};
extern const struct bids_column bids_columns[];
extern const size_t bids_column_count;
enum bids_image { BIDS_REGIONS, BIDS_TUMOUR, BIDS_PROBABILITY, BIDS_IMAGES };

/* Makes dataset_description.json, or sees that the one there is ours. */
int bids_describe_dataset(const char *dir, const struct findings *f, struct error *e) MUST_USE;
/* The sidecar of an image. Its "Sources" is the scan's digest, by which a later run knows its own. */
int bids_describe_image(const char *path, enum bids_image image, const struct findings *f, struct error *e) MUST_USE;
/* The digest in the sidecar there; "" where there is none. */
void bids_sidecar_digest(const char *path, char sha256[65]);
#endif
