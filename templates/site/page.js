"use strict";
// What every page does: "/" leads to the search, and pages that grew old say so. Without this file nothing is lost.
(function () {
  const STALE_HOURS = 26;
  const isTyping = () => /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);

  document.addEventListener("keydown", function (event) {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping()) return;
    const field = document.querySelector("[data-search]");
    event.preventDefault();
    if (field) field.focus();
    else location.href = document.body.dataset.root + "index.html#search";
  });

  for (const built of document.querySelectorAll("[data-built]")) {
    const hours = Math.floor((Date.now() - Date.parse(built.dataset.built)) / 3600000);
    if (!(hours >= STALE_HOURS)) continue;
    const note = document.createElement("strong");
    note.className = "stale";
    note.textContent = " These pages are " + Math.floor(hours / 24) + (hours < 48 ? " day" : " days") +
      " old; if that is a surprise, `answers run` has stopped.";
    built.append(note);
  }
})();
