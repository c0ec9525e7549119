/* SPDX-License-Identifier: Apache-2.0 */
/* watch -- a folder served: each study that arrives in it is read, once.   DIR/STUDY -> [watch] ═▶ OUT/SCAN
 *
 * A study is a folder of DIR. It is complete when nothing in it (names, sizes, times) has changed for settle_s, and no file in it is named
 * as one that is still being written (*.part, *.partial, *.tmp, *.crdownload). Then its content is digested: what was read before, under
 * whatever name, is not read again. Else petrel-classify reads it, in a process of its own, into a folder of its own; when that has
 * ended well each scan's results are renamed into OUT, and then it is noted that it is done:
 *
 *     OUT/SCAN/...           as petrel-classify writes them; OUT/scans.csv, summary.csv, index.html
 *     OUT/.watch/DIGEST      key = value lines: study, seen (its names, sizes, times), outcome (done | refused), sentence
 *     OUT/.watch/DIGEST.log  what the reading said
 *     OUT/.watch/making      the results of the study that is read now
 *
 * Killed at any moment: what is not noted is read again, and what it leaves takes the place of the same. A series that is not whole by its
 * own numbers (petrel-load's completeness) is refused, and read again when its folder has changed. Refused with the reason: what
 * petrel-load, petrel-suv or petrel-roi refuse, what takes longer than limit_s, what is larger than limit_bytes.
 * One watcher an OUT: another is refused. */
#ifndef PETREL_CLASSIFY_WATCH_H
#define PETREL_CLASSIFY_WATCH_H
#include "common/base.h"

struct watch {
    const char *dir, *out;
    double settle_s, every_s, limit_s, limit_bytes;
    bool once;                       /* leave when every study is done or refused */
    char *const *word;               /* of petrel-classify, before "--out MAKING -- STUDY"; NULL after the last */
    void (*gather)(const char *out); /* makes OUT's tables of all */
};
/* Until it is asked to stop (SIGTERM, SIGINT), or once. The exit code: EX_OK, EX_DATAERR if any study was refused, EX_TEMPFAIL if stopped;
 * -1 and a sentence: it cannot watch. */
int watch_run(const struct watch *w, struct error *e) MUST_USE;
#endif
