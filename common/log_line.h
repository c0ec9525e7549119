/* SPDX-License-Identifier: Apache-2.0 */
/* log_line -- what log.c and progress.c share and nobody else needs: the state and one line of text.   common */
#ifndef PETREL_COMMON_LOG_LINE_H
#define PETREL_COMMON_LOG_LINE_H
#include "common/log.h"

#include <pthread.h>
#include <stdio.h>

extern struct log_state {
    pthread_mutex_t lock; /* a stage's channel thread may warn while its main thread draws */
    bool quiet, json, terminal;
    double opened_s;
    const struct progress *drawn; /* the bar now on the terminal */
    const struct progress *told;  /* what a watcher is told of (metric.h) */
} log_state;

/* A line is composed first and written at once, so that stages sharing a stderr do not mix theirs. The stream writes
 * into *l, so *l must stay where it is. */
struct line {
    FILE *to;
    char *text;
    size_t size;
};
void line_begin(struct line *l);
void line_end(struct line *l); /* writes it, above the bar if one is drawn; hold the lock */

/* {"program":"petrel-roi","level":"note" or program=petrel-roi level=note */
void put_head(FILE *to, const char *what, const char *value);
/* In double quotes, escaped as JSON wants it; UTF-8 passes through, a byte that is none becomes \\xNN. */
void put_quoted(FILE *to, const char *text, size_t length);

void progress_draw(const struct progress *p);
#endif
