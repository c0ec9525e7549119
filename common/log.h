/* SPDX-License-Identifier: Apache-2.0 */
/* log -- what people read on stderr: notes, warnings, progress, the last line.   common
 *
 * On a terminal: plain sentences and one progress bar, redrawn in place. Otherwise key=value lines
 * (or JSON lines with --json), progress at most every 5 s.
 * Where somebody watches the run (PETREL_PROGRESS_DIR: metric.h), progress goes to a record there instead, for petrel-top to draw
 * the bars of all stages; warnings, refusals, records and the last line go there, too. Safe to call from several threads. */
#ifndef PETREL_COMMON_LOG_H
#define PETREL_COMMON_LOG_H
#include "common/base.h"
#include "common/metric.h"

void log_open(bool quiet, bool json);
void log_note(const char *format, ...) PRINTF_LIKE(1, 2); /* not shown with --quiet */
void log_warn(const char *format, ...) PRINTF_LIKE(1, 2); /* always shown */
/* One event as key=value pairs ("scan=.. suvmax=.."), not shown with --quiet: format makes the pairs.
 * A value with blanks stands in double quotes. With --json, values that are numbers become JSON numbers. */
void log_event(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);

/* An event of named values, which whoever watches the run is told of, too, --quiet or not:
 *     log_record("read", metric_text("scan", path), metric_number("seconds", "%.2f", took)); */
#define log_record(event, ...)                                                                                         \
    log_record_of(event, (const struct metric_pair[]){__VA_ARGS__},                                                    \
                  COUNT_OF(((const struct metric_pair[]){__VA_ARGS__})))
void log_record_of(const char *event, const struct metric_pair *pair, size_t pairs);
/* A warning: "refused 'scan': sentence". Notes and warnings pass text_hook's function; what stands in this and in records is the
 * caller's to hide. */
void log_refused(const char *scan, const char *sentence);

/* A progress bar. total 0: unknown. unit is a plural noun ("scans"). */
struct progress {
    const char *title, *unit;
    uint64_t done, total;
    uint64_t first; /* where this process began: speed counts from here (a resumed run) */
    double begun_s, drawn_s;
    char text[160];
};
/* p must live until progress_end. */
void progress_begin(struct progress *p, const char *title, const char *unit, uint64_t first, uint64_t total);
/* Cheap: draws at most 5 times a second. text may be NULL. */
void progress_update(struct progress *p, uint64_t done, const char *format, ...) PRINTF_LIKE(3, 4);
void progress_end(struct progress *p);
/* Of a program that waits: whoever watches the run is told again how far it is, with its gauges; twice a second at most. */
void progress_pulse(void);

/* The last line of a run: "petrel-roi 0.1.0: 177 scans, 15890 regions, 2 refused, 212 s, 1.1 GiB".
 * format makes the middle; version, time since log_open and peak memory are added. With --quiet shown only where
 * the middle counts refusals ("2 refused", not "0 refused"). */
void log_last(const char *format, ...) PRINTF_LIKE(1, 2);
#endif
