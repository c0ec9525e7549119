/* SPDX-License-Identifier: Apache-2.0 */
/* watch -- a folder served: each study that arrives in it is read, once.   DIR/STUDY -> [watch] ═▶ OUT/SCAN */
#include "stages/classify/watch/watch.h"
#include "common/child.h"
#include "common/file.h"
#include "common/log.h"
#include "common/pseudonym.h"
#include "stages/classify/watch/record.h"
#include "stages/classify/watch/study.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What was seen of a study, and since when it is so. */
struct waiting {
    char *name;
    uint64_t seen;
    double since_s;
    bool settled; /* done or refused as it is: nothing to do until it changes */
    bool here;
};
struct watching {
    const struct watch *w;
    char *notes, *making; /* OUT/.watch, OUT/.watch/making */
    struct watch_records records;
    struct waiting *study;
    size_t count, done, refused;
};

static volatile sig_atomic_t asked;

static void on_signal(int number)
{
    (void)number;
    asked = 1;
}

static void rest(double seconds)
{
    for (double const until_s = now_s() + seconds; !asked && now_s() < until_s;)
        nanosleep(&(struct timespec){.tv_nsec = CHILD_LOOK_MS * 1000000L}, NULL);
}

/* ---- one study is read ---- */

static int child_become(const struct watching *g, const char *study, const char *log)
{
    size_t words = 0;
    while (g->w->word[words])
        words++;
    char **word = xalloc(words + 5, sizeof *word), *self = program_beside("petrel-classify");
    memcpy(word, g->w->word, words * sizeof *word);
    word[words] = (char *)(uintptr_t) "--out";
    word[words + 1] = g->making;
    word[words + 2] = (char *)(uintptr_t) "--";
    word[words + 3] = (char *)(uintptr_t)study;
    int const to = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (to < 0)
        return EX_CANTCREAT;
    char *names = pseudonyms_path(g->w->out); /* beside all results, not beside one study's for the time being */
    setenv("PETREL_NAMES", names, 1);
    dup2(to, STDERR_FILENO);
    dup2(to, STDOUT_FILENO);
    execv(self, word);
    return EX_UNAVAILABLE;
}

/* Its exit code; -1: it took too long; -2: we were asked to stop. */
static int child_follow(pid_t pid, double limit_s)
{
    double const begun_s = now_s();
    int status = 0, why = 0;
    for (double asked_s = 0;;) {
        pid_t const ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid)
            break;
        if (!why && (asked || now_s() - begun_s > limit_s)) {
            why = asked ? -2 : -1;
            asked_s = now_s();
            kill(pid, SIGTERM);
        }
        if (why && now_s() - asked_s > CHILD_PATIENCE_S)
            kill(pid, SIGKILL);
        nanosleep(&(struct timespec){.tv_nsec = CHILD_LOOK_MS * 1000000L}, NULL);
    }
    return why ? why : WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}

/* A log's line without what stands round its sentence: program=... text="refused 'scan': sentence". In place. */
static const char *bare(char *line)
{
    char *text = strstr(line, "text=\"");
    if (text) {
        line = text + strlen("text=\"");
        if (ends_with(line, "\""))
            line[strlen(line) - 1] = '\0';
    }
    char *after = strncmp(line, "refused '", 9) == 0 ? strstr(line, "': ") : NULL;
    return after ? after + 3 : line;
}

/* Why it was refused: the last line of its log that says so, else the last line. */
static void sentence_of(const char *log, char *sentence, size_t size)
{
    struct buffer text;
    struct error unused = {0};
    format_into(sentence, size, "it was not read: see its log");
    if (file_read(log, 1 << 24, &text, &unused) < 0)
        return;
    char *left = (char *)text.data, *line;
    bool refused = false;
    while ((line = strsep(&left, "\n"))) {
        bool const says = strstr(line, "refused") != NULL;
        if (*line && (says || !refused))
            format_into(sentence, size, "%.500s", bare(line));
        refused |= says;
    }
    buffer_free(&text);
}

/* ---- what it left becomes OUT's ---- */

