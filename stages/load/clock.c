/* SPDX-License-Identifier: Apache-2.0 */
/* clock -- times and dates as DICOM and JSON write them.   series, sidecar_json -> [clock] */
#include "stages/load/load.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* `count` digits as a number; -1 if they are not all digits. */
static int digits(const char *at, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (!isdigit((unsigned char)at[i]))
            return -1;
        value = 10 * value + (at[i] - '0');
    }
    return value;
}

double clock_seconds(const char *text)
{
    size_t colon = strlen(text) > 2 && text[2] == ':' ? 1 : 0; /* width of the separator */
    if (strlen(text) < 6 + 2 * colon || (colon && text[5] != ':'))
        return NAN;
    int hour = digits(text, 2), minute = digits(text + 2 + colon, 2), second = digits(text + 4 + 2 * colon, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return NAN;
    const char *rest = text + 6 + 2 * colon;
    double part = 0;
    if (*rest == '.') {
        char *end;
        if (!isdigit((unsigned char)rest[1]))
            return NAN;
        part = strtod(rest, &end);
        rest = end;
    }
    /* a time zone or padding may follow; both ends of every difference have the same */
    if (*rest && !strchr(" +-&Z", *rest))
        return NAN;
    return 3600.0 * hour + 60.0 * minute + second + part;
}

double clock_days(const char *text)
{
    if (strlen(text) < 8)
        return NAN;
    int year = digits(text, 4), month = digits(text + 4, 2), day = digits(text + 6, 2);
    if (year < 0 || month < 1 || month > 12 || day < 1 || day > 31)
        return NAN;
    /* years that begin in March put the leap day last */
    int y = month <= 2 ? year - 1 : year, m = (month + 9) % 12;
    return 365.0 * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1;
}
