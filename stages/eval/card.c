/* SPDX-License-Identifier: Apache-2.0 */
/* card -- a model card from a model file, and from an evaluation where there is one.   known -> [card] ═▶ Markdown, HTML */
#include "stages/eval/card.h"
#include "stages/eval/document.h"
#include "stages/eval/provenance.h"
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *section, *subject;
    known_of *known; /* NULL: only people know */
} lines[] = {
    {"Model", "what it is", known_technology},
    {"Model", "network", known_model_text},
    {"Model", "training", known_training},
    {"Model", "choice of epoch", known_selection},
    {"Model", "initial weights", known_initial},
    {"Model", "versions", known_software},
    {"Model", "get it again", known_reproduction},
    {"Model", "file", known_availability},
    {"Intended use", "output", known_output},
    {"Intended use", "users", known_users},
    {"Intended use", "for whom and what it was meant", NULL},
    {"Intended use", "uses it is not for", NULL},
    {"Factors", "input", known_predictors},
    {"Factors", "preprocessing", known_preprocessing},
    {"Factors", "regions", known_regions},
    {"Factors", "bad input", known_input_trouble},
    {"Factors", "strata", known_strata_text},
    {"Metrics", "what is measured", known_metrics},
    {"Metrics", "uncertainty", known_uncertainty},
    {"Training and evaluation data", "sources", known_sources},
    {"Training and evaluation data", "scanners and scans", known_acquisition},
    {"Training and evaluation data", "who", known_people},
    {"Training and evaluation data", "truth", known_reference},
    {"Training and evaluation data", "sets", known_partition},
    {"Training and evaluation data", "external", known_external},
    {"Figures", "performance", known_performance},
    {"Figures", "against baselines", known_baselines_text},
    {"Figures", "calibration", known_calibration_text},
    {"Figures", "failures", known_failures},
    {"Ethics", "patients' names", known_names},
    {"Ethics", "approval, consent, risks", NULL},
    {"Caveats", "limits", known_limits},
    {"Caveats", "what else should be known", NULL},
};

static void put_line(struct document *d, size_t i, const struct known *k)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = lines[i].known != NULL ? open_memstream(&text, &size) : NULL;
    if (to != NULL) {
        lines[i].known(k, to);
        fclose(to);
    }
    const char *answer = size > 0 ? text
                         : lines[i].known != NULL && k->r == NULL
                             ? "not evaluated here: petrel-eval card --model FILE --cache DIR"
                             : "the run does not know: write here";
    const char *const cells[] = {lines[i].subject, answer};
    document_row(d, cells);
    free(text);
}

int card_write(const struct known *k, const char *path, struct error *e)
{
    static const char *const heads[] = {"", "", NULL};
    struct document d;
    const char *cohort = k->r != NULL ? k->r->cohort : k->model->cohort;
    char *title = xprintf("Model card: %s, %s%s%s", k->model->recipe_name, k->model->phase, *cohort != '\0' ? ", " : "",
                          cohort),
         *made = provenance_of_model("model", k->digest, k->model);
    int rc = document_open(&d, path, title, e);
    if (rc == 0) {
        document_paragraph(&d, made);
        document_paragraph(&d, "Petrel is research software and no medical device.");
        for (size_t i = 0; i < COUNT_OF(lines); i++) {
            if (i == 0 || strcmp(lines[i].section, lines[i - 1].section) != 0) {
                document_heading(&d, lines[i].section);
                document_table(&d, heads);
            }
            put_line(&d, i, k);
            if (i + 1 == COUNT_OF(lines) || strcmp(lines[i].section, lines[i + 1].section) != 0)
                document_table_end(&d);
        }
        document_heading(&d, "Every setting");
        static const char *const setting[] = {"setting", "value", NULL};
        document_table(&d, setting);
        char *text = xstrdup(k->model->settings), *rest = text, *line;
        while ((line = strsep(&rest, "\n")) != NULL) {
            char *value = strstr(line, " = ");
            if (value == NULL)
                continue;
            *value = '\0';
            const char *const cells[] = {line, value + 3};
            document_row(&d, cells);
        }
        free(text);
        document_table_end(&d);
        rc = document_close(&d, e);
    }
    free(title);
    free(made);
    return rc;
}
