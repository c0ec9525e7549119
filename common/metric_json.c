/* SPDX-License-Identifier: Apache-2.0 */
/* metric_json -- records for whoever watches the run: reading.   common */
#include "common/file.h"
#include "common/metric.h"

#include <ctype.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char EVENTS[] = ".events";
enum { RECORD_MAX = 1 << 20 };

struct metric_record {
    json_t *object;
};
struct followed {
    char *name; /* of the file */
    off_t read;
};
struct metric_reader {
    char *dir;
    size_t count;
    struct followed *file;
};

const char *metric_record_text(const struct metric_record *r, const char *key)
{
    const char *text = json_string_value(json_object_get(r->object, key));
    return text ? text : "";
}

double metric_record_number(const struct metric_record *r, const char *key)
{
    const json_t *value = json_object_get(r->object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

struct metric_reader *metric_reader_open(const char *dir)
{
    struct metric_reader *m = xalloc(1, sizeof *m);
    m->dir = xstrdup(dir);
    return m;
}

void metric_reader_close(struct metric_reader **m)
{
    if (!*m)
        return;
    for (size_t i = 0; i < (*m)->count; i++)
        free((*m)->file[i].name);
    free((*m)->file);
    free((*m)->dir);
    free(*m);
    *m = NULL;
}

/* A line that is no record of this version is passed over: it may be a later one's. */
static void hand_out(const char *line, size_t size, const char *file,
                     void (*to)(void *context, const char *file, const struct metric_record *r), void *context)
{
    struct metric_record r = {json_loadb(line, size, 0, NULL)};
    if (r.object && metric_record_number(&r, "v") <= 1 && strcmp(metric_record_text(&r, "type"), "metric") == 0 && to)
        to(context, file, &r);
    json_decref(r.object);
}

static struct followed *follow(struct metric_reader *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->file[i].name, name) == 0)
            return &m->file[i];
    m->file = xresize(m->file, m->count + 1, sizeof *m->file);
    m->file[m->count] = (struct followed){.name = xstrdup(name)};
    return &m->file[m->count++];
}

/* Whole lines behind what was read before. */
static void events_read(struct followed *f, const char *path, const char *process,
                        void (*to)(void *context, const char *file, const struct metric_record *r), void *context)
{
    int const from = open(path, O_RDONLY | O_CLOEXEC);
    char *room = xalloc(RECORD_MAX, 1);
    ssize_t got;
    while (from >= 0 && (got = pread(from, room, RECORD_MAX, f->read)) > 0) {
        size_t used = 0;
        for (char *end; (end = memchr(room + used, '\n', (size_t)got - used)) != NULL; used = (size_t)(end - room) + 1)
            hand_out(room + used, (size_t)(end - room) - used, process, to, context);
        if (used == 0 && got < RECORD_MAX)
            break;
        f->read += used ? (off_t)used : got; /* a line longer than any record is skipped */
    }
    free(room);
    if (from >= 0)
        close(from);
}

/* "petrel-load.123" */
static bool is_state(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (!dot || !dot[1])
        return false;
    while (isdigit((unsigned char)*++dot))
        ;
    return *dot == '\0';
}

void metric_reader_look(struct metric_reader *m,
                        void (*event)(void *context, const char *file, const struct metric_record *r),
                        void (*state)(void *context, const char *file, const struct metric_record *r), void *context)
{
    struct names n;
    struct error e = {0};
    if (dir_list(m->dir, &n, &e) < 0)
        return;
    for (size_t i = 0; i < n.count; i++) {
        char *path = path_join(m->dir, n.name[i]);
        struct buffer b = {0};
        if (ends_with(n.name[i], EVENTS)) {
            char *process = xprintf("%.*s", (int)(strlen(n.name[i]) - strlen(EVENTS)), n.name[i]);
            events_read(follow(m, n.name[i]), path, process, event, context);
            free(process);
        } else if (is_state(n.name[i]) && file_read(path, RECORD_MAX, &b, &e) == 0) {
            hand_out((const char *)b.data, b.size, n.name[i], state, context);
        }
        buffer_free(&b);
        free(path);
    }
    names_free(&n);
}
