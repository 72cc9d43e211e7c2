"use strict";
// Search and filters of the index page. Without this file the page still shows every table.
(function () {
  const tools = document.querySelector("[data-tools]");
  if (!tools) return;
  const field = document.querySelector("[data-search]");
  const found = document.querySelector("[data-found]");
  const results = document.querySelector("[data-results]");
  const ranked = document.querySelector("[data-ranked]");
  const browse = document.querySelector("[data-browse]");
  const selects = [...document.querySelectorAll("[data-filter]")];
  const data = window.ANSWERS_DATA || [];
  const MOST = 60;
  let engine = null;

  const plain = (word) => word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  function makeEngine() {
    const made = new MiniSearch({
      fields: ["name", "text"],
      searchOptions: { prefix: true, fuzzy: (term) => (term.length > 4 ? 0.2 : false), combineWith: "AND", boost: { name: 3 } },
      processTerm: plain,
    });
    made.addAll(data.map((row, id) => ({ id, name: row.n || "", text: row.t || "" })));
    return made;
  }

  // Marks whole words, compared without accents, so that "gerat" marks "Gerät".
  function appendMarked(parent, text, terms) {
    const wanted = new Set(terms);
    let last = 0;
    for (const match of text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)) {
      if (!wanted.has(plain(match[0]))) continue;
      const mark = document.createElement("mark");
      mark.textContent = match[0];
      parent.append(text.slice(last, match.index), mark);
      last = match.index + match[0].length;
    }
    parent.append(text.slice(last));
  }

  function showHit(hit) {
    const row = data[hit.id];
    const item = document.createElement("li");
    const target = document.createElement(row.p ? "a" : "span");
    if (row.p) target.href = row.p;
    if (row.n) item.className = "topic-hit";
    target.dir = "auto";
    appendMarked(target, row.n || row.t, hit.terms);
    const small = document.createElement("small");
    small.textContent = row.i;
    item.append(target, small);
    return item;
  }

  function search() {
    const query = field.value.trim();
    const searching = query.length > 1;
    results.hidden = !searching;
    browse.hidden = searching;
    results.replaceChildren();
    for (const select of selects) select.closest("label").hidden = searching;
    if (!searching) { filter(); return; }
    engine = engine || makeEngine();
    const hits = engine.search(query);
    found.textContent = hits.length === 0
      ? "Nothing found. Fewer or shorter words find more."
      : hits.length + (hits.length === 1 ? " hit" : " hits") + (hits.length > MOST ? ", the best " + MOST : "");
    results.append(...hits.slice(0, MOST).map(showHit));
  }

  function filter() {
    found.textContent = "";
    if (!ranked) return;
    const wanted = selects.filter((select) => select.value);
    let shown = 0;
    for (const row of ranked.tBodies[0].rows) {
      row.hidden = wanted.some((select) => row.dataset[select.dataset.filter] !== select.value);
      shown += row.hidden ? 0 : 1;
    }
    if (wanted.length) found.textContent = shown + (shown === 1 ? " topic" : " topics");
  }

  tools.hidden = false;
  field.addEventListener("input", search);
  for (const select of selects) select.addEventListener("change", filter);
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing) { event.preventDefault(); field.focus(); }
    if (event.key === "Escape" && document.activeElement === field) { field.value = ""; search(); }
  });
  // A browser that restores the form after "back" must show what the form says.
  window.addEventListener("pageshow", search);
})();
