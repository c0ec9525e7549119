/* SPDX-License-Identifier: Apache-2.0 */
/* load_reader -- the process that reads: what it may not do, what becomes of a file that kills it, and that it can be left.
 *
 * A file that kills is a FIFO here: whoever opens it waits, and so is found and killed in the very act. */
#include "stages/load/reader.h"
#include "stages/sandbox.h"
#include "tests/unit/common_child.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

static char *dir;
static struct reader *reader;

static int enter(void **state)
{
    (void)state;
    dir = child_dir_make();
    return 0;
}
static int leave(void **state)
{
    (void)state;
    child_dir_remove(dir);
    return 0;
}

/* A good image at dir/name; its voxels are all `value`. */
static void image_write(const char *name, float value)
{
    struct grid g;
    struct error e = {0};
    float voxel[24];
    char *path = path_join(dir, name);
    for (int i = 0; i < 24; i++)
        voxel[i] = value;
    grid_set(&g, (int64_t[]){2, 3, 4}, (double[]){3, 2, 2}, (double[]){0, 0, 0});
    if (nifti_write(path, &g, 16, voxel, "test", &e) < 0)
        fail_msg("%s", e.text);
    free(path);
}

static char *fifo_make(const char *name)
{
    char *path = path_join(dir, name);
    assert_int_equal(mkfifo(path, 0600), 0);
    return path;
}

/* Waits until somebody has the FIFO open to read, and kills the one process that could: the reader. */
static void fifo_strike(const char *path, pid_t victim, int number)
{
    int open_end = -1;
    for (int tries = 0; open_end < 0 && tries < 3000; tries++, usleep(10000))
        open_end = open(path, O_WRONLY | O_NONBLOCK);
    kill(victim, number);
    usleep(200000); /* keep it open: the end of a file is no death */
    if (open_end < 0)
        _exit(1);
    close(open_end);
}
static pid_t fifo_kill(const char *path, int number)
{
    pid_t killer = fork();
    if (killer)
        return killer;
    fifo_strike(path, reader_process(reader), number);
    _exit(0);
}
static void killed_well(pid_t killer)
{
    int status;
    assert_int_equal(waitpid(killer, &status, 0), killer);
    assert_int_equal(status, 0);
}

static const struct load_options options = {.units = "suv", .salt = "s", .memory_limit = 1 << 28};

static void try_all(void *context)
{
    (void)context;
    struct error e = {0};
    if (sandbox_enter(&e) < 0) {
        puts(e.text);
        _exit(77);
    }
    errno = 0;
    if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM || socket(AF_INET, SOCK_STREAM, 0) >= 0)
        puts("it opened a socket");
    if (fork() >= 0)
        puts("it forked");
    char *const words[] = {(char[]){"true"}, NULL};
    errno = 0;
    execv("/bin/true", words);
    if (errno != EPERM)
        puts("it could have run a program");
    char *path = path_join(dir, "written");
    if (open(path, O_WRONLY | O_CREAT, 0600) >= 0 || errno != EPERM || fopen("/dev/null", "r+"))
        puts("it opened a file to write");
    if (unlink(path) == 0 || errno != EPERM || mkdir(path, 0700) == 0 || rename(path, path) == 0 || errno != EPERM)
        puts("it changed a folder");
    if (kill(getppid(), 0) == 0)
        puts("it could send a signal");
    if (mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        puts("it could write code and run it");
    /* what it is for goes on */
    struct nifti image;
    char *scan = path_join(dir, "a.nii.gz"), hex[65];
    if (nifti_read(scan, 1 << 20, &image, &e) < 0 || file_sha256(scan, hex, &e) < 0)
        printf("it cannot read: %s\n", e.text);
    puts("done");
}

static void what_it_may_not(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    print_message("# skipped: under the address sanitizer there is no sandbox\n");
    skip();
#endif
    char text[2000];
    image_write("a.nii.gz", 1);
    int code = child_run(try_all, NULL, text, sizeof text);
    if (code == 77) {
        print_message("# skipped: %s", text);
        skip();
    }
    assert_int_equal(code, 0);
    assert_string_equal(text, "done\n");
}

