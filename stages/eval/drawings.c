/* SPDX-License-Identifier: Apache-2.0 */
/* drawings -- Figures 3 and 4 of the paper for one's own models, as SVG.   evaluation -> [drawings] ═▶ figure3.svg, figure4.svg */
#include "stages/eval/drawings.h"
#include "common/file.h"
#include "stages/base64.h"
#include "stages/eval/provenance.h"
#include "stages/eval/representation.h"
#include "stages/eval/tsne.h"
#include "stages/picture.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 16, HEAD = 62, LINE = 15, PIXEL = 3, PLOT = 360, MAP_SIDE = 360 };
static const char tumour_colour[] = "#c62828", other_colour[] = "#1565c0", grey_colour[] = "#8a8f98";

static void put_text(FILE *to, double x, double y, const char *words, const char *more)
{
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, more);
    dress_of("html")->escape(words, to);
    fprintf(to, "</text>\n");
}

static void put_picture(FILE *to, double x, double y, double width, double height, const struct buffer *png)
{
    char *text = base64_of("data:image/png;base64,", png->data, png->size);
    fprintf(
        to, "<image x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" style=\"image-rendering:pixelated\" href=\"%s\"/>\n",
        x, y, width, height, text);
    free(text);
}

/* Paper, title, and below everything of what it was made. */
static void begin(FILE *to, double width, double height, const char *title, const char *cohort)
{
    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" "
            "font-family=\"system-ui, sans-serif\" font-size=\"13\">\n<rect width=\"100%%\" height=\"100%%\" "
            "fill=\"#fff\"/>\n",
            width, height, width, height);
    put_text(to, GAP, 20, title, "font-weight=\"600\" font-size=\"14\"");
    put_text(to, GAP, 38, cohort, "");
}

static void end(FILE *to, const struct report *r, double y)
{
    char *line = provenance_of_cache(r->cache->digest, split_name[r->split]);
    put_text(to, GAP, y, line, "font-size=\"9\" fill=\"#555\"");
    free(line);
    for (size_t i = 0; i < r->models; i++) {
        line = provenance_of_model(r->model[i].name, r->model[i].digest, &r->model[i].model);
        put_text(to, GAP, y + (double)(i + 1) * LINE, line, "font-size=\"9\" fill=\"#555\"");
        free(line);
    }
    fprintf(to, "</svg>\n");
}

static double foot(const struct report *r)
{
    return (double)(r->models + 1) * LINE + GAP;
}

/* ---- figure 3 ---- */

static int choose_scan(const struct report *r, const char *name, struct error *e)
{
    const struct scores *s = &r->model[0].splits.test;
    int chosen = -1;
    size_t most = 0;
    for (size_t first = 0, last; first < s->n; first = last) {
        size_t tumours = 0;
        for (last = first; last < s->n && s->shard[last] == s->shard[first]; last++)
            tumours += s->label[last] == 1;
        const struct shard_entry *shard = &r->cache->shard[s->shard[first]];
        if (name != NULL
                ? strcmp(name, shard->patient) == 0 || strcmp(name, shard->scan) == 0 || strcmp(name, shard->file) == 0
                : chosen < 0 || tumours > most) {
            chosen = s->shard[first];
            most = tumours;
        }
    }
    if (chosen < 0)
        return fail_as(e, EX_USAGE, "the %s split has no scan '%s' (petrel-cache ls lists them)", split_name[r->split],
                       name != NULL ? name : "");
    return chosen;
}

struct panel {
    const char *name;
    const struct evaluation *model; /* NULL: the truth */
    double left, top;
};

static void put_panel(FILE *to, const struct report *r, const struct regions_message *m, int shard,
                      const struct panel *p, const struct buffer *png)
{
    const struct scores *s = &r->model[0].splits.test;
    size_t found = 0, wrong = 0, tumours = 0;
    put_picture(to, p->left, p->top, m->mip_width * PIXEL, m->mip_height * PIXEL, png);
    for (size_t i = 0; i < s->n; i++) {
        if (s->shard[i] != shard)
            continue;
        bool truth = s->label[i] == 1,
             said =
                 p->model == NULL ? truth : (double)p->model->splits.test.probability[i] >= p->model->figures.threshold;
        struct mip_mark k = mip_mark(m, &m->region[s->row_in_shard[i]], 0);
        fprintf(to,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" stroke=\"%s\" "
                "stroke-width=\"1.4\"%s/>\n",
                p->left + (k.across - k.half_across) * PIXEL, p->top + (k.down - k.half_down) * PIXEL,
                2.0 * k.half_across * PIXEL, 2.0 * k.half_down * PIXEL, said ? tumour_colour : other_colour,
                said != truth ? " stroke-dasharray=\"4 2\"" : "");
        tumours += truth;
        found += truth && said;
        wrong += said && !truth;
    }
    char words[160];
    put_text(to, p->left, p->top - 6, p->name, "font-weight=\"600\"");
    if (p->model == NULL)
        format_into(words, sizeof words, "%zu tumour regions", tumours);
    else
        format_into(words, sizeof words, "%zu of %zu found, %zu false", found, tumours, wrong);
    put_text(to, p->left, p->top + m->mip_height * PIXEL + LINE, words, "");
}

