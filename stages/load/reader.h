/* SPDX-License-Identifier: Apache-2.0 */
/* reader -- scans are found and read by a process of their own.   main -> [reader] -> find, scan
 *
 * Foreign files are parsed there and nowhere else: it may read files and cannot open a socket, start a program or write one
 * (sandbox.h); its memory is limited as ours is (RLIMIT_AS is inherited). A file that kills it is refused by name, another process takes
 * its place, and the rest goes on; should it be killed from outside, another reads the same file. What it makes comes over a pipe. */
#ifndef PETREL_STAGES_LOAD_READER_H
#define PETREL_STAGES_LOAD_READER_H
#include "stages/load/load.h"

struct reader_job {
    char *const *argument; /* as sources_find has them */
    size_t count;
    const struct load_options *options;
    const char *formula; /* --check: nothing is converted, this SUV is asked of each scan; NULL: scans are read */
    bool (*stop)(void);  /* asked four times a second: whether to leave off; NULL: never */
};
/* What was found, in order. */
struct reader_scan {
    const char *label;  /* for people here */
    const char *source; /* for others: without the patient's id */
};
struct reader_list {
    uint64_t run; /* sources_run */
    size_t count;
    struct reader_scan *scan; /* texts and all the list's own */
    char *texts;
};
void reader_list_free(struct reader_list *l);

struct reader;
/* Starts the process: do so before there is anything it should not inherit. It looks for scans at once. */
struct reader *reader_open(const struct reader_job *job);
enum reader_outcome { READER_STOPPED = -2, READER_FAILED = -1, READER_REFUSED, READER_READ };
/* The scans there are. FAILED: none, and why. */
enum reader_outcome reader_find(struct reader *r, struct reader_list *list, struct error *e) MUST_USE;
/* READ: *out is the encoded volume (--check: empty; --explain: the page, and *e says why it is refused, if it is); REFUSED: *e says why for people here, *out is the encoded refusal for others, of
 * stage "load" ("suv": --check, SUV cannot be made). FAILED: it cannot go on at all. */
enum reader_outcome reader_scan(struct reader *r, const struct reader_list *list, size_t index, struct buffer *out,
                                struct error *e) MUST_USE;
int reader_process(const struct reader *r); /* its process id */
void reader_close(struct reader **r);
#endif
