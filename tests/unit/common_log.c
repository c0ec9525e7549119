/* SPDX-License-Identifier: Apache-2.0 */
/* common_log -- what people and programs read: plain lines, JSON lines, bars, progress files, the last line.   tests */
#include "common/log.h"

#include "tests/unit/common_child.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>

struct manner {
    bool quiet, json;
};

static void say_all(void *context)
{
    const struct manner *m = context;
    program_name_set("petrel-test");
    log_open(m->quiet, m->json);
    log_note("read '%s'", "a\"b\\c\n\x01");
    log_warn("weight is %g g", 0.5);
    log_event("scan", "scan=%s suvmax=%.2f n=007 neg=-1.5e3 why=\"no weight\" bare", "a.nii", 7.5);
    log_last("%d scans, 2 refused", 3);
}

static void plain_lines(void **state)
{
    (void)state;
    struct manner m = {false, false};
    char text[4000];
    assert_int_equal(child_run(say_all, &m, text, sizeof text), 0);
    assert_says(text, "program=petrel-test level=note text=\"read 'a\\\"b\\\\c\\n\\u0001'\"\n");
    assert_says(text, "\nprogram=petrel-test level=warning text=\"weight is 0.5 g\"\n");
    assert_says(text,
                "\nprogram=petrel-test event=scan scan=a.nii suvmax=7.50 n=007 neg=-1.5e3 why=\"no weight\" bare\n");
    char *last = xprintf("\npetrel-test %s: 3 scans, 2 refused, 0.0 s, ", program_version());
    assert_says(text, last);
    assert_true(ends_with(text, " MiB\n"));
    free(last);
}

static void json_lines(void **state)
{
    (void)state;
    struct manner m = {false, true};
    char text[4000];
    assert_int_equal(child_run(say_all, &m, text, sizeof text), 0);
    json_t *line[4];
    char *rest = NULL;
    for (int i = 0; i < 4; i++) {
        char *one = strtok_r(i ? NULL : text, "\n", &rest);
        assert_non_null(one);
        line[i] = json_loads(one, 0, NULL);
        if (!line[i])
            fail_msg("no JSON: %s", one);
        assert_string_equal(json_string_value(json_object_get(line[i], "program")), "petrel-test");
    }
    assert_string_equal(json_string_value(json_object_get(line[0], "text")), "read 'a\"b\\c\n\x01'");
    assert_string_equal(json_string_value(json_object_get(line[1], "level")), "warning");
    assert_string_equal(json_string_value(json_object_get(line[2], "event")), "scan");
    assert_true(json_real_value(json_object_get(line[2], "suvmax")) == 7.5);
    assert_true(json_real_value(json_object_get(line[2], "neg")) == -1500);
    assert_string_equal(json_string_value(json_object_get(line[2], "n")), "007"); /* no JSON number */
    assert_string_equal(json_string_value(json_object_get(line[2], "why")), "no weight");
    assert_true(json_is_true(json_object_get(line[2], "bare")));
    assert_string_equal(json_string_value(json_object_get(line[3], "text")), "3 scans, 2 refused");
    assert_true(json_integer_value(json_object_get(line[3], "peak_bytes")) > 100000);
    for (int i = 0; i < 4; i++)
        json_decref(line[i]);
}

static void say_last(void *context)
{
    log_open(true, false);
    log_last("%s", (const char *)context);
}

static void quiet_keeps_what_matters(void **state)
{
    (void)state;
    struct manner m = {true, false};
    char text[4000];
    assert_int_equal(child_run(say_all, &m, text, sizeof text), 0);
    assert_null(strstr(text, "level=note"));
    assert_null(strstr(text, "event=scan"));
    assert_says(text, "weight is 0.5 g");
    assert_says(text, "2 refused");
    assert_int_equal(child_run(say_last, "30 scans, 0 refused", text, sizeof text), 0);
    assert_string_equal(text, "");
    assert_int_equal(child_run(say_last, "30 scans", text, sizeof text), 0);
    assert_string_equal(text, "");
    assert_int_equal(child_run(say_last, "30 scans, 10 refused", text, sizeof text), 0);
    assert_says(text, "10 refused");
}

/* ---- progress ---- */

