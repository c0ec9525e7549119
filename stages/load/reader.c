/* SPDX-License-Identifier: Apache-2.0 */
/* reader -- scans are found and read by a process of their own.   main -> [reader] -> find, scan
 *
 * To it: the number of the scan that is wanted, 8 bytes. From it: a head and as many bytes as that says. */
#include "stages/load/reader.h"
#include "common/child.h"
#include "common/log.h"
#include "common/utf8.h"
#include "proto/suv.h"
#include "stages/load/charset.h"
#include "stages/load/hide.h"
#include "stages/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PIPE_ROOM = 1 << 20,
    PAGE = 4096,
    OPEN_MAX_KEPT = 1 << 16,
    SCAN_SECONDS = 900 /* of the processor; a scan takes one or two */
};
enum reply { REPLY_LIST = 1, REPLY_NOTHING, REPLY_READ, REPLY_REFUSED };
struct head {
    uint32_t reply;
    int32_t code;      /* of the sentence */
    uint64_t sentence; /* bytes, before the rest */
    uint64_t size;     /* bytes of all that follows */
};

struct reader {
    struct reader_job job;
    pid_t process;
    int to, from;
    int lost;           /* to signals from outside, in a row */
    char *looking_at;   /* shared with the process: the file it looks at while it finds scans */
    struct names avoid; /* files that killed it there */
};

/* ---- in the process ---- */

/* The parent's end is closed: nobody is left to read for. */
static void write_all(int to, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    while (size) {
        ssize_t done = write(to, at, size);
        if (done < 0 && errno != EINTR)
            _exit(EX_OK);
        at += done > 0 ? done : 0;
        size -= done > 0 ? (size_t)done : 0;
    }
}

static void reply(int to, enum reply what, const struct error *why, const void *bytes, size_t size)
{
    struct head h = {.reply = what, .size = size};
    struct error clean = {0};
    if (why) { /* which names files, whose names may be any bytes */
        clean = *why;
        utf8_clean(clean.text, sizeof clean.text);
        h.code = clean.code;
        h.sentence = strlen(clean.text);
        h.size += h.sentence;
    }
    write_all(to, &h, sizeof h);
    if (why)
        write_all(to, clean.text, h.sentence);
    write_all(to, bytes, size);
}

/* Of what was found, what is asked for. --check: an archive with nothing but bad scans is news, not death. */
static int find(const struct reader_job *job, struct sources *s, struct error *e)
{
    const struct load_options *o = job->options;
    if (sources_find(s, job->argument, job->count, o, e) < 0 &&
        !(job->formula && e->code != EX_NOINPUT && e->code != EX_USAGE))
        return -1;
    if (o->metadata && metadata_join(s, o->metadata, e) < 0)
        return -1;
    return sources_choose(s, &o->diagnosis, o->first_study, e) < 0 ? -1 : overrides_join(s, &o->override, e);
}

static void list_tell(int to, const struct sources *s, const struct load_options *o)
{
    uint64_t const run = sources_run(s, o);
    char *texts = NULL;
    size_t size = 0;
    FILE *all = open_memstream(&texts, &size);
    if (!all)
        die(EX_OSERR, "out of memory");
    fwrite(&run, sizeof run, 1, all);
    for (size_t i = 0; i < s->count; i++) {
        struct scan_facts unread;
        scan_identify(&s->item[i], o, &unread);
        fprintf(all, "%s%c%s%c", s->item[i].label, 0, unread.source, 0);
    }
    fclose(all);
    reply(to, REPLY_LIST, NULL, texts, size);
    free(texts);
}

/* People here are told the true path; what travels on, into caches and reports, is told without the patient's id. */
static void refuse(int to, const struct source *from, const struct load_options *o, const char *stage,
                   const struct scan_facts *f, const struct error *why)
{
    struct refusal_message told = {.code = why->code};
    struct error here = *why;
    struct buffer out = {0};
    scan_unmark(here.text);
    format_into(told.scan, sizeof told.scan, "%s", f->source);
    format_into(told.stage, sizeof told.stage, "%s", stage);
    format_into(told.sentence, sizeof told.sentence, "%s", why->text);
    scan_scrub(from, o, f, told.sentence, sizeof told.sentence);
    utf8_clean(told.sentence, sizeof told.sentence);
    refusal_message_encode(&told, &out);
    reply(to, REPLY_REFUSED, &here, out.data, out.size);
    buffer_free(&out);
}

