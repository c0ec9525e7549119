/* SPDX-License-Identifier: Apache-2.0 */
/* page -- everything on the report that moves. Data stand in #data (stages/eval/page_json.c says what); nothing is fetched. */
(() => {
"use strict";
const D = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);
const N = D.label.length, tumours = D.label.filter(l => l === 1).length;
const lists = [...D.models, ...D.baselines];
const state = { who: 0, threshold: D.models[0].threshold, region: -1, scan: 0, angle: 0, still: matchMedia("(prefers-reduced-motion: reduce)").matches };
const finite = Number.isFinite;
const percent = v => !finite(v) ? "-" : v < 1 && v >= .9995 ? "> 99.9 %" : (100 * v).toFixed(1) + " %";
const fixed = (v, k) => finite(v) ? v.toFixed(k) : "-";
const ratio = (a, b) => b > 0 ? a / b : null;

/* ---- small words of the page ---- */
function el(name, attributes, ...children) {
    const e = document.createElement(name);
    for (const [k, v] of Object.entries(attributes || {})) if (k.startsWith("on")) e[k] = v; else e.setAttribute(k, v);
    e.append(...children);
    return e;
}
function svg(name, attributes, ...children) {
    const e = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    e.append(...children);
    return e;
}
const colour = i => i < D.models.length ? `var(--m${i % 4})` : "var(--base)";
const tip = $("tip");
function tell(event, text) {
    tip.style.display = text ? "block" : "none";
    if (!text) return;
    tip.textContent = text;
    tip.style.left = Math.min(event.clientX + 14, innerWidth - 290) + "px";
    tip.style.top = Math.min(event.clientY + 10, innerHeight - 70) + "px";
}
function about(i) {
    const l = lists[state.who];
    return `${D.patients[D.patient[i]]}, region ${D.component[i]}: ${l.name} ${l.p[i].toFixed(2)}, ${D.label[i] === 1 ? "tumour" : "no tumour"} in truth, ` +
        `SUVmax ${D.suv[i].toFixed(1)}, ${D.ml[i].toFixed(1)} ml` + (D.organ[i] ? `, ${D.organ[i]}` : "");
}

/* ---- figures of one list of probabilities ---- */
function counts(p, t, of) {
    const c = { tp: 0, fp: 0, tn: 0, fn: 0 };
    for (let i = 0; i < N; i++) if (!of || of(i)) c[p[i] >= t ? (D.label[i] === 1 ? "tp" : "fp") : (D.label[i] === 1 ? "fn" : "tn")]++;
    return c;
}
function values(c) {
    const s = ratio(c.tp, c.tp + c.fn), n = ratio(c.tn, c.tn + c.fp);
    return {
        Sensitivity: s, Specificity: n, Precision: ratio(c.tp, c.tp + c.fp), F1: ratio(2 * c.tp, 2 * c.tp + c.fp + c.fn),
        "Balanced accuracy": s === null || n === null ? null : (s + n) / 2,
        MCC: ratio(c.tp * c.tn - c.fp * c.fn, Math.sqrt(c.tp + c.fp) * Math.sqrt(c.tp + c.fn) * Math.sqrt(c.tn + c.fp) * Math.sqrt(c.tn + c.fn)),
        "False positives a scan": ratio(c.fp, D.scans_in_all)
    };
}
/* Corners by falling probability: [tp, fp, threshold]; equals move together. */
function corners(l) {
    if (l.corners) return l.corners;
    const order = [...l.p.keys()].sort((a, b) => l.p[b] - l.p[a]), out = [[0, 0, 1]];
    let tp = 0, fp = 0;
    order.forEach((i, k) => {
        D.label[i] === 1 ? tp++ : fp++;
        if (k + 1 === N || l.p[order[k + 1]] < l.p[i]) out.push([tp, fp, l.p[i]]);
    });
    return l.corners = out;
}
function bins(p) {
    const b = Array.from({ length: 10 }, () => ({ n: 0, p: 0, y: 0 }));
    p.forEach((v, i) => { const k = b[Math.min(9, Math.floor(v * 10))]; k.n++; k.p += v; k.y += D.label[i] === 1; });
    return b.filter(k => k.n > 0).map(k => [k.p / k.n, k.y / k.n, k.n]);
}
function tempered(l) {
    return l.p.map(v => { const q = Math.min(Math.max(v, 1e-7), 1 - 1e-7); return 1 / (1 + Math.pow((1 - q) / q, 1 / l.temperature)); });
}

/* ---- a chart ---- */
function ticks(low, high) {
    const raw = (high - low) / 5, ten = Math.pow(10, Math.floor(Math.log10(raw))), step = [1, 2, 5, 10].map(k => k * ten).find(s => s >= raw);
    const out = [];
    for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + 1e-9 * step; v += step) out.push(Math.abs(v) < 1e-12 ? 0 : +v.toPrecision(10));
    return out;
}
function chart(into, o) {
    /* as wide as it will be seen, so that its words are as large as the page's */
    const w = Math.max(280, Math.min(560, into.clientWidth || 480)), h = Math.round(.68 * w), L = 52, R = w - 12, T = 12, B = h - 44, s = svg("svg", { viewBox: `0 0 ${w} ${h}`, role: "img", "aria-label": o.title });
    const X = v => L + (R - L) * (v - o.x[0]) / (o.x[1] - o.x[0]), Y = v => B - (B - T) * (Math.min(Math.max(v, o.y[0]), o.y[1]) - o.y[0]) / (o.y[1] - o.y[0]);
    for (const v of ticks(...o.x)) s.append(svg("path", { class: "grid", d: `M${X(v)} ${T}V${B}` }), svg("text", { x: X(v), y: B + 16, "text-anchor": "middle" }, String(v)));
    for (const v of ticks(...o.y)) s.append(svg("path", { class: "grid", d: `M${L} ${Y(v)}H${R}` }), svg("text", { x: L - 6, y: Y(v) + 4, "text-anchor": "end" }, String(v)));
    if (o.diagonal) s.append(svg("path", { class: "grid", d: `M${X(o.x[0])} ${Y(o.x[0])}L${X(o.x[1])} ${Y(o.x[1])}`, "stroke-dasharray": "3 4", style: "stroke: var(--soft)" }));
    for (const b of (o.bands || []).filter(b => b.low.some(finite))) s.append(svg("path", { fill: b.colour, opacity: .13, d: "M" + [...b.x.map((v, i) => [v, b.high[i]]), ...b.x.map((v, i) => [v, b.low[i]]).reverse()].filter(q => q[1] !== null).map(q => `${X(q[0]).toFixed(1)} ${Y(q[1]).toFixed(1)}`).join("L") + "Z" }));
    for (const l of o.lines) {
        let d = "", pen = "M";
        for (const q of l.at) { /* a line that leaves the frame ends there */
            if (!finite(q[1]) || q[0] > o.x[1]) continue;
            if (l.cut && q[1] < o.y[0]) { pen = "M"; continue; }
            d += `${pen}${X(q[0]).toFixed(1)} ${Y(q[1]).toFixed(1)}`;
            pen = "L";
        }
        s.append(svg("path", { fill: "none", stroke: l.colour, "stroke-width": 2, "stroke-dasharray": l.dash ? "5 4" : l.dot ? "1.5 4" : "none", d }));
        if (l.dots) for (const q of l.at) s.append(svg("circle", { cx: X(q[0]), cy: Y(q[1]), r: 3 + 9 * Math.sqrt((q[2] || 0) / N), fill: l.colour, "fill-opacity": .6 }, svg("title", {}, q[2] ? `${q[2]} regions` : "")));
    }
    for (const m of o.marks || []) if (finite(m.x) && finite(m.y)) s.append(svg("circle", { cx: X(Math.min(m.x, o.x[1])), cy: Y(m.y), r: m.r || 6, fill: m.fill || "none", stroke: m.colour, "stroke-width": m.r ? 1 : 3 }, svg("title", {}, m.title || "")));
    s.append(svg("path", { class: "frame", d: `M${L} ${T}V${B}H${R}` }), svg("text", { class: "axis", x: (L + R) / 2, y: h - 8, "text-anchor": "middle" }, o.across),
        svg("text", { class: "axis", transform: `translate(13 ${(T + B) / 2}) rotate(-90)`, "text-anchor": "middle" }, o.up));
    const legend = el("div", { class: "legend" }, ...o.lines.filter(l => l.name).map(l => el("span", { style: `--c:${l.colour}`, class: l.dash ? "dash" : l.dot ? "dot" : "" }, l.name)));
    into.replaceChildren(el("h3", {}, o.title), s, legend, ...(o.note ? [el("p", {}, o.note)] : []));
}

