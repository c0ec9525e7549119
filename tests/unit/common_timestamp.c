/* SPDX-License-Identifier: Apache-2.0 */
/* common_timestamp -- days, times, zones and numbers as files write them, and what is none of these. */
#include "common/timestamp.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double time_s, zone_s;
    } good[] = {
        {"103500.00", 38100, NAN},
        {"10:35:00", 38100, NAN},
        {"1035", 38100, NAN},
        {"10", 36000, NAN},
        {"10:35", 38100, NAN},
        {"9:05", 32700, NAN},
        {" 103500 ", 38100, NAN},
        {"000000", 0, NAN},
        {"235959.25", 86399.25, NAN},
        {"235960", 86400, NAN},
        {"103500+0100", 38100, 3600},
        {"103500.5&+0100", 38100.5, 3600},
        {"10:35:00Z", 38100, 0},
        {"10:35:00-03:30", 38100, -12600},
        {"11:30:00 AM", 41400, NAN},
        {"12:30:00 PM", 45000, NAN},
        {"12:30:00 am", 1800, NAN},
        {"1:05pm", 47100, NAN},
        {"10:35:00.250 +02", 38100.25, 7200},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct timestamp t = timestamp_none();
        if (!timestamp_time(good[i].text, &t) || t.time_s != good[i].time_s || !isnan(t.day) ||
            (isnan(good[i].zone_s) ? !isnan(t.zone_s) : t.zone_s != good[i].zone_s))
            fail_msg("'%s' is %g s, zone %g s", good[i].text, t.time_s, t.zone_s);
    }
    static const char *const bad[] = {
        "",        "9",       "90000",      "10:3500", "243500",       "106000",  "1o3500",
        "103500x", "103500.", "10-35-00",   "1035001", "13:00 PM",     "0:30 AM", "10:35:00+1",
        "10:35:",  "-10",     "103500.5e4", "nan",     "10:35:00+1500"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct timestamp t = timestamp_none();
        if (timestamp_time(bad[i], &t) || !isnan(t.time_s))
            fail_msg("'%s' was taken for %g s", bad[i], t.time_s);
    }
}

static double day_of(const char *text)
{
    struct timestamp t = timestamp_none();
    return timestamp_date(text, &t) ? t.day : (double)NAN;
}

static void dates(void **state)
{
    (void)state;
    assert_true(day_of("20200301") - day_of("20200228") == 2); /* a leap year */
    assert_true(day_of("21000301") - day_of("21000228") == 1); /* none */
    assert_true(day_of("20210101") - day_of("20201231") == 1);
    assert_true(day_of("2021-03-10") == day_of("20210310") && day_of("2021.03.10") == day_of("20210310"));
    static const char *const bad[] = {"20201301", "2020",      "2020AB01",  "20210229", "20210431",
                                      "20210100", "2021-0310", "202103101", "00000000"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (!isnan(day_of(bad[i])))
            fail_msg("'%s' was taken for a day", bad[i]);
}

static void datetimes(void **state)
{
    (void)state;
    double const day = day_of("20210310");
    static const struct {
        const char *text;
        double since, zone_s; /* of that day's midnight in Berlin's winter */
    } good[] = {
        {"20210310100000.00", 36000, NAN}, {"202103101000", 36000, NAN},       {"2021-03-10T10:00:00", 36000, NAN},
        {"20210310090000+0000", 36000, 0}, {"2021-03-10 09:00:00Z", 36000, 0}, {"20210309233000-0500", 19800, -18000},
        {"2021031010", 36000, NAN},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct timestamp t = timestamp_none();
        if (!timestamp_datetime(good[i].text, &t) || timestamp_since(&t, day, 3600) != good[i].since)
            fail_msg("'%s' is %g s", good[i].text, timestamp_since(&t, day, 3600));
    }
    struct timestamp t = {NAN, 5, NAN};
    assert_true(timestamp_datetime("20210310", &t) && t.day == day && t.time_s == 5); /* a day alone leaves the time */
    assert_false(timestamp_datetime("20210310100", &t) || timestamp_datetime("100000", &t) ||
                 timestamp_datetime("20210310100000 x", &t));
    assert_true(timestamp_zone("+0100", &t) && t.zone_s == 3600);
    assert_false(timestamp_zone("0100", &t) || timestamp_zone("CET", &t));
    /* a zone on one side alone says nothing */
    t = (struct timestamp){day + 1, 60, NAN};
    assert_true(timestamp_since(&t, day, 3600) == DAY_S + 60 && timestamp_since(&t, NAN, NAN) == 60);
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
        bool comma;
    } good[] = {{"70", 70, false},    {" 70.5 ", 70.5, false}, {"7.05E+01", 70.5, false},
                {"+3", 3, false},     {"-2", -2, false},       {".5", .5, false},
                {"70,5", 70.5, true}, {"1,75", 1.75, true},    {"6586,2000", 6586.2, true}};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        bool comma = false;
        double const value = number_read(good[i].text, &comma);
        if (value != good[i].value || comma != good[i].comma)
            fail_msg("'%s' is %g", good[i].text, value);
    }
    static const char *const bad[] = {"",    " ",     "155lb",       "70 kg", "0x46",   "inf",
                                      "nan", "1,000", "388,777,472", "1.5,2", "70.5.1", "e5",
                                      "5e",  "1e999", "70 71",       "--70",  "70,",    "12\xc2\xb5"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (!isnan(number_read(bad[i], NULL)))
            fail_msg("'%s' was taken for %g", bad[i], number_read(bad[i], NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(times), cmocka_unit_test(dates), cmocka_unit_test(datetimes),
                                       cmocka_unit_test(numbers)};
    return cmocka_run_group_tests_name("common_timestamp", tests, NULL, NULL);
}
