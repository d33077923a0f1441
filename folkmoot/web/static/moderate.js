// Keys on a case page: letters choose the action, digits the rule, Enter decides. The page works without this script.
"use strict";

const form = document.querySelector("[data-case]"), isJudging = "judging" in document.body.dataset;
const push = (selector) => document.querySelector(selector)?.click();

// -- the line with which a decision is undone ----------------------------------------------------------------------

const line = document.querySelector("[data-undo]");
if (line) {
  const seconds = line.querySelector("[data-seconds]"), ends = Date.now() + 1000 * Number(line.dataset.left);
  const timer = setInterval(() => {
    const left = Math.ceil((ends - Date.now()) / 1000);
    if (left > 0) { seconds.textContent = line.dataset.words.replace("{s}", left); return; }
    clearInterval(timer);
    line.hidden = true;
  }, 500);
}

// -- the chosen decision, and a preview of its statement -----------------------------------------------------------

if (form) {
  const chosen = (name) => form.querySelector(`input[name=${name}]:checked`);
  const sum = form.querySelector("[data-sum]"), preview = form.querySelector("[data-preview]"), words = form.querySelector("#explanation");
  const later = sum?.textContent;
  const tell = () => {
    const action = chosen("action"), clause = chosen("clause");
    if (!sum) return;
    const rule = clause && clause.value !== "0" && action?.value !== "keep" ? sum.dataset.rule.replace("{n}", clause.value) : "";
    sum.textContent = action ? [[action.dataset.name, rule].filter(Boolean).join(", "), later].join("\n") : later;
    const says = action?.dataset.says;
    preview.hidden = !says || !rule;
    preview.textContent = says ? `${says}. ${words.value.trim() || clause?.dataset.text || ""} ${clause?.dataset.says || ""}` : "";
  };
  const templates = form.querySelector("[data-templates]");
  templates?.addEventListener("change", () => {
    const text = templates.selectedOptions[0].dataset.text;
    if (!text) return;
    words.value = [words.value.trim(), text].filter(Boolean).join("\n");
    templates.value = "";
    words.focus();
    const blank = /\{[^{}\n]*\}/.exec(words.value);
    if (blank) words.setSelectionRange(blank.index, blank.index + blank[0].length);
  });
  form.addEventListener("input", tell);
  form.addEventListener("change", (event) => {
    const unfold = form.querySelector(".unfold input");
    if (event.target.name === "action" && unfold) unfold.checked = false;
    tell();
  });
  tell();

  // Activity on the page renews the claim, at most once a minute.
  let claimed = Date.now();
  const keep = () => {
    const act = document.getElementById("act");
    if (!form.querySelector("[data-decide]") || Date.now() - claimed < 60_000) return;
    claimed = Date.now();
    fetch(form.dataset.case, { method: "POST", body: new URLSearchParams(new FormData(act)), headers: { "X-Folkmoot-Part": "1" } }).catch(() => {});
  };
  for (const kind of ["keydown", "pointermove", "scroll", "input"]) addEventListener(kind, keep, { passive: true });
}

// -- keys ----------------------------------------------------------------------------------------------------------

if (isJudging) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("textarea, input[type=number], select")) return;
    const key = event.key.toLowerCase();
    const radio = form?.querySelector(/^\d$/.test(key) ? `input[name=clause][value="${key}"]` : `input[name=action][data-key="${CSS.escape(key)}"]`);
    if (radio) {
      event.preventDefault();
      radio.closest("details")?.setAttribute("open", "");
      radio.checked = true;
      radio.dispatchEvent(new Event("change", { bubbles: true }));
    } else if (key === "enter" && form && !event.target.closest("a, button, summary")) {
      event.preventDefault();
      push("[data-decide]");
    } else if (key === "n") {
      event.preventDefault();
      form ? push("[data-key-n]") : push("a.judging");
    } else if (key === "u") {
      event.preventDefault();
      push("[data-undo]:not([hidden]) [data-key-u]");
    } else if (event.key === "?") {
      event.preventDefault();
      const keys = document.querySelector("[data-keys]");
      if (!keys) return;
      keys.open = !keys.open;
      keys.querySelector("summary").focus();
    }
  });
}
