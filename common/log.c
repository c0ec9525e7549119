/* log -- what people read on stderr: notes, warnings, progress, the last line.   common */
#include "common/log.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const double TERMINAL_EVERY_S = 0.2, LINES_EVERY_S = 5, FILE_EVERY_S = 0.2;

/* One lock: a stage's channel thread may warn while its main thread draws. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool quiet, json, terminal;
static double opened_s;
static char *progress_file;          /* under PETREL_PROGRESS_DIR; NULL: progress goes to stderr */
static const struct progress *drawn; /* the bar now on the terminal */

static void draw_bar(const struct progress *p);

void log_open(bool be_quiet, bool be_json)
{
    quiet = be_quiet;
    json = be_json;
    terminal = !json && isatty(STDERR_FILENO);
    opened_s = now_s();
    free(progress_file);
    progress_file = NULL;
    const char *dir = getenv("PETREL_PROGRESS_DIR");
    if (dir && *dir)
        progress_file = xprintf("%s/%s.%d", dir, program_name(), (int)getpid());
}

/* ---- text ---- */

PRINTF_LIKE(1, 0) static char *text_of(const char *format, va_list arguments)
{
    char *text = NULL;
    if (vasprintf(&text, format, arguments) < 0)
        die(EX_OSERR, "no memory for a line of text");
    return text;
}

/* In double quotes, escaped as JSON wants it; UTF-8 passes through. */
static void put_quoted(FILE *to, const char *text, size_t length)
{
    putc('"', to);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            fprintf(to, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", to);
        else if (c < 0x20 || c == 0x7f)
            fprintf(to, "\\u%04x", c);
        else
            putc(c, to);
    }
    putc('"', to);
}

/* JSON's grammar for numbers: "12", "-0.5", "1e-3"; not "007", "0x10", "1." or "nan". */
static bool is_number(const char *s, size_t length)
{
    size_t i = 0;
    if (i < length && s[i] == '-')
        i++;
    size_t whole = i;
    while (i < length && isdigit((unsigned char)s[i]))
        i++;
    if (i == whole || (s[whole] == '0' && i > whole + 1))
        return false;
    if (i < length && s[i] == '.') {
        size_t decimals = ++i;
        while (i < length && isdigit((unsigned char)s[i]))
            i++;
        if (i == decimals)
            return false;
    }
    if (i < length && (s[i] == 'e' || s[i] == 'E')) {
        i++;
        if (i < length && (s[i] == '+' || s[i] == '-'))
            i++;
        size_t digits = i;
        while (i < length && isdigit((unsigned char)s[i]))
            i++;
        if (i == digits)
            return false;
    }
    return i == length;
}

/* "scan=a.nii suvmax=7.5 why=\"no weight\"" -> ,"scan":"a.nii","suvmax":7.5,"why":"no weight" */
static void put_pairs_json(FILE *to, const char *pairs)
{
    for (const char *c = pairs + strspn(pairs, " "); *c; c += strspn(c, " ")) {
        size_t key = strcspn(c, "= ");
        fputc(',', to);
        put_quoted(to, c, key);
        fputc(':', to);
        c += key;
        if (*c != '=') {
            fputs("true", to);
            continue;
        }
        c++;
        const char *closing = *c == '"' ? strchr(c + 1, '"') : NULL;
        size_t length = closing ? (size_t)(closing - c + 1) : strcspn(c, " ");
        if (closing)
            put_quoted(to, c + 1, length - 2);
        else if (is_number(c, length))
            fwrite(c, 1, length, to);
        else
            put_quoted(to, c, length);
        c += length;
    }
}

/* ---- lines: each is composed first and written at once, so that stages sharing a stderr do not mix theirs ---- */

struct line {
    FILE *to;
    char *text;
    size_t size;
};

/* The stream writes into *l, so *l must stay where it is. */
static void line_begin(struct line *l)
{
    l->to = open_memstream(&l->text, &l->size);
    if (!l->to)
        die(EX_OSERR, "no memory for a line of text");
}

static void line_end(struct line *l)
{
    fputc('\n', l->to);
    fclose(l->to);
    if (drawn)
        fputs("\r\033[K", stderr);
    fwrite(l->text, 1, l->size, stderr);
    if (drawn)
        draw_bar(drawn);
    free(l->text);
}

/* {"program":"petrel-roi","level":"note" or program=petrel-roi level=note */
static void put_head(FILE *to, const char *what, const char *value)
{
    if (json) {
        fputs("{\"program\":", to);
        put_quoted(to, program_name(), strlen(program_name()));
        fprintf(to, ",\"%s\":\"%s\"", what, value);
    } else {
        fprintf(to, "program=%s %s=%s", program_name(), what, value);
    }
}

static void say(const char *level, const char *text)
{
    pthread_mutex_lock(&lock);
    struct line l;
    line_begin(&l);
    if (terminal) {
        fprintf(l.to, "%s: %s%s", program_name(), strcmp(level, "warning") ? "" : "warning: ", text);
    } else {
        put_head(l.to, "level", level);
        fputs(json ? ",\"text\":" : " text=", l.to);
        put_quoted(l.to, text, strlen(text));
        fputs(json ? "}" : "", l.to);
    }
    line_end(&l);
    pthread_mutex_unlock(&lock);
}

