/* SPDX-License-Identifier: Apache-2.0 */
/* losses -- a run's losses, as means an epoch.   train ═▶ [losses] -> report */
#include "stages/eval/losses.h"
#include "common/file.h"
#include "common/seal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MOST = 32 };

/* Splits a line at commas, in place; returns how many words. */
static size_t words_of(char *line, char *word[COLUMNS_MOST])
{
    size_t n = 0;
    for (char *at = line; at != NULL && n < COLUMNS_MOST;) {
        word[n++] = at;
        at = strchr(at, ',');
        if (at != NULL)
            *at++ = '\0';
    }
    return n;
}

static int column_of(char *const word[], size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(word[i], name) == 0)
            return (int)i;
    return -1;
}

static void losses_add(struct losses *c, int64_t epoch, bool validation, double loss, size_t *steps)
{
    if (c->count == 0 || c->point[c->count - 1].epoch != epoch) {
        c->point = xresize(c->point, c->count + 1, sizeof *c->point);
        c->point[c->count++] = (struct loss_point){epoch, NAN, NAN};
        *steps = 0;
    }
    struct loss_point *p = &c->point[c->count - 1];
    if (validation) {
        p->validation = loss;
        return;
    }
    ++*steps;
    p->train = *steps == 1 ? loss : p->train + (loss - p->train) / (double)*steps;
}

int losses_read(struct losses *c, const char *path, const char *title, struct error *e)
{
    *c = (struct losses){.floor = NAN, .seconds = NAN, .processors_j = NAN, .gpu_j = NAN};
    struct buffer text = {0};
    enum seal seal;
    if (seal_read(path, (size_t)1 << 30, &text, &seal, e) < 0)
        return -1;
    if (seal == SEAL_BROKEN) {
        buffer_free(&text);
        return fail(e, "cannot read '%s': it is damaged, for it is not what '%s.end' says of it", path, path);
    }
    format_into(c->title, sizeof c->title, "%.190s", title);
    int epoch = -1, loss = -1, set = -1, seconds = -1, rc = 0;
    size_t number = 0, steps = 0;
    char *rest = (char *)text.data;
    for (char *line; rc == 0 && (line = strsep(&rest, "\n")) != NULL;) {
        char *word[COLUMNS_MOST];
        number++;
        if (*line == '\0')
            continue;
        size_t n = words_of(line, word);
        if (epoch < 0) {
            epoch = column_of(word, n, "epoch"), loss = column_of(word, n, "loss"), set = column_of(word, n, "set");
            seconds = column_of(word, n, "seconds");
            if (epoch < 0 || loss < 0 || set < 0)
                rc = fail(e, "cannot read '%s': its first line names no column 'epoch', 'loss' or 'set'", path);
            continue;
        }
        if ((size_t)epoch >= n || (size_t)loss >= n || (size_t)set >= n)
            rc = fail(e, "cannot read '%s': line %zu has %zu columns", path, number, n);
        else {
            losses_add(c, strtoll(word[epoch], NULL, 10), strcmp(word[set], "validation") == 0,
                       strtod(word[loss], NULL), &steps);
            if (seconds >= 0 && (size_t)seconds < n)
                c->seconds = strtod(word[seconds], NULL);
        }
    }
    buffer_free(&text);
    if (rc < 0)
        losses_free(c);
    return rc;
}

void losses_cost(struct losses *c, const char *path)
{
    struct buffer text = {0};
    struct error ignored = {0};
    if (!file_exists(path) || file_read(path, 1 << 20, &text, &ignored) < 0)
        return;
    char *rest = (char *)text.data, *line;
    double sum[2] = {0.0, 0.0};
    size_t lives = 0;
    while ((line = strsep(&rest, "\n")) != NULL) {
        char *word = strsep(&line, "\t");
        for (int k = 0; k < 2 && line != NULL; k++) {
            word = strsep(&line, "\t");
            sum[k] += *word == '-' || *word == '\0' ? NAN : strtod(word, NULL);
            lives += k == 0;
        }
    }
    c->processors_j = lives > 0 ? sum[0] : NAN;
    c->gpu_j = lives > 0 ? sum[1] : NAN;
    buffer_free(&text);
}

void losses_free(struct losses *c)
{
    free(c->point);
    memset(c, 0, sizeof *c);
}
