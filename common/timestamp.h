/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp -- a moment as foreign files write it: a day, a time of day, a time zone, as far as each is said.   common
 *
 *     DICOM   DA 20210310   TM 10, 1000, 100000.25   DT 20210310100000.25+0100   TimezoneOffsetFromUTC +0100
 *     ISO     2021-03-10T10:00:00Z   10:00:00+01:00   10:00
 *     people  11:30:00 PM
 * What is neither is not guessed at: false, and *t is as it was. */
#ifndef PETREL_COMMON_TIMESTAMP_H
#define PETREL_COMMON_TIMESTAMP_H
#include "common/base.h"
#ifdef __cplusplus
extern "C" {
#endif

enum { DAY_S = 86400 };
struct timestamp {
    double day;    /* in a count that goes on past months and years; NAN: not said */
    double time_s; /* since midnight; NAN: not said */
    double zone_s; /* east of UTC; NAN: not said */
};
struct timestamp timestamp_none(void); /* nothing is said */

/* Each fills what its text says. A text that ends early (a DT with a day alone) leaves the rest as it was. */
bool timestamp_date(const char *text, struct timestamp *t);
bool timestamp_time(const char *text, struct timestamp *t);
bool timestamp_datetime(const char *text, struct timestamp *t);
bool timestamp_zone(const char *text, struct timestamp *t); /* "+0100", "-03:30", "Z" */

/* Seconds after midnight of `day` in the zone `zone_s`; a moment without a day is of that day; without a zone, of that zone, as is any
 * where zone_s is NAN. NAN: its time is not said. */
double timestamp_since(const struct timestamp *t, double day, double zone_s);

/* A number that ends where its text ends, blanks apart; a comma that can only be a decimal one counts as a point and sets *comma (which
 * may be NULL). NAN: no number, or more than one. No hexadecimal, no infinity. */
double number_read(const char *text, bool *comma);

#ifdef __cplusplus
}
#endif
#endif
