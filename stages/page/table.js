/* SPDX-License-Identifier: Apache-2.0 */
/* table -- tables of class "sorts": a click on a title sorts by its column, another turns the order round; numbers by value, blanks last. */
(() => {
"use strict";
for (const table of document.querySelectorAll("table.sorts")) {
    const titles = [...table.tHead.rows[0].cells], value = (row, k) => row.cells[k].dataset.v ?? row.cells[k].textContent.trim();
    titles.forEach((title, k) => {
        title.tabIndex = 0;
        const sort = () => {
            const down = title.getAttribute("aria-sort") !== "descending";
            titles.forEach(t => t.removeAttribute("aria-sort"));
            title.setAttribute("aria-sort", down ? "descending" : "ascending");
            const rows = [...table.tBodies[0].rows], numbers = rows.every(r => value(r, k) === "" || !Number.isNaN(+value(r, k)));
            rows.sort((p, q) => {
                const a = value(p, k), b = value(q, k);
                if (a === "" || b === "") return (a === "") - (b === "");
                const order = numbers ? +a - +b : a.localeCompare(b);
                return down ? -order : order;
            });
            table.tBodies[0].append(...rows);
        };
        title.onclick = sort;
        title.onkeydown = e => { if (e.key === "Enter") sort(); };
    });
}
})();