/* Models and the best baseline; the list shown, if it is another baseline. */
function drawn() {
    const at = D.models.map((_, i) => i).slice(0, 4);
    for (const i of [D.best_baseline >= 0 ? D.models.length + D.best_baseline : -1, state.who]) if (i >= 0 && !at.includes(i)) at.push(i);
    return at;
}
function curves() {
    const at = drawn(), here = lists[state.who], c = counts(here.p, state.threshold), others = N - tumours, v = values(c);
    const line = f => at.map(i => ({ name: lists[i].name, colour: colour(i), dash: i >= D.models.length, at: corners(lists[i]).map(f).filter(q => q) }));
    const grid = Array.from({ length: 101 }, (_, g) => g / 100);
    chart($("roc"), {
        title: "ROC", across: "1 - specificity", up: "sensitivity", x: [0, 1], y: [0, 1], diagonal: true, lines: line(q => [q[1] / others, q[0] / tumours]),
        bands: D.models.slice(0, 4).map((m, i) => ({ colour: colour(i), x: grid, low: m.band_low, high: m.band_high })),
        marks: [{ x: c.fp / others, y: c.tp / tumours, colour: "var(--ink)", title: "the threshold shown" }], note: (D.models[0].band_low.some(finite) ? "Shaded: 95 % band, bootstrap over patients. " : "") + "Ring: the threshold shown. Dashed: the best baseline."
    });
    chart($("pr"), {
        title: "Precision and sensitivity", across: "sensitivity", up: "precision", x: [0, 1], y: [0, 1], lines: line(q => q[0] + q[1] > 0 ? [q[0] / tumours, q[0] / (q[0] + q[1])] : null),
        marks: [{ x: v.Sensitivity, y: v.Precision, colour: "var(--ink)" }], note: `Calling every region tumour has precision ${percent(tumours / N)}.`
    });
    const raw = bins(here.p), shown = [{ name: here.name, colour: colour(state.who), at: raw, dots: true }];
    if (finite(here.temperature)) shown.push({ name: `with temperature ${here.temperature.toFixed(2)}, fitted on validation`, colour: "var(--m2)", dash: true, at: bins(tempered(here)) });
    chart($("calibration"), {
        title: "Calibration", across: "probability given", up: "share that is tumour", x: [0, 1], y: [0, 1], diagonal: true, lines: shown,
        note: `Brier ${fixed(here.brier, 3)} (saying ${fixed(tumours / N, 2)} of every region: ${fixed(tumours * (N - tumours) / N / N, 3)}), ECE ${fixed(here.ece, 3)}, slope ${fixed(here.slope, 2)}, intercept ${fixed(here.intercept, 2)} (perfect: 0, 0, 1, 0). A larger dot: more regions.`
    });
    const most = Math.min(10, Math.max(1, Math.ceil(others / D.scans_in_all)));
    chart($("froc"), {
        title: "FROC", across: "false positives a scan", up: "sensitivity", x: [0, most], y: [0, 1], lines: line(q => [q[1] / D.scans_in_all, q[0] / D.tumours_in_all]),
        marks: [{ x: c.fp / D.scans_in_all, y: c.tp / D.tumours_in_all, colour: "var(--ink)" }],
        note: `${here.name}: sensitivity ` + here.froc.map((s, k) => `${percent(s)} at ${D.froc_rates[k]}`).join(", ") + " false positives a scan" +
            (D.tumours_in_all > tumours ? `; of ${D.tumours_in_all} tumours, ${D.tumours_in_all - tumours} of which no model is asked about.` : ".")
    });
    const odds = Array.from({ length: 91 }, (_, k) => .02 + k * .01), top = Math.max(.01, tumours / N);
    chart($("benefit"), {
        title: "Net benefit", across: "threshold", up: "net benefit a region", x: [0, 1], y: [-top / 4, top],
        lines: [...at.map(i => ({ name: lists[i].name, colour: colour(i), dash: i >= D.models.length, cut: true, at: odds.map(t => { const k = counts(lists[i].p, t); return [t, (k.tp - k.fp * t / (1 - t)) / N]; }) })),
            { name: "call every region tumour", colour: "var(--ink)", dot: true, cut: true, at: odds.map(t => [t, (tumours - others * t / (1 - t)) / N]) }],
        marks: [{ x: state.threshold, y: (c.tp - c.fp * state.threshold / (1 - state.threshold)) / N, colour: "var(--ink)" }],
        note: "What is worth acting on at a threshold lies above 0 (call none) and above the dots."
    });
}