static int folder_move(const char *from, const char *to, struct error *e)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    /* it was read before, and killed before that was noted: the new one takes the old one's place at once */
    if (errno == EEXIST && renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) == 0) {
        dir_remove(from);
        return 0;
    }
    if (errno == EINVAL || errno == ENOSYS) { /* a file system that knows no more than rename */
        dir_remove(to);
        if (rename(from, to) == 0)
            return 0;
    }
    return fail_as(e, EX_CANTCREAT, "cannot move '%s' to '%s': %s", from, to, strerror(errno));
}

/* How many scans there were. */
static int results_move(const struct watching *g, size_t *scans, struct error *e)
{
    struct names in;
    *scans = 0;
    if (!dir_exists(g->making))
        return 0;
    if (dir_list(g->making, &in, e) < 0)
        return -1;
    int rc = 0;
    for (size_t i = 0; i < in.count && rc == 0; i++) {
        char *from = path_join(g->making, in.name[i]), *to = path_join(g->w->out, in.name[i]);
        if (dir_exists(from)) {
            rc = folder_move(from, to, e);
            ++*scans;
        }
        free(to);
        free(from);
    }
    names_free(&in);
    int const folder = open(g->w->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (rc == 0 && (folder < 0 || fsync(folder) != 0))
        rc = fail_as(e, EX_IOERR, "cannot flush '%s': %s", g->w->out, strerror(errno));
    if (folder >= 0)
        close(folder);
    return rc;
}

static int note(struct watching *g, struct waiting *s, const char *digest, const char *outcome, const char *sentence,
                struct error *e)
{
    struct watch_record one = {.seen = s->seen};
    bool const refused = strcmp(outcome, "refused") == 0;
    memcpy(one.digest, digest, sizeof one.digest);
    format_into(one.study, sizeof one.study, "%.255s", s->name);
    format_into(one.outcome, sizeof one.outcome, "%s", outcome);
    format_into(one.sentence, sizeof one.sentence, "%.599s", sentence);
    for (char *c = one.sentence; *c; c++)
        *c = *c == '\n' ? ' ' : *c;
    s->settled = true;
    g->done += !refused;
    g->refused += refused;
    if (refused)
        log_refused(s->name, one.sentence);
    return watch_record_add(&g->records, g->notes, &one, e);
}

static int study_read(struct watching *g, struct waiting *s, const char *path, const char *digest, struct error *e)
{
    char *log = xprintf("%s/%s.log", g->notes, digest), sentence[600];
    double const begun_s = now_s();
    size_t scans = 0;
    dir_remove(g->making);
    pid_t const pid = child_fork(SIGTERM, e);
    if (pid == 0)
        _exit(child_become(g, path, log));
    int const code = pid < 0 ? -2 : child_follow(pid, g->w->limit_s);
    int rc = pid < 0 ? -1 : 0;
    if (rc == 0 && (code == EX_OK || code == EX_DATAERR)) /* of several scans some may be refused: the others are done */
        rc = results_move(g, &scans, e);
    if (rc == 0 && code != -2) {
        if (code == -1)
            format_into(sentence, sizeof sentence, "it took longer than the limit of %g s", g->w->limit_s);
        else
            sentence_of(log, sentence, sizeof sentence);
        if (code == EX_OK)
            format_into(sentence, sizeof sentence, "%zu scans", scans);
        rc = note(g, s, digest, code == EX_OK ? "done" : "refused", sentence, e);
        log_record("study", metric_text("study", s->name), metric_number("scans", "%.0f", (double)scans),
                   metric_number("code", "%.0f", code), metric_number("seconds", "%.2f", now_s() - begun_s));
    }
    dir_remove(g->making);
    if (rc == 0 && scans > 0)
        g->w->gather(g->w->out);
    free(log);
    return rc;
}

/* ---- all of them ---- */

static struct waiting *waiting_of(struct watching *g, const char *name)
{
    for (size_t i = 0; i < g->count; i++)
        if (strcmp(g->study[i].name, name) == 0)
            return &g->study[i];
    g->study = xresize(g->study, g->count + 1, sizeof *g->study);
    g->study[g->count] = (struct waiting){.name = xstrdup(name)};
    return &g->study[g->count++];
}

static int study_settle(struct watching *g, struct waiting *s, const char *path, const struct study_look *look,
                        struct error *e)
{
    char digest[65];
    struct error why = {0};
    const struct watch_record *was = watch_record_seen(&g->records, s->name, look->seen);
    if (was) {
        s->settled = true;
        return 0;
    }
    if (study_digest(path, digest, &why) < 0) {
        log_note("'%s' changed while it was looked at: %s", s->name, why.text);
        s->since_s = now_s();
        return 0;
    }
    if ((was = watch_record_of(&g->records, digest))) {
        log_note("'%s' holds what was read as '%s' before (%s): not read again", s->name, was->study, was->outcome);
        s->settled = true;
        return 0;
    }
    if ((double)look->bytes > g->w->limit_bytes) {
        char sentence[200];
        format_into(sentence, sizeof sentence, "it holds %.2f GiB, more than the limit of %.2f",
                    (double)look->bytes / (1 << 30), g->w->limit_bytes / (1 << 30));
        return note(g, s, digest, "refused", sentence, e);
    }
    return study_read(g, s, path, digest, e);
}

/* *left: studies that are neither done nor refused as they are. */
static int round_make(struct watching *g, size_t *left, struct error *e)
{
    struct names in;
    *left = 0;
    if (dir_list(g->w->dir, &in, e) < 0)
        return -1;
    int rc = 0;
    for (size_t i = 0; i < in.count && rc == 0 && !asked; i++) {
        struct study_look look;
        struct error why = {0};
        char *path = path_join(g->w->dir, in.name[i]), *real = realpath(path, NULL);
        char *out = realpath(g->w->out, NULL);
        bool const ours = real && out && strcmp(real, out) == 0;
        if (!ours && in.name[i][0] != '.' && dir_exists(path) && study_look(path, &look, &why) == 0 && look.files > 0) {
            struct waiting *s = waiting_of(g, in.name[i]);
            if (s->since_s <= 0 || s->seen != look.seen)
                s->seen = look.seen, s->since_s = now_s(), s->settled = false;
            if (!s->settled && !look.writing && now_s() - s->since_s >= g->w->settle_s)
                rc = study_settle(g, s, path, &look, e);
            *left += !s->settled;
        }
        free(out);
        free(real);
        free(path);
    }
    names_free(&in);
    return rc;
}

/* One watcher an OUT, until it ends in whatever way. */
static int lock(const char *notes, struct error *e)
{
    char *path = path_join(notes, "lock");
    int const file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0660); /* who may read it may hold it */
    int rc = 0;
    if (file < 0)
        rc = fail_as(e, EX_CANTCREAT, "cannot open '%s': %s", path, strerror(errno));
    else if (flock(file, LOCK_EX | LOCK_NB) != 0)
        rc = fail_as(e, EX_TEMPFAIL, "another petrel-classify watch writes there: '%s'", path);
    free(path);
    return rc;
}

