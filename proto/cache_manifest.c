/* SPDX-License-Identifier: Apache-2.0 */
/* cache_manifest -- the manifest's lines, each with its own sum, and the splits.   proto
 *
 * A line is appended by one write, so a crash leaves a line without its newline: that line is absent. A whole line
 * whose sum is wrong is no torn line but a damaged one, and is said. Lines that are lost are seen by its seal (common/seal.h). */
#include "common/file.h"
#include "common/log.h"
#include "common/seal.h"
#include "proto/cache_internal.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 16 };
static const char head_words[] = "petrel-cache layout";
static const struct {
    const char *kind;
    size_t columns;
} kinds[] = {{"shard", 13}, {"refused", 7}, {"again", 3}, {"withdrawn", 3}};
enum { LINE_SHARD, LINE_REFUSED, LINE_AGAIN, LINE_WITHDRAWN, LINE_BAD };

static void line_write(FILE *to, const char *line)
{
    fprintf(to, "%s\t%016" PRIx64 "\n", line, bytes_xxh3(line, strlen(line)));
}

void manifest_head_write(FILE *to)
{
    char line[64];
    format_into(line, sizeof line, "%s %d", head_words, CACHE_VERSION);
    line_write(to, line);
}

/* Texts stand between tabs on one line. */
static char *plain(const char *text)
{
    char *copy = xstrdup(text);
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    return copy;
}

void manifest_line_write(FILE *to, const struct shard_entry *s)
{
    char *line;
    if (s->file[0]) {
        char *patient = plain(s->patient), *study = plain(s->study), *scan = plain(s->scan);
        line = xprintf("shard\t%016" PRIx64 "\t%" PRIu64 "\t%s\t%s\t%s\t%s\t%" PRId64 "\t%" PRId64
                       "\t%d\t%d\t%016" PRIx64 "\t%s",
                       s->key.run, s->key.index, s->file, patient, study, scan, s->regions, s->tumours, s->channels,
                       s->simulated, s->settings, s->sha256);
        free(patient);
        free(study);
        free(scan);
    } else {
        char *scan = plain(s->refusal->scan), *stage = plain(s->refusal->stage), *sentence = plain(s->refusal->sentence);
        line = xprintf("refused\t%016" PRIx64 "\t%" PRIu64 "\t%s\t%d\t%s\t%s", s->key.run, s->key.index, stage,
                       s->refusal->code, scan, sentence);
        free(scan);
        free(stage);
        free(sentence);
    }
    line_write(to, line);
    free(line);
}

void manifest_key_write(FILE *to, const char *kind, struct item_key key)
{
    char line[64];
    format_into(line, sizeof line, "%s\t%016" PRIx64 "\t%" PRIu64, kind, key.run, key.index);
    line_write(to, line);
}

static bool take_text(char *to, size_t size, const char *from)
{
    if (strlen(from) >= size)
        return false;
    strcpy(to, from);
    return true;
}

static bool take_number(int64_t *to, const char *from, int64_t low, int64_t high)
{
    char *end;
    long long v = strtoll(from, &end, 10);
    *to = v;
    return *from && !*end && v >= low && v <= high;
}

static bool take_bits(uint64_t *to, const char *from, int base)
{
    char *end;
    *to = strtoull(from, &end, base);
    return *from && !*end;
}

static bool shard_parse(char *const *column, struct shard_entry *s)
{
    int64_t channels, simulated;
    bool good =
        take_text(s->file, sizeof s->file, column[3]) && take_text(s->patient, sizeof s->patient, column[4]) &&
        take_text(s->study, sizeof s->study, column[5]) && take_text(s->scan, sizeof s->scan, column[6]) &&
        take_number(&s->regions, column[7], 0, UINT32_MAX) && take_number(&s->tumours, column[8], 0, s->regions) &&
        take_number(&channels, column[9], 1, BOX_CHANNELS) && take_number(&simulated, column[10], 0, 1) &&
        take_bits(&s->settings, column[11], 16) && strlen(column[12]) == 64 &&
        take_text(s->sha256, sizeof s->sha256, column[12]) && s->file[0] && s->file[0] != '.' && !strchr(s->file, '/');
    if (good) {
        s->channels = (int32_t)channels;
        s->simulated = (int32_t)simulated;
    }
    return good;
}

static bool refusal_parse(char *const *column, struct shard_entry *s)
{
    int64_t code = 0;
    s->refusal = xalloc(1, sizeof *s->refusal);
    bool good = take_text(s->refusal->stage, sizeof s->refusal->stage, column[3]) &&
                take_number(&code, column[4], 0, 255) &&
                take_text(s->refusal->scan, sizeof s->refusal->scan, column[5]) &&
                take_text(s->refusal->sentence, sizeof s->refusal->sentence, column[6]);
    s->refusal->code = (int32_t)code;
    return good;
}