/* ---- the threshold: confusion, table ---- */
function live() {
    const l = lists[state.who], c = counts(l.p, state.threshold);
    $("confusion").replaceChildren(el("p", { class: "say" }, `${l.name}, at ${state.threshold.toFixed(2)}: `, `${c.tp + c.fp} of ${N} regions said to be tumour`),
        el("table", { class: "confusion" }, el("tr", {}, el("th", {}), el("th", {}, "said tumour"), el("th", {}, "said other")),
            el("tr", {}, el("th", {}, "is tumour"), el("td", { class: "good" }, String(c.tp)), el("td", { class: "bad" }, String(c.fn))),
            el("tr", {}, el("th", {}, "is other"), el("td", { class: "bad" }, String(c.fp)), el("td", { class: "good" }, String(c.tn)))));
    const rows = lists.map((m, i) => [m, i]).filter(q => q[1] < D.models.length || q[1] === state.who || q[1] === D.models.length + D.best_baseline);
    const names = Object.keys(values(c));
    $("live").replaceChildren(el("table", {}, el("tr", {}, el("th", {}, ""), ...rows.map(q => el("th", {}, q[0].name))),
        ...names.map(k => el("tr", {}, el("td", {}, k), ...rows.map(q => { const v = values(counts(q[0].p, state.threshold))[k]; return el("td", {}, k === "MCC" || k.startsWith("False") ? fixed(v, 2) : percent(v)); })))));
}

