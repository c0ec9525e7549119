/* SPDX-License-Identifier: Apache-2.0 */
/* petrel-top -- how a run is getting on: which program is how far, what it waits for, which holds up the others.   RUN -> [top]
 * Reads records (common/metric.h), never logs; may be started, stopped and killed at any time. */
#include "common/file.h"
#include "common/log.h"
#include "common/opts.h"
#include "stages/stage.h"
#include "stages/top/show.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t terms;

static void on_term(int number)
{
    (void)number;
    terms = 1;
}

static size_t terminal_columns(void)
{
    struct winsize size;
    return (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80U) - 1;
}

static void rest(double seconds)
{
    for (double const until = now_s() + seconds; !terms && now_s() < until && !stage_stop_wanted();)
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
}

/* In place of the pipeline: bars redrawn on a terminal, else their lines now and then; scans as they are kept. Until SIGTERM. */
static void bars(struct run *r, double every_s)
{
    bool const terminal = isatty(STDOUT_FILENO), often = terminal;
    size_t told = 0, drawn = 0;
    for (bool last = false; !last;) {
        rest(often ? 0.3 : every_s);
        last = terms || stage_stop_wanted();
        run_look(r);
        if (terminal && drawn)
            printf("\033[%zuA", drawn);
        show_scans(r, &told, terminal ? "\r\033[K" : "", stdout);
        if (terminal || !last)
            drawn = show_bars(r, terminal ? "\r\033[K" : "", terminal ? terminal_columns() : 0, stdout);
        if (terminal)
            fputs("\033[J", stdout);
        fflush(stdout);
    }
}

static void table(struct run *r, double every_s, const char *prometheus)
{
    bool const terminal = isatty(STDOUT_FILENO);
    struct error e = {0};
    for (size_t drawn = 0;;) {
        run_look(r);
        bool const last = run_ended(r) || terms || stage_stop_wanted();
        if (prometheus && show_prometheus(r, prometheus, &e) < 0)
            die_of(&e);
        if (terminal && drawn)
            printf("\033[%zuA", drawn);
        if (terminal)
            drawn = show_table(r, "\r\033[K", stdout);
        else
            show_line(r, stdout);
        fflush(stdout);
        if (last)
            return;
        rest(every_s);
    }
}

static void lines_reveal(struct run *r)
{
    char *line = NULL;
    size_t room = 0;
    run_look(r);
    while (getline(&line, &room, stdin) > 0) {
        char *said = run_reveal(r, line);
        fputs(said, stdout);
        free(said);
    }
    free(line);
}

int main(int argc, char **argv)
{
    bool once = false, line = false, bars_only = false, end = false, reveal = false;
    double every_s = 0;
    const char *prometheus = NULL;
    struct option rows[] = {
        {"once", OPT_FLAG, &once, NULL, 0, 0, "say how it is and leave", 0, NULL},
        {"line", OPT_FLAG, &line, NULL, 0, 0, "with --once: in one line of key=value, for logs", 0, NULL},
        {"every", OPT_REAL, &every_s, "S", 0, 86400,
         "seconds between two looks; 0: half a second on a terminal, else 10 s", 0, NULL},
        {"prometheus", OPT_STRING, &prometheus, "FILE", 0, 0, "keep a text file for Prometheus up to date, too", 0, NULL},
        {"bars", OPT_FLAG, &bars_only, NULL, 0, 0, "for pipelines: bars and scans, until SIGTERM", OPT_HIDDEN, NULL},
        {"end", OPT_FLAG, &end, NULL, 0, 0, "for pipelines: what to know at the end", OPT_HIDDEN, NULL},
        {"reveal", OPT_FLAG, &reveal, NULL, 0, 0, "lines of stdin, with the names of files from RUN.names in them", 0,
         NULL},
    };
    struct opts o = {
        .program = "petrel-top",
        .usage = "[options] RUN",
        .purpose = "shows how a run is getting on, from its run directory",
        .epilogue = "On a terminal a table, redrawn until the run ends; otherwise a line of key=value every 10 s.\n"
                    "waits: shares of a program's time without input, and without room for its output; the one\n"
                    "that waits least holds up the others. credits: items given and not yet acknowledged, of those "
                    "allowed.",
        .table = rows,
        .count = COUNT_OF(rows)};
    struct error e = {0};
    struct run r;
    unsetenv("PETREL_PROGRESS_DIR"); /* this program is none of the run's */
    if (opts_parse(&o, argc, argv, &e) < 0)
        die_of(&e);
    if (o.rest_count != 1)
        die(EX_USAGE, "name one run directory: petrel-top RUN");
    if (run_open(&r, o.rest[0], &e) < 0)
        die_of(&e);
    signal(SIGTERM, on_term);
    if (reveal || end || bars_only) /* for whoever started the run; what others may read is without names */
        run_reveal_open(&r);
    if (reveal) {
        lines_reveal(&r);
        return fflush(stdout) ? EX_IOERR : EX_OK;
    }
    bool const terminal = isatty(STDOUT_FILENO);
    if (every_s <= 0)
        every_s = terminal ? 0.5 : 10;
    if (end || once) {
        run_look(&r);
        if (prometheus && show_prometheus(&r, prometheus, &e) < 0)
            die_of(&e);
        if (end)
            show_end(&r, stdout);
        else if (line)
            show_line(&r, stdout);
        else
            (void)show_table(&r, "", stdout);
    } else if (bars_only) {
        bars(&r, every_s);
    } else {
        table(&r, every_s, prometheus);
    }
    run_close(&r);
    return fflush(stdout) ? EX_IOERR : EX_OK;
}
