/* SPDX-License-Identifier: Apache-2.0 */
/* stage -- the two ends of a stage: options every stage shares, take, give, acknowledge, close.   stages
 *
 *     struct stage st;
 *     stage_open(&st, ...);
 *     while (stage_take(&st, &item)) { ... make out from item.bytes ...; stage_give(&st, &item, &out); }
 *     return stage_close(&st, "%zu scans", n);
 *
 * A library the loop calls; it dies (through die_hook: the pipeline stops with its sentence) on what a stage cannot
 * go on from. On SIGTERM or SIGINT, or when the pipeline's shell (PETREL_PARENT) is gone, the next call gives back what
 * was leased and leaves with EX_TEMPFAIL. */
#ifndef PETREL_STAGES_STAGE_H
#define PETREL_STAGES_STAGE_H
#include "common/opts.h"
#include "proto/channel.h"
#include "proto/message.h"

struct stage_options {
    const char *run;       /* --run DIR, default PETREL_RUN_DIR */
    const char *in, *out;  /* --in NAME, --out NAME (a source: --channel-out, which any giver understands) */
    const char *transport; /* ipc|tcp */
    int64_t credits, window;
    double silence_s;
    bool anew; /* a source that knows its streams are not over: an earlier run's ends are taken away */
};
struct stage {
    const char *name;
    struct stage_options options;
    struct taker *taker; /* NULL: a source */
    struct giver *giver; /* NULL: a sink */
    uint64_t given, taken, refused;
    double wait_in_s, wait_out_s; /* for something to do, and for room to give it */
    struct arrived *arrived;      /* stage_arrived */
};

void stage_defaults(struct stage_options *o);
/* Rows for --run, --in, --out (as named), --transport, --credits, --window, --silence. in_name/out_name: default channel
 * names, NULL when the stage has no such end. Returns rows added, at most STAGE_OPTION_ROWS. */
enum { STAGE_OPTION_ROWS = 8 };
size_t stage_option_rows(struct stage_options *o, const char *in_name, const char *out_name, struct option *table,
                         size_t room);
void stage_open(struct stage *st, const char *name, const struct stage_options *o, bool has_in, bool has_out);
/* false: END. Waits as long as it takes; meanwhile passes acknowledgements upstream. */
bool stage_take(struct stage *st, struct taken *item);
/* Give what was made of `item` under its key; takes *out; the item is acknowledged upstream when out is, downstream.
 * Frees item->bytes. */
void stage_give(struct stage *st, struct taken *item, struct buffer *out);
/* A source gives under a key of its own making. */
void stage_give_new(struct stage *st, struct item_key key, struct buffer *out);
/* The item was bad: pass a refusal down in its place. `scan` names it for people. A source makes an item that has
 * nothing but a key. */
void stage_refuse(struct stage *st, struct taken *item, const char *scan, const struct error *e);
/* If the item is itself a refusal, pass it on unchanged (a sink: count it and be done with it) and return true. */
bool stage_pass_refusal(struct stage *st, struct taken *item);
/* A sink has published what the item asked for. Frees item->bytes. */
void stage_done(struct stage *st, struct taken *item);
/* A source that was killed and runs again may ask what need not be made again: true if the item of this key arrived for
 * good earlier in this run. The first call, made before anything is given, opens the list of what arrived
 * (RUN/channels/NAME.arrived); without it none is kept. */
bool stage_arrived(struct stage *st, struct item_key key);
/* Dies of what a channel reports. That the run directory is another run's by now (EX_TEMPFAIL) is not told to that run. */
_Noreturn void stage_die_of_channel(const struct error *e);
/* A signal asks to leave, or the pipeline is gone: for loops that do not call stage_take often. */
bool stage_stop_wanted(void);
/* Leave for that reason: what was leased is given back; exits with EX_TEMPFAIL. */
_Noreturn void stage_leave(struct stage *st);
/* END downstream once all is acknowledged; prints the last line; returns EX_OK or EX_DATAERR if anything was refused here. */
int stage_close(struct stage *st, const char *format, ...) PRINTF_LIKE(2, 3);
#endif