/* ---- pictures ---- */
const images = D.scans.map(s => { const i = new Image(); i.onload = () => { turn(); gallery(); region(); }; i.src = s.png; return i; });
const scanOf = new Map();
D.scans.forEach((s, k) => s.regions.forEach((i, j) => scanOf.set(i, [k, j])));
function said(i) { return lists[state.who].p[i] >= state.threshold; }
function frame(x, m, zoom, i, width) {
    x.strokeStyle = said(i) ? "#d55e00" : "#0072b2";
    x.lineWidth = width;
    x.setLineDash(D.label[i] >= 0 && said(i) !== (D.label[i] === 1) ? [4, 3] : []);
    x.strokeRect((m[0] - m[2] - 1) * zoom, (m[1] - m[3] - 1) * zoom, (2 * m[2] + 2) * zoom, (2 * m[3] + 2) * zoom);
    x.setLineDash([]);
}
const full = D.scans.map((s, k) => k).filter(k => D.scans[k].n > 1);
function turn() {
    if (full.length === 0) return;
    const s = D.scans[full[state.scan]], c = $("mip"), x = c.getContext("2d"), Z = 3;
    if (c.width !== s.w * Z) { c.width = s.w * Z; }
    if (c.height !== s.h * Z) { c.height = s.h * Z; }
    if (images[full[state.scan]].complete) x.drawImage(images[full[state.scan]], 0, state.angle * s.h, s.w, s.h, 0, 0, c.width, c.height);
    s.regions.map((i, j) => [i, j]).sort((a, b) => said(a[0]) - said(b[0])).forEach(q => frame(x, s.marks[q[1]][state.angle], Z, q[0], q[0] === state.region ? 4 : 1.6));
    $("angle").value = state.angle;
}
function near(event) {
    const s = D.scans[full[state.scan]], b = $("mip").getBoundingClientRect(), px = (event.clientX - b.left) * s.w / b.width, py = (event.clientY - b.top) * s.h / b.height;
    let best = -1, least = 1e9;
    s.regions.forEach((i, j) => { const m = s.marks[j][state.angle]; if (Math.abs(px - m[0]) < m[2] + 2 && Math.abs(py - m[1]) < m[3] + 2 && m[2] * m[3] < least) { least = m[2] * m[3]; best = i; } });
    return best;
}
function crop(c, i, side) { /* the region in its scan's frontal projection, and what lies round it */
    const at = scanOf.get(i);
    if (!at || !images[at[0]].complete) return false;
    const s = D.scans[at[0]], m = s.marks[at[1]][0], x = c.getContext("2d"), half = Math.max(28, 1.4 * Math.max(m[2], m[3]));
    c.width = c.height = side;
    x.fillStyle = "#fff";
    x.fillRect(0, 0, side, side);
    const zoom = side / (2 * half), left = m[0] - half, top = m[1] - half, cut = [Math.max(0, left), Math.max(0, top), Math.min(s.w, left + 2 * half), Math.min(s.h, top + 2 * half)];
    if (cut[2] > cut[0] && cut[3] > cut[1]) x.drawImage(images[at[0]], cut[0], cut[1], cut[2] - cut[0], cut[3] - cut[1], (cut[0] - left) * zoom, (cut[1] - top) * zoom, (cut[2] - cut[0]) * zoom, (cut[3] - cut[1]) * zoom);
    frame(x, [m[0] - left, m[1] - top, m[2], m[3]], zoom, i, 2);
    return true;
}
const SHOWN = 12;
function gallery() {
    const p = lists[state.who].p, all = [...p.keys()].filter(i => scanOf.has(i));
    const wrong = [all.filter(i => said(i) && D.label[i] !== 1).sort((a, b) => p[b] - p[a]), all.filter(i => !said(i) && D.label[i] === 1).sort((a, b) => p[a] - p[b])];
    [$("false"), $("missed")].forEach((into, k) => {
        into.replaceChildren(...wrong[k].slice(0, SHOWN).map(i => {
            const c = el("canvas", { width: 200, height: 200, role: "img", "aria-label": about(i) });
            crop(c, i, 200);
            return el("button", { class: "tile", onclick: () => { choose(i); $("picked").scrollIntoView({ block: "center" }); } }, c, el("div", {}, about(i)));
        }), ...(wrong[k].length === 0 ? [el("p", {}, "none at this threshold")] : wrong[k].length > SHOWN ? [el("p", {}, `and ${wrong[k].length - SHOWN} more`)] : []));
    });
}