int drawing_projections(const struct report *r, const char *scan, const char *path, struct error *e)
{
    struct publish out;
    struct regions_message m;
    int shard = choose_scan(r, scan, e);
    if (shard < 0 || cache_read_shard(r->cache, (size_t)shard, false, &m, e) < 0)
        return -1;
    int rc = m.mip_angles > 0 ? publish_open(&out, path, e)
                              : fail(e, "scan '%s' has no projection in the cache", r->cache->shard[shard].scan);
    if (rc == 0) {
        struct buffer png;
        double panel = m.mip_width * PIXEL, height = HEAD + LINE + m.mip_height * PIXEL + 3 * LINE;
        char *title = xprintf("Regions of %s: red tumour, blue not; dashed where a model is wrong", m.facts.patient);
        begin(out.to, fmax(720, GAP + (double)(r->models + 1) * (panel + GAP)), height + foot(r), title, r->cohort);
        mip_invert(m.mip, (size_t)m.mip_height * (size_t)m.mip_width);
        png_encode(m.mip, m.mip_width, m.mip_height, 1, &png);
        for (size_t k = 0; k <= r->models; k++) {
            struct panel p = {k == 0 ? "truth" : r->model[k - 1].name, k == 0 ? NULL : &r->model[k - 1],
                              GAP + (double)k * (panel + GAP), HEAD + LINE};
            put_panel(out.to, r, &m, shard, &p, &png);
        }
        end(out.to, r, height + LINE);
        buffer_free(&png);
        free(title);
        rc = publish_commit(&out, e);
    }
    regions_message_free(&m);
    return rc;
}

/* ---- figure 4 ---- */

static void put_points(FILE *to, const struct scores *s, double left, double top)
{
    double *y = xalloc(2 * s->n + 1, sizeof *y), low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    tsne_run(s->embedding, s->n, s->width, y);
    for (size_t i = 0; i < 2 * s->n; i++) {
        low[i % 2] = fmin(low[i % 2], y[i]);
        high[i % 2] = fmax(high[i % 2], y[i]);
    }
    fprintf(to, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#ccc\"/>\n", left, top,
            PLOT, PLOT);
    for (int class = 0; class < 2; class ++) /* tumours, fewer, on top */
        for (size_t i = 0; i < s->n; i++)
            if ((s->label[i] == 1) == (class == 1)) {
                double at[2];
                for (int a = 0; a < 2; a++)
                    at[a] = 8 + (PLOT - 16) *
                                    (high[a] > low[a] ? (y[2 * i + (size_t)a] - low[a]) / (high[a] - low[a]) : 0.5);
                fprintf(to, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2\" fill=\"%s\" fill-opacity=\"0.8\"/>\n",
                        left + at[0], top + at[1], class == 1 ? tumour_colour : grey_colour);
            }
    free(y);
}

/* 0 blue, half white, 1 red. */
static void colour_of(uint8_t grey, uint8_t rgb[3])
{
    static const double near[3] = {33, 102, 172}, middle[3] = {247, 247, 247}, far[3] = {178, 24, 43};
    double t = grey / 255.0;
    for (int c = 0; c < 3; c++) {
        double v =
            t < 0.5 ? near[c] + (middle[c] - near[c]) * 2.0 * t : middle[c] + (far[c] - middle[c]) * (2.0 * t - 1.0);
        rgb[c] = (uint8_t)(v + 0.5);
    }
}

static void put_distances(FILE *to, const struct scores *s, double left, double top)
{
    uint8_t *grey;
    size_t others, side = distance_map(s, MAP_SIDE, &grey, &others);
    uint8_t *rgb = xalloc(3 * side * side + 1, 1);
    for (size_t i = 0; i < side * side; i++)
        colour_of(grey[i], rgb + 3 * i);
    struct buffer png;
    png_encode(rgb, (int)side, (int)side, 3, &png);
    put_picture(to, left, top, PLOT, PLOT, &png);
    double edge = side > 0 ? PLOT * (double)others / (double)side : 0;
    fprintf(to, "<path d=\"M%.1f %.1fv%dM%.1f %.1fh%d\" stroke=\"#000\" stroke-width=\"1\" stroke-dasharray=\"3 3\"/>\n",
            left + edge, top, PLOT, left, top + edge, PLOT);
    put_text(to, left + 4, top + PLOT + LINE, "others", "");
    put_text(to, left + edge + 2, top + PLOT + LINE, "tumours", "");
    buffer_free(&png);
    free(rgb);
    free(grey);
}

int drawing_representations(const struct report *r, const char *path, struct error *e)
{
    struct publish out;
    if (publish_open(&out, path, e) < 0)
        return -1;
    double height = HEAD + LINE + 2 * PLOT + GAP + 3 * LINE;
    char *title = xprintf("Representations of the %s split", split_name[r->split]),
         *words = xprintf("%s%st-SNE: red tumours, grey others; distances, sorted by class: blue near, red far",
                          r->cohort, *r->cohort != '\0' ? "; " : "");
    begin(out.to, fmax(900, GAP + (double)r->models * (PLOT + GAP)), height + foot(r), title, words);
    for (size_t k = 0; k < r->models; k++) {
        double left = GAP + (double)k * (PLOT + GAP), top = HEAD + LINE;
        put_text(out.to, left, top - 6, r->model[k].name, "font-weight=\"600\"");
        put_points(out.to, &r->model[k].splits.test, left, top);
        put_distances(out.to, &r->model[k].splits.test, left, top + PLOT + GAP);
    }
    end(out.to, r, height + LINE);
    free(words);
    free(title);
    return publish_commit(&out, e);
}
