/* SPDX-License-Identifier: Apache-2.0 */
/* petrel-eval -- what a model is worth: metrics, report, embeddings, comparison.   cache, model ═▶ [eval] ═▶ report.html, metrics.json */
#include "common/file.h"
#include "common/log.h"
#include "common/opts.h"
#include "common/safetensors.h"
#include "stages/eval/card.h"
#include "stages/eval/drawings.h"
#include "stages/eval/embed.h"
#include "stages/eval/evaluation.h"
#include "stages/eval/paper.h"
#include "stages/eval/predictions.h"
#include "stages/eval/reproduce.h"
#include "stages/eval/sheet.h"
#include "stages/eval/table.h"
#include <omp.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    const char *cache, *out, *split, *format, *rows, *paper, *init, *sites, *scan;
    bool rerun;
    int64_t neighbours;
    struct backend_wish backend;
    struct opt_strings model, name, run;
    const struct opts_common *common;
};

static void open_cache(const struct settings *s, struct cache *c)
{
    struct error e = {0};
    if (s->cache == NULL || s->model.count == 0)
        die(EX_USAGE, "%s is missing: see petrel-eval --help", s->cache == NULL ? "--cache" : "--model");
    if (cache_open(c, s->cache, &e) < 0)
        die_of(&e);
}

static void make_report(const struct settings *s, const struct cache *c, bool baselines, struct report *r)
{
    struct error e = {0};
    if (split_of(s->split) == SPLIT_NONE)
        die(EX_USAGE, "--split all is for embed: a report looks at regions the model was not trained on");
    struct report_wish w = {&s->model, &s->name, split_of(s->split), s->backend, (uint64_t)s->common->seed,
                            baselines, s->sites};
    if (report_make(r, c, &w, &e) < 0)
        die_of(&e);
}

static void run_report(const struct settings *s)
{
    struct cache c;
    struct report *r = xalloc(1, sizeof *r);
    struct error e = {0};
    if (s->out == NULL)
        die(EX_USAGE, "--out is missing: name the folder for report.html and metrics.json");
    open_cache(s, &c);
    make_report(s, &c, true, r);
    for (size_t i = 0; i < s->run.count; i++)
        if (report_losses(r, s->run.value[i], &e) < 0)
            die_of(&e);
    char *page = path_join(s->out, "report.html"), *numbers = path_join(s->out, "metrics.json"),
         *regions = path_join(s->out, "predictions.tsv");
    if (dir_make(s->out, &e) < 0 || report_json(r, numbers, &e) < 0 || predictions_write(r, regions, &e) < 0 ||
        report_html(r, page, &e) < 0)
        die_of(&e);
    report_print(r, stdout);
    printf("report: %s\n", page);
    free(regions);
    free(numbers);
    free(page);
    report_free(r);
    free(r);
    cache_close(&c);
}

static void run_compare(const struct settings *s)
{
    struct cache c;
    struct report *r = xalloc(1, sizeof *r);
    struct publish out;
    struct error e = {0};
    open_cache(s, &c);
    if (s->model.count < 2)
        die(EX_USAGE, "compare takes two models or more: petrel-eval compare --cache DIR A B ...");
    make_report(s, &c, false, r);
    if (s->out == NULL)
        table_print(r, s->format, stdout);
    else if (publish_open(&out, s->out, &e) < 0)
        die_of(&e);
    else {
        table_print(r, s->format, out.to);
        if (publish_commit(&out, &e) < 0)
            die_of(&e);
    }
    report_free(r);
    free(r);
    cache_close(&c);
}

static void run_embed(const struct settings *s)
{
    struct cache c;
    struct model m;
    struct scores v;
    struct error e = {0};
    if (s->out == NULL || s->model.count != 1)
        die(EX_USAGE, "embed takes one --model and --out FILE.tsv or FILE.h5");
    open_cache(s, &c);
    enum split which = strcmp(s->split, "all") == 0 ? SPLIT_NONE : split_of(s->split);
    if (model_open(&m, s->model.value[0], &s->backend, &e) < 0 || scores_make(&v, &c, &m, which, &e) < 0 ||
        embed_write(&v, &c, &m, s->model.value[0], (size_t)s->neighbours, s->out, &e) < 0)
        die_of(&e);
    printf("%zu embeddings: %s\n", v.n, s->out);
    scores_free(&v);
    model_close(&m);
    cache_close(&c);
}

static void run_figures(const struct settings *s)
{
    struct cache c;
    struct report *r = xalloc(1, sizeof *r);
    struct error e = {0};
    if (s->out == NULL)
        die(EX_USAGE, "--out is missing: name the folder for figure3.svg and figure4.svg");
    open_cache(s, &c);
    make_report(s, &c, false, r);
    char *three = path_join(s->out, "figure3.svg"), *four = path_join(s->out, "figure4.svg");
    if (dir_make(s->out, &e) < 0 || drawing_projections(r, s->scan, three, &e) < 0 ||
        drawing_representations(r, four, &e) < 0)
        die_of(&e);
    printf("figures: %s, %s\n", three, four);
    free(three);
    free(four);
    report_free(r);
    free(r);
    cache_close(&c);
}

