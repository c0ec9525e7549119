/* SPDX-License-Identifier: Apache-2.0 */
/* show -- a run for people: bars, a table, a line, what to know at its end; and for Prometheus.   run -> [show] */
#ifndef PETREL_TOP_SHOW_H
#define PETREL_TOP_SHOW_H
#include "stages/top/run.h"
#include <stdio.h>

/* Lines of scans that were kept since `told`, which is brought up to date: patient, vendor, SUV, regions, seconds, path. */
void show_scans(const struct run *r, size_t *told, const char *before, FILE *to);
/* A line a program, at most `columns` wide (0: any): petrel-load [####....] 45/177 scans 3.2/s eta 41 s  a.nii.gz. How many. */
size_t show_bars(const struct run *r, const char *before, size_t columns, FILE *to);
/* A line a program with rates, waits, credits in use, restarts, repeats dropped, memory; the slowest is marked. How many lines. */
size_t show_table(const struct run *r, const char *before, FILE *to);
void show_line(const struct run *r, FILE *to); /* all that in one line of key=value, for logs */
/* Each program's last line, who was killed, what was refused. */
void show_end(const struct run *r, FILE *to);
int show_prometheus(const struct run *r, const char *path, struct error *e) MUST_USE;
#endif
