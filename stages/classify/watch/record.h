/* SPDX-License-Identifier: Apache-2.0 */
/* record -- which studies are done or refused, on disk.   watch -> [record] ═▶ OUT/.watch */
#ifndef PETREL_CLASSIFY_WATCH_RECORD_H
#define PETREL_CLASSIFY_WATCH_RECORD_H
#include "common/base.h"

struct watch_record {
    char digest[65], study[256], outcome[16], sentence[600];
    uint64_t seen;
};
struct watch_records {
    struct watch_record *item;
    size_t count;
};
/* Those of a folder; what is none is passed over. */
int watch_records_read(struct watch_records *r, const char *dir, struct error *e) MUST_USE;
/* Published in dir, and added. */
int watch_record_add(struct watch_records *r, const char *dir, const struct watch_record *one, struct error *e) MUST_USE;
/* By content, or as it was last seen under this name; NULL: none. */
const struct watch_record *watch_record_of(const struct watch_records *r, const char *digest);
const struct watch_record *watch_record_seen(const struct watch_records *r, const char *study, uint64_t seen);
#endif