static void reads_as_we_would(void **state)
{
    (void)state;
    char *argument[] = {dir};
    struct reader_list list;
    struct buffer out, ours = {0};
    struct sources s;
    struct volume_message m;
    struct error e = {0};
    image_write("a.nii.gz", 2);
    image_write("b.nii", 3);
    char *cut = path_join(dir, "c.nii");
    assert_int_equal(publish_bytes(cut, "abc", 3, &e), 0);
    reader = reader_open(&(struct reader_job){argument, 1, &options, NULL, NULL});
    assert_int_equal(reader_find(reader, &list, &e), READER_READ);
    assert_int_equal(list.count, 3);
    assert_int_equal(sources_find(&s, argument, 1, &options, &e), 0);
    assert_true(sources_run(&s, &options) == list.run);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(reader_scan(reader, &list, i, &out, &e), READER_READ);
        assert_int_equal(scan_read(&s.item[i], &options, &m, &e), 0);
        volume_message_encode(&m, &ours);
        assert_int_equal(out.size, ours.size);
        assert_memory_equal(out.data, ours.data, ours.size);
        volume_message_free(&m);
        buffer_free(&ours);
        buffer_free(&out);
    }
    struct refusal_message told;
    assert_int_equal(reader_scan(reader, &list, 2, &out, &e), READER_REFUSED);
    assert_says(e.text, "c.nii': 3 bytes are no NIfTI file");
    assert_int_equal(refusal_message_decode(&out, &told, &e), 0);
    assert_string_equal(told.stage, "load");
    buffer_free(&out);
    sources_free(&s);
    reader_list_free(&list);
    reader_close(&reader);
    assert_null(reader);
    free(cut);
}

static void a_scan_that_kills(void **state)
{
    (void)state;
    char *argument[] = {dir}, *fifo = fifo_make("b.nii");
    struct reader_list list;
    struct buffer out;
    struct error e = {0};
    struct refusal_message told;
    image_write("a.nii.gz", 2);
    image_write("c.nii.gz", 3);
    reader = reader_open(&(struct reader_job){argument, 1, &options, NULL, NULL});
    assert_int_equal(reader_find(reader, &list, &e), READER_READ);
    assert_int_equal(list.count, 3);
    pid_t const before = reader_process(reader), killer = fifo_kill(fifo, SIGSEGV);
    for (size_t i = 0; i < 3; i++) {
        enum reader_outcome outcome = reader_scan(reader, &list, i, &out, &e);
        assert_int_equal(outcome, i == 1 ? READER_REFUSED : READER_READ);
        if (i == 1) {
            assert_says(e.text, "b.nii' killed its reader (signal 11, ");
            assert_int_equal(refusal_message_decode(&out, &told, &e), 0);
            assert_says(told.sentence, "it killed its reader (signal 11, ");
            assert_null(strstr(told.scan, "b.nii")); /* which may be a patient's name */
            assert_int_equal(told.code, EX_DATAERR);
        }
        buffer_free(&out);
    }
    assert_true(reader_process(reader) != before);
    killed_well(killer);
    reader_list_free(&list);
    reader_close(&reader);
    free(fifo);
}

/* Killed from outside (the kernel, short of memory; a person): that costs no scan. */
static void a_reader_that_is_killed(void **state)
{
    (void)state;
    char *argument[] = {dir};
    struct reader_list list;
    struct buffer out;
    struct error e = {0};
    image_write("a.nii.gz", 2);
    image_write("b.nii.gz", 3);
    reader = reader_open(&(struct reader_job){argument, 1, &options, NULL, NULL});
    kill(reader_process(reader), SIGKILL); /* as it looks for scans */
    assert_int_equal(reader_find(reader, &list, &e), READER_READ);
    assert_int_equal(list.count, 2);
    for (size_t i = 0; i < 6; i++) {
        pid_t const before = reader_process(reader);
        struct volume_message m;
        kill(before, i % 2 ? SIGKILL : SIGTERM); /* which it does not heed */
        usleep(20000);
        assert_int_equal(reader_scan(reader, &list, i / 3, &out, &e), READER_READ);
        assert_true((reader_process(reader) != before) == (i % 2 == 1));
        assert_int_equal(volume_message_decode(&out, &m, &e), 0);
        assert_true(m.volume.voxel[0] == (i < 3 ? 2.f : 3.f));
        volume_message_free(&m);
        buffer_free(&out);
    }
    reader_list_free(&list);
    reader_close(&reader);
}

static bool has_open(pid_t pid, const char *path)
{
    char *fds = xprintf("/proc/%d/fd", (int)pid), is[512];
    struct names n;
    struct error e = {0};
    bool found = false;
    if (dir_list(fds, &n, &e) == 0) {
        for (size_t i = 0; i < n.count && !found; i++) {
            char *link = path_join(fds, n.name[i]);
            ssize_t const size = readlink(link, is, sizeof is - 1);
            is[size > 0 ? size : 0] = '\0';
            found = strcmp(is, path) == 0;
            free(link);
        }
        names_free(&n);
    }
    free(fds);
    return found;
}

