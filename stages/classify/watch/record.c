/* SPDX-License-Identifier: Apache-2.0 */
/* record -- which studies are done or refused, on disk.   watch -> [record] ═▶ OUT/.watch */
#include "stages/classify/watch/record.h"
#include "common/file.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DIGEST_LETTERS = 64, RECORD_MOST = 4096 };

static void keep(struct watch_records *r, const struct watch_record *one)
{
    r->item = xresize(r->item, r->count + 1, sizeof *r->item);
    r->item[r->count++] = *one;
}

static void line_take(struct watch_record *one, char *line)
{
    static const char parted[] = " = ";
    char *value = strstr(line, parted);
    if (!value)
        return;
    *value = '\0';
    value += strlen(parted);
    if (strcmp(line, "study") == 0)
        format_into(one->study, sizeof one->study, "%.255s", value);
    else if (strcmp(line, "outcome") == 0)
        format_into(one->outcome, sizeof one->outcome, "%.15s", value);
    else if (strcmp(line, "sentence") == 0)
        format_into(one->sentence, sizeof one->sentence, "%.599s", value);
    else if (strcmp(line, "seen") == 0)
        one->seen = strtoull(value, NULL, 16);
}

static bool is_digest(const char *name)
{
    size_t n = 0;
    while (isxdigit((unsigned char)name[n]))
        n++;
    return n == DIGEST_LETTERS && name[n] == '\0';
}

int watch_records_read(struct watch_records *r, const char *dir, struct error *e)
{
    struct names in;
    *r = (struct watch_records){0};
    if (dir_list(dir, &in, e) < 0)
        return -1;
    for (size_t i = 0; i < in.count; i++) {
        struct buffer text;
        struct error unused = {0};
        char *path = path_join(dir, in.name[i]);
        if (is_digest(in.name[i]) && file_read(path, RECORD_MOST, &text, &unused) == 0) {
            struct watch_record one = {.seen = 0};
            char *rest = (char *)text.data, *line;
            memcpy(one.digest, in.name[i], sizeof one.digest);
            while ((line = strsep(&rest, "\n")))
                line_take(&one, line);
            if (*one.outcome)
                keep(r, &one);
            buffer_free(&text);
        }
        free(path);
    }
    names_free(&in);
    return 0;
}

int watch_record_add(struct watch_records *r, const char *dir, const struct watch_record *one, struct error *e)
{
    char *path = path_join(dir, one->digest);
    char *text = xprintf("study = %s\nseen = %016llx\noutcome = %s\nsentence = %s\n", one->study,
                         (unsigned long long)one->seen, one->outcome, one->sentence);
    int const rc = publish_bytes(path, text, strlen(text), e);
    free(text);
    free(path);
    if (rc == 0)
        keep(r, one);
    return rc;
}

const struct watch_record *watch_record_of(const struct watch_records *r, const char *digest)
{
    for (size_t i = r->count; i-- > 0;)
        if (strcmp(r->item[i].digest, digest) == 0)
            return &r->item[i];
    return NULL;
}

const struct watch_record *watch_record_seen(const struct watch_records *r, const char *study, uint64_t seen)
{
    for (size_t i = r->count; i-- > 0;)
        if (r->item[i].seen == seen && strcmp(r->item[i].study, study) == 0)
            return &r->item[i];
    return NULL;
}