/* ---- the map, and the region it points to ---- */
const dots = [];
function maps() {
    D.maps.forEach(m => {
        const low = [Math.min(...m.x), Math.min(...m.y)], high = [Math.max(...m.x), Math.max(...m.y)];
        const at = i => [12 + 436 * (m.x[i] - low[0]) / Math.max(high[0] - low[0], 1e-9), 12 + 376 * (m.y[i] - low[1]) / Math.max(high[1] - low[1], 1e-9)];
        const ring = svg("circle", { r: 9, fill: "none", stroke: "var(--ink)", "stroke-width": 2.5, visibility: "hidden" });
        const s = svg("svg", { class: "map", viewBox: "0 0 460 400", tabindex: 0, role: "application", "aria-label": `map of ${m.name}: arrow keys go from region to region` });
        const order = [...m.x.keys()].sort((a, b) => D.label[a] - D.label[b]);
        for (const i of order) {
            const [x, y] = at(i);
            s.append(D.label[i] === 1 ? svg("rect", { x: x - 3, y: y - 3, width: 6, height: 6, fill: "var(--tumour)", "fill-opacity": .85, "data-i": i })
                : svg("circle", { cx: x, cy: y, r: 3, fill: "var(--other)", "fill-opacity": .12, stroke: "var(--other)", "stroke-opacity": .7, "data-i": i }));
        }
        s.append(ring);
        s.addEventListener("mousemove", e => { const i = e.target.dataset && e.target.dataset.i; if (i !== undefined) { choose(+i); tell(e, about(+i)); } else tell(e, ""); });
        s.addEventListener("mouseleave", e => tell(e, ""));
        s.addEventListener("click", e => { const i = e.target.dataset && e.target.dataset.i; if (i !== undefined) choose(+i); });
        s.addEventListener("keydown", e => {
            const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
            if (!way) return;
            e.preventDefault();
            if (state.region < 0) return choose(order[order.length - 1]);
            const here = at(state.region);
            let best = -1, least = 1e18;
            for (const i of order) {
                const q = at(i), dx = q[0] - here[0], dy = q[1] - here[1], along = dx * way[0] + dy * way[1], across = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
                if (i !== state.region && along > 0 && across <= 2 * along && along + across < least) { least = along + across; best = i; }
            }
            if (best >= 0) choose(best);
        });
        dots.push(i => { const [x, y] = at(i); ring.setAttribute("cx", x); ring.setAttribute("cy", y); ring.setAttribute("visibility", "visible"); });
        $("maps").append(el("div", {}, el("p", { class: "say" }, m.name), s));
    });
    D.distances.forEach(d => {
        const share = 100 * d.others / d.side;
        $("distances").append(el("div", {}, el("p", { class: "say" }, `Distances between representations, ${d.name}`), el("img", { src: d.png, width: 320, style: "max-width:100%", alt: "distances between regions, sorted by class" }),
            el("p", {}, `Dark: near. First ${share.toFixed(0)} % of rows and columns: no tumour, then tumour; each class by distance from its mean.`)));
    });
}
function choose(i) {
    state.region = i;
    dots.forEach(d => d(i));
    const at = scanOf.get(i);
    if (at && full.includes(at[0])) state.scan = full.indexOf(at[0]), $("scan").value = state.scan;
    turn();
    region();
}
function region() {
    for (const into of document.querySelectorAll(".region")) show(into, state.region);
}
function show(into, i) {
    if (i < 0) { into.replaceChildren(el("p", {}, "Point at a region: it is shown here, from the front.")); return; }
    const c = el("canvas", { width: 260, height: 260, role: "img", "aria-label": about(i) }), has = crop(c, i, 260);
    into.replaceChildren(el("p", { class: "say" }, about(i)), ...(has ? [c] : []), el("table", {}, ...lists.map(l => el("tr", {}, el("td", {}, l.name), el("td", {}, l.p[i].toFixed(3))))),
        el("p", {}, "Nearest in the representation: ", ...D.near[i].map(j => el("button", { class: "plain", onclick: () => choose(j) }, `${D.patients[D.patient[j]]} ${D.component[j]}, ${D.label[j] === 1 ? "tumour" : "no tumour"}`))));
}