static void progress_lines(void *context)
{
    (void)context;
    program_name_set("petrel-test");
    log_open(false, false);
    struct progress p;
    progress_begin(&p, "load", "scans", 10, 100);
    progress_update(&p, 20, NULL);
    p.drawn_s -= 6; /* as if 6 s had passed */
    p.begun_s -= 6;
    progress_update(&p, 40, "scan %d", 40);
    progress_update(&p, 41, NULL);
    progress_end(&p);
}

static void progress_in_a_log(void **state)
{
    (void)state;
    char text[4000];
    assert_int_equal(child_run(progress_lines, NULL, text, sizeof text), 0);
    /* 30 done in 6 s, counted from where this process began */
    assert_says(text, "program=petrel-test event=progress title=\"load\" done=40 total=100 unit=scans rate=");
    assert_says(text, " eta_s=12 text=\"scan 40\"\n");
    int lines = 0;
    for (char *c = text; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 2); /* that one and the last state */
    assert_says(text, "done=41 total=100");
}

static void progress_file(void *context)
{
    setenv("PETREL_PROGRESS_DIR", context, 1);
    program_name_set("petrel-test");
    log_open(true, false); /* quiet is for the terminal */
    struct progress p;
    progress_begin(&p, "load", "scans", 0, 0);
    p.drawn_s -= 1;
    metric_gauge("waited_s", 1);
    metric_gauge("waited_s", 1.5);
    progress_update(&p, 4, "a\nb");
    char *name = xprintf("%s/petrel-test.%d", (const char *)context, (int)getpid());
    struct buffer b;
    struct error e = {0};
    if (file_read(name, 1000, &b, &e))
        die_of(&e);
    fputs((char *)b.data, stdout);
    buffer_free(&b);
    progress_update(&p, 9, NULL); /* too soon to be written */
    progress_end(&p);
    if (file_read(name, 1000, &b, &e))
        die_of(&e);
    fputs((char *)b.data, stdout);
    buffer_free(&b);
    free(name);
}

static void progress_for_a_pipeline(void **state)
{
    (void)state;
    char text[4000], *dir = child_dir_make();
    assert_int_equal(child_run(progress_file, dir, text, sizeof text), 0);
    char *second = strchr(text, '\n');
    assert_non_null(second);
    *second++ = '\0';
    assert_says(text, "{\"v\":1,\"type\":\"metric\",\"name\":\"progress\",\"program\":\"petrel-test\",\"node\":\"\",");
    assert_says(text, ",\"unit\":\"scans\",\"done\":4,\"total\":0,\"first\":0,\"rate\":");
    assert_says(text, ",\"eta_s\":-1,\"text\":\"a b\",\"peak_bytes\":");
    assert_says(text, ",\"waited_s\":1.5}");
    assert_says(second, ",\"done\":9,");
    struct names n;
    struct error e = {0};
    assert_int_equal(dir_list(dir, &n, &e), 0);
    assert_int_equal(n.count, 2); /* its state and its events */
    names_free(&n);
    child_dir_remove(dir);
}

/* What is told is read back, whatever bytes a name has; a line that was never finished is none. */
static void tell_events(void *context)
{
    setenv("PETREL_PROGRESS_DIR", context, 1);
    setenv("PETREL_NODE", "load.2", 1);
    program_name_set("petrel-test");
    log_open(true, false);
    log_refused("a \"b\"=\xff\xc3\xa4.nii", "no\nweight");
    log_record("read", metric_text("scan", "x"), metric_number("seconds", "%.2f", 0.25),
               metric_number("none", NULL, NAN));
    log_last("%d scans", 3);
    if (write(metric_descriptor(), "{\"v\":1,\"type\":\"metric\",\"name\":\"torn", 34) != 34)
        _exit(97);
}
struct heard {
    int refused, read, end, others;
};
static void hear(void *context, const char *file, const struct metric_record *r)
{
    struct heard *h = context;
    const char *name = metric_record_text(r, "name");
    assert_true(strncmp(file, "petrel-test.", 12) == 0);
    assert_string_equal(metric_record_text(r, "node"), "load.2");
    if (strcmp(name, "refused") == 0) {
        h->refused++;
        assert_string_equal(metric_record_text(r, "scan"), "a \"b\"=\\xff\xc3\xa4.nii");
        assert_string_equal(metric_record_text(r, "text"), "no\nweight");
    } else if (strcmp(name, "read") == 0) {
        h->read++;
        assert_true(metric_record_number(r, "seconds") == 0.25);
        assert_true(isnan(metric_record_number(r, "none")) && isnan(metric_record_number(r, "absent")));
    } else if (strcmp(name, "end") == 0) {
        h->end++;
        assert_says(metric_record_text(r, "text"), ": 3 scans, ");
    } else {
        h->others++;
    }
}

