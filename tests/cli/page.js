/* SPDX-License-Identifier: Apache-2.0 */
/* page -- what tests/cli/page.bats has a headless browser do to a report: it works every control and writes what came of it into #told. */
/* a browser that dumps a document draws no frames */
window.requestAnimationFrame = f => setTimeout(f, 16);
window.told = [];
window.onerror = (message, file, line) => { told.push(`error: ${message} at ${line}`); };
addEventListener("load", () => {
    const $ = s => document.querySelector(s), say = (name, ok) => told.push(`${name}: ${ok ? "yes" : "NO"}`);
    const frames = n => new Promise(done => { const next = () => n-- > 0 ? requestAnimationFrame(next) : done(); next(); });
    const cells = () => [...document.querySelectorAll("#confusion td")].map(t => +t.textContent);
    const slide = async v => { const r = $("#threshold"); r.value = v; r.dispatchEvent(new Event("input", { bubbles: true })); await frames(3); };
    const key = (on, k) => on.dispatchEvent(new KeyboardEvent("keydown", { key: k, bubbles: true, cancelable: true }));
    const pixels = c => c.toDataURL();
    (async () => {
        const D = JSON.parse($("#data").textContent), N = D.label.length, tumours = D.label.filter(l => l === 1).length;
        await frames(5);
        say("bar", !$("#bar").hidden);
        await slide(0);
        let c = cells();
        say("all said tumour at 0", c[0] === tumours && c[1] === 0 && c[2] === N - tumours && c[3] === 0);
        const before = [$("#live").textContent, $("#patients").textContent, $("#roc").innerHTML, $("#false").childElementCount, $("#missed").textContent].map(String);
        await slide(0.5);
        c = cells();
        const p = D.models[0].p, want = [0, 0, 0, 0];
        p.forEach((v, i) => want[(D.label[i] === 1 ? 0 : 2) + (v >= 0.5 ? 0 : 1)]++);
        say("confusion at 0.5", want.join() === c.join());
        await slide(1);
        c = cells();
        say("none said tumour at 1", c[1] + c[3] === N - p.filter(v => v >= 1).length);
        const after = [$("#live").textContent, $("#patients").textContent, $("#roc").innerHTML, $("#false").childElementCount, $("#missed").textContent].map(String);
        ["table", "patients", "ring on the ROC", "false positives", "misses"].forEach((name, k) => say(`slider moves the ${name}`, before[k] !== after[k]));
        const who = $("#who");
        say("baselines can be shown", who.options.length === D.models.length + D.baselines.length && D.baselines.length === 7);
        who.value = who.options.length - 1;
        who.dispatchEvent(new Event("change"));
        await frames(3);
        say("another is shown", $("#confusion").textContent.includes(D.baselines[6].name));
        const map = $(".map"), region = () => $("#picked").textContent, empty = region();
        map.focus();
        say("map takes the keyboard", document.activeElement === map);
        key(map, "ArrowRight");
        const first = region();
        ["ArrowLeft", "ArrowUp", "ArrowDown", "ArrowRight"].forEach(k => key(map, k));
        say("keys choose a region", first !== empty && first.includes("region"));
        const dot = map.querySelectorAll("[data-i]")[0];
        dot.dispatchEvent(new MouseEvent("mousemove", { bubbles: true, clientX: 50, clientY: 50 }));
        const i = +dot.dataset.i;
        say("hover leads to the region", region().includes(`region ${D.component[i]}:`) && $("#tip").style.display === "block");
        say("its neighbours are named", document.querySelectorAll("#picked button").length === D.near[i].length);
        const mip = $("#mip");
        if (D.scans.length > 0) {
            await new Promise(done => setTimeout(done, 300));
            mip.focus();
            key(mip, " ");
            const one = pixels(mip), angle = $("#angle").value;
            key(mip, "ArrowRight");
            say("keys turn the scan", pixels(mip) !== one && $("#angle").value !== angle);
            say("crops are drawn", [...document.querySelectorAll(".tile canvas")].every(t => t.width === 200));
        } else say("no scans, no pictures", $("#pictures").hidden);
        say("presets", document.querySelectorAll("#presets button").length > 0);
        say("every curve has a line", ["roc", "pr", "calibration", "froc", "benefit", "tmtv"].every(k => document.querySelector(`#${k} svg path[stroke-width]`)));
        const size = s => 11 * s.clientWidth / s.viewBox.baseVal.width;
        say("words in curves can be read", ["roc", "pr", "calibration", "froc", "benefit", "tmtv"].every(k => size($(`#${k} svg`)) >= 10));
        if (innerWidth > 1000) say("no table is cut off", [...document.querySelectorAll(".scroll")].every(t => t.scrollWidth <= t.clientWidth + 1));
        say("no part is wider than the window", document.documentElement.scrollWidth <= innerWidth);
        told.push("end");
    })().catch(e => told.push("error: " + e)).finally(() => {
        const out = document.createElement("pre");
        out.id = "told";
        out.textContent = "\n" + told.join("\n") + "\n";
        document.body.append(out);
    });
});
