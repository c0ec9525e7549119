/* SPDX-License-Identifier: Apache-2.0 */
/* study -- a folder as it is now: whether it still changes, how large it is, what it holds.   [study] -> watch */
#ifndef PETREL_CLASSIFY_WATCH_STUDY_H
#define PETREL_CLASSIFY_WATCH_STUDY_H
#include "common/base.h"

struct study_look {
    uint64_t seen; /* XXH3 of names, sizes and times of change */
    uint64_t files, bytes;
    bool writing; /* a file is named as one that is still being written */
};
/* -1: it cannot be looked at (it is gone, say). */
int study_look(const char *path, struct study_look *look, struct error *e) MUST_USE;
/* SHA-256 of every file's place in the folder and content, in order of their names. */
int study_digest(const char *path, char hex[65], struct error *e) MUST_USE;
#endif