void log_note(const char *format, ...)
{
    if (quiet)
        return;
    va_list arguments;
    va_start(arguments, format);
    char *text = text_of(format, arguments);
    va_end(arguments);
    say("note", text);
    free(text);
}

void log_warn(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = text_of(format, arguments);
    va_end(arguments);
    say("warning", text);
    free(text);
}

void log_event(const char *event, const char *format, ...)
{
    if (quiet)
        return;
    va_list arguments;
    va_start(arguments, format);
    char *pairs = text_of(format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&lock);
    struct line l;
    line_begin(&l);
    if (terminal) {
        fprintf(l.to, "%s: %s %s", program_name(), event, pairs);
    } else {
        put_head(l.to, "event", event);
        if (json) {
            put_pairs_json(l.to, pairs);
            fputc('}', l.to);
        } else {
            fprintf(l.to, " %s", pairs);
        }
    }
    line_end(&l);
    pthread_mutex_unlock(&lock);
    free(pairs);
}

/* ---- progress ---- */

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
static void draw_bar(const struct progress *p)
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

/* Published by rename, so that no reader sees half a line; not fsynced: it is worth nothing after a crash. */
static void write_file(const struct progress *p)
{
    char *temporary = xprintf("%s.tmp", progress_file);
    FILE *to = fopen(temporary, "we");
    if (to) {
        fprintf(to, "%llu %llu %s %.6g %.0f %s\n", (unsigned long long)p->done, (unsigned long long)p->total, p->unit,
                rate_of(p), eta_of(p), p->text);
        if (fclose(to) == 0)
            rename(temporary, progress_file);
    }
    free(temporary);
}

static void write_line(const struct progress *p)
{
    struct line l;
    line_begin(&l);
    double rate = rate_of(p), eta = eta_of(p);
    put_head(l.to, "event", "progress");
    fprintf(l.to, json ? ",\"title\":" : " title=");
    put_quoted(l.to, p->title, strlen(p->title));
    fprintf(l.to, json ? ",\"done\":%llu,\"total\":%llu,\"unit\":\"%s\",\"rate\":%.6g,\"eta_s\":%.0f"
                       : " done=%llu total=%llu unit=%s rate=%.6g eta_s=%.0f",
            (unsigned long long)p->done, (unsigned long long)p->total, p->unit, rate, eta);
    if (p->text[0]) {
        fputs(json ? ",\"text\":" : " text=", l.to);
        put_quoted(l.to, p->text, strlen(p->text));
    }
    fputs(json ? "}" : "", l.to);
    line_end(&l);
}

static void show(struct progress *p)
{
    pthread_mutex_lock(&lock);
    if (progress_file) {
        write_file(p);
    } else if (terminal && !quiet) {
        drawn = p;
        draw_bar(p);
    } else if (!quiet) {
        write_line(p);
    }
    pthread_mutex_unlock(&lock);
}

static double show_every_s(void)
{
    return progress_file ? FILE_EVERY_S : terminal ? TERMINAL_EVERY_S : LINES_EVERY_S;
}

void progress_begin(struct progress *p, const char *title, const char *unit, uint64_t first, uint64_t total)
{
    *p = (struct progress){.title = title, .unit = unit, .done = first, .first = first, .total = total};
    p->begun_s = p->drawn_s = now_s();
    if (progress_file || terminal) /* plain lines wait: most runs are over before the first is due */
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
    if (progress_file || (!terminal && p->drawn_s > p->begun_s))
        show(p);
    pthread_mutex_lock(&lock);
    if (drawn == p) {
        fputs("\r\033[K", stderr);
        drawn = NULL;
    }
    pthread_mutex_unlock(&lock);
}

/* ---- the last line ---- */

/* Does the sentence count refusals ("2 refused", not "0 refused")? */
static bool tells_refusals(const char *text)
{
    for (const char *c = text; *c; c++)
        if (isdigit((unsigned char)*c)) {
            char *end;
            unsigned long long count = strtoull(c, &end, 10);
            if (strncmp(end, " refused", 8) == 0)
                return count > 0;
            c = end - 1;
        }
    return false;
}

static void put_bytes(FILE *to, double bytes)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t u = 0;
    for (; bytes >= 1000 && u + 1 < COUNT_OF(unit); u++)
        bytes /= 1024;
    fprintf(to, bytes < 10 && u ? "%.1f %s" : "%.0f %s", bytes, unit[u]);
}

void log_last(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = text_of(format, arguments);
    va_end(arguments);
    double seconds = now_s() - opened_s;
    uint64_t bytes = peak_memory_bytes();
    if (!quiet || tells_refusals(text)) {
        pthread_mutex_lock(&lock);
        struct line l;
        line_begin(&l);
        if (json) {
            put_head(l.to, "event", "end");
            fprintf(l.to, ",\"version\":\"%s\",\"text\":", program_version());
            put_quoted(l.to, text, strlen(text));
            fprintf(l.to, ",\"wall_s\":%.3f,\"peak_bytes\":%llu}", seconds, (unsigned long long)bytes);
        } else {
            fprintf(l.to, "%s %s: %s, ", program_name(), program_version(), text);
            fprintf(l.to, seconds < 10 ? "%.1f s, " : "%.0f s, ", seconds);
            put_bytes(l.to, (double)bytes);
        }
        line_end(&l);
        pthread_mutex_unlock(&lock);
    }
    free(text);
}