/* What petrel-suv will do with it, the other grid apart. */
static int convert(struct volume_message *m, const struct reader_job *job, struct error *e)
{
    if (suv_factor(&m->facts, job->formula, e) < 0)
        return -1;
    suv_apply(&m->volume, &m->facts);
    suv_statistics(&m->volume, &m->facts);
    return suv_gate(&m->volume, &m->facts, job->options->accept_implausible, e);
}

/* --explain: the page says whether it is refused, and so does the sentence that goes with it. */
static void explain(int to, const struct source *from, const struct reader_job *job, int rc, struct volume_message *m,
                    struct error *e)
{
    struct scan_facts const read = m->facts;
    if (rc == 0)
        rc = convert(m, job, e);
    char *page = explain_page(from, &read, &m->facts, job->formula, e);
    reply(to, REPLY_READ, rc < 0 ? e : NULL, page, strlen(page));
    free(page);
    volume_message_free(m);
}

static void scan_tell(int to, const struct source *from, const struct reader_job *job)
{
    struct volume_message m;
    struct buffer out = {0};
    struct error e = {0};
    double const begun_s = now_s();
    int const rc = scan_read(from, job->options, &m, &e);
    if (job->options->explain) {
        explain(to, from, job, rc, &m, &e);
        return;
    }
    if (rc < 0) {
        refuse(to, from, job->options, "load", &m.facts, &e);
        return;
    }
    if (job->formula) {
        if (convert(&m, job, &e) < 0)
            refuse(to, from, job->options, "suv", &m.facts, &e);
        else
            reply(to, REPLY_READ, NULL, NULL, 0);
        if (*m.facts.told)
            log_warn("'%s': %s", from->label, m.facts.told);
        volume_message_free(&m);
        return;
    }
    log_record("read", metric_text("scan", m.facts.source), metric_text("patient", m.facts.patient),
               metric_number("seconds", "%.2f", now_s() - begun_s));
    volume_message_encode(&m, &out);
    volume_message_free(&m);
    reply(to, REPLY_READ, NULL, out.data, out.size);
    buffer_free(&out);
}

/* Alone with what it was given: no signal meant for the parent, no file of the parent's but the two pipes and the standard ones. */
static void settle(int from, int to)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, usual = {.sa_handler = SIG_DFL};
    int const others[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1},
              own[] = {SIGPROF, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        sigaction(others[i], &ignore, NULL);
    for (size_t i = 0; i < COUNT_OF(own); i++)
        sigaction(own[i], &usual, NULL);
    int const watcher = metric_descriptor(), table = hide_descriptor(); /* it may write to what is open */
    unsigned next = STDERR_FILENO + 1;
    for (unsigned last = next; last < OPEN_MAX_KEPT; last++)
        if ((int)last == from || (int)last == to || (int)last == watcher || (int)last == table) {
            if (last > next)
                close_range(next, last - 1, 0);
            next = last + 1;
        }
    close_range(next, ~0U, 0);
    die_hook(NULL);
}

static _Noreturn void process_run(struct reader *r, int from, int to, bool first)
{
    struct error e = {0};
    struct sources s = {0};
    settle(from, to);
    charset_start();
    if (sandbox_enter(&e) < 0 && first)
        log_warn("%s: files are parsed without it", e.text);
    find_watch(r->looking_at, PAGE, &r->avoid);
    e = (struct error){0};
    if (find(&r->job, &s, &e) < 0) {
        reply(to, REPLY_NOTHING, &e, NULL, 0);
        _exit(EX_OK);
    }
    list_tell(to, &s, r->job.options);
    for (uint64_t index; read(from, &index, sizeof index) == sizeof index && index < s.count;) {
        struct itimerval most = {.it_value = {SCAN_SECONDS, 0}};
        setitimer(ITIMER_PROF, &most, NULL);
        scan_tell(to, &s.item[index], &r->job);
    }
    _exit(EX_OK);
}

/* ---- its start and end ---- */

