/* SPDX-License-Identifier: Apache-2.0 */
/* describe -- the network as a table: every operation, what it costs, and the totals.   petrel-train describe
 * Derived from geometry; nothing is run. live: counting only taps that fall inside the image. */
#include "stages/train/train.h"
#include "stages/train/work.h"
#include <stdlib.h>
#include <string.h>

/* 38938953 -> "38,938,953" */
struct grouped {
    char text[32];
};
static struct grouped grouped(uint64_t n)
{
    struct grouped g;
    char digits[24];
    format_into(digits, sizeof digits, "%llu", (unsigned long long)n);
    size_t length = strlen(digits), at = 0;
    for (size_t i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            g.text[at++] = ',';
        g.text[at++] = digits[i];
    }
    g.text[at] = 0;
    return g;
}

struct totals {
    uint64_t params, live_params;
    double mmacs, live_mmacs;
};
enum { BACKBONE_CT, BACKBONE, PEB, PROJECTION, CLASSIFIER, PARTS };
static const char *const PART_NAMES[PARTS] = {"backbone_ct", "backbone", "peb", "projection", "classifier"};

static int part_of(const char *name, int last)
{
    for (int p = 0; p < PARTS; p++)
        if (!strncmp(name, PART_NAMES[p], strlen(PART_NAMES[p])))
            return p;
    return last; /* an operation without parameters stands with those before it */
}

static struct grouped shape(int C, const int dim[3])
{
    struct grouped g;
    if (dim[0] == 1 && dim[1] == 1 && dim[2] == 1)
        format_into(g.text, sizeof g.text, "%d", C);
    else
        format_into(g.text, sizeof g.text, "%d x %d.%d.%d", C, dim[0], dim[1], dim[2]);
    return g;
}

static void print_row(const struct tape_row *r, FILE *to)
{
    char kernel[32] = "", cost[40] = "", params[64] = "";
    if (r->kernel[0])
        format_into(kernel, sizeof kernel, "%d.%d.%d/%d.%d.%d", r->kernel[0], r->kernel[1], r->kernel[2], r->stride[0],
                    r->stride[1], r->stride[2]);
    if (r->params)
        format_into(params, sizeof params, "%12s %12s", grouped(r->params).text, grouped(r->live_params).text);
    if (r->mmacs > 0)
        format_into(cost, sizeof cost, "%8.3f %8.3f", r->mmacs, r->live_mmacs);
    fprintf(to, "%-9s %-32s %14s %14s %-12s %25s %17s\n", r->op, r->name, shape(r->C, r->in).text,
            shape(r->O, r->out).text, kernel, params, cost);
}

static void print_rows(const struct tape *tape, struct totals part[PARTS], FILE *to)
{
    struct tape_row row;
    int at = BACKBONE;
    fprintf(to, "%-9s %-32s %14s %14s %-12s %12s %12s %8s %8s\n", "operation", "name", "in", "out", "taps/stride",
            "parameters", "live", "MMACs", "live");
    for (size_t i = 0; tape_describe(tape, i, &row); i++) {
        at = part_of(row.name, at);
        part[at].params += row.params;
        part[at].live_params += row.live_params;
        part[at].mmacs += row.mmacs;
        part[at].live_mmacs += row.live_mmacs;
        print_row(&row, to);
    }
}

/* ", backbone width 64, stem stride 1,2,2" */
static void print_settings(const struct network_settings *s, FILE *to)
{
    for (const struct setting *row = s->backbone->settings; row && row->key; row++) {
        char value[64];
        setting_text(row, &s->own, value, sizeof value);
        fputs(", ", to);
        for (const char *c = row->key; *c; c++)
            fputc(*c == '_' ? ' ' : *c, to);
        fprintf(to, " %s", value);
    }
}

int describe_print(const struct train *t, FILE *to, struct error *e)
{
    const struct recipe *r = &t->recipe;
    struct network_settings s;
    struct totals part[PARTS] = {{0}};
    char position[128] = "no position (ablation)";
    if (model_network(r, recipe_channels(r), false, &s, e))
        return -1;
    struct params *params = params_open(NULL);
    struct tape *tape = tape_open(params, 1, 1);
    (void)network_build(tape, &s, NETWORK_ENCODER | NETWORK_PROJECTION | NETWORK_CLASSIFIER);
    if (s.position)
        format_into(position, sizeof position, "PEB of %s (%s)", r->position_parts,
                    s.peb_norm == PEB_L2 ? "L2" : "LayerNorm");
    fprintf(to, "recipe %s: %s, box %d x %d.%d.%d", r->recipe_name, s.backbone->name, s.channels, s.box[0], s.box[1],
            s.box[2]);
    print_settings(&s, to);
    fprintf(to, ", %s\n\n", position);
    print_rows(tape, part, to);
    fprintf(to, "\n");
    for (int p = 0; p < PARTS; p++)
        if (part[p].params)
            fprintf(to, "%-11s %12s parameters, %12s live; %8.1f million multiply-adds a box, %6.1f live%s\n",
                    PART_NAMES[p], grouped(part[p].params).text, grouped(part[p].live_params).text, part[p].mmacs,
                    part[p].live_mmacs, p == CLASSIFIER ? " (learned after pretraining)" : "");
    fprintf(to, "total       %12s parameters %s\n",
            grouped(params_elements(params, "") - params_elements(params, "classifier")).text,
            s.position ? "with PEB" : "without PEB");
    tape_close(&tape);
    params_close(&params);
    if (t->cache_dir == NULL)
        return 0;
    return work_print(t, part[BACKBONE].live_mmacs + part[PEB].live_mmacs, part[PROJECTION].live_mmacs, to, e);
}
