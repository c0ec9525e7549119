/* SPDX-License-Identifier: Apache-2.0 */
/* events -- scalars as TensorBoard reads them.   [train] ═▶ DIR/PHASE/events.out.tfevents.petrel */
#include "stages/train/output/events.h"
#include "common/file.h"
#include <errno.h>
#include <event.pb-c.h>
#include <isa-l/crc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { EVENT_MAX_BYTES = 1024 };

/* CRC-32C, turned and shifted so that the CRC of bytes that hold a CRC is no trivial one */
static uint32_t masked_crc(void *bytes, size_t size)
{
    uint32_t crc = ~crc32_iscsi(bytes, (int)size, ~0u);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static int write_event(struct events *v, const Tensorboard__Event *event, struct error *e)
{
    uint8_t bytes[EVENT_MAX_BYTES];
    uint64_t size = tensorboard__event__get_packed_size(event);
    if (size > sizeof bytes)
        return fail_as(e, EX_SOFTWARE, "an event of %zu bytes is too long", (size_t)size);
    tensorboard__event__pack(event, bytes);
    uint32_t of_size = masked_crc(&size, sizeof size), of_bytes = masked_crc(bytes, size);
    /* whole records for whoever watches while we train */
    if (fwrite(&size, sizeof size, 1, v->file) != 1 || fwrite(&of_size, sizeof of_size, 1, v->file) != 1 ||
        fwrite(bytes, 1, size, v->file) != size || fwrite(&of_bytes, sizeof of_bytes, 1, v->file) != 1 ||
        fflush(v->file))
        return fail_as(e, EX_IOERR, "cannot write '%s': %s", v->path, strerror(errno));
    return 0;
}

static double wall_time_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int begin(struct events *v, struct error *e)
{
    Tensorboard__Event event = TENSORBOARD__EVENT__INIT;
    event.wall_time = wall_time_s();
    event.has_wall_time = 1;
    event.file_version = (char *)"brain.Event:2";
    return write_event(v, &event, e);
}

int events_open(struct events *v, const char *dir, const char *phase, int64_t keep, struct error *e)
{
    struct stat st;
    char *folder = path_join(dir, phase);
    *v = (struct events){.path = path_join(folder, "events.out.tfevents.petrel")};
    int result = dir_make(folder, e);
    free(folder);
    if (!result) {
        bool go_on = keep > 0 && !stat(v->path, &st) && st.st_size >= keep;
        v->file = fopen(v->path, go_on ? "r+" : "w");
        if (!v->file || (go_on && (ftruncate(fileno(v->file), keep) || fseek(v->file, 0, SEEK_END))))
            result = fail_as(e, EX_CANTCREAT, "cannot %s '%s': %s", go_on ? "go on with" : "create", v->path,
                             strerror(errno));
        else if (!go_on)
            result = begin(v, e);
    }
    if (result)
        events_close(v);
    return result;
}

int events_write(struct events *v, int64_t step, const struct scalar *scalar, size_t count, struct error *e)
{
    Tensorboard__Event event = TENSORBOARD__EVENT__INIT;
    Tensorboard__Summary summary = TENSORBOARD__SUMMARY__INIT;
    Tensorboard__Value value[SCALARS], *list[SCALARS];
    if (!v->file)
        return 0;
    for (size_t i = 0; i < count && i < SCALARS; i++) {
        tensorboard__value__init(&value[i]);
        value[i].tag = (char *)(uintptr_t)scalar[i].tag;
        value[i].simple_value = (float)scalar[i].value;
        value[i].has_simple_value = 1;
        list[i] = &value[i];
    }
    summary.n_value = count < SCALARS ? count : SCALARS;
    summary.value = list;
    event.wall_time = wall_time_s();
    event.step = step;
    event.has_wall_time = event.has_step = 1;
    event.summary = &summary;
    return write_event(v, &event, e);
}

int events_sync(struct events *v, int64_t *bytes, struct error *e)
{
    *bytes = 0;
    if (v->file && (fflush(v->file) || fsync(fileno(v->file)) || (*bytes = ftell(v->file)) < 0))
        return fail_as(e, EX_IOERR, "cannot write '%s': %s", v->path, strerror(errno));
    return 0;
}

void events_close(struct events *v)
{
    if (v->file)
        fclose(v->file);
    free(v->path);
    *v = (struct events){0};
}