static void events_for_a_watcher(void **state)
{
    (void)state;
    char text[4000], *dir = child_dir_make();
    struct metric_reader *m = metric_reader_open(dir);
    struct heard h = {0};
    metric_reader_look(m, hear, hear, &h);
    assert_int_equal(child_run(tell_events, dir, text, sizeof text), 0);
    assert_says(text, "level=warning text=\"refused 'a \\\"b\\\"=");
    assert_null(strstr(text, "event=read")); /* --quiet is for people */
    for (int again = 0; again < 2; again++) {
        metric_reader_look(m, hear, hear, &h);
        assert_true(h.refused == 1 && h.read == 1 && h.end == 1 && h.others == 0);
    }
    assert_int_equal(child_run(tell_events, dir, text, sizeof text), 0); /* another process */
    metric_reader_look(m, hear, hear, &h);
    assert_true(h.refused == 2 && h.read == 2 && h.end == 2 && h.others == 0);
    metric_reader_close(&m);
    metric_reader_close(&m);
    child_dir_remove(dir);
}

/* On a terminal: a pseudo-terminal in the place of stderr. */
static void progress_bar(void *context)
{
    int terminal = open(context, O_RDWR | O_NOCTTY);
    if (terminal < 0 || dup2(terminal, STDERR_FILENO) < 0)
        _exit(98);
    program_name_set("petrel-test");
    log_open(false, false);
    struct progress p;
    progress_begin(&p, "load", "scans", 0, 10);
    p.drawn_s -= 1;
    p.begun_s -= 1;
    progress_update(&p, 5, "half");
    log_note("a note");
    progress_end(&p);
    log_event("done", "n=%d", 5);
    log_warn("a warning");
}

static void progress_on_a_terminal(void **state)
{
    (void)state;
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) || unlockpt(master)) {
        print_message("no pseudo-terminals here\n");
        skip();
    }
    char name[100], text[4000];
    assert_int_equal(ptsname_r(master, name, sizeof name), 0);
    assert_int_equal(child_run(progress_bar, name, text, sizeof text), 0);
    fcntl(master, F_SETFL, O_NONBLOCK);
    size_t used = 0;
    for (ssize_t got; used + 1 < sizeof text && (got = read(master, text + used, sizeof text - 1 - used)) > 0;)
        used += (size_t)got;
    text[used] = '\0';
    close(master);
    assert_says(text, "load [....................] 0/10 scans");
    assert_says(text, "\r\033[Kload [##########..........] 5/10 scans 5/s eta 1 s  half");
    /* a note erases the bar, then it is drawn anew; the end erases it for good */
    assert_says(text, "\r\033[Kpetrel-test: a note\r\n\r\033[Kload [##########");
    assert_says(text, "  half\r\033[Kpetrel-test: done n=5\r\npetrel-test: warning: a warning\r\n");
}

static void *warn_often(void *context)
{
    for (int i = 0; i < 200; i++)
        log_warn("%s %d", (const char *)context, i);
    return NULL;
}

static void two_threads(void *context)
{
    (void)context;
    program_name_set("t");
    log_open(false, false);
    pthread_t other;
    pthread_create(&other, NULL, warn_often, "other");
    warn_often("this one");
    pthread_join(other, NULL);
}

static void lines_are_whole(void **state)
{
    (void)state;
    static char text[60000];
    assert_int_equal(child_run(two_threads, NULL, text, sizeof text), 0);
    int lines = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), lines++)
        assert_true(strncmp(line, "program=t level=warning text=\"", 30) == 0 && ends_with(line, "\""));
    assert_int_equal(lines, 400);
}

int main(void)
{
    unsetenv("PETREL_PROGRESS_DIR");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_lines),
        cmocka_unit_test(json_lines),
        cmocka_unit_test(quiet_keeps_what_matters),
        cmocka_unit_test(progress_in_a_log),
        cmocka_unit_test(progress_for_a_pipeline),
        cmocka_unit_test(events_for_a_watcher),
        cmocka_unit_test(progress_on_a_terminal),
        cmocka_unit_test(lines_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
