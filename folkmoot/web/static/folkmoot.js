// What a page does better with a script; every page works without it.
// Buttons answer in place, drafts survive, new posts are announced, keys move through a list.
"use strict";

const policy = window.trustedTypes
  ? window.trustedTypes.createPolicy("folkmoot", { createHTML: (html) => html })  // parts come from our own server, escaped there
  : { createHTML: (html) => html };
const act = document.getElementById("act");

// -- buttons under a post ------------------------------------------------------------------------------------------

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-part-of]");
  if (!button || !act) return;
  event.preventDefault();
  if (button.dataset.waiting) return;
  const part = button.closest(`[data-part="${button.dataset.partOf}"]`);
  const form = new FormData(act);
  part.querySelectorAll("input:checked").forEach((input) => form.append(input.name, input.value));
  const pressed = button.getAttribute("aria-pressed");
  button.dataset.waiting = "1";
  if (pressed) button.setAttribute("aria-pressed", pressed === "true" ? "false" : "true");
  let text = "", isGood = false;
  try {
    const answer = await fetch(button.getAttribute("formaction"), {
      method: "POST", body: new URLSearchParams(form), headers: { "X-Folkmoot-Part": "1" }, redirect: "error" });
    text = await answer.text();
    isGood = answer.ok;
  } catch { text = document.documentElement.lang === "cs" ? "Síť neodpovídá. Zkuste to za chvíli." : "The network does not answer. Please try again in a moment."; }
  delete button.dataset.waiting;
  if (isGood) {
    const action = button.getAttribute("formaction").replace(/\/un(?=\w+$)/, "/");
    part.outerHTML = policy.createHTML(text);
    const article = document.querySelector(`[data-post="${action.split("/")[2]}"]`);
    const same = article && [...article.querySelectorAll("button[formaction]")]
      .find((other) => other.getAttribute("formaction").replace(/\/un(?=\w+$)/, "/") === action);
    if (same && same.offsetParent) same.focus({ preventScroll: true });
  } else {
    if (pressed) button.setAttribute("aria-pressed", pressed);
    part.querySelector(".refused")?.remove();
    const line = document.createElement("p");
    line.className = "refused";
    line.setAttribute("role", "alert");
    line.textContent = text.slice(0, 300);
    part.append(line);
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-copy]");
  if (link && navigator.clipboard) {
    event.preventDefault();
    navigator.clipboard.writeText(link.dataset.copy);
    link.closest("details")?.removeAttribute("open");
  }
  document.querySelectorAll("details.more[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.removeAttribute("open"); });
});

// -- composer ------------------------------------------------------------------------------------------------------

const count = (text) => [...text.replace(/https?:\/\/[^\s<>"“”„]+/g, "x".repeat(23)).replace(/(@\w+)@[\w.-]+\w/g, "$1")].length;

document.querySelectorAll("[data-composer]").forEach((form) => {
  const area = form.querySelector("textarea[name=text]");
  const cover = form.querySelector("[name=cover]");
  const left = form.querySelector("[data-left]"), words = form.querySelector("[data-left-words]");
  const key = `folkmoot-draft-${form.dataset.draft}`, begun = area.value;
  if (form.dataset.draft && !form.querySelector(".is-wrong") && !form.dataset.draft.startsWith("edit")) {
    const kept = sessionStorage.getItem(`${key}-sent`) ? null : localStorage.getItem(key);
    if (kept && kept.trim()) area.value = kept;
  }
  sessionStorage.removeItem(`${key}-sent`);
  const tell = () => {
    if (!left) return;
    const rest = Number(area.dataset.limit) - count(area.value) - count(cover?.value || "");
    left.textContent = rest;
    left.classList.toggle("over", rest < 0);
    if (words && (rest === 20 || rest === 0)) words.textContent = String(rest);
  };
  area.addEventListener("input", () => { tell(); try { localStorage.setItem(key, area.value === begun ? "" : area.value); } catch { /* no room: the page still has it */ } });
  cover?.addEventListener("input", tell);
  tell();
  form.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(); });
  form.addEventListener("submit", () => { sessionStorage.setItem(`${key}-sent`, "1"); localStorage.removeItem(key); });
});

document.addEventListener("submit", (event) => {
  const button = event.target.querySelector("[data-busy]");
  if (!button) return;
  button.style.minWidth = `${button.offsetWidth}px`;
  button.textContent = button.dataset.busy;
  setTimeout(() => { button.disabled = true; });
});

document.querySelector("[data-focus]")?.focus();

// -- what is new ---------------------------------------------------------------------------------------------------

const source = document.body.dataset.live;
if (source && window.EventSource) {
  const events = new EventSource(source);
  const pill = document.querySelector("[data-pill]");
  events.addEventListener("posts", (event) => {
    const { words } = JSON.parse(event.data);
    pill.textContent = words;
    pill.hidden = false;
  });
  events.addEventListener("notices", (event) => {
    const { count: unread } = JSON.parse(event.data);
    document.querySelectorAll("[data-unread]").forEach((badge) => {
      badge.hidden = !unread;
      badge.querySelector("[data-count]").textContent = unread > 99 ? "99+" : unread;
    });
  });
  addEventListener("pagehide", () => events.close());
}

// -- keys ----------------------------------------------------------------------------------------------------------

let before = "";
document.addEventListener("keydown", (event) => {
  if (!("shortcuts" in document.body.dataset) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const posts = [...document.querySelectorAll("article.post")];
  const here = document.activeElement.closest?.("article.post");
  const place = posts.indexOf(here);
  const go = (href) => { location.href = href; };
  const press = (key) => here?.querySelector(`[data-key="${key}"]`)?.click();
  const keys = {
    j: () => posts[Math.min(place + 1, posts.length - 1)]?.focus(),
    k: () => posts[Math.max(place - 1, 0)]?.focus(),
    Enter: () => { if (document.activeElement === here) here?.querySelector(".when")?.click(); },
    r: () => press("r"), b: () => press("b"), f: () => press("f"), d: () => press("d"),
    x: () => here?.querySelector("details.cover > summary")?.click(),
    n: () => go("/posts/new"), "/": () => go("/search"), "?": () => go("/shortcuts"),
    ".": () => document.querySelector("[data-pill]:not([hidden])")?.click(),
  };
  if (before === "g") {
    before = "";
    const where = { h: "/", n: "/notifications", m: "/messages", b: "/bookmarks", s: "/settings" }[event.key];
    if (where) { event.preventDefault(); go(where); return; }
  }
  if (event.key === "g") { before = "g"; return; }
  if (keys[event.key] && !(event.key === "Enter" && document.activeElement !== here)) {
    if (event.key !== "Enter") event.preventDefault();
    keys[event.key]();
  }
});
