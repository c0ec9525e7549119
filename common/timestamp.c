/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp -- moments and numbers as foreign files write them; see timestamp.h.   common */
#include "common/timestamp.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct timestamp timestamp_none(void)
{
    return (struct timestamp){NAN, NAN, NAN};
}

/* ---- pieces: each goes on in *at and says whether it was there ---- */

/* `count` digits as a number; -1 if they are not all digits. */
static int digits(const char **at, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (!isdigit((unsigned char)(*at)[i]))
            return -1;
        value = 10 * value + ((*at)[i] - '0');
    }
    *at += count;
    return value;
}

static void blanks(const char **at)
{
    while (**at == ' ')
        ++*at;
}

static bool at_end(const char *at)
{
    blanks(&at);
    return *at == '\0';
}

static double days_of(int year, int month, int day)
{
    /* years that begin in March put the leap day last */
    int y = month <= 2 ? year - 1 : year, m = (month + 9) % 12;
    return 365.0 * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool const leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* YYYYMMDD, YYYY-MM-DD, YYYY.MM.DD */
static bool date_take(const char **at, double *day)
{
    const char *here = *at;
    int const year = digits(&here, 4);
    char const between = *here == '-' || *here == '.' ? *here : '\0';
    here += between != '\0';
    int const month = year < 0 ? -1 : digits(&here, 2);
    if (between && (month < 0 || *here++ != between))
        return false;
    int const of_month = month < 0 ? -1 : digits(&here, 2);
    if (month < 1 || month > 12 || of_month < 1 || of_month > month_days(year, month))
        return false;
    *day = days_of(year, month, of_month);
    *at = here;
    return true;
}

/* +0100, +01:00, -0330, Z, +01; DICOM's longest is +1400. */
static bool zone_take(const char **at, double *zone_s)
{
    const char *here = *at;
    if (*here == 'Z' || *here == 'z') {
        *zone_s = 0;
        *at = here + 1;
        return true;
    }
    if (*here != '+' && *here != '-')
        return false;
    double const sign = *here++ == '-' ? -1 : 1;
    int const hours = digits(&here, 2);
    here += hours >= 0 && *here == ':';
    int const minutes = isdigit((unsigned char)*here) ? digits(&here, 2) : 0;
    if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
        return false;
    *zone_s = sign * (3600.0 * hours + 60.0 * minutes);
    *at = here;
    return true;
}

/* " AM", "pm": the hour of a clock of twelve; false: what stands there makes no hour. */
static bool half_take(const char **at, int *hour)
{
    const char *here = *at;
    blanks(&here);
    bool const after = strncasecmp(here, "pm", 2) == 0;
    if (!after && strncasecmp(here, "am", 2) != 0)
        return true;
    if (*hour < 1 || *hour > 12)
        return false;
    *hour = *hour % 12 + (after ? 12 : 0);
    *at = here + 2;
    return true;
}

/* HH, HHMM, HHMMSS, HHMMSS.f; H:MM, HH:MM:SS.f, with AM or PM */
static bool clock_take(const char **at, double *time_s)
{
    const char *here = *at;
    int minute = 0, second = 0;
    double part = 0;
    bool const short_hour = isdigit((unsigned char)here[0]) && here[1] == ':';
    int hour = digits(&here, short_hour ? 1 : 2);
    bool const colon = hour >= 0 && *here == ':';
    if (colon || (hour >= 0 && isdigit((unsigned char)*here))) {
        here += colon;
        minute = digits(&here, 2);
        if (minute >= 0 && (colon ? *here == ':' : isdigit((unsigned char)*here))) {
            here += colon;
            second = digits(&here, 2);
            if (second >= 0 && *here == '.') {
                char *end;
                if (!isdigit((unsigned char)here[1]))
                    return false;
                part = strtod(here, &end);
                if (!(part >= 0 && part < 1)) /* an exponent makes it another number */
                    return false;
                here = end;
            }
        }
    }
    if (hour < 0 || minute < 0 || minute > 59 || second < 0 || second > 60 || !half_take(&here, &hour) || hour > 23)
        return false;
    *time_s = 3600.0 * hour + 60.0 * minute + second + part;
    *at = here;
    return true;
}

/* A time, a zone perhaps, and nothing more. */
static bool clock_and_zone(const char *at, struct timestamp *t)
{
    struct timestamp read = *t;
    if (!clock_take(&at, &read.time_s))
        return false;
    blanks(&at);
    if (*at == '&') /* how DICOM's early drafts set a zone apart */
        at++;
    zone_take(&at, &read.zone_s);
    if (!at_end(at))
        return false;
    *t = read;
    return true;
}

/* ---- whole texts ---- */

bool timestamp_date(const char *text, struct timestamp *t)
{
    double day;
    blanks(&text);
    if (!date_take(&text, &day) || !at_end(text))
        return false;
    t->day = day;
    return true;
}

bool timestamp_time(const char *text, struct timestamp *t)
{
    blanks(&text);
    return clock_and_zone(text, t);
}

bool timestamp_datetime(const char *text, struct timestamp *t)
{
    struct timestamp read = *t;
    blanks(&text);
    if (!date_take(&text, &read.day))
        return false;
    if (*text == 'T' || *text == ' ')
        text++;
    if (!at_end(text) && !clock_and_zone(text, &read))
        return false;
    *t = read;
    return true;
}

bool timestamp_zone(const char *text, struct timestamp *t)
{
    double zone_s;
    blanks(&text);
    if (!zone_take(&text, &zone_s) || !at_end(text))
        return false;
    t->zone_s = zone_s;
    return true;
}

double timestamp_since(const struct timestamp *t, double day, double zone_s)
{
    double const days = isfinite(t->day) && isfinite(day) ? t->day - day : 0;
    double const shift = isfinite(t->zone_s) && isfinite(zone_s) ? zone_s - t->zone_s : 0;
    return DAY_S * days + t->time_s + shift;
}

/* ---- numbers ---- */

double number_read(const char *text, bool *comma)
{
    char plain[64];
    size_t length = 0, commas = 0;
    blanks(&text);
    for (; text[length] && length < sizeof plain - 1 && strchr("+-.,0123456789eE", text[length]); length++) {
        plain[length] = text[length] == ',' ? '.' : text[length];
        commas += text[length] == ',';
    }
    plain[length] = '\0';
    if (length == 0 || !at_end(text + length))
        return NAN;
    if (commas) { /* 70,5 has one meaning; 1,000 and 388,777,472.0 have two */
        const char *behind = strchr(text, ',') + 1;
        size_t const places = strspn(behind, "0123456789");
        if (commas > 1 || memchr(text, '.', length) || places == 0 || places == 3)
            return NAN;
    }
    char *end;
    double const value = strtod(plain, &end);
    if (*end || end == plain || !isfinite(value))
        return NAN;
    if (comma)
        *comma = commas > 0;
    return value;
}
