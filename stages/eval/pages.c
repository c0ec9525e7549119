/* SPDX-License-Identifier: Apache-2.0 */
/* pages -- the report's two live pictures.   evaluation -> [pages] -> report */
#include "stages/eval/pages.h"
#include "stages/eval/html.h"
#include "stages/eval/tsne.h"
#include "stages/picture.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A script of one canvas: frames lie one under another in a PNG; marks are [across, down, half, half] for each region and frame. */
static const char turner[] =
    "<script>(()=>{const "
    "S=window.petrelScans,c=document.getElementById('mip'),x=c.getContext('2d'),pick=document.getElementById('scan'),"
    "bar=document.getElementById('angle'),Z=3;let k=0,a=0,still=false,img=[];"
    "S.forEach((s,i)=>{const o=document.createElement('option');o.value=i;o.textContent=s.name;pick.append(o);"
    "img[i]=new Image();img[i].src=s.png;img[i].onload=draw});"
    "function draw(){const s=S[k];c.width=s.w*Z;c.height=s.h*Z;x.imageSmoothingEnabled=true;"
    "x.drawImage(img[k],0,a*s.h,s.w,s.h,0,0,c.width,c.height);x.lineWidth=1.6;"
    "s.regions.slice().sort((p,q)=>p.said-q.said).forEach(r=>{const m=r.at[a];x.strokeStyle=r.said?'#d62f2f':'#2c6fbb';"
    "x.setLineDash(r.truth<0||r.said==r.truth?[]:[4,3]);"
    "x.strokeRect((m[0]-m[2]-1)*Z,(m[1]-m[3]-1)*Z,(2*m[2]+2)*Z,(2*m[3]+2)*Z)});bar.value=a}"
    "function near(e){const "
    "s=S[k],b=c.getBoundingClientRect(),px=(e.clientX-b.left)*s.w/b.width,py=(e.clientY-b.top)*s.h/b.height;"
    "let best=null,d=1e9;s.regions.forEach(r=>{const "
    "m=r.at[a];if(Math.abs(px-m[0])<m[2]+2&&Math.abs(py-m[1])<m[3]+2){const q=m[2]*m[3];if(q<d){d=q;best=r}}});return "
    "best}"
    "const tip=document.getElementById('tip');c.onmousemove=e=>{const "
    "r=near(e);tip.style.display=r?'block':'none';if(r){tip.textContent=r.text;"
    "tip.style.left=e.clientX+14+'px';tip.style.top=e.clientY+10+'px'}};c.onmouseleave=()=>tip.style.display='none';"
    "pick.onchange=()=>{k=+pick.value;draw()};bar.oninput=()=>{still=true;a=+bar.value;draw()};c.onclick=()=>still=!"
    "still;"
    "setInterval(()=>{if(!still){a=(a+1)%S[k].n;draw()}},220);draw()})()</script>\n";

struct shown {
    int32_t shard;
    size_t tumours, regions;
};

static int most_tumours_first(const void *a, const void *b)
{
    const struct shown *x = a, *y = b;
    if (x->tumours != y->tumours)
        return x->tumours < y->tumours ? 1 : -1;
    return x->shard - y->shard;
}

/* Scans the split's scores come from, those with the most tumours first. */
static size_t scans_of(const struct scores *s, struct shown **list)
{
    struct shown *l = xalloc(s->n + 1, sizeof *l);
    size_t count = 0;
    for (size_t i = 0; i < s->n; i++) { /* rows are in the order of shards */
        if (count == 0 || l[count - 1].shard != s->shard[i])
            l[count++] = (struct shown){s->shard[i], 0, 0};
        l[count - 1].tumours += s->label[i] == 1;
        l[count - 1].regions++;
    }
    qsort(l, count, sizeof *l, most_tumours_first);
    *list = l;
    return count;
}

static void put_marks(FILE *to, const struct regions_message *m, const struct evaluation *v, int32_t shard)
{
    const struct scores *s = &v->splits.test;
    bool first = true;
    for (size_t i = 0; i < s->n; i++) {
        if (s->shard[i] != shard)
            continue;
        const struct region *r = &m->region[s->row_in_shard[i]];
        fprintf(to, "%s{said:%d,truth:%d,text:'region %d: probability %.2f, %s, SUVmax %.1f, %.1f ml',at:[",
                first ? "" : ",", (double)s->probability[i] >= v->figures.threshold, s->label[i], r->component,
                (double)s->probability[i],
                s->label[i] == 1 ? "tumour in truth" : (s->label[i] == 0 ? "no tumour in truth" : "truth unknown"),
                r->suv_max, r->ml);
        for (int a = 0; a < m->mip_angles; a++) {
            struct mip_mark k = mip_mark(m, r, a);
            fprintf(to, "%s[%.1f,%.1f,%.1f,%.1f]", a ? "," : "", k.across, k.down, k.half_across, k.half_down);
        }
        fprintf(to, "]}");
        first = false;
    }
}

