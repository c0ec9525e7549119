/* SPDX-License-Identifier: Apache-2.0 */
/* stage -- the two ends of a stage: options every stage shares, take, give, acknowledge, close.   stages */
#include "stages/stage.h"

#include "common/log.h"
#include "common/pseudonym.h"
#include "proto/arrived.h"
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Seconds the stage waits before it looks whether it should leave. */
static const double HEED_S = 0.25;

static const char *run_dir; /* for the hook */
static volatile sig_atomic_t signalled;

/* ---- options ---- */

void stage_defaults(struct stage_options *o)
{
    struct channel_options c;
    channel_defaults(&c);
    *o = (struct stage_options){
        .run = getenv("PETREL_RUN_DIR"),
        .transport = c.transport,
        .credits = c.credits,
        .window = c.window,
        .silence_s = c.silence_s,
    };
}

size_t stage_option_rows(struct stage_options *o, const char *in_name, const char *out_name, struct option *table,
                         size_t room)
{
    struct option row[STAGE_OPTION_ROWS];
    size_t n = 0;
    row[n++] = (struct option){.name = "run",
                               .kind = OPT_STRING,
                               .value = &o->run,
                               .argument = "DIR",
                               .help = "run directory, where channels find each other (default PETREL_RUN_DIR)"};
    if (in_name) {
        o->in = in_name;
        row[n++] = (struct option){
            .name = "in", .kind = OPT_STRING, .value = &o->in, .argument = "NAME", .help = "channel to take from"};
        row[n++] = (struct option){.name = "credits",
                                   .kind = OPT_INT,
                                   .value = &o->credits,
                                   .argument = "N",
                                   .low = 1,
                                   .high = 64,
                                   .help = "items sent ahead of the one worked on"};
    }
    if (out_name) {
        o->out = out_name;
        if (in_name)
            row[n++] = (struct option){
                .name = "out", .kind = OPT_STRING, .value = &o->out, .argument = "NAME", .help = "channel to give to"};
        row[n++] = (struct option){.name = "channel-out",
                                   .kind = OPT_STRING,
                                   .value = &o->out,
                                   .argument = "NAME",
                                   .help = "channel to give to",
                                   .flags = in_name ? OPT_HIDDEN : 0};
        row[n++] = (struct option){.name = "window",
                                   .kind = OPT_INT,
                                   .value = &o->window,
                                   .argument = "N",
                                   .low = 1,
                                   .high = 4096,
                                   .help = "items given that may be on their way at once"};
        row[n++] = (struct option){.name = "transport",
                                   .kind = OPT_CHOICE,
                                   .value = &o->transport,
                                   .argument = "ipc|tcp",
                                   .help = "ipc on one machine, tcp (encrypted) between machines"};
    }
    row[n++] = (struct option){.name = "silence",
                               .kind = OPT_REAL,
                               .value = &o->silence_s,
                               .argument = "S",
                               .low = 0.5,
                               .high = 3600,
                               .help = "seconds after which a silent peer counts as gone"};
    assert(n <= room);
    for (size_t i = 0; i < n; i++) {
        row[i].group = "Channels";
        table[i] = row[i];
    }
    return n;
}

/* ---- leaving ---- */

static void on_signal(int number)
{
    (void)number;
    signalled = 1;
}

static void on_death(int code, const char *sentence)
{
    run_fail(run_dir, code, sentence);
}

/* PETREL_PARENT is PID@HOST of the pipeline's shell: if that was killed, nobody would ever stop us. */
static bool parent_gone(void)
{
    const char *parent = getenv("PETREL_PARENT");
    char *at, host[65] = "";
    if (!parent)
        return false;
    long pid = strtol(parent, &at, 10);
    gethostname(host, sizeof host - 1);
    return pid > 0 && *at == '@' && strcmp(at + 1, host) == 0 && kill((pid_t)pid, 0) && errno == ESRCH;
}

bool stage_stop_wanted(void)
{
    return signalled || parent_gone();
}

void stage_leave(struct stage *st)
{
    giver_close(&st->giver);
    taker_close(&st->taker);
    arrived_close(&st->arrived);
    log_warn("stopped: %s; run it again to go on", signalled ? "a signal asked for it" : "the pipeline is gone");
    exit(EX_TEMPFAIL);
}

static void heed(struct stage *st)
{
    if (stage_stop_wanted())
        stage_leave(st);
}

_Noreturn void stage_die_of_channel(const struct error *e)
{
    if (e->code == EX_TEMPFAIL)
        die_hook(NULL);
    die_of(e);
}

/* ---- open ---- */