static void write_paper(const struct paper *p, const char *dir)
{
    static const char *const format[][2] = {
        {"text", "txt"}, {"csv", "csv"}, {"latex", "tex"}, {"html", "html"}, {"markdown", "md"}};
    struct error e = {0};
    if (dir_make(dir, &e) < 0)
        die_of(&e);
    for (size_t k = 0; k < COUNT_OF(format); k++) {
        struct publish out;
        char *name = xprintf("%s.%s", p->rows->table, format[k][1]), *path = path_join(dir, name);
        if (publish_open(&out, path, &e) < 0)
            die_of(&e);
        paper_print(p, format[k][0], out.to);
        if (publish_commit(&out, &e) < 0)
            die_of(&e);
        free(name);
        free(path);
    }
}

static void run_table(const struct settings *s)
{
    struct cache c;
    struct rows rows;
    struct paper p;
    struct report *r = NULL;
    struct opt_strings models, names;
    struct error e = {0};
    if (s->cache == NULL || s->rows == NULL || s->out == NULL)
        die(EX_USAGE, "%s is missing: pipelines/tables says how a table is made",
            s->cache == NULL ? "--cache" : (s->rows == NULL ? "--rows" : "--out"));
    if (cache_open(&c, s->cache, &e) < 0 || rows_read(&rows, s->rows, s->paper, &e) < 0 ||
        paper_wish(&rows, &models, &names, &e) < 0)
        die_of(&e);
    struct report_wish w = {&models, &names, split_of(s->split), s->backend, (uint64_t)s->common->seed, true, NULL};
    if (models.count > 0) {
        r = xalloc(1, sizeof *r);
        if (report_make(r, &c, &w, &e) < 0)
            die_of(&e);
    }
    paper_make(&p, &rows, &c, r);
    write_paper(&p, s->out);
    paper_print(&p, "text", stdout);
    paper_free(&p);
    if (r != NULL)
        report_free(r);
    free(r);
    for (size_t i = 0; i < names.count; i++)
        free((char *)names.value[i]);
    rows_free(&rows);
    cache_close(&c);
}

/* Learned numbers in a model's file, and the width of what its classifier reads. */
static void count_parameters(const char *path, struct known *k)
{
    struct safetensors file = {0};
    struct error e = {0};
    if (model_read(&file, path, &e) < 0)
        die_of(&e);
    for (size_t i = 0; i < file.tensor_count; i++)
        if (strstr(file.tensor[i].name, "running_") == NULL) /* statistics are not learned */
            k->parameters += tensor_count(&file.tensor[i]);
    const struct tensor_entry *head = safetensors_find(&file, "classifier.0.weight");
    k->embedding = head != NULL && head->ndim == 2 ? head->dim[1] : 0;
    safetensors_free(&file);
}

/* Words of a model, of its evaluation where there is a cache: a card, or with `sheet` the checklists. */
static void write_words(const struct settings *s, bool sheet)
{
    struct cache c;
    struct model m;
    struct known k = {.model = &m};
    char digest[65];
    struct error e = {0};
    if (s->out == NULL || s->model.count != 1)
        die(EX_USAGE, "%s takes one --model and --out FILE.md or FILE.html", sheet ? "sheet" : "card");
    if (model_open_facts(&m, s->model.value[0], &e) < 0 || file_sha256(s->model.value[0], digest, &e) < 0)
        die_of(&e);
    k.digest = digest;
    count_parameters(s->model.value[0], &k);
    struct report *r = xalloc(1, sizeof *r);
    if (s->cache != NULL || sheet) {
        open_cache(s, &c);
        make_report(s, &c, true, r);
        k.r = r;
    }
    if ((sheet ? sheet_write(&k, s->out, &e) : card_write(&k, s->out, &e)) < 0)
        die_of(&e);
    printf("%s: %s\n", sheet ? "sheet" : "card", s->out);
    if (k.r != NULL) {
        report_free(r);
        cache_close(&c);
    }
    free(r);
    model_close(&m);
}

static void run_card(const struct settings *s)
{
    write_words(s, false);
}

static void run_sheet(const struct settings *s)
{
    write_words(s, true);
}

static void run_reproduce(const struct settings *s)
{
    struct error e = {0};
    if (s->model.count != 1)
        die(EX_USAGE, "reproduce takes one run directory (what pipelines/train.sh got as --out), and --cache DIR");
    struct reproduce_wish w = {s->model.value[0], s->cache, s->init, s->out, s->rerun, s->backend};
    int code = reproduce_run(&w, stdout, &e);
    if (code < 0)
        die_of(&e);
    if (fflush(stdout) != 0)
        die(EX_IOERR, "cannot write what differs");
    exit(code);
}

