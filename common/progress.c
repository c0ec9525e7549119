/* SPDX-License-Identifier: Apache-2.0 */
/* progress -- bars on a terminal, lines in a log, files for a pipeline that draws the bars of all.   common */
#include "common/log_line.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const double TERMINAL_EVERY_S = 0.2, LINES_EVERY_S = 5, FILE_EVERY_S = 0.2, PULSE_EVERY_S = 0.5;
static double told_s;

/* Per second since this process began; 0 before anything was done. */
static double rate_of(const struct progress *p)
{
    double seconds = now_s() - p->begun_s;
    return p->done > p->first && seconds > 0 ? (double)(p->done - p->first) / seconds : 0;
}

/* Seconds to go; -1: not known. */
static double eta_of(const struct progress *p)
{
    double rate = rate_of(p);
    if (p->total && p->done >= p->total)
        return 0;
    return p->total && rate > 0 ? (double)(p->total - p->done) / rate : -1;
}

static void put_duration(FILE *to, double seconds)
{
    long s = (long)(seconds + 0.5);
    if (s < 60)
        fprintf(to, "%ld s", s);
    else if (s < 3600)
        fprintf(to, "%ld min %02ld s", s / 60, s % 60);
    else
        fprintf(to, "%ld h %02ld min", s / 3600, s % 3600 / 60);
}

static size_t terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

/* "load [########............] 45/177 scans 3.2/s eta 41 s  a.nii.gz", cut to the terminal's width. */
void progress_draw(const struct progress *p)
{
    enum { BAR = 20 };
    struct line l;
    line_begin(&l);
    fprintf(l.to, "%s ", p->title);
    if (p->total) {
        uint64_t full = p->done >= p->total ? BAR : (uint64_t)((double)p->done / (double)p->total * BAR);
        fputc('[', l.to);
        for (uint64_t i = 0; i < BAR; i++)
            fputc(i < full ? '#' : '.', l.to);
        fprintf(l.to, "] %llu/%llu %s", (unsigned long long)p->done, (unsigned long long)p->total, p->unit);
    } else {
        fprintf(l.to, "%llu %s", (unsigned long long)p->done, p->unit);
    }
    double rate = rate_of(p), eta = eta_of(p);
    if (rate > 0)
        fprintf(l.to, rate < 10 ? " %.2g/s" : " %.0f/s", rate);
    if (eta >= 0) {
        fputs(" eta ", l.to);
        put_duration(l.to, eta);
    }
    if (p->text[0])
        fprintf(l.to, "  %s", p->text);
    fclose(l.to);
    size_t columns = terminal_columns() - 1; /* the last column would wrap */
    fprintf(stderr, "\r\033[K%.*s", (int)columns, l.text);
    fflush(stderr);
    free(l.text);
}

static void tell(const struct progress *p)
{
    const struct metric_pair pair[] = {
        metric_text("title", p->title),
        metric_text("unit", p->unit),
        metric_number("done", NULL, (double)p->done),
        metric_number("total", NULL, (double)p->total),
        metric_number("first", NULL, (double)p->first),
        metric_number("rate", NULL, rate_of(p)),
        metric_number("eta_s", NULL, eta_of(p)),
        metric_text("text", p->text),
    };
    metric_state("progress", pair, COUNT_OF(pair));
    told_s = now_s();
}

static void write_line(const struct progress *p)
{
    struct line l;
    line_begin(&l);
    double rate = rate_of(p), eta = eta_of(p);
    put_head(l.to, "event", "progress");
    fprintf(l.to, log_state.json ? ",\"title\":" : " title=");
    put_quoted(l.to, p->title, strlen(p->title));
    fprintf(l.to,
            log_state.json ? ",\"done\":%llu,\"total\":%llu,\"unit\":\"%s\",\"rate\":%.6g,\"eta_s\":%.0f"
                           : " done=%llu total=%llu unit=%s rate=%.6g eta_s=%.0f",
            (unsigned long long)p->done, (unsigned long long)p->total, p->unit, rate, eta);
    if (p->text[0]) {
        fputs(log_state.json ? ",\"text\":" : " text=", l.to);
        put_quoted(l.to, p->text, strlen(p->text));
    }
    fputs(log_state.json ? "}" : "", l.to);
    line_end(&l);
}

static void show(struct progress *p)
{
    pthread_mutex_lock(&log_state.lock);
    if (metric_watched()) {
        log_state.told = p;
        tell(p);
    } else if (log_state.terminal && !log_state.quiet) {
        log_state.drawn = p;
        progress_draw(p);
    } else if (!log_state.quiet) {
        write_line(p);
    }
    pthread_mutex_unlock(&log_state.lock);
}

static double show_every_s(void)
{
    return metric_watched() ? FILE_EVERY_S : log_state.terminal ? TERMINAL_EVERY_S : LINES_EVERY_S;
}

void progress_begin(struct progress *p, const char *title, const char *unit, uint64_t first, uint64_t total)
{
    *p = (struct progress){.title = title, .unit = unit, .done = first, .first = first, .total = total};
    p->begun_s = p->drawn_s = now_s();
    /* plain lines wait: most runs are over before the first is due */
    if (metric_watched() || log_state.terminal)
        show(p);
}

void progress_update(struct progress *p, uint64_t done, const char *format, ...)
{
    p->done = done;
    double now = now_s();
    if (now - p->drawn_s < show_every_s())
        return;
    p->drawn_s = now;
    p->text[0] = '\0';
    if (format) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(p->text, sizeof p->text, format, arguments);
        va_end(arguments);
        for (char *c = p->text; *c; c++)
            if (iscntrl((unsigned char)*c))
                *c = ' ';
    }
    show(p);
}

void progress_end(struct progress *p)
{
    p->text[0] = '\0';
    if (metric_watched() || (!log_state.terminal && p->drawn_s > p->begun_s))
        show(p);
    pthread_mutex_lock(&log_state.lock);
    if (log_state.told == p)
        log_state.told = NULL;
    if (log_state.drawn == p) {
        fputs("\r\033[K", stderr);
        log_state.drawn = NULL;
    }
    pthread_mutex_unlock(&log_state.lock);
}

void progress_pulse(void)
{
    pthread_mutex_lock(&log_state.lock);
    if (log_state.told && now_s() - told_s >= PULSE_EVERY_S)
        tell(log_state.told);
    pthread_mutex_unlock(&log_state.lock);
}
