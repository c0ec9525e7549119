/* SPDX-License-Identifier: Apache-2.0 */
/* pairs_serve -- petrel-pairs as a process: a trainer's tasks answered, in any number of copies, some of them killed.   tests/unit */
#include "common/file.h"
#include "proto/channel.h"
#include "stages/pairs/batch.h"
#include "tests/unit/common_child.h"
#include "tests/unit/pairs_cache.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

enum { TASKS = 60, WINDOW = 6 };
static char *dir, *cache_dir, *program;
static int run_number;

static int setup(void **state)
{
    (void)state;
    const char *bin = getenv("PETREL_BIN");
    program = path_join(bin ? bin : "build/bin", "petrel-pairs");
    dir = child_dir_make();
    cache_dir = path_join(dir, "cache");
    pairs_cache_make(cache_dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(program);
    free(cache_dir);
    child_dir_remove(dir);
    return 0;
}

static char *new_run(void)
{
    char *name = xprintf("run%d", run_number++), *run = path_join(dir, name);
    struct error e = {0};
    assert_int_equal(dir_make(run, &e), 0);
    free(name);
    return run;
}

static pid_t start_pairs(const char *run, const char *jobs, const char *extra)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* a failed test leaves nobody behind */
        char *log = path_join(run, "pairs.log");
        assert_non_null(freopen(log, "a", stderr));
        execl(program, "petrel-pairs", cache_dir, "--run", run, "-j", jobs, "--set", "batch=16", "--set",
              "pairs_per_epoch=100", "--set", "classifier_batch=24", "--silence", "1.5", extra, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static int leave_code(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* The n-th task of the test: all phases and their steps mixed. */
static struct pair_task_message task_number(const struct sampling_plan *plan, int n)
{
    enum pair_phase phase = (enum pair_phase)(n % SAMPLING_PHASES);
    return (struct pair_task_message){.phase = (int32_t)phase,
                                      .seed = 4,
                                      .epoch = n / 7,
                                      .step = n % sampling_steps(plan, phase),
                                      .sampling = plan->digest};
}

/* One process that is a worker of `parent`, by /proc; 0: none. */
static pid_t child_of(pid_t parent)
{
    char path[64];
    struct buffer text;
    struct error e = {0};
    format_into(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    if (file_read(path, 4096, &text, &e))
        return 0;
    pid_t child = (pid_t)strtol((const char *)text.data, NULL, 10);
    buffer_free(&text);
    return child;
}

struct trainer {
    struct workbench bench;
    struct recipe recipe;
    struct giver *tasks;
    struct taker *pairs;
    bool done[TASKS];
    int given, arrived, killed_at;
};

static void trainer_open(struct trainer *t, const char *run)
{
    struct error e = {0};
    struct channel_options o;
    *t = (struct trainer){0};
    pairs_recipe(&t->recipe);
    if (workbench_open(&t->bench, &t->recipe, cache_dir, 1 << 30, &e))
        fail_msg("%s", e.text);
    channel_defaults(&o);
    o.run_dir = run;
    o.silence_s = 1.5;
    o.window = WINDOW;
    o.name = "tasks";
    assert_int_equal(giver_open(&t->tasks, &o, &e), 0);
    o.name = "pairs";
    assert_int_equal(taker_open(&t->pairs, &o, &e), 0);
}

/* never above the window: a put would wait for acknowledgements that only taking brings */
static void give_tasks(struct trainer *t)
{
    struct error e = {0};
    for (; t->given < TASKS && giver_pending(t->tasks) < WINDOW; t->given++) {
        struct pair_task_message task = task_number(&t->bench.sampler.plan, t->given);
        struct buffer b = {0};
        pair_task_encode(&task, &b);
        if (giver_put(t->tasks, (struct item_key){77, (uint64_t)t->given}, &b, &e))
            fail_msg("%s", e.text);
    }
}

/* an arrived batch must be, byte for byte, what this process makes of the same task */
static void check_arrived(struct trainer *t, struct taken *item)
{
    struct error e = {0};
    assert_true(item->key.run == 77 && item->key.index < TASKS);
    if (!t->done[item->key.index]) {
        struct pair_task_message task = task_number(&t->bench.sampler.plan, (int)item->key.index);
        struct pair_batch_message m;
        struct buffer want = {0};
        if (batch_make(&t->bench, &task, &m, &e))
            fail_msg("%s", e.text);
        pair_batch_encode(&m, &want);
        pair_batch_free(&m);
        assert_int_equal(want.size, item->bytes.size);
        assert_memory_equal(want.data, item->bytes.data, want.size);
        buffer_free(&want);
        t->done[item->key.index] = true;
        t->arrived++;
    }
    taker_acknowledge(t->pairs, item->lease);
    buffer_free(&item->bytes);
}

/* all tasks through `copies` of petrel-pairs with `jobs` workers each; after every few batches one process is killed */
static void serve_all(int copies, const char *jobs, int kills)
{
    char *run = new_run();
    pid_t pairs[4];
    struct trainer t;
    struct error e = {0};
    for (int i = 0; i < copies; i++)
        pairs[i] = start_pairs(run, jobs, NULL);
    trainer_open(&t, run);
    double begun = now_s();
    while (t.arrived < TASKS || giver_pending(t.tasks)) {
        give_tasks(&t);
        struct taken item;
        int got = taker_take(t.pairs, &item, 0.2, &e);
        if (got < 0)
            fail_msg("%s", e.text);
        if (now_s() - begun > 30)
            fail_msg("only %d of %d batches after 30 s", t.arrived, TASKS);
        if (got != 1)
            continue;
        check_arrived(&t, &item);
        if (kills > 0 && t.arrived >= t.killed_at + 12) {
            t.killed_at = t.arrived;
            kills--;
            pid_t worker = copies == 1 ? child_of(pairs[0]) : 0;
            if (worker) {
                kill(worker, SIGKILL);
            } else {
                kill(pairs[0], SIGKILL);
                leave_code(pairs[0]);
                pairs[0] = start_pairs(run, jobs, NULL);
            }
        }
    }
    assert_int_equal(kills, 0);
    assert_int_equal(giver_end(t.tasks, &e), 0);
    struct taken item;
    while (taker_take(t.pairs, &item, -1, &e) == 1) { /* repeats, then END */
        taker_acknowledge(t.pairs, item.lease);
        buffer_free(&item.bytes);
    }
    for (int i = 0; i < copies; i++)
        assert_int_equal(leave_code(pairs[i]), 0);
    giver_close(&t.tasks);
    taker_close(&t.pairs);
    workbench_close(&t.bench);
    free(run);
}

static void one_process_serves(void **state)
{
    (void)state;
    serve_all(1, "1", 0);
}

static void three_workers_serve_and_two_are_killed(void **state)
{
    (void)state;
    serve_all(1, "3", 2);
}

static void two_copies_serve_and_one_is_killed(void **state)
{
    (void)state;
    serve_all(2, "1", 1);
}

/* Another recipe at the two ends: the run fails with a sentence, and every process leaves. */
static void other_settings_stop_the_run(void **state)
{
    (void)state;
    const char *jobs[] = {"1", "2"};
    for (size_t k = 0; k < COUNT_OF(jobs); k++) {
        char *run = new_run();
        struct trainer t;
        struct error e = {0};
        struct taken item;
        pid_t pairs = start_pairs(run, jobs[k], "--tumour-share=0.5");
        trainer_open(&t, run);
        give_tasks(&t);
        int got;
        while ((got = taker_take(t.pairs, &item, 20, &e)) == 1)
            buffer_free(&item.bytes);
        assert_int_equal(got, -1);
        assert_int_equal(e.code, EX_CONFIG);
        assert_says(e.text, "other sampling settings");
        assert_int_equal(leave_code(pairs), EX_CONFIG);
        giver_close(&t.tasks);
        taker_close(&t.pairs);
        workbench_close(&t.bench);
        free(run);
    }
}

/* SIGTERM to the parent: it and its workers leave with 75. */
static void asked_to_stop_it_stops(void **state)
{
    (void)state;
    char *run = new_run();
    pid_t pairs = start_pairs(run, "2", NULL), worker = 0;
    for (int i = 0; i < 100 && !(worker = child_of(pairs)); i++)
        usleep(50000);
    assert_true(worker > 0);
    usleep(200000);
    kill(pairs, SIGTERM);
    assert_int_equal(leave_code(pairs), EX_TEMPFAIL);
    assert_int_equal(kill(worker, 0), -1);
    free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_process_serves),
        cmocka_unit_test(three_workers_serve_and_two_are_killed),
        cmocka_unit_test(two_copies_serve_and_one_is_killed),
        cmocka_unit_test(other_settings_stop_the_run),
        cmocka_unit_test(asked_to_stop_it_stops),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