static const struct verb {
    const char *name;
    void (*run)(const struct settings *);
    bool models; /* words after it are models, or a run */
} verbs[] = {{"report", run_report, false},  {"embed", run_embed, false}, {"compare", run_compare, true},
             {"figures", run_figures, true}, {"table", run_table, false}, {"reproduce", run_reproduce, true},
             {"card", run_card, false},      {"sheet", run_sheet, false}};

static void add_models(struct settings *s, char *const *word, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (s->model.count == COUNT_OF(s->model.value))
            die(EX_USAGE, "more than %zu models were named", COUNT_OF(s->model.value));
        s->model.value[s->model.count++] = word[i];
    }
}

int main(int argc, char **argv)
{
    struct settings s = {.split = "test", .format = "text", .backend = {"auto", "float32", 0}, .rerun = true};
    struct option table[] = {
        {"cache", OPT_STRING, &s.cache, "DIR", 0, 0, "the cache of regions", 0, NULL},
        {"model", OPT_STRINGS, &s.model, "FILE", 0, 0,
         "a model file; report and compare take several, the first is the one shown", 0, NULL},
        {"name", OPT_STRINGS, &s.name, "WORDS", 0, 0, "what to call each model, in their order; never two alike", 0,
         NULL},
        {"run", OPT_STRINGS, &s.run, "DIR", 0, 0,
         "a training run's directory, for its loss curves; may be given more than once", 0, NULL},
        {"out", OPT_STRING, &s.out, "PATH", 0, 0,
         "report: the folder to write to; embed: the table, .tsv or .h5; compare: the file, instead of stdout", 0, NULL},
        {"format", OPT_CHOICE, &s.format, TABLE_FORMATS, 0, 0, "compare: how the table is written", 0, NULL},
        {"sites", OPT_STRING, &s.sites, "FILE", 0, 0,
         "report, card, sheet: which patient is of which site, a table with a head: patient, site", 0, NULL},
        {"scan", OPT_STRING, &s.scan, "NAME", 0, 0,
         "figures: which scan or patient Figure 3 shows, instead of the one with the most tumours", 0, NULL},
        {"rows", OPT_STRING, &s.rows, "FILE", 0, 0, "table: which models stand in which row (pipelines/tables)", 0, NULL},
        {"paper", OPT_STRING, &s.paper, "FILE", 0, 0, "table: the paper's figures (pipelines/tables/paper)", 0, NULL},
        {"init", OPT_STRING, &s.init, "FILE", 0, 0,
         "reproduce: the encoder the classifier began with, where it lies elsewhere", 0, NULL},
        {"rerun", OPT_FLAG, &s.rerun, NULL, 0, 0, "reproduce: train anew and compare; --no-rerun only looks at records",
         0, NULL},
        {"neighbours", OPT_INT, &s.neighbours, "K", 0, 1000, "embed: with each region its K nearest others", 0, NULL},
        {"split", OPT_CHOICE, &s.split, "test|validation|train|all", 0, 0, "which patients (all: for embed)", 0, NULL},
        {"backend", OPT_CHOICE, &s.backend.name, BACKEND_CHOICES, 0, 0, "where the network runs", 0, NULL},
        {"precision", OPT_CHOICE, &s.backend.precision, PRECISION_CHOICES, 0, 0,
         "in which the network runs, however it learned", 0, NULL},
    };
    struct opts o = {
        .program = "petrel-eval",
        .usage = "report|embed|compare --cache DIR --model FILE [--model FILE] [--out PATH]",
        .purpose = "says what a model is worth on the regions of a cache",
        .epilogue =
            "report   report.html, metrics.json and predictions.tsv in --out, and a table\n"
            "embed    one row a region with its representation, as TSV or HDF5\n"
            "compare  any number of models on the same regions: compare --cache DIR A B ...\n"
            "figures  Figures 3 and 4 of the paper for models of one's own, as SVG in --out: figures --cache DIR A B "
            "...\n"
            "table    a table of the paper, ours beside the printed one, as text, CSV, LaTeX, HTML and Markdown in "
            "--out\n"
            "reproduce  RUN: is a training what its record says, and does it come out again to the byte? 0: yes; 65: "
            "what differs is said\n"
            "card     a model card from a model file, with --cache its figures, too; --out FILE.md or FILE.html\n"
            "sheet    the checklists CLAIM, TRIPOD+AI and CLEAR, filled in as far as the run knows\n",
        .table = table,
        .count = COUNT_OF(table),
        .common = {.seed = 1}};
    struct error e = {0};
    if (opts_parse(&o, argc, argv, &e) < 0)
        die_of(&e);
    s.common = &o.common;
    s.backend.threads = o.common.threads;
    if (o.common.threads > 0)
        omp_set_num_threads((int)o.common.threads);
    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        if (o.rest_count > 0 && (o.rest_count == 1 || verbs[i].models) && strcmp(o.rest[0], verbs[i].name) == 0) {
            add_models(&s, o.rest + 1, o.rest_count - 1);
            verbs[i].run(&s);
            return EX_OK;
        }
    die(EX_USAGE,
        "say what to do: report, embed, compare, figures, table, reproduce, card or sheet (petrel-eval --help)");
}
