/* SPDX-License-Identifier: Apache-2.0 */
/* run -- what is known of a run, from its records (common/metric.h).   RUN/progress -> [run] -> bars, report */
#ifndef PETREL_TOP_RUN_H
#define PETREL_TOP_RUN_H
#include "common/pseudonym.h"

struct process {
    char *file, *program, *node, *unit, *text;
    int pid;
    bool here; /* on this machine */
    double began_s, at_s, done, total, rate, eta_s, peak_bytes, wait_in_s, wait_out_s, window, pending, repeats;
};
struct scan {
    char *name, *patient, *line;
    double read_s, suv_s, regions_s;
    bool cached;
};
struct refusal {
    char *program, *scan, *sentence;
};
/* A node as the pipeline started it (RUN/nodes), in its order; those that started without a pipeline follow. */
struct node {
    char *name, *program, *last; /* last: its last line; NULL: not yet */
    int restarts;
};
struct run {
    char *dir;
    struct metric_reader *reader;
    struct process *process;
    size_t processes;
    struct scan *scan;
    size_t scans;
    size_t *kept; /* scans in the order in which they were cached */
    size_t kepts;
    struct refusal *refusal;
    size_t refusals;
    struct node *node;
    size_t nodes;
    struct pseudonyms names; /* what stands for names of files, for people: none unless run_reveal_open was called */
    long names_bytes;
    bool reveals;
};
int run_open(struct run *r, const char *dir, struct error *e) MUST_USE;
void run_look(struct run *r);
/* From now on run_reveal puts names of files in the places of their pseudonyms (common/pseudonym.h). */
void run_reveal_open(struct run *r);
char *run_reveal(const struct run *r, const char *text) MUST_USE; /* the caller's */
bool run_ended(const struct run *r);                              /* every node has left its code */
void run_close(struct run *r);

/* All of one program: a node's latest process, and what those before it did, if it does not count that itself. */
struct sum {
    const char *program, *unit, *text;
    double done, total, rate, eta_s, memory_bytes, wait_in_s, wait_out_s, lived_s, window, pending, repeats;
    int copies, restarts;
};
/* Sum number `i` in the pipeline's order; false: there are no more. */
bool run_sum(const struct run *r, size_t i, struct sum *s);
#endif
