/* SPDX-License-Identifier: Apache-2.0 */
/* model_file -- what stands in a model file: settings, facts, tensors by name.   train ═▶ [model] ═▶ eval, classify */
#include "common/log.h"
#include "proto/message.h"
#include "stages/model.h"
#include <stdlib.h>
#include <string.h>

/* ---- settings as text ---- */

static void key_of(const struct option *row, char key[64])
{
    format_into(key, 64, "%s", row->name);
    for (char *c = key; *c; c++)
        *c = *c == '-' ? '_' : *c;
}

char *model_settings_text(const struct recipe *r)
{
    struct recipe copy = *r;
    struct option table[RECIPE_ROWS];
    size_t rows = recipe_options(&copy, RECIPE_ALL, table, RECIPE_ROWS);
    char *text = xstrdup("");
    for (size_t i = 0; i < rows; i++) {
        char key[64], *value = opts_value(&table[i]);
        key_of(&table[i], key);
        char *longer = xprintf("%s%s = %s\n", text, key, value);
        free(value);
        free(text);
        text = longer;
    }
    return text;
}

static int set_line(char *line, struct option *table, size_t rows, struct error *e)
{
    char *equals = strstr(line, " = ");
    if (!equals)
        return fail(e, "its settings have the line '%s', which is no 'key = value'", line);
    *equals = 0;
    for (size_t i = 0; i < rows; i++) {
        char key[64];
        key_of(&table[i], key);
        if (!strcmp(key, line))
            return opt_set(&table[i], equals + 3, e);
    }
    return fail(e, "its settings name '%s', which this version (%s) does not know", line, program_version());
}

int model_settings_read(const char *text, struct recipe *r, struct error *e)
{
    struct option table[RECIPE_ROWS];
    recipe_defaults(r);
    size_t rows = recipe_options(r, RECIPE_ALL, table, RECIPE_ROWS);
    char *copy = xstrdup(text), *rest = copy, *line;
    int result = 0;
    while (!result && (line = strsep(&rest, "\n")))
        if (*line)
            result = set_line(line, table, rows, e);
    free(copy);
    return result ? result : recipe_check(r, e);
}

/* ---- the network ---- */

/* the rows of the recipe that are settings of its backbone */
static int take_backbone(const struct recipe *r, struct network_settings *s, struct error *e)
{
    struct recipe copy = *r;
    struct option row[RECIPE_ROWS];
    size_t rows = recipe_options(&copy, RECIPE_ALL, row, RECIPE_ROWS);
    int result = 0;
    for (size_t i = 0; i < rows && !result; i++) {
        char key[64];
        key_of(&row[i], key);
        if (!setting_find(s->backbone->settings, key))
            continue;
        char *value = opts_value(&row[i]);
        result = network_set(s, key, row[i].kind == OPT_CHOICE ? *(const char **)row[i].value : value, e);
        free(value);
    }
    return result;
}

int model_network(const struct recipe *r, int channels, bool classifier, struct network_settings *s, struct error *e)
{
    network_defaults(s);
    if (network_backbone(s, r->backbone, e) || take_backbone(r, s, e))
        return -1;
    s->channels = channels;
    for (int a = 0; a < 3; a++)
        s->box[a] = a == 0 && r->box_slices > 0 ? 1 : BOX_SIDE;
    bool own = classifier && strcmp(r->classifier_position, "same");
    s->position = own ? !strcmp(r->classifier_position, "yes") : r->position;
    s->late_fusion = !strcmp(r->fusion, "late");
    if (recipe_position_parts(r, &s->position_parts, e))
        return -1;
    s->peb_norm = !strcmp(r->peb_norm, "l2") ? PEB_L2 : PEB_LAYER;
    s->projection_width = (int)r->projection_width;
    s->projection_outputs = (int)r->projection_outputs;
    s->classifier_hidden = (int)r->classifier_hidden;
    s->classifier_gelu = !strcmp(r->classifier_activation, "gelu");
    return network_check(s, e);
}

/* One cache is asked about in every pass over its regions. */
static void warn_once(const char *whose)
{
    static char said[300];
    char now[sizeof said];
    format_into(now, sizeof now, "%.299s", whose);
    if (strcmp(now, said) == 0)
        return;
    format_into(said, sizeof said, "%s", now);
    log_warn("%s is of version 0.1 and does not say with which SUV and region settings it was made", whose);
}

int model_suits(const struct model *m, const char *record, const char *whose, struct error *e)
{
    char what[700], *own = recipe_record(&m->recipe, RECIPE_SCAN);
    int result = 0;
    if (!*record)
        warn_once(whose);
    else if (record_compare(own, record, what, sizeof what))
        result = fail_as(e, EX_CONFIG,
                         "%s was made with other settings than the model learned with (%s): use the model's "
                         "(petrel-classify settings)",
                         whose, what);
    free(own);
    return result;
}

/* ---- facts ---- */