static void signals_set(void)
{
    struct sigaction ask = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ask.sa_mask);
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGTERM, &ask, NULL);
    sigaction(SIGINT, &ask, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

/* Whoever started this program by hand is told the names of files that petrel-load hid (common/pseudonym.h). */
static char *name_give_back(const char *text)
{
    struct pseudonyms p;
    struct error e = {0};
    char *path = pseudonyms_path(run_dir);
    if (pseudonyms_read(&p, path, &e)) /* then they stay hidden */
        p = (struct pseudonyms){0};
    free(path);
    char *said = pseudonyms_reveal(&p, text);
    pseudonyms_free(&p);
    return said;
}

void stage_open(struct stage *st, const char *name, const struct stage_options *o, bool has_in, bool has_out)
{
    struct error e = {0};
    struct channel_options c;
    *st = (struct stage){.name = name, .options = *o};
    if (!o->run || !*o->run)
        die(EX_USAGE, "no run directory: give --run DIR or set PETREL_RUN_DIR");
    run_dir = o->run;
    die_hook(on_death);
    if (has_in && !metric_watched())
        text_hook(name_give_back, TEXT_PEOPLE);
    signals_set();
    channel_defaults(&c);
    c.run_dir = o->run;
    c.transport = o->transport;
    c.credits = (int)o->credits;
    c.window = (int)o->window;
    c.silence_s = o->silence_s;
    c.heartbeat_s = o->silence_s / 6 < c.heartbeat_s ? o->silence_s / 6 : c.heartbeat_s;
    c.anew = o->anew;
    /* of a pipeline every end is this run's; by hand it may be an earlier one's, whose next source starts in a moment */
    c.stale_s = getenv("PETREL_PARENT") ? 0 : o->silence_s;
    c.name = o->in;
    if (has_in && taker_open(&st->taker, &c, &e))
        die_of(&e);
    c.name = o->out;
    if (has_out && giver_open(&st->giver, &c, &e))
        die_of(&e);
    if (has_in && has_out)
        giver_relay(st->giver, st->taker);
}

/* ---- items ---- */

/* Hear of what arrived, for timeout_s at most. */
static void hear_arrivals(struct stage *st, double timeout_s)
{
    struct error e = {0};
    struct item_key key;
    int got;
    while ((got = giver_acknowledged(st->giver, &key, timeout_s, &e)) == 1) {
        timeout_s = 0;
        if (st->arrived && arrived_note(st->arrived, key, &e))
            die_of(&e);
    }
    if (got < 0)
        stage_die_of_channel(&e);
}

static void waited(double *sum_s, const char *gauge, double begun_s)
{
    *sum_s += now_s() - begun_s;
    metric_gauge(gauge, *sum_s);
    progress_pulse();
}

bool stage_take(struct stage *st, struct taken *item)
{
    struct error e = {0};
    int got = 0;
    while (got == 0) {
        double const begun_s = now_s();
        heed(st);
        got = taker_take(st->taker, item, HEED_S, &e);
        if (st->giver)
            hear_arrivals(st, 0);
        waited(&st->wait_in_s, "wait_in_s", begun_s);
    }
    if (got < 0)
        stage_die_of_channel(&e);
    st->taken += got == 1;
    return got == 1;
}

void stage_give_new(struct stage *st, struct item_key key, struct buffer *out)
{
    struct error e = {0};
    /* waiting here and not in giver_put, a signal is heard */
    while (giver_pending(st->giver) >= (size_t)st->options.window) {
        double const begun_s = now_s();
        heed(st);
        hear_arrivals(st, HEED_S);
        waited(&st->wait_out_s, "wait_out_s", begun_s);
    }
    metric_gauge("window", (double)st->options.window);
    metric_gauge("pending", (double)giver_pending(st->giver));
    heed(st);
    hear_arrivals(st, 0);
    if (giver_put(st->giver, key, out, &e))
        stage_die_of_channel(&e);
    st->given++;
}

void stage_give(struct stage *st, struct taken *item, struct buffer *out)
{
    buffer_free(&item->bytes);
    stage_give_new(st, item->key, out);
}

void stage_refuse(struct stage *st, struct taken *item, const char *scan, const struct error *e)
{
    struct refusal_message m = {.code = e->code};
    struct buffer out = {0};
    snprintf(m.scan, sizeof m.scan, "%s", scan);
    snprintf(m.stage, sizeof m.stage, "%s", st->name);
    snprintf(m.sentence, sizeof m.sentence, "%s", e->text);
    log_refused(scan, e->text);
    st->refused++;
    if (!st->giver) {
        stage_done(st, item);
        return;
    }
    refusal_message_encode(&m, &out);
    stage_give(st, item, &out);
}

bool stage_pass_refusal(struct stage *st, struct taken *item)
{
    struct error e = {0};
    if (message_type_of(&item->bytes, &e) != MESSAGE_REFUSAL)
        return false;
    struct buffer out = item->bytes;
    item->bytes = (struct buffer){0};
    if (st->giver) {
        stage_give(st, item, &out);
    } else {
        buffer_free(&out);
        stage_done(st, item);
    }
    return true;
}

void stage_done(struct stage *st, struct taken *item)
{
    buffer_free(&item->bytes);
    taker_acknowledge(st->taker, item->lease);
}

bool stage_arrived(struct stage *st, struct item_key key)
{
    struct error e = {0};
    if (!st->arrived && arrived_open(&st->arrived, st->options.run, st->options.out, &e))
        die_of(&e);
    return arrived_has(st->arrived, key);
}

int stage_close(struct stage *st, const char *format, ...)
{
    struct error e = {0};
    char text[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (st->giver) {
        while (giver_pending(st->giver)) {
            heed(st);
            hear_arrivals(st, HEED_S);
        }
        hear_arrivals(st, 0);
        if (giver_end(st->giver, &e))
            stage_die_of_channel(&e);
    }
    giver_close(&st->giver);
    taker_close(&st->taker);
    arrived_close(&st->arrived);
    die_hook(NULL);
    if (st->refused)
        log_last("%s, %llu refused", text, (unsigned long long)st->refused);
    else
        log_last("%s", text);
    return st->refused ? EX_DATAERR : EX_OK;
}