/* ---- patients ---- */
function patients() {
    const sums = D.patients.map((name, k) => ({ name, n: 0, t: 0, tp: 0, fp: 0, fn: 0, truth: 0, said: 0, first: -1, lesions: D.lesions[k], lesions_ml: D.lesions_ml[k] }));
    for (let i = 0; i < N; i++) {
        const s = sums[D.patient[i]], is = D.label[i] === 1, yes = said(i);
        if (s.first < 0) s.first = i;
        s.n++; s.t += is; s.tp += is && yes; s.fp += !is && yes; s.fn += is && !yes;
        s.truth += is ? D.ml[i] : 0; s.said += yes ? D.ml[i] : 0;
    }
    /* lesions of the truth, where every scan says which it has; else regions that are tumour */
    const known = sums.every(s => finite(s.lesions_ml)), truth = s => known ? s.lesions_ml : s.truth;
    const head = ["patient", ...(known ? ["lesions"] : []), "regions", "tumours", "found", "missed", "false", "TMTV truth, ml", "TMTV said, ml"];
    const ill = s => s.t > 0 || s.lesions > 0, sick = sums.filter(ill), well = sums.filter(s => !ill(s));
    $("patients").replaceChildren(el("p", { class: "say" }, `${sick.filter(s => s.tp > 0).length} of ${sick.length} patients with tumours detected; ${well.filter(s => s.fp > 0).length} of ${well.length} without alarmed.`),
        el("table", {}, el("tr", {}, ...head.map(h => el("th", {}, h))), ...sums.map(s => el("tr", {}, el("td", {}, s.first < 0 ? s.name : el("button", { class: "plain", onclick: () => { choose(s.first); $("pictures").scrollIntoView(); } }, s.name)),
            ...[...(known ? [s.lesions] : []), s.n, s.t, s.tp].map(v => el("td", {}, String(v))), el("td", { class: s.fn ? "bad" : "" }, String(s.fn)), el("td", { class: s.fp ? "bad" : "" }, String(s.fp)), el("td", {}, truth(s).toFixed(1)), el("td", {}, s.said.toFixed(1))))));
    const d = sums.map(s => s.said - truth(s)), bias = d.reduce((a, b) => a + b, 0) / d.length, sd = Math.sqrt(d.reduce((a, b) => a + (b - bias) ** 2, 0) / Math.max(1, d.length - 1));
    const reach = Math.max(1, ...sums.map(s => (s.said + truth(s)) / 2)) * 1.05, tall = Math.max(1, ...d.map(Math.abs), Math.abs(bias) + 1.96 * sd) * 1.1;
    chart($("tmtv"), {
        title: "Agreement on the tumour volume (TMTV) of a patient", across: "mean of said and truth, ml", up: "said - truth, ml", x: [0, reach], y: [-tall, tall],
        lines: [{ name: `bias ${bias.toFixed(1)} ml`, colour: "var(--m0)", at: [[0, bias], [reach, bias]] }, ...[-1.96, 1.96].map((k, j) => ({ name: j ? `limits of agreement ${(bias - 1.96 * sd).toFixed(1)} to ${(bias + 1.96 * sd).toFixed(1)} ml` : "", colour: "var(--m1)", dash: true, at: [[0, bias + k * sd], [reach, bias + k * sd]] }))],
        marks: sums.map((s, k) => ({ x: (s.said + truth(s)) / 2, y: d[k], colour: "var(--ink)", fill: "var(--m0)", r: 4, title: s.name })),
        note: known ? "Said: regions called tumour. Truth: the lesions of the truth, covered by regions or not." : "Of regions; what no region covers is in neither."
    });
}