void model_add_facts(struct safetensors *s, const struct model_facts *f)
{
    char number[32], *settings = model_settings_text(f->recipe);
    safetensors_set(s, "petrel", MODEL_WHOLE);
    safetensors_set(s, "version", program_version());
    safetensors_set(s, "phase", f->phase);
    safetensors_set(s, "recipe", f->recipe->recipe_name);
    safetensors_set(s, "settings", settings);
    safetensors_set(s, "cache", f->cache_digest);
    safetensors_set(s, "cohort", f->cohort);
    for (int i = 0; i < 2; i++)
        if (f->patients[i])
            safetensors_set(s, i ? MODEL_PATIENTS_VALIDATION : MODEL_PATIENTS, f->patients[i]);
    if (f->overridden && *f->overridden)
        safetensors_set(s, "overridden", f->overridden);
    const struct {
        const char *key;
        int64_t value;
    } numbers[] = {{"channels", f->channels}, {"seed", (int64_t)f->seed}, {"epoch", f->epoch}, {"step", f->step}};
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        format_into(number, sizeof number, "%lld", (long long)numbers[i].value);
        safetensors_set(s, numbers[i].key, number);
    }
    free(settings);
}

/* ---- tensors ---- */

static size_t part_length(const char *name)
{
    return strcspn(name, ".");
}

/* is the part of `name` one of "a,b,c"? */
static bool part_listed(const char *name, const char *list)
{
    size_t length = part_length(name);
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == length && !strncmp(at, name, length))
            return true;
    return false;
}

/* Counters come first in the host's block, two floats' room each, so that they are aligned. */
enum { COUNTER_FLOATS = sizeof(int64_t) / sizeof(float) };

static size_t counters(const struct params *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++)
        n += p->param[i].kind == PARAM_COUNTER;
    return n;
}

size_t model_host_floats(const struct params *p)
{
    size_t n = COUNTER_FLOATS * counters(p);
    for (size_t i = 0; i < p->count; i++)
        n += p->param[i].kind == PARAM_COUNTER ? 0 : p->param[i].count;
    return n;
}

static int fetch(void *context, const struct tensor_entry *t, void *to, struct error *e)
{
    (void)e;
    param_get(context, params_find(context, t->name), to);
    return 0;
}

void model_add_params(struct safetensors *s, struct params *p, float *host)
{
    int64_t *counter = (int64_t *)(void *)host;
    float *value = host ? host + COUNTER_FLOATS * counters(p) : NULL;
    for (size_t i = 0; i < p->count; i++) {
        struct param *q = &p->param[i];
        int64_t dim[5];
        if (part_listed(q->name, MODEL_LEARNING_PARTS))
            continue;
        for (int a = 0; a < q->ndim; a++)
            dim[a] = q->dim[a];
        if (q->kind == PARAM_COUNTER) {
            if (counter)
                *counter = q->counter;
            safetensors_add(s, q->name, TENSOR_I64, 0, dim, counter ? counter++ : &q->counter);
            continue;
        }
        if (value)
            param_get(p, q, value);
        safetensors_add(s, q->name, TENSOR_F32, q->ndim, dim, value);
        value = value ? value + q->count : NULL;
    }
    s->fill = fetch;
    s->fill_context = p;
}

bool model_has_part(const struct safetensors *s, const char *part)
{
    size_t length = strlen(part);
    for (size_t i = 0; i < s->tensor_count; i++)
        if (!strncmp(s->tensor[i].name, part, length) && s->tensor[i].name[length] == '.')
            return true;
    return false;
}

static bool part_absent(const struct safetensors *s, const char *name)
{
    char part[96];
    format_into(part, sizeof part, "%.*s", (int)part_length(name), name);
    return !model_has_part(s, part);
}

static void shape_text(char to[96], int ndim, const int64_t *dim)
{
    size_t at = 0;
    to[0] = 0;
    for (int a = 0; a < ndim && at < 80; a++)
        at += (size_t)snprintf(to + at, 96 - at, "%s%lld", a ? "," : "", (long long)dim[a]);
}

static int check_tensor(const struct tensor_entry *t, const struct param *q, const char *path, struct error *e)
{
    int64_t want[5];
    bool same = t->ndim == q->ndim;
    for (int a = 0; a < q->ndim; a++) {
        want[a] = q->dim[a];
        same = same && t->dim[a] == want[a];
    }
    if (!same) {
        char is[96], should[96];
        shape_text(is, t->ndim, t->dim);
        shape_text(should, q->ndim, want);
        return fail(e, "'%s': tensor '%s' has shape [%s], but this network wants [%s]", path, q->name, is, should);
    }
    enum tensor_type type = q->kind == PARAM_COUNTER ? TENSOR_I64 : TENSOR_F32;
    if (t->type != type)
        return fail(e, "'%s': tensor '%s' is not of type %s", path, q->name, type == TENSOR_I64 ? "I64" : "F32");
    return 0;
}

int model_load(struct params *p, const struct safetensors *s, const char *path, const char *optional, const char *skip,
               struct error *e)
{
    for (size_t i = 0; i < s->tensor_count; i++)
        if (!part_listed(s->tensor[i].name, skip) && !params_find(p, s->tensor[i].name))
            return fail(e, "'%s': tensor '%s' has no place in this network (other settings, or another network's file)",
                        path, s->tensor[i].name);
    for (size_t i = 0; i < p->count; i++) {
        struct param *q = &p->param[i];
        const struct tensor_entry *t = safetensors_find(s, q->name);
        if (!t && part_listed(q->name, optional) && part_absent(s, q->name))
            continue;
        if (!t)
            return fail(e, "'%s': tensor '%s' is missing", path, q->name);
        if (check_tensor(t, q, path, e))
            return -1;
        if (q->kind == PARAM_COUNTER)
            memcpy(&q->counter, t->data, sizeof q->counter);
        else
            param_put(p, q, t->data);
    }
    return 0;
}