static void put_scan(FILE *to, const struct report *r, const struct regions_message *m, const struct shown *scan,
                     bool first)
{
    size_t bytes = (size_t)m->mip_angles * (size_t)m->mip_height * (size_t)m->mip_width;
    struct buffer png;
    mip_invert(m->mip, bytes);
    png_encode(m->mip, m->mip_width, m->mip_height * m->mip_angles, 1, &png);
    fprintf(to, "%s{name:'", first ? "" : ",");
    html_text(to, m->facts.patient);
    fprintf(to, "%s, %zu regions, %zu tumours',n:%d,w:%d,h:%d,png:'data:image/png;base64,",
            m->facts.simulated ? " (simulated)" : "", scan->regions, scan->tumours, m->mip_angles, m->mip_width,
            m->mip_height);
    base64_put(to, png.data, png.size);
    fprintf(to, "',regions:[");
    put_marks(to, m, &r->model[0], scan->shard);
    fprintf(to, "]}\n");
    buffer_free(&png);
}

int page_projections(FILE *to, const struct report *r, struct error *e)
{
    struct shown *scan;
    size_t scans = scans_of(&r->model[0].splits.test, &scan), shown = 0;
    for (size_t i = 0; i < scans && shown < PATIENTS_SHOWN; i++) {
        struct regions_message m;
        if (cache_read_shard(r->cache, (size_t)scan[i].shard, false, &m, e) < 0) {
            free(scan);
            return -1;
        }
        if (m.mip_angles > 0) {
            if (shown == 0)
                fprintf(to,
                        "<section><h2>Rotating maximum-intensity projection, %s</h2><p><select id=\"scan\"></select> "
                        "<input type=\"range\" id=\"angle\" min=\"0\" max=\"%d\" value=\"0\"> "
                        "<span class=\"key\" style=\"background:#d62f2f\"></span>said tumour<span class=\"key\" "
                        "style=\"background:#2c6fbb\">"
                        "</span>said other; dashed: a mistake. Click to stop, hover for a region.</p><canvas "
                        "id=\"mip\"></canvas>"
                        "<p>SUV 0 to 10, white to black; scans of the %s "
                        "split%s%s.</p></section><script>window.petrelScans=[",
                        r->model[0].name, m.mip_angles - 1, split_name[r->split], r->cohort[0] ? ", " : "", r->cohort);
            put_scan(to, r, &m, &scan[i], shown++ == 0);
        }
        regions_message_free(&m);
    }
    free(scan);
    if (shown > 0)
        fprintf(to, "]</script>%s", turner);
    return 0;
}

static void put_points(FILE *to, const struct report *r, const struct evaluation *v)
{
    const struct scores *s = &v->splits.test;
    double *y = xalloc(2 * s->n + 1, sizeof *y), low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    tsne_run(v->splits.test.embedding, s->n, s->width, y);
    for (size_t i = 0; i < 2 * s->n; i++) {
        low[i % 2] = fmin(low[i % 2], y[i]);
        high[i % 2] = fmax(high[i % 2], y[i]);
    }
    fprintf(to, "<div><p class=\"say\">%s</p><svg class=\"dots\" viewBox=\"0 0 440 400\" width=\"440\">", v->name);
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < s->n; i++) {
            if ((s->label[i] == 1) != (pass == 1))
                continue;
            double px = 10 + 420 * (y[2 * i] - low[0]) / fmax(high[0] - low[0], 1e-9);
            double py = 10 + 380 * (y[2 * i + 1] - low[1]) / fmax(high[1] - low[1], 1e-9);
            fprintf(
                to, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.4\" fill=\"%s\" fill-opacity=\".75\" data-t=\"%s, row %zu, %s: probability %.2f\"/>",
                px, py, pass ? "#d62f2f" : "#8a93a3", r->cache->shard[s->shard[i]].patient, s->row[i],
                pass ? "tumour" : "no tumour", (double)s->probability[i]);
        }
    fprintf(to, "</svg></div>");
    free(y);
}

void page_embedding(FILE *to, const struct report *r)
{
    fprintf(to,
            "<section><h2>Embedding</h2><p>t-SNE of the %zu-dimensional representations of the %s split: "
            "<span class=\"key\" style=\"background:#d62f2f\"></span>tumour<span class=\"key\" "
            "style=\"background:#8a93a3\"></span>no tumour. "
            "Hover for a region.</p><div class=\"two\">",
            r->model[0].splits.test.width, split_name[r->split]);
    for (size_t i = 0; i < r->models; i++)
        put_points(to, r, &r->model[i]);
    fprintf(to, "</div></section><script>document.querySelectorAll('.dots circle').forEach(d=>{const "
                "t=document.getElementById('tip');"
                "d.onmousemove=e=>{t.style.display='block';t.textContent=d.dataset.t;t.style.left=e.clientX+14+'px';t."
                "style.top=e.clientY+10+'px'};"
                "d.onmouseleave=()=>t.style.display='none'})</script>\n");
}
