/* SPDX-License-Identifier: Apache-2.0 */
/* clock -- times and dates that stand alone, as numbers.   metadata, series, sidecar_json -> [clock] -> common/timestamp */
#include "common/timestamp.h"
#include "stages/load/load.h"
#include <string.h>

double clock_seconds(const char *text)
{
    struct timestamp t = timestamp_none();
    (void)timestamp_time(text, &t);
    return t.time_s;
}

/* Of the eight digits a text begins with, whatever follows. */
double clock_days(const char *text)
{
    struct timestamp t = timestamp_none();
    char day[9] = "";
    if (strspn(text, "0123456789") >= 8)
        memcpy(day, text, 8);
    (void)timestamp_date(*day ? day : text, &t);
    return t.day;
}
