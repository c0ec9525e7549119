/* SPDX-License-Identifier: Apache-2.0 */
/* reading -- what moves on the page of a patient. #data is regions.json, #cells the scan in cells (stages/classify/cells.h); nothing is fetched. */
(() => {
"use strict";
const $ = id => document.getElementById(id);
const D = JSON.parse($("data").textContent), C = JSON.parse($("cells").textContent);
const state = { at: null, region: 0, angle: 0, top: 8, still: matchMedia("(prefers-reduced-motion: reduce)").matches };
const row_of = new Map([...document.querySelectorAll("#regions tbody tr")].map(r => [+r.dataset.region, r]));
const by_number = new Map(D.regions.map((r, i) => [r.region, { ...r, i }]));
const RED = [214, 47, 47], BLUE = [44, 111, 187];

/* ---- the table ---- */
function filter() {
    for (const [number, row] of row_of) row.hidden = $("tumours").checked && by_number.get(number).tumour !== 1;
    for (const cell of document.querySelectorAll("#regions [data-more]")) cell.hidden = !$("every").checked;
}
$("tumours").onchange = $("every").onchange = filter;
filter();
for (const [number, row] of row_of) row.onclick = () => choose(number, false);

function choose(number, scroll) {
    const r = by_number.get(number);
    state.region = r ? number : 0;
    for (const [n, row] of row_of) row.classList.toggle("here", n === number);
    if (r && scroll) row_of.get(number).scrollIntoView({ block: "nearest" });
    if (!r || !C) return;
    const hottest = hot_cell.get(number); /* a centroid may lie outside its region */
    state.at = hottest === undefined ? C.centre[r.i].map((v, a) => Math.min(C.dim[a] - 1, Math.max(0, Math.round(v))))
        : [Math.floor(hottest / plane), Math.floor(hottest % plane / DX), hottest % DX];
    state.still = true;
    draw();
}
const hot_cell = new Map();
if (!C) return;

/* ---- voxels out of the pictures ---- */
const [DZ, DY, DX] = C.dim, plane = DY * DX, all = DZ * plane;
function picture(source) {
    return new Promise((done, wrong) => {
        const image = new Image();
        image.onload = () => {
            const c = document.createElement("canvas"), g = c.getContext("2d", { willReadFrequently: true });
            c.width = image.width; c.height = image.height;
            g.drawImage(image, 0, 0);
            done(g.getImageData(0, 0, c.width, c.height));
        };
        image.onerror = () => wrong(new Error("a picture of the page cannot be read"));
        image.src = source;
    });
}
function volume(p, into, read) {
    for (let z = 0; z < DZ; z++) {
        const left = z % C.across * DX, top = Math.floor(z / C.across) * DY;
        for (let y = 0; y < DY; y++)
            for (let x = 0, from = ((top + y) * p.width + left) * 4, to = z * plane + y * DX; x < DX; x++, from += 4) into[to++] = read(p.data, from);
    }
    return into;
}
let pet, ct = null, label;

/* ---- projection: at each angle the largest byte on the way, and whose it is ---- */
const STEP = 15, mips = new Map();
const middle = [(DY - 1) / 2, (DX - 1) / 2], side = C.mm[2], high = DZ;
const across = 2 * Math.ceil(Math.hypot(middle[0] * C.mm[1], middle[1] * C.mm[2]) / side) + 1;
function project(angle) {
    if (mips.has(angle)) return mips.get(angle);
    const turn = angle * Math.PI / 180, c = Math.cos(turn), s = Math.sin(turn), most = new Uint8Array(across * high), whose = new Uint16Array(across * high);
    const column = new Int32Array(plane);
    for (let y = 0; y < DY; y++)
        for (let x = 0; x < DX; x++) column[y * DX + x] = (across >> 1) + Math.floor(((x - middle[1]) * C.mm[2] * c + (y - middle[0]) * C.mm[1] * s) / side + .5);
    for (let z = 0; z < DZ; z++) {
        const row = (high - 1 - z) * across, from = z * plane;
        for (let i = 0; i < plane; i++) {
            const v = pet[from + i], to = row + column[i];
            if (v > most[to]) most[to] = v;
            if (label[from + i] && (whose[to] === 0 || v >= most[to])) whose[to] = label[from + i];
        }
    }
    const m = { most, whose };
    mips.set(angle, m);
    return m;
}
const suv = new Float32Array(256).map((_, v) => C.suv * (v / 255) ** 2);
const grey = v => Math.round(255 * (1 - Math.min(1, suv[v] / state.top)));
const tint = number => by_number.get(number)?.tumour === 1 ? RED : BLUE;

function draw_mip() {
    const { most, whose } = project(state.angle), c = $("mip"), tall = Math.round(high * C.mm[0] / side);
    const small = document.createElement("canvas"), g = small.getContext("2d"), image = g.createImageData(across, high);
    small.width = across; small.height = high;
    for (let i = 0; i < most.length; i++) {
        const v = grey(most[i]), k = i * 4;
        let rgb = [v, v, v];
        if (whose[i]) { const t = tint(whose[i]), a = whose[i] === state.region ? .85 : .55; rgb = t.map(q => q * a + v * (1 - a)); }
        image.data[k] = rgb[0]; image.data[k + 1] = rgb[1]; image.data[k + 2] = rgb[2]; image.data[k + 3] = 255;
    }
    g.putImageData(image, 0, 0);
    const zoom = Math.max(1, Math.min(4, Math.round(900 / tall)));
    c.width = across * zoom; c.height = tall * zoom;
    const to = c.getContext("2d");
    to.imageSmoothingEnabled = true;
    to.drawImage(small, 0, 0, c.width, c.height);
    to.font = "11px system-ui, sans-serif";
    const turn = state.angle * Math.PI / 180;
    for (const r of D.regions) {
        if (r.tumour !== 1 && r.region !== state.region) continue;
        const [z, y, x] = C.centre[by_number.get(r.region).i];
        const u = (across / 2 + ((x - middle[1]) * C.mm[2] * Math.cos(turn) + (y - middle[0]) * C.mm[1] * Math.sin(turn)) / side) * zoom;
        const v = (DZ - .5 - z) * C.mm[0] / side * zoom;
        to.fillStyle = "#fff"; to.strokeStyle = "#fff"; to.lineWidth = 3;
        to.strokeText(String(r.region), u + 6, v - 4);
        to.fillStyle = `rgb(${tint(r.region)})`;
        to.fillText(String(r.region), u + 6, v - 4);
    }
    $("angle").value = state.angle;
}

/* ---- slices ---- */
const planes = {
    axial: { w: DX, h: DY, mm: [C.mm[2], C.mm[1]], cell: (u, v) => state.at[0] * plane + v * DX + u, cross: () => [state.at[2], state.at[1]], to: (u, v) => [state.at[0], v, u] },
    coronal: { w: DX, h: DZ, mm: [C.mm[2], C.mm[0]], cell: (u, v) => (DZ - 1 - v) * plane + state.at[1] * DX + u, cross: () => [state.at[2], DZ - 1 - state.at[0]], to: (u, v) => [DZ - 1 - v, state.at[1], u] },
    sagittal: { w: DY, h: DZ, mm: [C.mm[1], C.mm[0]], cell: (u, v) => (DZ - 1 - v) * plane + u * DX + state.at[2], cross: () => [state.at[1], DZ - 1 - state.at[0]], to: (u, v) => [DZ - 1 - v, u, state.at[2]] }
};
const hot = t => [Math.min(255, 510 * t), Math.min(255, Math.max(0, 510 * t - 200)), Math.max(0, 1020 * t - 765)];
function draw_plane(id) {
    const p = planes[id], c = $(id), small = document.createElement("canvas"), g = small.getContext("2d"), image = g.createImageData(p.w, p.h);
    const show = $("show").value, lines = $("outline").checked;
    small.width = p.w; small.height = p.h;
    for (let v = 0; v < p.h; v++)
        for (let u = 0; u < p.w; u++) {
            const i = p.cell(u, v), k = (v * p.w + u) * 4, b = grey(pet[i]);
            let rgb = [b, b, b];
            if (ct && show !== "pet") {
                const h = ct[i], t = 1 - b / 255;
                rgb = [h, h, h];
                if (show === "fused" && t > .15) { const f = hot(t); rgb = rgb.map((q, n) => q * .45 + f[n] * .55); }
            }
            image.data[k] = rgb[0]; image.data[k + 1] = rgb[1]; image.data[k + 2] = rgb[2]; image.data[k + 3] = 255;
        }
    g.putImageData(image, 0, 0);
    const zoom = Math.max(1, Math.round(640 / (p.h * p.mm[1] / p.mm[0])));
    c.width = p.w * zoom; c.height = Math.round(p.h * p.mm[1] / p.mm[0] * zoom);
    const to = c.getContext("2d"), sy = c.height / p.h;
    to.drawImage(small, 0, 0, c.width, c.height);
    if (lines)
        for (let v = 0; v < p.h; v++)
            for (let u = 0; u < p.w; u++) {
                const n = label[p.cell(u, v)];
                if (!n) continue;
                to.strokeStyle = `rgb(${tint(n)})`;
                to.lineWidth = n === state.region ? 2.5 : 1.2;
                to.beginPath();
                const other = (a, b) => a < 0 || b < 0 || a >= p.w || b >= p.h || label[p.cell(a, b)] !== n;
                if (other(u - 1, v)) { to.moveTo(u * zoom, v * sy); to.lineTo(u * zoom, (v + 1) * sy); }
                if (other(u + 1, v)) { to.moveTo((u + 1) * zoom, v * sy); to.lineTo((u + 1) * zoom, (v + 1) * sy); }
                if (other(u, v - 1)) { to.moveTo(u * zoom, v * sy); to.lineTo((u + 1) * zoom, v * sy); }
                if (other(u, v + 1)) { to.moveTo(u * zoom, (v + 1) * sy); to.lineTo((u + 1) * zoom, (v + 1) * sy); }
                to.stroke();
            }
    const [u, v] = p.cross();
    to.strokeStyle = "rgba(0, 158, 115, .8)";
    to.lineWidth = 1;
    to.beginPath();
    to.moveTo((u + .5) * zoom, 0); to.lineTo((u + .5) * zoom, c.height);
    to.moveTo(0, (v + .5) * sy); to.lineTo(c.width, (v + .5) * sy);
    to.stroke();
}
function draw() {
    $("top").textContent = state.top;
    draw_mip();
    for (const id of Object.keys(planes)) draw_plane(id);
    const i = state.at[0] * plane + state.at[1] * DX + state.at[2], r = by_number.get(state.region);
    $("here").textContent = `At the cross: SUV ${suv[pet[i]].toFixed(1)} (mean of a cell)` + (r ? `; region ${r.region}: probability ${r.probability.toFixed(2)}, SUVmax ${r.suv_max.toFixed(1)}, ${r.ml.toFixed(2)} ml${r.site ? ", " + r.site.replace("_", " and ") : ""}` : "");
}
function place(event, c) {
    const box = c.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}
function begin() {
    state.at = [DZ >> 1, DY >> 1, DX >> 1];
    const first = D.regions.filter(r => r.tumour === 1).sort((p, q) => q.ml - p.ml)[0] || D.regions[0];
    $("pictures").hidden = false;
    for (const id of Object.keys(planes)) $(id).onclick = e => {
        const p = planes[id], [a, b] = place(e, $(id));
        const u = Math.min(p.w - 1, Math.floor(a * p.w)), v = Math.min(p.h - 1, Math.floor(b * p.h));
        state.at = p.to(u, v);
        const n = label[p.cell(u, v)];
        if (n) { state.region = n; for (const [k, row] of row_of) row.classList.toggle("here", k === n); row_of.get(n)?.scrollIntoView({ block: "nearest" }); }
        draw();
    };
    $("mip").onclick = e => {
        const [a, b] = place(e, $("mip")), n = project(state.angle).whose[Math.min(high - 1, Math.floor(b * high)) * across + Math.min(across - 1, Math.floor(a * across))];
        if (n) choose(n, true); else { state.still = !state.still; }
    };
    $("mip").onkeydown = e => {
        const step = { ArrowLeft: -STEP, ArrowRight: STEP }[e.key];
        if (!step) return;
        e.preventDefault();
        state.still = true;
        state.angle = (state.angle + step + 360) % 360;
        draw_mip();
    };
    $("window").oninput = e => { state.top = +e.target.value; draw(); };
    $("angle").oninput = e => { state.still = true; state.angle = +e.target.value; draw_mip(); };
    $("play").onclick = () => { state.still = !state.still; };
    $("outline").onchange = $("show").onchange = draw;
    if (ct) for (const [v, t] of [["ct", "CT"], ["fused", "PET over CT"]]) $("show").append(new Option(t, v)); else $("showlabel").hidden = true;
    const still = state.still;
    if (first) choose(first.region, false); else draw();
    state.still = still;
    setInterval(() => { if (!state.still && !document.hidden) { state.angle = (state.angle + STEP) % 360; draw_mip(); } }, 250);
}
Promise.all([picture(C.pet), picture(C.label), C.ct ? picture(C.ct) : null]).then(([p, l, h]) => {
    pet = volume(p, new Uint8Array(all), (d, k) => d[k]);
    label = volume(l, new Uint16Array(all), (d, k) => d[k] + 256 * d[k + 1]);
    for (let i = 0; i < all; i++) if (label[i] && !(pet[i] <= pet[hot_cell.get(label[i])])) hot_cell.set(label[i], i);
    if (h) ct = volume(h, new Uint8Array(all), (d, k) => d[k]);
    begin();
});
})();
