/* SPDX-License-Identifier: Apache-2.0 */
/* reading -- what tests/cli/reading.bats has a headless browser do to a scan's page: it works every control and writes what came of it into #told. */
window.told = [];
window.onerror = (message, file, line) => { told.push(`error: ${message} at ${line}`); };
addEventListener("load", () => {
    const $ = s => document.querySelector(s), say = (name, ok) => told.push(`${name}: ${ok ? "yes" : "NO"}`);
    const wait = ms => new Promise(done => setTimeout(done, ms)), pixels = id => $(id).toDataURL();
    const put = (s, value, what) => { const c = $(s); if (c.type === "checkbox") c.checked = value; else c.value = value; c.dispatchEvent(new Event(what, { bubbles: true })); };
    const rows = () => [...document.querySelectorAll("#regions tbody tr")], shown = () => rows().filter(r => !r.hidden);
    (async () => {
        const D = JSON.parse($("#data").textContent), C = JSON.parse($("#cells").textContent);
        for (let k = 0; k < 100 && $("#pictures").hidden; k++) await wait(50);
        say("pictures are there", !$("#pictures").hidden);
        say("a row a region", rows().length === D.regions.length && D.regions.length > 0);
        const titles = [...document.querySelectorAll("#regions thead th")], at = titles.findIndex(t => t.firstChild.textContent === "suv_max");
        titles[at].click();
        const down = rows().map(r => +r.cells[at].dataset.v);
        say("a click sorts", down.every((v, k) => k === 0 || v <= down[k - 1]));
        titles[at].click();
        const up = rows().map(r => +r.cells[at].dataset.v);
        say("another turns it round", up.every((v, k) => k === 0 || v >= up[k - 1]));
        put("#tumours", true, "change");
        say("tumours alone", shown().length === D.regions.filter(r => r.tumour === 1).length);
        put("#tumours", false, "change");
        const few = [...titles].filter(t => !t.hidden).length;
        put("#every", true, "change");
        say("every column", [...titles].filter(t => !t.hidden).length > few);
        put("#every", false, "change");
        const other = D.regions[D.regions.length - 1], before = ["#axial", "#coronal", "#sagittal"].map(pixels);
        rows().find(r => +r.dataset.region === D.regions[0].region).click();
        const one = ["#axial", "#coronal", "#sagittal"].map(pixels);
        rows().find(r => +r.dataset.region === other.region).click();
        const two = ["#axial", "#coronal", "#sagittal"].map(pixels);
        say("slices go to the region", one.some((p, k) => p !== two[k]) && before.length === 3);
        say("its row is marked", $("#regions tr.here").dataset.region === String(other.region));
        say("it is named", $("#here").textContent.includes(`region ${other.region}:`));
        const wide = pixels("#axial");
        put("#window", 2, "input");
        say("the window moves the slices", pixels("#axial") !== wide && $("#top").textContent === "2");
        const mip = pixels("#mip");
        $("#mip").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true, cancelable: true }));
        say("keys turn the projection", pixels("#mip") !== mip);
        put("#angle", 0, "input");
        const axial = $("#axial"), box = axial.getBoundingClientRect();
        axial.dispatchEvent(new MouseEvent("click", { bubbles: true, clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 }));
        say("a click moves the cross", pixels("#coronal") !== two[1]);
        say("the axial slice is as large as the scan says", Math.abs(axial.width / axial.height - C.dim[2] * C.mm[2] / (C.dim[1] * C.mm[1])) < .05);
        say("rules side by side", document.querySelectorAll("#rules tr").length === Object.keys(D.rules).length + 1);
        const c = $("#mip"), g = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
        let red = 0, blue = 0;
        for (let k = 0; k < g.length; k += 4) { red += g[k] > g[k + 2] + 60; blue += g[k + 2] > g[k] + 60; }
        say("regions are red and blue", (D.scan.tumours === 0 || red > 0) && (D.scan.tumours === D.scan.regions || blue > 0));
        told.push("end");
        const pre = document.createElement("pre");
        pre.id = "told";
        pre.textContent = told.join("\n");
        document.body.append(pre);
    })();
});