/* The sum at the line's end; cuts it off. */
static bool sum_right(char *line)
{
    char *tab = strrchr(line, '\t'), sum[17];
    if (!tab)
        return false;
    *tab = '\0';
    format_into(sum, sizeof sum, "%016" PRIx64, bytes_xxh3(line, strlen(line)));
    return strcmp(sum, tab + 1) == 0;
}

/* What the line is. Of "again" and "withdrawn" only the key is set. */
static int line_parse(char *line, struct shard_entry *s)
{
    char *column[COLUMNS_MAX];
    size_t n = 0;
    for (char *at = line; at && n < COLUMNS_MAX;)
        column[n++] = strsep(&at, "\t");
    *s = (struct shard_entry){.split = SPLIT_NONE};
    int kind = 0;
    while (kind < LINE_BAD && strcmp(column[0], kinds[kind].kind) != 0)
        kind++;
    bool good = kind < LINE_BAD && n == kinds[kind].columns && take_bits(&s->key.run, column[1], 16) &&
                take_bits(&s->key.index, column[2], 10) && (kind != LINE_SHARD || shard_parse(column, s)) &&
                (kind != LINE_REFUSED || refusal_parse(column, s));
    return good ? kind : LINE_BAD;
}

static int head_check(const struct cache *c, char *line, struct error *e)
{
    size_t words = strlen(head_words);
    if (strncmp(line, head_words, words) != 0)
        return fail(e, "cannot open cache '%s': its '%s' is no manifest of a cache", c->dir, CACHE_MANIFEST);
    long version = strtol(line + words, NULL, 10);
    if (version != CACHE_VERSION)
        return fail(e,
                    "cache '%s' has layout version %ld, this petrel reads %d: make it again with petrel-cache collect",
                    c->dir, version, CACHE_VERSION);
    return sum_right(line) ? 0
                           : fail(e, "cache '%s' has a damaged manifest: the sum of its first line is wrong", c->dir);
}

/* false: a damaged line. */
static bool line_take(struct cache *c, char *line)
{
    struct shard_entry entry = {0};
    int kind = sum_right(line) ? line_parse(line, &entry) : LINE_BAD;
    if (kind == LINE_AGAIN)
        cache_again(c, entry.key);
    else if (kind == LINE_WITHDRAWN)
        cache_withdraw(c, entry.key);
    else if (kind != LINE_BAD && !cache_has(c, entry.key))
        cache_put(c, &entry);
    else
        free(entry.refusal);
    return kind != LINE_BAD;
}

static int lines_read(struct cache *c, struct buffer *b, size_t *torn, struct error *e)
{
    char *at = (char *)b->data, *end = at + b->size, *newline;
    for (size_t number = 1; (newline = memchr(at, '\n', (size_t)(end - at))); number++, at = newline + 1) {
        *newline = '\0';
        if (number == 1) {
            if (head_check(c, at, e))
                return -1;
        } else if (!line_take(c, at)) {
            return fail(e, "cache '%s' has a damaged manifest: line %zu's sum is wrong; collect it again", c->dir,
                        number);
        }
    }
    *torn = (size_t)(end - at);
    if (at == (char *)b->data)
        return fail(e, "cannot open cache '%s': its '%s' is no manifest of a cache", c->dir, CACHE_MANIFEST);
    return 0;
}

/* ---- the file */

int manifest_read(struct cache *c, struct manifest_state *is, struct error *e)
{
    char *path = cache_path(c, CACHE_MANIFEST);
    struct buffer b = {0};
    enum seal seal = SEAL_NONE;
    int result;
    *is = (struct manifest_state){0};
    if (!dir_exists(c->dir))
        result = fail_as(e, EX_NOINPUT, "cannot open cache '%s': there is no such directory", c->dir);
    else if (!file_exists(path))
        result = fail_as(e, EX_NOINPUT, "cannot open cache '%s': it has no manifest; petrel-cache collect makes one",
                         c->dir);
    else
        result = seal_read(path, (size_t)1 << 30, &b, &seal, e);
    if (!result) {
        is->size = b.size;
        is->lost = seal == SEAL_BROKEN;
        result = lines_read(c, &b, &is->torn, e);
    }
    buffer_free(&b);
    free(path);
    return result;
}

/* ---- splits.tsv: a line of column names, then patient and split. Behind the names stands the sum of what petrel-cache split wrote;
 * a file without it was written by hand. */

static const char splits_head[] = "patient\tsplit", splits_sum[] = "\tpetrel_xxh3=";
enum { SUM_DIGITS = 16 };

const char *cache_split_name(enum split split)
{
    static const char *const names[] = {"-", "train", "validation", "test"};
    return names[split - SPLIT_NONE];
}

