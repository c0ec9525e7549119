/* SPDX-License-Identifier: Apache-2.0 */
/* stage -- take, give, refuse, close, die and leave, with stages as processes of their own. */
#include "stages/stage.h"
#include "common/file.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static const double SOON_S = 20; /* nobody waits so long unless something is wrong */

static char dir[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/petrel-test-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    dir_remove(dir);
    return 0;
}

static struct channel_options options(const char *name)
{
    struct channel_options o;
    channel_defaults(&o);
    o.run_dir = dir;
    o.name = name;
    o.heartbeat_s = 0.1;
    o.silence_s = 1;
    return o;
}

static struct item_key key_of(uint64_t index)
{
    return (struct item_key){7, index};
}

enum { ITEMS = 12 };

static struct stage_options stage_options_of(const char *in, const char *out)
{
    struct stage_options o;
    stage_defaults(&o);
    o.run = dir;
    o.in = in;
    o.out = out;
    o.silence_s = 1;
    return o;
}

static int run_source(void)
{
    struct stage st;
    struct stage_options o = stage_options_of(NULL, "a");
    stage_open(&st, "source", &o, false, true);
    for (uint64_t i = 0; i < ITEMS; i++) {
        struct taken item = {.key = key_of(i)};
        struct metric_message m = {.step = (int64_t)i};
        struct buffer out = {0};
        struct error e = {0};
        if (i == 3) {
            fail_as(&e, EX_DATAERR, "no weight");
            stage_refuse(&st, &item, "scan 3", &e);
            continue;
        }
        metric_encode(&m, &out);
        stage_give_new(&st, item.key, &out);
    }
    return stage_close(&st, "%d items", ITEMS);
}

static int run_middle(void)
{
    struct stage st;
    struct stage_options o = stage_options_of("a", "b");
    struct taken item;
    stage_open(&st, "middle", &o, true, true);
    while (stage_take(&st, &item)) {
        struct error e = {0};
        struct metric_message m;
        struct buffer out = {0};
        if (stage_pass_refusal(&st, &item))
            continue;
        if (metric_decode(&item.bytes, &m, &e))
            die_of(&e);
        if (m.step == 100)
            die(EX_IOERR, "cannot go on");
        if (m.step % 5 == 4) {
            fail_as(&e, EX_DATAERR, "step %d is bad", (int)m.step);
            stage_refuse(&st, &item, "a scan", &e);
            continue;
        }
        m.value = 2.0 * (double)m.step;
        metric_encode(&m, &out);
        stage_give(&st, &item, &out);
    }
    return stage_close(&st, "middle");
}

/* 0 only if every item came once: refused 3 by the source; 4 and 9 in the middle; the rest doubled. */
static int run_sink(void)
{
    struct stage st;
    struct stage_options o = stage_options_of("b", NULL);
    struct taken item;
    int seen[ITEMS] = {0};
    stage_open(&st, "sink", &o, true, false);
    while (stage_take(&st, &item)) {
        struct error e = {0};
        struct metric_message m;
        struct refusal_message refusal;
        uint64_t i = item.key.index;
        bool bad = i == 3 || i % 5 == 4;
        if (bad &&
            (refusal_message_decode(&item.bytes, &refusal, &e) || strcmp(refusal.stage, i == 3 ? "source" : "middle")))
            die(EX_SOFTWARE, "refusal %d is wrong", (int)i);
        if (!bad && (metric_decode(&item.bytes, &m, &e) || m.value != 2.0 * (double)i))
            die(EX_SOFTWARE, "item %d is wrong", (int)i);
        seen[i]++;
        stage_done(&st, &item);
    }
    for (int i = 0; i < ITEMS; i++)
        if (seen[i] != 1)
            die(EX_SOFTWARE, "item %d came %d times", i, seen[i]);
    return stage_close(&st, "sink");
}

static pid_t spawn(int (*run)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(99);
        exit(run());
    }
    return pid;
}

static int code_of(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_stages(void **state)
{
    (void)state;
    pid_t source = spawn(run_source), middle = spawn(run_middle), sink = spawn(run_sink);
    assert_int_equal(code_of(sink), EX_OK);
    assert_int_equal(code_of(middle), EX_DATAERR);
    assert_int_equal(code_of(source), EX_DATAERR);
}

static void test_stage_dies(void **state)
{
    (void)state;
    struct channel_options o = options("a");
    struct metric_message m = {.step = 100};
    struct buffer out = {0};
    struct error e = {0};
    struct giver *g;
    pid_t middle = spawn(run_middle), sink = spawn(run_sink); /* before this process has threads */
    assert_int_equal(giver_open(&g, &o, &e), 0);
    metric_encode(&m, &out);
    assert_int_equal(giver_put(g, key_of(0), &out, &e), 0);
    assert_int_equal(code_of(middle), EX_IOERR);
    assert_int_equal(code_of(sink), EX_IOERR);
    assert_int_equal(giver_end(g, &e), -1);
    assert_non_null(strstr(e.text, "cannot go on"));
    giver_close(&g);
}

/* Asked to leave, a stage gives its lease back at once and says "run me again". */
static void test_stage_leaves(void **state)
{
    (void)state;
    struct channel_options up = options("a"), down = options("b");
    struct giver *g;
    struct taker *below, *other;
    struct taken item;
    struct metric_message m = {.step = 0};
    struct buffer out = {0};
    struct error e = {0};
    pid_t middle = spawn(run_middle);
    up.silence_s = SOON_S * 10; /* only a BYE can free the lease */
    up.heartbeat_s = SOON_S * 10;
    assert_int_equal(giver_open(&g, &up, &e), 0);
    metric_encode(&m, &out);
    assert_int_equal(giver_put(g, key_of(0), &out, &e), 0);
    assert_int_equal(taker_open(&below, &down, &e), 0);
    assert_int_equal(taker_take(below, &item, SOON_S, &e), 1); /* so middle holds a lease of ours */
    buffer_free(&item.bytes);
    kill(middle, SIGTERM);
    assert_int_equal(code_of(middle), EX_TEMPFAIL);
    assert_int_equal(taker_open(&other, &up, &e), 0);
    assert_int_equal(taker_take(other, &item, SOON_S, &e), 1);
    buffer_free(&item.bytes);
    assert_int_equal(run_check(dir, &e), 0);
    taker_close(&other);
    taker_close(&below);
    giver_close(&g);
}

/* Its pipeline was killed: nobody would ever stop it. */
static void test_stage_without_parent(void **state)
{
    (void)state;
    char host[65] = "", parent[96];
    pid_t gone = fork();
    if (gone == 0)
        _exit(0);
    waitpid(gone, NULL, 0);
    gethostname(host, sizeof host - 1);
    snprintf(parent, sizeof parent, "%d@%s", (int)gone, host);
    setenv("PETREL_PARENT", parent, 1);
    assert_int_equal(code_of(spawn(run_sink)), EX_TEMPFAIL);
    snprintf(parent, sizeof parent, "%d@elsewhere", (int)gone); /* of another machine nothing can be known */
    setenv("PETREL_PARENT", parent, 1);
    pid_t sink = spawn(run_sink);
    struct giver *g;
    struct channel_options o = options("b");
    struct error e = {0};
    assert_int_equal(giver_open(&g, &o, &e), 0);
    assert_int_equal(giver_end(g, &e), 0);
    giver_close(&g);
    assert_int_equal(code_of(sink), EX_SOFTWARE); /* it got as far as to miss its items */
    unsetenv("PETREL_PARENT");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_stages), TEST(test_stage_dies), TEST(test_stage_leaves),
                                       TEST(test_stage_without_parent)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
