/* SPDX-License-Identifier: Apache-2.0 */
/* train_ranks -- who a rank is, how the others are told what only rank 0 knows, and which batches can be shared. */
#include "common/file.h"
#include "stages/train/train.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static const char *const VARIABLES[] = {"RANK",
                                        "WORLD_SIZE",
                                        "LOCAL_RANK",
                                        "OMPI_COMM_WORLD_RANK",
                                        "OMPI_COMM_WORLD_SIZE",
                                        "OMPI_COMM_WORLD_LOCAL_RANK",
                                        "SLURM_PROCID",
                                        "SLURM_STEP_NUM_TASKS",
                                        "SLURM_LOCALID",
                                        "SLURM_NTASKS",
                                        "PMI_RANK",
                                        "PMI_SIZE",
                                        "MPI_LOCALRANKID"};

/* "NAME=value NAME=value ...": nothing else of that kind is set */
static void environment(const char *text)
{
    for (size_t i = 0; i < COUNT_OF(VARIABLES); i++)
        unsetenv(VARIABLES[i]);
    char *copy = xstrdup(text), *rest = copy, *word;
    while ((word = strsep(&rest, " "))) {
        char *value = strchr(word, '=');
        if (!value)
            continue;
        *value = '\0';
        setenv(word, value + 1, 1);
    }
    free(copy);
}

static void test_find(void **state)
{
    (void)state;
    static const struct {
        const char *environment, *from;
        int rank, size, local;
    } cases[] = {
        {"RANK=5 WORLD_SIZE=8 LOCAL_RANK=1", "torchrun", 5, 8, 1},
        {"OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=3", "Open MPI", 3, 4, 3},
        {"SLURM_PROCID=2 SLURM_STEP_NUM_TASKS=16 SLURM_LOCALID=0", "Slurm", 2, 16, 0},
        {"PMI_RANK=0 PMI_SIZE=2", "PMI", 0, 2, 0},
        /* mpirun inside a Slurm allocation: MPI's own ranks count */
        {"SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=1 OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2", "Open MPI", 1, 2, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ranks_found found;
        struct error e = {0};
        environment(cases[i].environment);
        assert_int_equal(ranks_find(&found, &e), 0);
        assert_string_equal(found.from, cases[i].from);
        assert_int_equal(found.rank, cases[i].rank);
        assert_int_equal(found.size, cases[i].size);
        assert_int_equal(found.local, cases[i].local);
    }
    /* a batch script has a rank and the tasks of steps it has yet to start: it is no rank */
    static const char *const none[] = {"",
                                       "SLURM_PROCID=0 SLURM_NTASKS=4",
                                       "RANK=1",
                                       "RANK=x WORLD_SIZE=2",
                                       "RANK=-1 WORLD_SIZE=2",
                                       "RANK=2 WORLD_SIZE=2"};
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        struct ranks_found found;
        struct error e = {0};
        environment(none[i]);
        assert_int_equal(ranks_find(&found, &e), -1);
        assert_int_equal(e.code, EX_USAGE);
    }
    environment("");
}

/* one rank's process: 0 when it has rank 0's bytes */
static int one_rank(const char *run, const char *transport, int rank, int size)
{
    struct error e = {0};
    struct train t = {.stage_options = {.run = run, .transport = transport}, .world = {.rank = rank, .size = size}};
    unsigned char bytes[128], want[128];
    for (int i = 0; i < 128; i++) {
        want[i] = (unsigned char)(i * 7 + 1);
        bytes[i] = rank ? 0 : want[i];
    }
    if (rank == 1)
        usleep(300000); /* who comes late is told too */
    if (ranks_share(&t, bytes, sizeof bytes, &e)) {
        fprintf(stderr, "rank %d: %s\n", rank, e.text);
        return 1;
    }
    return memcmp(bytes, want, sizeof want) != 0;
}

static void test_share(void **state)
{
    (void)state;
    enum { RANKS = 4 };
    static const char *const transports[] = {"ipc", "tcp"};
    for (size_t i = 0; i < COUNT_OF(transports); i++) {
        char run[] = "/tmp/petrel-ranks.XXXXXX";
        assert_non_null(mkdtemp(run));
        pid_t child[RANKS];
        for (int rank = 0; rank < RANKS; rank++)
            if (!(child[rank] = fork()))
                _exit(one_rank(run, transports[i], rank, RANKS));
        for (int rank = 0; rank < RANKS; rank++) {
            int status;
            assert_int_equal(waitpid(child[rank], &status, 0), child[rank]);
            assert_int_equal(status, 0);
        }
        char *rm = xprintf("rm -rf %s", run);
        assert_int_equal(system(rm), 0);
        free(rm);
    }
}

static void test_shares(void **state)
{
    (void)state;
    struct error e = {0};
    const struct world four = {.size = 4};
    assert_int_equal(ranks_check_batch(&four, "a batch", 128, &e), 0);
    assert_int_equal(ranks_check_batch(&four, "a batch", 8, &e), 0);
    assert_int_equal(ranks_check_batch(&four, "a batch", 4, &e), -1); /* one pair has no variance */
    assert_int_equal(ranks_check_batch(&four, "the epoch's last batch", 82, &e), -1);
    assert_non_null(strstr(e.text, "the epoch's last batch has 82 pairs"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_find), cmocka_unit_test(test_share),
                                       cmocka_unit_test(test_shares)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