/* ---- losses ---- */
function losses() {
    D.losses.forEach((c, k) => {
        const into = $("loss" + k), ys = [...c.train, ...c.validation].filter(finite);
        if (finite(c.floor)) ys.push(c.floor);
        if (!into || ys.length === 0) return;
        const low = Math.min(...ys), high = Math.max(...ys), room = .06 * Math.max(high - low, 1e-6), across = [c.epoch[0], Math.max(c.epoch[c.epoch.length - 1], c.epoch[0] + 1)];
        const lines = [{ name: "train", colour: "var(--m1)", at: c.epoch.map((e, i) => [e, c.train[i]]) }];
        if (c.validation.some(finite)) lines.push({ name: "validation", colour: "var(--m0)", dash: true, at: c.epoch.map((e, i) => [e, c.validation[i]]) });
        if (finite(c.floor)) lines.push({ name: `trivial optimum ${c.floor.toFixed(2)}`, colour: "var(--soft)", dash: true, at: across.map(e => [e, c.floor]) });
        chart(into, { title: c.title, across: "epoch", up: "loss", x: across, y: [low - room, high + room], lines,
            note: finite(c.floor) ? "Trivial optimum: what pairs of a class reach whose embeddings tell nothing but their spread. A run that stays there has learned nothing." : "" });
    });
}