static int split_line(struct cache *c, char *line, size_t number, struct error *e)
{
    char *tab = strchr(line, '\t');
    int split = SPLIT_NONE;
    for (int k = SPLIT_TRAIN; k <= SPLIT_TEST; k++)
        if (tab && strcmp(tab + 1, cache_split_name((enum split)k)) == 0)
            split = k;
    if (split == SPLIT_NONE)
        return fail(e, "'%s/%s' line %zu is not PATIENT, a tab, and train, validation or test", c->dir, CACHE_SPLITS,
                    number);
    *tab = '\0';
    size_t const place = index_find(c, BY_PATIENT, line); /* one of its shards: splits_read tells the others */
    if (place == INDEX_NONE)
        return 0;
    if (c->shard[place].split != SPLIT_NONE)
        return fail(e, "'%s/%s' line %zu has the patient '%s' again", c->dir, CACHE_SPLITS, number, line);
    c->shard[place].split = (enum split)split;
    return 0;
}

/* The sum of the whole file but the sum's own digits. rest: from the first line's end. */
static uint64_t splits_digest(const char *rest)
{
    char *all = xprintf("%s%s%s", splits_head, splits_sum, rest);
    uint64_t digest = bytes_xxh3(all, strlen(all));
    free(all);
    return digest;
}

/* 1: with a sum, which is right; 0: by hand, without one; -1: neither. */
static int splits_head_check(const struct cache *c, const char *text, struct error *e)
{
    size_t head = strlen(splits_head), mark = strlen(splits_sum);
    const char *rest = text + head;
    bool names = strncasecmp(text, splits_head, head) == 0;
    if (names && (*rest == '\n' || *rest == '\0' || strncmp(rest, "\r\n", 2) == 0))
        return 0;
    if (!names || strncmp(rest, splits_sum, mark) != 0)
        return fail(e, "'%s/%s' line 1 is not 'patient', a tab, 'split': it is damaged, or of another kind", c->dir,
                    CACHE_SPLITS);
    char sum[SUM_DIGITS + 1];
    const char *said = rest + mark, *line_end = said + strcspn(said, "\n");
    format_into(sum, sizeof sum, "%016" PRIx64, splits_digest(line_end));
    if (strncmp(text, splits_head, head) == 0 && line_end - said == SUM_DIGITS && strncmp(said, sum, SUM_DIGITS) == 0)
        return 1;
    return fail(e,
                "'%s/%s' is not what petrel-cache split wrote: its sum differs. If it is damaged, split again; if you "
                "changed it yourself, make its first line 'patient', a tab, 'split'",
                c->dir, CACHE_SPLITS);
}

int splits_read(struct cache *c, struct error *e)
{
    char *path = cache_path(c, CACHE_SPLITS);
    struct buffer b = {0};
    int result = 0;
    for (size_t i = 0; i < c->shard_count; i++)
        c->shard[i].split = SPLIT_NONE;
    c->split_by_hand = false;
    if (file_exists(path)) {
        result = file_read(path, (size_t)1 << 28, &b, e);
        if (!result && strlen((const char *)b.data) != b.size)
            result = fail(e, "'%s/%s' is no text: it has a byte 0", c->dir, CACHE_SPLITS);
        int summed = result ? -1 : splits_head_check(c, (const char *)b.data, e);
        result = summed < 0 ? -1 : 0;
        c->split_by_hand = summed == 0;
    }
    size_t number = 0;
    for (char *line, *at = (char *)b.data; at && *at && !result;) {
        line = strsep(&at, "\n");
        line[strcspn(line, "\r")] = '\0';
        if (number++ && *line)
            result = split_line(c, line, number, e);
    }
    if (!result && c->split_by_hand && c->shard_count)
        log_note("'%s/%s' has no sum: it was written by hand (or by petrel 0.1), and damage to it would not be seen",
                 c->dir, CACHE_SPLITS);
    for (size_t i = 0; i < c->shard_count; i++)
        c->shard[i].split = c->shard[index_find(c, BY_PATIENT, c->shard[i].patient)].split;
    buffer_free(&b);
    free(path);
    return result;
}

int splits_publish(const struct cache *c, char *const *patient, const enum split *split, size_t patients,
                   struct error *e)
{
    char *path = cache_path(c, CACHE_SPLITS), *rest = NULL;
    size_t size = 0;
    struct publish p;
    FILE *to = open_memstream(&rest, &size);
    if (!to)
        die(EX_OSERR, "no memory for the splits");
    fputc('\n', to);
    for (size_t i = 0; i < patients; i++)
        fprintf(to, "%s\t%s\n", patient[i], cache_split_name(split[i]));
    fclose(to);
    int result = publish_open(&p, path, e);
    if (!result) {
        fprintf(p.to, "%s%s%016" PRIx64 "%s", splits_head, splits_sum, splits_digest(rest), rest);
        result = publish_commit(&p, e);
    }
    free(rest);
    free(path);
    return result;
}
