/* SPDX-License-Identifier: Apache-2.0 */
/* sheet -- CLAIM, TRIPOD+AI and CLEAR filled in as far as a run knows.   known -> [sheet] ═▶ Markdown, HTML */
#include "stages/eval/sheet.h"
#include "stages/eval/document.h"
#include "stages/eval/provenance.h"
#include <stdlib.h>
#include <string.h>

enum list { CLAIM, TRIPOD, CLEAR, LISTS };
static const struct {
    const char *name, *where;
} lists[LISTS] = {
    {"CLAIM, 2024 update", "Tejani et al., Radiology: Artificial Intelligence 2024;6(4):e240300"},
    {"TRIPOD+AI", "Collins et al., BMJ 2024;385:e078378"},
    {"CLEAR", "Kocak et al., Insights into Imaging 2023;14:75"},
};
static const struct item {
    enum list list;
    const char *number, *subject;
    known_of *known; /* NULL: only people know */
} items[] = {
#define ITEM(list, number, subject, known) {list, number, subject, known_##known},
#define OPEN(list, number, subject)        {list, number, subject, NULL},
#include "stages/eval/checklists.def"
#undef ITEM
#undef OPEN
};

static char *answer_of(const struct item *i, const struct known *k)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = i->known != NULL ? open_memstream(&text, &size) : NULL;
    if (to != NULL) {
        i->known(k, to);
        fclose(to);
    }
    if (text == NULL || size == 0) {
        free(text);
        return xstrdup(SHEET_UNKNOWN);
    }
    return text;
}

static void put_list(struct document *d, enum list list, const struct known *k)
{
    static const char *const heads[] = {"item", "subject, in our words", "answer", NULL};
    size_t count = 0, known = 0;
    document_heading(d, lists[list].name);
    document_table(d, heads);
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        if (items[i].list != list)
            continue;
        char *answer = answer_of(&items[i], k);
        const char *const cells[] = {items[i].number, items[i].subject, answer};
        document_row(d, cells);
        count++;
        known += strcmp(answer, SHEET_UNKNOWN) != 0;
        free(answer);
    }
    document_table_end(d);
    char *words = xprintf("%s. Of %zu items and parts the run has words for %zu; the numbers are the published ones, "
                          "the subjects are not its "
                          "wording.",
                          lists[list].where, count, known);
    document_paragraph(d, words);
    free(words);
}

int sheet_write(const struct known *k, const char *path, struct error *e)
{
    struct document d;
    const struct report *r = k->r;
    char *title = xprintf("Reporting sheet of the model '%s'%s%s", r->model[0].name, *r->cohort != '\0' ? ": " : "",
                          r->cohort),
         *made = provenance_of_cache(r->cache->digest, split_name[r->split]),
         *model = provenance_of_model(r->model[0].name, k->digest, k->model);
    int rc = document_open(&d, path, title, e);
    if (rc == 0) {
        document_paragraph(&d, "Filled in by program, from what the run measured, set or read. It is a beginning: what "
                               "only people know is left "
                               "open, and every answer is to be read before it is handed in.");
        document_paragraph(&d, made);
        document_paragraph(&d, model);
        for (int list = 0; list < LISTS; list++)
            put_list(&d, (enum list)list, k);
        rc = document_close(&d, e);
    }
    free(title);
    free(made);
    free(model);
    return rc;
}
