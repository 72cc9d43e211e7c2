"use strict";
// Search and filters of the index page. Without this file the page still shows every table.
(function () {
  const tools = document.querySelector("[data-tools]");
  const field = document.querySelector("[data-search]");
  const found = document.querySelector("[data-found]");
  const results = document.querySelector("[data-results]");
  const ranked = document.querySelector("[data-ranked]");
  const data = window.ANSWERS_DATA || [];
  const MOST = 60;
  let engine = null;

  function makeEngine() {
    const made = new MiniSearch({
      fields: ["name", "text"],
      searchOptions: { prefix: true, fuzzy: (term) => (term.length > 4 ? 0.2 : false), combineWith: "AND", boost: { name: 3 } },
      processTerm: (term) => term.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase(),
    });
    made.addAll(data.map((row, id) => ({ id, name: row.n || "", text: row.t || "" })));
    return made;
  }

  function appendMarked(parent, text, terms) {
    const words = terms.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).filter(Boolean);
    if (!words.length) { parent.append(text); return; }
    const pattern = new RegExp("(" + words.join("|") + ")", "giu");
    let last = 0;
    for (const match of text.matchAll(pattern)) {
      parent.append(text.slice(last, match.index));
      const mark = document.createElement("mark");
      mark.textContent = match[0];
      parent.append(mark);
      last = match.index + match[0].length;
    }
    parent.append(text.slice(last));
  }

  function showHit(hit) {
    const row = data[hit.id];
    const item = document.createElement("li");
    const words = row.n || row.t;
    const target = row.p ? document.createElement("a") : document.createElement("span");
    if (row.p) target.href = row.p;
    appendMarked(target, words, hit.terms);
    const small = document.createElement("small");
    small.textContent = row.i;
    item.append(target, small);
    return item;
  }

  function search() {
    const query = field.value.trim();
    const searching = query.length > 1;
    results.hidden = !searching;
    if (ranked) ranked.hidden = searching;
    results.replaceChildren();
    found.textContent = "";
    if (!searching) { filter(); return; }
    engine = engine || makeEngine();
    const hits = engine.search(query);
    found.textContent = hits.length === 0 ? "Nothing found." : hits.length + (hits.length === 1 ? " hit" : " hits") + (hits.length > MOST ? ", the best " + MOST : "");
    results.append(...hits.slice(0, MOST).map(showHit));
  }

  function filter() {
    if (!ranked) return;
    const wanted = [...document.querySelectorAll("[data-filter]")].filter((select) => select.value);
    let shown = 0;
    for (const row of ranked.tBodies[0].rows) {
      row.hidden = wanted.some((select) => row.dataset[select.dataset.filter] !== select.value);
      shown += row.hidden ? 0 : 1;
    }
    found.textContent = wanted.length ? shown + (shown === 1 ? " topic" : " topics") : "";
  }

  tools.hidden = false;
  field.addEventListener("input", search);
  for (const select of document.querySelectorAll("[data-filter]")) select.addEventListener("change", filter);
  document.addEventListener("keydown", function (event) {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing) { event.preventDefault(); field.focus(); }
    if (event.key === "Escape" && document.activeElement === field) { field.value = ""; search(); }
  });
})();
