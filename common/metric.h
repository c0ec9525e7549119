/* SPDX-License-Identifier: Apache-2.0 */
/* metric -- what a program tells whoever watches its run: how far it is, what it refused, its last word.   common
 *
 * Where the environment names PETREL_PROGRESS_DIR (RUN/progress), each process has two files there:
 *     PROGRAM.PID            how far it is: one record, replaced whole
 *     PROGRAM.PID.events     what happened, a record a line, each appended by one write
 * A record is the metric message of proto/PROTOCOL.md as a line of JSON. What a killed process wrote stays and counts; a line
 * it did not finish is none. Watchers (petrel-top) read these and never a log. */
#ifndef PETREL_COMMON_METRIC_H
#define PETREL_COMMON_METRIC_H
#include "common/base.h"
#include <stdio.h>

struct metric_pair {
    const char *key;
    const char *text;   /* NULL: a number */
    const char *format; /* of the number, as people read it; NULL: as many digits as it has */
    double number;
};
static inline struct metric_pair metric_text(const char *key, const char *text)
{
    return (struct metric_pair){.key = key, .text = text};
}
static inline struct metric_pair metric_number(const char *key, const char *format, double number)
{
    return (struct metric_pair){.key = key, .format = format, .number = number};
}

/* For log_open. */
void metric_open(void);
bool metric_watched(void);   /* is there somebody to tell? */
int metric_descriptor(void); /* the events' file; -1: none. For who closes all files but those needed. */
/* One event. */
void metric_event(const char *name, const struct metric_pair *pair, size_t pairs);
/* The state, with every gauge that was set. */
void metric_state(const char *name, const struct metric_pair *pair, size_t pairs);
/* A number of this process that goes with its state, such as the seconds it waited for input. key: a literal. */
void metric_gauge(const char *key, double value);

/* ---- for watchers: metric_json.c ---- */

/* What a record holds; "" and NAN where it does not. Valid during the call that hands it out. */
struct metric_record;
const char *metric_record_text(const struct metric_record *r, const char *key);
double metric_record_number(const struct metric_record *r, const char *key);
struct metric_reader;
struct metric_reader *metric_reader_open(const char *dir);
/* Hands every event not handed out before to event(), and the present state of every process to state(); either may be NULL.
 * A directory that is not there (yet) has none. file: the state's name, by which a process is known. */
void metric_reader_look(struct metric_reader *m,
                        void (*event)(void *context, const char *file, const struct metric_record *r),
                        void (*state)(void *context, const char *file, const struct metric_record *r), void *context);
void metric_reader_close(struct metric_reader **m);
#endif
