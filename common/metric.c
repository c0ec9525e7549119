/* SPDX-License-Identifier: Apache-2.0 */
/* metric -- records for whoever watches the run: writing.   common */
#include "common/metric.h"
#include "common/log_line.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { GAUGES = 16 };
static struct {
    char *state; /* path; NULL: nobody watches */
    int events;
    double began_s;
    size_t gauges;
    struct metric_pair gauge[GAUGES];
} my = {.events = -1};

static double wall_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void metric_open(void)
{
    const char *dir = getenv("PETREL_PROGRESS_DIR");
    if (my.events >= 0)
        close(my.events);
    free(my.state);
    my.state = dir && *dir ? xprintf("%s/%s.%d", dir, program_name(), (int)getpid()) : NULL;
    my.events = -1;
    my.began_s = wall_s();
    my.gauges = 0;
    if (my.state) {
        char *events = xprintf("%s.events", my.state);
        my.events = open(events, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        free(events);
    }
}

bool metric_watched(void)
{
    return my.state != NULL;
}

int metric_descriptor(void)
{
    return my.events;
}

static void put_pair(FILE *to, const struct metric_pair *p)
{
    fprintf(to, ",\"%s\":", p->key);
    if (p->text)
        put_quoted(to, p->text, strlen(p->text));
    else if (isfinite(p->number))
        fprintf(to, "%.15g", p->number);
    else
        fputs("null", to);
}

static void put_record(FILE *to, const char *name, const struct metric_pair *pair, size_t pairs)
{
    const char *node = getenv("PETREL_NODE");
    char host[65] = "";
    gethostname(host, sizeof host - 1);
    fprintf(to, "{\"v\":1,\"type\":\"metric\",\"name\":\"%s\",\"program\":", name);
    put_quoted(to, program_name(), strlen(program_name()));
    fputs(",\"node\":", to);
    put_quoted(to, node ? node : "", node ? strlen(node) : 0);
    fputs(",\"host\":", to);
    put_quoted(to, host, strlen(host));
    fprintf(to, ",\"pid\":%d,\"began_s\":%.3f,\"at_s\":%.3f", (int)getpid(), my.began_s, wall_s());
    for (size_t i = 0; i < pairs; i++)
        put_pair(to, &pair[i]);
}

void metric_event(const char *name, const struct metric_pair *pair, size_t pairs)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = my.events >= 0 ? open_memstream(&text, &size) : NULL;
    if (!to)
        return;
    put_record(to, name, pair, pairs);
    fputs("}\n", to);
    if (fclose(to) == 0)
        (void)!write(my.events, text, size); /* what is not told there is in the log all the same */
    free(text);
}

/* Published by rename, so that no reader sees half of it; not fsynced: it is worth nothing after a crash. */
void metric_state(const char *name, const struct metric_pair *pair, size_t pairs)
{
    if (!my.state)
        return;
    char *temporary = xprintf("%s.tmp", my.state);
    FILE *to = fopen(temporary, "we");
    if (to) {
        put_record(to, name, pair, pairs);
        put_pair(to, &(struct metric_pair){.key = "peak_bytes", .number = (double)peak_memory_bytes()});
        for (size_t i = 0; i < my.gauges; i++)
            put_pair(to, &my.gauge[i]);
        fputs("}\n", to);
        if (fclose(to) == 0)
            rename(temporary, my.state);
    }
    free(temporary);
}

void metric_gauge(const char *key, double value)
{
    size_t i = 0;
    while (i < my.gauges && strcmp(my.gauge[i].key, key) != 0)
        i++;
    if (i == GAUGES)
        return;
    my.gauge[i] = (struct metric_pair){.key = key, .number = value};
    my.gauges += i == my.gauges;
}
