/* SPDX-License-Identifier: Apache-2.0 */
/* petrel-eval -- what a model is worth: metrics, report, embeddings, comparison.   cache, model ═▶ [eval] ═▶ report.html, metrics.json */
#include "common/file.h"
#include "common/log.h"
#include "common/opts.h"
#include "stages/eval/evaluation.h"
#include "stages/eval/tsne.h"
#include <stdlib.h>
#include <string.h>

struct settings {
    const char *cache, *out, *split;
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
    struct report_wish w = {&s->model, &s->name, split_of(s->split), s->backend, (uint64_t)s->common->seed, baselines};
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
    char *page = path_join(s->out, "report.html"), *numbers = path_join(s->out, "metrics.json");
    if (dir_make(s->out, &e) < 0 || report_json(r, numbers, &e) < 0 || report_html(r, page, &e) < 0)
        die_of(&e);
    report_print(r, stdout);
    printf("report: %s\n", page);
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
    open_cache(s, &c);
    if (s->model.count < 2)
        die(EX_USAGE, "compare takes two models: --model A --model B");
    make_report(s, &c, false, r);
    report_print(r, stdout);
    printf("Wilcoxon signed-rank on |probability - truth| of %zu regions: T = %g, p = %.3g\n",
           r->against[0].wilcoxon.used, r->against[0].wilcoxon.statistic, r->against[0].wilcoxon.p_normal);
    report_free(r);
    free(r);
    cache_close(&c);
}

/* One row a region: where it is from, its label, the model's word, its place in the t-SNE picture, its representation. */
static void run_embed(const struct settings *s)
{
    struct cache c;
    struct model m;
    struct scores v;
    struct publish out;
    struct error e = {0};
    if (s->out == NULL || s->model.count != 1)
        die(EX_USAGE, "embed takes one --model and --out FILE.tsv");
    open_cache(s, &c);
    enum split which = strcmp(s->split, "all") == 0 ? SPLIT_NONE : split_of(s->split);
    if (model_open(&m, s->model.value[0], &s->backend, &e) < 0 || scores_make(&v, &c, &m, which, &e) < 0 ||
        publish_open(&out, s->out, &e) < 0)
        die_of(&e);
    double *y = xalloc(2 * v.n + 1, sizeof *y);
    tsne_run(v.embedding, v.n, v.width, y);
    fprintf(out.to, "# %s%spetrel-eval %s, model %s\nrow\tpatient\tlabel\tprobability\ttsne_x\ttsne_y", m.cohort,
            m.cohort[0] ? "; " : "", program_version(), s->model.value[0]);
    for (size_t k = 0; k < v.width; k++)
        fprintf(out.to, "\te%zu", k);
    fputc('\n', out.to);
    for (size_t i = 0; i < v.n; i++) {
        fprintf(out.to, "%zu\t%s\t%d\t", v.row[i], c.shard[v.shard[i]].patient, v.label[i]);
        if (v.probability != NULL)
            fprintf(out.to, "%.6f", (double)v.probability[i]);
        fprintf(out.to, "\t%.4f\t%.4f", y[2 * i], y[2 * i + 1]);
        for (size_t k = 0; k < v.width; k++)
            fprintf(out.to, "\t%.7g", (double)v.embedding[i * v.width + k]);
        fputc('\n', out.to);
    }
    if (publish_commit(&out, &e) < 0)
        die_of(&e);
    printf("%zu embeddings: %s\n", v.n, s->out);
    free(y);
    scores_free(&v);
    model_close(&m);
    cache_close(&c);
}

static const struct verb {
    const char *name;
    void (*run)(const struct settings *);
} verbs[] = {{"report", run_report}, {"embed", run_embed}, {"compare", run_compare}};

int main(int argc, char **argv)
{
    struct settings s = {.split = "test", .backend = {"auto", "float32", 0}};
    struct option table[] = {
        {"cache", OPT_STRING, &s.cache, "DIR", 0, 0, "the cache of regions", 0, NULL},
        {"model", OPT_STRINGS, &s.model, "FILE", 0, 0,
         "a model file; report and compare take several, the first is the one shown", 0, NULL},
        {"name", OPT_STRINGS, &s.name, "WORDS", 0, 0,
         "what to call each model, in the order of --model; never two alike", 0, NULL},
        {"run", OPT_STRINGS, &s.run, "DIR", 0, 0,
         "a training run's directory, for its loss curves; may be given more than once", 0, NULL},
        {"out", OPT_STRING, &s.out, "PATH", 0, 0, "report: the folder to write to; embed: the table to write", 0, NULL},
        {"split", OPT_CHOICE, &s.split, "test|validation|train|all", 0, 0, "which patients (all: for embed)", 0, NULL},
        {"backend", OPT_CHOICE, &s.backend.name, BACKEND_CHOICES, 0, 0, "where the network runs", 0, NULL},
        {"precision", OPT_CHOICE, &s.backend.precision, PRECISION_CHOICES, 0, 0,
         "in which the network runs, however it learned", 0, NULL},
    };
    struct opts o = {.program = "petrel-eval",
                     .usage = "report|embed|compare --cache DIR --model FILE [--model FILE] [--out PATH]",
                     .purpose = "says what a model is worth on the regions of a cache",
                     .epilogue = "report   report.html and metrics.json in --out, and a table\n"
                                 "embed    one row a region with its representation, as TSV\n"
                                 "compare  two models on the same regions: DeLong, Wilcoxon\n",
                     .table = table,
                     .count = COUNT_OF(table),
                     .common = {.seed = 1}};
    struct error e = {0};
    if (opts_parse(&o, argc, argv, &e) < 0)
        die_of(&e);
    s.common = &o.common;
    s.backend.threads = o.common.threads;
    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        if (o.rest_count == 1 && strcmp(o.rest[0], verbs[i].name) == 0) {
            verbs[i].run(&s);
            return EX_OK;
        }
    die(EX_USAGE, "say what to do: report, embed or compare (petrel-eval --help)");
}