/* ---- what moves what ---- */
let asked = false;
function soon() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; live(); curves(); turn(); gallery(); patients(); region(); });
}
function set(t) {
    state.threshold = Math.min(1, Math.max(0, t));
    $("threshold").value = state.threshold;
    $("at").textContent = state.threshold.toFixed(2);
    soon();
}
function presets() {
    const l = lists[state.who], all = [["recipe", l.threshold], ["best F1 on validation", l.chosen], ["specificity 0.95 on validation", l.matched]];
    $("presets").replaceChildren(...all.filter(q => finite(q[1]) && q[1] <= 1).map(q => el("button", { class: "plain", onclick: () => set(q[1]) }, `${q[0]} ${q[1].toFixed(2)}`)));
}
lists.forEach((l, i) => $("who").append(el("option", { value: i }, i < D.models.length ? l.name : "baseline: " + l.name)));
$("who").onchange = e => { state.who = +e.target.value; presets(); soon(); };
$("threshold").oninput = e => set(+e.target.value);
$("bar").hidden = false;
if (full.length > 0) {
    $("pictures").hidden = false;
    full.forEach((k, j) => $("scan").append(el("option", { value: j }, D.scans[k].name)));
    $("angle").max = D.scans[full[0]].n - 1;
    $("scan").onchange = e => { state.scan = +e.target.value; state.angle %= D.scans[full[state.scan]].n; $("angle").max = D.scans[full[state.scan]].n - 1; turn(); };
    $("angle").oninput = e => { state.still = true; state.angle = +e.target.value; turn(); };
    $("play").onclick = () => { state.still = !state.still; };
    $("mip").onmousemove = e => { const i = near(e); tell(e, i >= 0 ? about(i) : ""); };
    $("mip").onmouseleave = e => tell(e, "");
    $("mip").onclick = e => { const i = near(e); if (i >= 0) choose(i); else state.still = !state.still; };
    $("mip").onkeydown = e => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key], n = D.scans[full[state.scan]].n;
        if (e.key === " ") { e.preventDefault(); state.still = !state.still; }
        if (!step) return;
        e.preventDefault();
        state.still = true;
        state.angle = (state.angle + step + n) % n;
        turn();
    };
    setInterval(() => { if (!state.still && !document.hidden) { state.angle = (state.angle + 1) % D.scans[full[state.scan]].n; turn(); } }, 220);
}
$("gallery").hidden = D.scans.length === 0;
let wide = innerWidth;
addEventListener("resize", () => { if (innerWidth !== wide) { wide = innerWidth; losses(); soon(); } });
maps();
losses();
presets();
set(state.threshold);
})();