int watch_run(const struct watch *w, struct error *e)
{
    struct watching g = {.w = w, .notes = path_join(w->out, ".watch")};
    size_t left = 1;
    g.making = path_join(g.notes, "making");
    if (!dir_exists(w->dir))
        return fail_as(e, EX_NOINPUT, "no such folder to watch: '%s'", w->dir);
    if (dir_make(g.notes, e) < 0 || lock(g.notes, e) < 0 || watch_records_read(&g.records, g.notes, e) < 0)
        return -1;
    dir_remove(g.making);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    w->gather(w->out); /* after a kill between a result and the tables of all */
    log_note("watching '%s': %zu studies are known already; results in '%s'", w->dir, g.records.count, w->out);
    int rc = 0;
    while (rc == 0 && !asked) {
        rc = round_make(&g, &left, e);
        if (rc < 0 || (w->once && left == 0))
            break;
        rest(left > 0 && w->settle_s < w->every_s ? w->settle_s : w->every_s);
    }
    log_last("%zu studies read, %zu refused", g.done, g.refused);
    for (size_t i = 0; i < g.count; i++)
        free(g.study[i].name);
    free(g.study);
    free(g.records.item);
    free(g.making);
    free(g.notes);
    return rc < 0 ? -1 : asked ? EX_TEMPFAIL : g.refused ? EX_DATAERR : EX_OK;
}
