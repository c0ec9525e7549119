/* SPDX-License-Identifier: Apache-2.0 */
/* cut_off -- R8: the link between two machines cut, and an end stopped (SIGSTOP), for some seconds each; items flow again within 5 s of the
 * healing, and every one arrives exactly once.
 *
 *     cut_off [TIMES] [SEED] [SECONDS]      2 times, of 1.5 s; with TIMES of 5 s
 *
 * The machines are two network namespaces with a link of their own and hosts' names of their own; where they cannot be made (not root, no ip)
 * ends are stopped alone, and that is said. */
#include "tests/fault/ends.h"
#include <fcntl.h>
#include <sched.h>

static const double HEALED_S = 5;
static char space[2][40], link_name[2][16];
static bool spaces; /* there are namespaces */

static bool run(const char *format, ...) PRINTF_LIKE(1, 2);
static bool run(const char *format, ...)
{
    char words[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    char *quiet = xprintf("%s >/dev/null 2>&1", words);
    bool const good = system(quiet) == 0;
    free(quiet);
    return good;
}

static void spaces_remove(void)
{
    for (int i = 0; i < 2; i++)
        run("ip netns del %s", space[i]);
}

static bool spaces_make(void)
{
    for (int i = 0; i < 2; i++) {
        format_into(space[i], sizeof space[i], "petrel-%d-%d", (int)getpid(), i);
        format_into(link_name[i], sizeof link_name[i], "p%d-%d", (int)getpid() % 100000, i);
    }
    if (geteuid() != 0)
        return false;
    atexit(spaces_remove);
    bool good =
        run("ip netns add %s", space[0]) && run("ip netns add %s", space[1]) &&
        run("ip link add %s netns %s type veth peer name %s netns %s", link_name[0], space[0], link_name[1], space[1]);
    for (int i = 0; i < 2 && good; i++)
        good = run("ip -n %s addr add 10.213.7.%d/24 dev %s", space[i], i + 1, link_name[i]) &&
               run("ip -n %s link set %s up", space[i], link_name[i]) && run("ip -n %s link set lo up", space[i]);
    return good;
}

/* In the process of an end: its machine. */
static void settle(int which)
{
    if (!spaces)
        return;
    char *path = xprintf("/var/run/netns/%s", space[which]), *host = xprintf("10.213.7.%d", which + 1);
    int const to = open(path, O_RDONLY | O_CLOEXEC);
    if (to < 0 || setns(to, CLONE_NEWNET) || unshare(CLONE_NEWUTS) || sethostname(space[which], strlen(space[which])))
        die(EX_OSERR, "cannot become machine %d: %s", which, strerror(errno));
    setenv("PETREL_HOST", host, 1);
    close(to);
}
static void settle_source(void)
{
    settle(0);
}
static void settle_collector(void)
{
    settle(1);
}

static off_t arrived(void)
{
    struct stat status;
    return stat(ends.list, &status) ? 0 : status.st_size;
}

/* Seconds until something arrives; `most`, should nothing. */
static double until_arrival(double most_s)
{
    off_t const before = arrived();
    double const begun_s = now_s();
    while (arrived() == before && now_s() - begun_s < most_s)
        usleep(10000);
    return now_s() - begun_s;
}

int main(int argc, char **argv)
{
    uint64_t const times = argc > 1 ? strtoull(argv[1], NULL, 10) : 2;
    double const wait_s = argc > 3 ? strtod(argv[3], NULL) : argc > 1 ? 5 : 1.5;
    struct rng rng = rng_make(argc > 2 ? strtoull(argv[2], NULL, 10) : 1, RNG_TEST, 8);
    struct fault_result r = {"R8", "cut off or stopped: late, wrong", "times", 0, 0, 0, 0};
    double slowest_s = 0;
    uint64_t cuts = 0, stops = 0;
    program_name_set("cut_off");
    spaces = spaces_make();
    if (!spaces)
        printf("no network namespaces here (root and ip are wanted): ends are stopped, no link is cut\n");
    ends_open("cut-off", 6);
    ends.source = ends_start(ends_be_source, "source", settle_source);
    ends.collector = ends_start(ends_be_collector, "collector", settle_collector);
    if (until_arrival(30) >= 30)
        die(EX_SOFTWARE, "nothing flows in the beginning; see '%s'", ends.dir);
    for (uint64_t i = 0; i < times; i++) {
        pid_t const stopped = rng_below(&rng, 2) ? ends.source : ends.collector;
        bool const cut = spaces && i % 2 == 0;
        int const end = (int)rng_below(&rng, 2);
        usleep(200000 + rng_below(&rng, 300000));
        if (cut ? !run("ip -n %s link set %s down", space[end], link_name[end]) : kill(stopped, SIGSTOP) != 0)
            die(EX_OSERR, "cannot attack");
        usleep((useconds_t)(1e6 * wait_s));
        if (cut ? !run("ip -n %s link set %s up", space[end], link_name[end]) : kill(stopped, SIGCONT) != 0)
            die(EX_OSERR, "cannot heal");
        double const took_s = until_arrival(60);
        slowest_s = took_s > slowest_s ? took_s : slowest_s;
        if (took_s > HEALED_S)
            printf("%.1f s until anything arrived after %s %.1f s\n", took_s, cut ? "a cut of" : "a stop of", wait_s);
        r.wrong += took_s > HEALED_S;
        r.count++;
        *(cut ? &cuts : &stops) += 1;
    }
    struct ends_count const c = ends_finish(120);
    r.lost = c.lost, r.repeated = c.repeated, r.wrong += c.wrong + c.died;
    printf("%llu cuts and %llu stops of %.1f s; %llu items; the slowest went on after %.2f s\n",
           (unsigned long long)cuts, (unsigned long long)stops, wait_s, (unsigned long long)c.made, slowest_s);
    return fault_tell(&r);
}
