/* SPDX-License-Identifier: Apache-2.0 */
/* log -- what people read on stderr: notes, warnings, events, the last line.   common
 * Progress is in progress.c. */
#include "common/log_line.h"
#include "common/utf8.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct log_state log_state = {.lock = PTHREAD_MUTEX_INITIALIZER};

void log_open(bool quiet, bool json)
{
    log_state.quiet = quiet;
    log_state.json = json;
    log_state.terminal = !json && isatty(STDERR_FILENO);
    log_state.opened_s = now_s();
    log_state.told = NULL;
    metric_open();
}

/* ---- text ---- */

PRINTF_LIKE(1, 0) static char *text_of(const char *format, va_list arguments)
{
    char *text = NULL;
    if (vasprintf(&text, format, arguments) < 0)
        die(EX_OSERR, "no memory for a line of text");
    return text;
}

void put_quoted(FILE *to, const char *text, size_t length)
{
    putc('"', to);
    for (size_t i = 0, step; i < length; i += step) {
        unsigned char c = (unsigned char)text[i];
        size_t const whole = utf8_character(text + i, length - i);
        step = whole ? whole : 1;
        if (c == '"' || c == '\\')
            fprintf(to, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", to);
        else if (c < 0x20 || c == 0x7f)
            fprintf(to, "\\u%04x", c);
        else if (whole)
            fwrite(text + i, 1, whole, to);
        else
            fprintf(to, "\\\\x%02x", c); /* as utf8_put has it */
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

/* ---- lines ---- */

void line_begin(struct line *l)
{
    l->to = open_memstream(&l->text, &l->size);
    if (!l->to)
        die(EX_OSERR, "no memory for a line of text");
}

void line_end(struct line *l)
{
    fputc('\n', l->to);
    fclose(l->to);
    if (log_state.drawn)
        fputs("\r\033[K", stderr);
    char *clean = NULL;
    size_t size = 0;
    FILE *to = utf8_valid(l->text) ? NULL : open_memstream(&clean, &size);
    if (to) { /* a file's name may be anything; a log is UTF-8 */
        utf8_put(to, l->text, l->size);
        fclose(to);
    }
    fwrite(to ? clean : l->text, 1, to ? size : l->size, stderr);
    free(clean);
    if (log_state.drawn)
        progress_draw(log_state.drawn);
    free(l->text);
}

void put_head(FILE *to, const char *what, const char *value)
{
    if (log_state.json) {
        fputs("{\"program\":", to);
        put_quoted(to, program_name(), strlen(program_name()));
        fprintf(to, ",\"%s\":\"%s\"", what, value);
    } else {
        fprintf(to, "program=%s %s=%s", program_name(), what, value);
    }
}

/* To whoever watches the run. */
static void tell(const char *name, const struct metric_pair *pair, size_t pairs)
{
    pthread_mutex_lock(&log_state.lock);
    metric_event(name, pair, pairs);
    pthread_mutex_unlock(&log_state.lock);
}

/* One of the few ways people read numbers here: "%.0f" to "%.6g". */
static void put_number(FILE *to, const char *format, double number)
{
    size_t const length = format ? strlen(format) : 0;
    int const digits = length == 4 && format[1] == '.' && isdigit((unsigned char)format[2]) ? format[2] - '0' : 15;
    if (length == 4 && format[3] == 'f')
        fprintf(to, "%.*f", digits, number);
    else
        fprintf(to, "%.*g", digits, number);
}

static void say(const char *level, const char *text)
{
    pthread_mutex_lock(&log_state.lock);
    struct line l;
    line_begin(&l);
    if (log_state.terminal) {
        fprintf(l.to, "%s: %s%s", program_name(), strcmp(level, "warning") ? "" : "warning: ", text);
    } else {
        put_head(l.to, "level", level);
        fputs(log_state.json ? ",\"text\":" : " text=", l.to);
        put_quoted(l.to, text, strlen(text));
        fputs(log_state.json ? "}" : "", l.to);
    }
    line_end(&l);
    pthread_mutex_unlock(&log_state.lock);
}

/* Without names of files, where stderr is a log. */
static void say_hidden(const char *level, const char *text)
{
    char *said = text_said(text, false);
    say(level, said);
    free(said);
}

void log_note(const char *format, ...)
{
    if (log_state.quiet)
        return;
    va_list arguments;
    va_start(arguments, format);
    char *text = text_of(format, arguments);
    va_end(arguments);
    say_hidden("note", text);
    free(text);
}

void log_warn(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = text_of(format, arguments);
    va_end(arguments);
    say_hidden("warning", text);
    char *told = text_record(text);
    tell("warning", &(struct metric_pair){.key = "text", .text = told}, 1);
    free(told);
    free(text);
}

void log_refused(const char *scan, const char *sentence)
{
    const struct metric_pair pair[] = {metric_text("scan", scan), metric_text("text", sentence)};
    char *text = xprintf("refused '%s': %s", scan, sentence), *said = text_said(text, true);
    say("warning", said);
    tell("refused", pair, COUNT_OF(pair));
    free(said);
    free(text);
}

/* "scan=a.nii regions=3 how=\"two words\"" */
static char *pairs_text(const struct metric_pair *pair, size_t pairs)
{
    struct line l;
    line_begin(&l);
    for (size_t i = 0; i < pairs; i++) {
        const struct metric_pair *p = &pair[i];
        fprintf(l.to, "%s%s=", i ? " " : "", p->key);
        if (p->text && *p->text && !strpbrk(p->text, " \"\\\n="))
            fputs(p->text, l.to);
        else if (p->text)
            put_quoted(l.to, p->text, strlen(p->text));
        else
            put_number(l.to, p->format, p->number);
    }
    fclose(l.to);
    return l.text;
}

void log_record_of(const char *event, const struct metric_pair *pair, size_t pairs)
{
    char *text = pairs_text(pair, pairs);
    log_event(event, "%s", text);
    tell(event, pair, pairs);
    free(text);
}

void log_event(const char *event, const char *format, ...)
{
    if (log_state.quiet)
        return;
    va_list arguments;
    va_start(arguments, format);
    char *pairs = text_of(format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&log_state.lock);
    struct line l;
    line_begin(&l);
    if (log_state.terminal) {
        fprintf(l.to, "%s: %s %s", program_name(), event, pairs);
    } else {
        put_head(l.to, "event", event);
        if (log_state.json) {
            put_pairs_json(l.to, pairs);
            fputc('}', l.to);
        } else {
            fprintf(l.to, " %s", pairs);
        }
    }
    line_end(&l);
    pthread_mutex_unlock(&log_state.lock);
    free(pairs);
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
    double seconds = now_s() - log_state.opened_s;
    uint64_t bytes = peak_memory_bytes();
    struct line last;
    line_begin(&last);
    fprintf(last.to, "%s %s: %s, ", program_name(), program_version(), text);
    fprintf(last.to, seconds < 10 ? "%.1f s, " : "%.0f s, ", seconds);
    put_bytes(last.to, (double)bytes);
    fclose(last.to);
    tell("end", &(struct metric_pair){.key = "text", .text = last.text}, 1);
    if (!log_state.quiet || tells_refusals(text)) {
        pthread_mutex_lock(&log_state.lock);
        struct line l;
        line_begin(&l);
        if (log_state.json) {
            put_head(l.to, "event", "end");
            fprintf(l.to, ",\"version\":\"%s\",\"text\":", program_version());
            put_quoted(l.to, text, strlen(text));
            fprintf(l.to, ",\"wall_s\":%.3f,\"peak_bytes\":%llu}", seconds, (unsigned long long)bytes);
        } else {
            fputs(last.text, l.to);
        }
        line_end(&l);
        pthread_mutex_unlock(&log_state.lock);
    }
    free(last.text);
    free(text);
}