/* In the middle of a scan: that scan is read again. Killed at it again and again, it is the scan's fault. */
static void a_scan_always_killed_at(void **state)
{
    (void)state;
    char *argument[] = {dir}, *fifo = fifo_make("b.nii");
    struct reader_list list;
    struct buffer out;
    struct error e = {0};
    image_write("a.nii.gz", 2);
    reader = reader_open(&(struct reader_job){argument, 1, &options, NULL, NULL});
    assert_int_equal(reader_find(reader, &list, &e), READER_READ);
    int *strikes = mmap(NULL, sizeof *strikes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(strikes != MAP_FAILED);
    pid_t const parent = getpid(), killer = fork();
    if (killer == 0) {
        char name[64], line[256];
        pid_t struck = 0;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (open(fifo, O_RDWR) < 0) /* whoever opens it to read does not wait, and reads for ever */
            _exit(1);
        format_into(name, sizeof name, "/proc/%d/task/%d/children", (int)parent, (int)parent);
        for (;; usleep(5000)) {
            FILE *children = fopen(name, "re");
            const char *all = children && fgets(line, sizeof line, children) ? line : "";
            if (children)
                fclose(children);
            for (char *next; strtol(all, &next, 10) > 0; all = next) {
                pid_t const pid = (pid_t)strtol(all, NULL, 10);
                if (pid != getpid() && pid != struck && has_open(pid, fifo)) {
                    ++*strikes;
                    struck = pid;
                    kill(pid, SIGKILL);
                }
            }
        }
    }
    assert_int_equal(reader_scan(reader, &list, 1, &out, &e), READER_REFUSED);
    assert_says(e.text, "b.nii' killed its reader (signal 9, ");
    assert_int_equal(*strikes, 10); /* CHILD_FAULTS_MAX */
    buffer_free(&out);
    kill(killer, SIGKILL);
    assert_int_equal(waitpid(killer, NULL, 0), killer);
    assert_int_equal(reader_scan(reader, &list, 0, &out, &e), READER_READ);
    buffer_free(&out);
    munmap(strikes, sizeof *strikes);
    reader_list_free(&list);
    reader_close(&reader);
    free(fifo);
}

static void a_file_that_kills_while_looking(void **state)
{
    (void)state;
    char *fifo = fifo_make("b.dcm"),
         *argument[] = {path_join(dir, "a.nii.gz"), fifo}; /* in a folder it would be passed over */
    struct reader_list list;
    struct buffer out;
    struct error e = {0};
    image_write("a.nii.gz", 2);
    reader = reader_open(&(struct reader_job){argument, 2, &options, NULL, NULL});
    pid_t const killer = fifo_kill(fifo, SIGBUS);
    assert_int_equal(reader_find(reader, &list, &e), READER_READ);
    killed_well(killer);
    assert_int_equal(list.count, 2);
    assert_int_equal(reader_scan(reader, &list, 0, &out, &e), READER_READ);
    buffer_free(&out);
    assert_int_equal(reader_scan(reader, &list, 1, &out, &e), READER_REFUSED);
    assert_says(e.text, "b.dcm': it killed the process that looked at it");
    buffer_free(&out);
    reader_list_free(&list);
    reader_close(&reader);
    free(argument[0]);
    free(fifo);
}

static void nothing_there(void **state)
{
    (void)state;
    char *argument[] = {dir};
    struct reader_list list;
    struct error e = {0};
    reader = reader_open(&(struct reader_job){argument, 1, &options, NULL, NULL});
    assert_int_equal(reader_find(reader, &list, &e), READER_FAILED);
    assert_int_equal(e.code, EX_NOINPUT);
    assert_says(e.text, "no scan in");
    reader_close(&reader);
}

static int asked;
static bool stop_after_two(void)
{
    return ++asked > 2;
}

static void left_in_the_middle(void **state)
{
    (void)state;
    char *fifo = fifo_make("b.dcm"), *argument[] = {fifo};
    struct reader_list list;
    struct error e = {0};
    reader = reader_open(&(struct reader_job){argument, 1, &options, NULL, stop_after_two});
    pid_t const process = reader_process(reader);
    assert_int_equal(reader_find(reader, &list, &e), READER_STOPPED);
    reader_close(&reader);
    assert_true(kill(process, 0) < 0 && errno == ESRCH);
    free(fifo);
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, enter, leave)
    const struct CMUnitTest tests[] = {IN_DIR(what_it_may_not),         IN_DIR(reads_as_we_would),
                                       IN_DIR(a_scan_that_kills),       IN_DIR(a_reader_that_is_killed),
                                       IN_DIR(a_scan_always_killed_at), IN_DIR(a_file_that_kills_while_looking),
                                       IN_DIR(nothing_there),           IN_DIR(left_in_the_middle)};
    return cmocka_run_group_tests_name("load_reader", tests, NULL, NULL);
}