static void process_start(struct reader *r, bool first)
{
    int to[2], from[2];
    struct error e = {0};
    if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
        die(EX_OSERR, "cannot make a pipe: %s", strerror(errno));
    (void)fcntl(from[0], F_SETPIPE_SZ, PIPE_ROOM); /* a wish */
    r->looking_at[0] = '\0';
    r->process = child_fork(SIGKILL, &e);
    if (r->process < 0)
        die_of(&e);
    if (r->process == 0)
        process_run(r, to[0], from[1], first);
    close(to[0]);
    close(from[1]);
    r->to = to[1];
    r->from = from[0];
}

struct reader *reader_open(const struct reader_job *job)
{
    struct reader *r = xalloc(1, sizeof *r);
    r->job = *job;
    r->looking_at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (r->looking_at == MAP_FAILED)
        die(EX_OSERR, "no memory for a shared page");
    signal(SIGPIPE, SIG_IGN); /* a process that died is noticed by what it does not say */
    process_start(r, true);
    return r;
}

/* How it ended, in words. true: by what it read; false: a signal from outside, and what it read is none the worse for it. */
static bool process_end(struct reader *r, char *how, size_t size)
{
    close(r->to);
    close(r->from);
    int const status = child_wait(r->process);
    r->process = 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
        snprintf(how, size, "took more than %d minutes of the processor", SCAN_SECONDS / 60);
    else if (WIFSIGNALED(status))
        snprintf(how, size, "killed its reader (signal %d, %s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(how, size, "ended its reader (code %d)", WEXITSTATUS(status));
    bool const outside = WIFSIGNALED(status) && !child_faulted(WTERMSIG(status));
    r->lost = outside ? r->lost + 1 : 0;
    return !outside ||
           r->lost >= CHILD_FAULTS_MAX; /* something here may want it dead for good: the kernel, of its memory */
}

void reader_close(struct reader **r)
{
    char how[100];
    if (!*r)
        return;
    if ((*r)->process > 0) {
        kill((*r)->process, SIGKILL); /* it may be in the middle of a scan that nobody waits for */
        (void)process_end(*r, how, sizeof how);
    }
    munmap((*r)->looking_at, PAGE);
    names_free(&(*r)->avoid);
    free(*r);
    *r = NULL;
}

int reader_process(const struct reader *r)
{
    return r->process;
}

/* ---- what it says ---- */

enum heard { HEARD_STOP = -1, HEARD_END, HEARD_ALL };
static enum heard hear(const struct reader *r, void *to, size_t size)
{
    enum { HEED_MS = 250 };
    uint8_t *at = to;
    while (size) {
        struct pollfd ready = {.fd = r->from, .events = POLLIN};
        int const n = poll(&ready, 1, HEED_MS);
        if (r->job.stop && r->job.stop())
            return HEARD_STOP;
        if (n <= 0)
            continue;
        ssize_t const got = read(r->from, at, size);
        if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
            return HEARD_END;
        at += got > 0 ? got : 0;
        size -= got > 0 ? (size_t)got : 0;
    }
    return HEARD_ALL;
}

/* A head, its sentence into *e, the rest into *rest. A process that says more than it may hold has lost its mind: it counts as dead. */
static enum heard reply_hear(const struct reader *r, struct head *h, struct buffer *rest, struct error *e)
{
    enum heard heard = hear(r, h, sizeof *h);
    if (heard != HEARD_ALL)
        return heard;
    if (h->sentence >= sizeof e->text || h->sentence > h->size || h->size > r->job.options->memory_limit)
        return HEARD_END;
    *e = (struct error){.code = h->code};
    heard = hear(r, e->text, h->sentence);
    *rest = (struct buffer){.size = h->size - h->sentence};
    rest->data = heard == HEARD_ALL ? xalloc(rest->size + 1, 1) : NULL;
    if (heard == HEARD_ALL)
        heard = hear(r, rest->data, rest->size);
    if (heard != HEARD_ALL)
        buffer_free(rest);
    return heard;
}

static int list_read(struct reader_list *list, struct buffer *bytes)
{
    size_t zeros = 0, at = sizeof list->run;
    *list = (struct reader_list){.texts = (char *)bytes->data};
    if (bytes->size < at)
        return -1;
    memcpy(&list->run, bytes->data, sizeof list->run);
    for (size_t i = at; i < bytes->size; i++)
        zeros += bytes->data[i] == 0;
    list->count = zeros / 2;
    list->scan = xalloc(list->count + 1, sizeof *list->scan);
    for (size_t i = 0; i < list->count; i++) {
        list->scan[i].label = list->texts + at;
        at += strlen(list->texts + at) + 1;
        list->scan[i].source = list->texts + at;
        at += strlen(list->texts + at) + 1;
    }
    *bytes = (struct buffer){0};
    return 0;
}

void reader_list_free(struct reader_list *l)
{
    free(l->scan);
    free(l->texts);
    *l = (struct reader_list){0};
}

/* The file it died of goes on the list of those to be passed over. -1: it is there already, or not known. */
static int avoid_add(struct reader *r, const char *how, struct error *e)
{
    r->looking_at[PAGE - 1] = '\0';
    if (!*r->looking_at)
        return fail_as(e, EX_SOFTWARE, "looking for scans %s", how);
    for (size_t i = 0; i < r->avoid.count; i++)
        if (strcmp(r->avoid.name[i], r->looking_at) == 0)
            return fail(e, "'%s' %s: it is damaged in a way that no check here knows", r->looking_at, how);
    r->avoid.name = xresize(r->avoid.name, r->avoid.count + 1, sizeof *r->avoid.name);
    r->avoid.name[r->avoid.count++] = xstrdup(r->looking_at);
    return 0;
}

enum reader_outcome reader_find(struct reader *r, struct reader_list *list, struct error *e)
{
    struct head h;
    struct buffer rest = {0};
    char how[100];
    *list = (struct reader_list){0};
    enum heard heard;
    while ((heard = reply_hear(r, &h, &rest, e)) == HEARD_END) {
        if (process_end(r, how, sizeof how) && avoid_add(r, how, e) < 0)
            return READER_FAILED;
        process_start(r, false);
    }
    if (heard == HEARD_STOP)
        return READER_STOPPED;
    if (h.reply != REPLY_LIST || list_read(list, &rest) < 0) {
        buffer_free(&rest);
        return READER_FAILED;
    }
    return READER_READ;
}

/* Another process takes its place, which must have found the same. What it was reading is refused by name if it died of that
 * (REFUSED), and is to be read again (READ) if it was killed from outside. */
static enum reader_outcome process_replace(struct reader *r, const struct reader_list *list, size_t index,
                                           struct buffer *out, struct error *e)
{
    struct reader_list again;
    struct refusal_message told = {.code = EX_DATAERR};
    char how[100];
    bool const died_of_it = process_end(r, how, sizeof how);
    process_start(r, false);
    enum reader_outcome outcome = reader_find(r, &again, e);
    bool const same = outcome == READER_READ && again.run == list->run && again.count == list->count;
    reader_list_free(&again);
    if (outcome == READER_STOPPED)
        return outcome;
    if (!same) {
        if (outcome == READER_READ)
            fail_as(e, EX_TEMPFAIL, "the scans changed while they were read: run it again");
        return READER_FAILED;
    }
    *e = (struct error){0};
    if (!died_of_it) {
        log_note("'%s' %s: it is read again", list->scan[index].label, how);
        return READER_READ;
    }
    r->lost = 0;
    fail(e, "'%s' %s: it is damaged in a way that no check here knows", list->scan[index].label, how);
    format_into(told.scan, sizeof told.scan, "%.*s", (int)sizeof told.scan - 1, list->scan[index].source);
    format_into(told.stage, sizeof told.stage, "load");
    format_into(told.sentence, sizeof told.sentence, "it %s: it is damaged in a way that no check here knows", how);
    refusal_message_encode(&told, out);
    return READER_REFUSED;
}

enum reader_outcome reader_scan(struct reader *r, const struct reader_list *list, size_t index, struct buffer *out,
                                struct error *e)
{
    struct head h = {0};
    uint64_t const wanted = index;
    for (;;) {
        *out = (struct buffer){0};
        bool const asked = write(r->to, &wanted, sizeof wanted) == sizeof wanted; /* if not, it is dead */
        enum heard const heard = asked ? reply_hear(r, &h, out, e) : HEARD_END;
        if (heard == HEARD_STOP)
            return READER_STOPPED;
        if (heard == HEARD_ALL)
            break;
        enum reader_outcome const outcome = process_replace(r, list, index, out, e);
        if (outcome != READER_READ)
            return outcome;
    }
    r->lost = 0;
    return h.reply == REPLY_READ ? READER_READ : READER_REFUSED;
}
