"use strict";
// Search, filters and sorting of the lists of topics. Without this file the page still shows every table.
(function () {
  const tools = document.querySelector("[data-tools]");
  if (!tools) return;
  const one = (name) => document.querySelector(`[data-${name}]`);
  const field = one("search"), found = one("found"), results = one("results"), browse = one("browse");
  const table = one("ranked"), choices = one("filters"), clear = one("clear"), active = one("active"), sort = one("sort");
  const selects = [...document.querySelectorAll("[data-filter]")];
  const root = document.body.dataset.root, list = document.body.dataset.list;
  const holdsAll = !browse.hasAttribute("data-partial");
  const rows = table ? [...table.tBodies[0].rows] : [];
  const KINDS = ["question", "pain", "need"], MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const MOST_TOPICS = 12, MOST_INSIGHTS = 60, AT_ONCE = 400;
  const insights = [];  // [text, company, day, topic, kind, language]
  let data = null, topics = null, said = null, starting = null, isComplete = false, topicShown = "";

  const plain = (word) => word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const params = () => new URLSearchParams(location.hash.slice(1));
  const asked = () => field.value.trim();

  // ---- loading: scripts, because a page that was opened from disk may not fetch

  function load(name) {
    return new Promise(function (resolve, reject) {
      const script = document.createElement("script");
      script.src = root + "assets/" + name;
      script.onload = resolve;
      script.onerror = () => reject(new Error(name));
      document.head.append(script);
    });
  }

  function makeEngine(fields, boost) {
    return new MiniSearch({
      fields,
      processTerm: plain,
      searchOptions: { prefix: true, fuzzy: (term) => (term.length > 4 ? 0.2 : false), combineWith: "AND", boost },
    });
  }

  function start() {
    starting = starting || (async function () {
      await Promise.all([load("minisearch.js"), load("search-data.js")]);
      data = window.ANSWERS;
      topics = makeEngine(["name", "text"], { name: 3 });
      topics.addAll(data.topics.map((row, id) => ({ id, name: row[0], text: row[1] })));
      said = makeEngine(["text", "company"], { text: 2 });
      refresh();
      for (let part = 1; part <= data.parts; part++) {
        await load(`search-${part}.js`);
        const first = insights.length, more = data.part;
        for (const row of more) insights.push(row);
        await said.addAllAsync(
          more.map((row, place) => ({ id: first + place, text: row[0], company: data.companies[row[1]][0] })),
          { chunkSize: AT_ONCE });
        refresh();
      }
      isComplete = true;
      refresh();
    })().catch(function () {
      results.setAttribute("aria-busy", "false");
      found.textContent = "The search could not be loaded; the tables below hold everything but single quotes.";
    });
    return starting;
  }

  // ---- showing

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

  function makeItem(words, address, language, terms, isTopic) {
    const item = document.createElement("li"), target = document.createElement(address ? "a" : "span");
    if (address) target.href = root + address + "index.html";
    if (isTopic) item.className = "topic-hit";
    if (language) target.lang = language;
    target.dir = "auto";
    appendMarked(target, words, terms);
    const small = document.createElement("small");
    item.append(target, small);
    return [item, small];
  }

  function showTopic(hit) {
    const [name, , path, told] = data.topics[hit.id];
    const [item, small] = makeItem(name, path, "", hit.terms, true);
    small.textContent = "topic · " + told;
    return item;
  }

  function showInsight(number, terms) {
    const [text, company, day, topic, kind, language] = insights[number];
    const [name, page] = data.companies[company];
    const [year, month, date] = day.split("-").map(Number);
    const [item, small] = makeItem(text, topic >= 0 ? data.topics[topic][2] : "", language, terms, false);
    const who = document.createElement(page ? "a" : "span");
    if (page) who.href = root + page;
    appendMarked(who, name, terms);
    small.append(who, `, ${date} ${MONTHS[month - 1]} ${year} · ${KINDS[kind]} · ` +
      (topic >= 0 ? "in: " + data.topics[topic][0] : "no topic yet"));
    return item;
  }

  function tell(count, shown) {
    const left = data.insights - insights.length;
    const waiting = !isComplete && left > 0 ? `; looking through ${left.toLocaleString("en")} older ones` : "";
    if (count === 0) return waiting ? "Nothing so far" + waiting + " …" : "Nothing found. Fewer or shorter words find more.";
    return count.toLocaleString("en") + (count === 1 ? " hit" : " hits") + (count > shown ? `, the best ${shown}` : "") + waiting;
  }

  function showFound(query) {
    const topicHits = topics.search(query), hits = said.search(query);
    const shown = [...topicHits.slice(0, MOST_TOPICS).map(showTopic),
      ...hits.slice(0, MOST_INSIGHTS).map((hit) => showInsight(hit.id, hit.terms))];
    results.replaceChildren(...shown);
    found.textContent = tell(topicHits.length + hits.length, shown.length);
  }

  function showMembers(id) {
    const place = data.topics.findIndex((row) => row[2].startsWith("t/" + id + "-") || row[2] === "t/" + id + "/");
    const numbers = insights.flatMap((row, number) => (row[3] === place ? [number] : []));
    results.replaceChildren(...(place < 0 ? [] : [showTopic({ id: place, terms: [] })]),
      ...numbers.slice(0, 1000).map((number) => showInsight(number, [])));
    found.textContent = place < 0 ? `There is no topic ${id}.` : tell(numbers.length, Math.min(numbers.length, 1000));
  }

  function refresh() {
    const query = asked(), isSearching = query.length > 1 || topicShown !== "";
    const isReading = results.contains(document.activeElement) && !isComplete;
    results.hidden = !isSearching;
    results.setAttribute("aria-busy", String(isSearching && !isComplete));
    browse.hidden = isSearching;
    choices.hidden = isSearching || !table;
    if (!isSearching) { results.replaceChildren(); return; }
    if (!data) { found.textContent = "Loading …"; start(); return; }
    if (isReading) return;  // never pull the list away from under the one who walks through it
    if (topicShown) showMembers(topicShown); else showFound(query);
  }

  // ---- filters and sorting

  const KEYS = {
    grow: (row) => [row.querySelector("[data-before]").dataset.before - row.querySelector("[data-now]").dataset.now],
    ever: (row) => [-row.querySelector("[data-ever]").dataset.ever],
    last: (row) => [-(Date.parse(row.dataset.last) || 0)],
    name: (row) => [row.querySelector(".name a").textContent.toLowerCase()],
  };

  function order(by) {
    const key = KEYS[by] || (() => [0]);
    const keyed = rows.map((row, rank) => [key(row)[0], rank, row]);
    keyed.sort((a, b) => (typeof a[0] === "string" ? a[0].localeCompare(b[0]) : a[0] - b[0]) || a[1] - b[1]);
    table.tBodies[0].append(...keyed.map((entry) => entry[2]));
  }

  function filter() {
    if (!table || asked().length > 1) return;
    const wanted = selects.filter((select) => select.value);
    let shown = 0;
    for (const row of rows) {
      row.hidden = wanted.some((select) => !(" " + row.dataset[select.dataset.filter] + " ").includes(" " + select.value + " "));
      shown += row.hidden ? 0 : 1;
    }
    order(sort.value);
    clear.hidden = wanted.length === 0 && !sort.value;
    active.textContent = wanted.length ? String(wanted.length) : "";
    found.textContent = wanted.length ? shown + (shown === 1 ? " topic" : " topics") : "";
  }

  // ---- the address says what is shown, so that it can be sent to a colleague

  function remember() {
    const state = new URLSearchParams();
    if (asked().length > 1) state.set("q", asked());
    for (const select of selects) if (select.value) state.set(select.dataset.filter, select.value);
    if (sort.value) state.set("sort", sort.value);
    const wanted = state.toString();
    if (!holdsAll && wanted && !state.has("q")) { location.href = root + list + "#" + wanted; return; }
    try { history.replaceState(null, "", wanted ? "#" + wanted : location.pathname + location.search); } catch { /* too often */ }
  }

  function recall() {
    const state = params();
    topicShown = state.get("topic") || "";
    if (state.has("q")) field.value = state.get("q");
    for (const select of selects) choose(select, state.get(select.dataset.filter));
    choose(sort, state.get("sort"));
    if (selects.some((select) => select.value) || sort.value) choices.open = true;
    if (location.hash === "#search") field.focus();
    filter();
    refresh();
  }

  function choose(select, value) {
    if ([...select.options].some((option) => option.value === value)) select.value = value;
  }

  function changed() {
    topicShown = "";
    remember();
    filter();
    refresh();
  }

  let waiting = 0;
  field.addEventListener("focus", start);
  field.addEventListener("input", function () {
    clearTimeout(waiting);
    if (!data || data.insights <= 20000) { changed(); if (!asked()) found.textContent = ""; filter(); return; }
    waiting = setTimeout(changed, 120);
  });
  for (const select of [...selects, sort]) select.addEventListener("change", changed);
  clear.addEventListener("click", function () {
    for (const select of [...selects, sort]) select.value = "";
    changed();
    choices.querySelector("summary").focus();
  });

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !tools.contains(event.target) && !results.contains(event.target)) return;
    const links = [...results.querySelectorAll("li > a")], place = links.indexOf(document.activeElement);
    if (event.key === "Escape" && (event.target === field || place >= 0)) {
      field.value = "";
      field.focus();
      changed();
      filter();
    } else if (event.key === "ArrowDown" && (event.target === field || place >= 0) && links[place + 1]) {
      event.preventDefault();
      links[place + 1].focus();
    } else if (event.key === "ArrowUp" && place >= 0) {
      event.preventDefault();
      (links[place - 1] || field).focus();
    } else if (event.key === "Enter" && event.target === field && links[0]) {
      links[0].click();
    }
  });

  tools.hidden = false;
  if (window.matchMedia("(min-width: 56.01rem)").matches) choices.open = true;
  window.addEventListener("hashchange", recall);
  // A browser that restores the form after "back" must show what the form says.
  window.addEventListener("pageshow", recall);
})();
