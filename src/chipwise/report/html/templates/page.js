// Shows the layers whose name, kind, bound or proof holds every word; without scripts all are shown.
"use strict";
(() => {
  const form = document.getElementById("filter");
  const find = document.getElementById("find");
  const shown = document.getElementById("shown");
  const layers = [...document.querySelectorAll("[data-find]")];
  const parts = [...document.querySelectorAll("[data-row]")];
  const apply = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = new Set();
    for (const layer of layers) {
      if (words.every((word) => layer.dataset.find.includes(word))) kept.add(layer.dataset.row);
    }
    for (const part of parts) {
      const keep = part.dataset.row.split(" ").some((row) => kept.has(row));
      part.classList.toggle("off", !keep);
      part.classList.toggle("on", keep && words.length > 0);
    }
    shown.textContent = `${kept.size} of ${layers.length}`;
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  find.addEventListener("input", apply);
  find.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      find.value = "";
      apply();
    }
  });
  // A page that is gone back to keeps what was typed.
  if (find.value) apply();
})();
