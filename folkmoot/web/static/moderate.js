// Keys on a case page: letters choose the action, digits the rule, Enter decides. While a case is read, the page of the next one is
// fetched, so that it appears at once after a decision. The pages work without this script.
"use strict";

{
  const isJudging = "judging" in document.body.dataset;
  const push = (selector) => document.querySelector(selector)?.click();
  const send = (where, form) => fetch(where, {
    method: "POST", body: new URLSearchParams(form), headers: { "X-Folkmoot-Part": "1" }, keepalive: true });  // also when the page is left
  const parse = (html) => new DOMParser().parseFromString(policy.createHTML(html), "text/html");  // `policy`: folkmoot.js

  // -- the line with which a decision is undone ----------------------------------------------------------------------

  function countDown(root) {
    const line = root.querySelector("[data-undo]");
    if (!line) return;
    const seconds = line.querySelector("[data-seconds]"), ends = Date.now() + 1000 * Number(line.dataset.left);
    const timer = setInterval(() => {
      const left = Math.ceil((ends - Date.now()) / 1000);
      if (left > 0 && line.isConnected) { seconds.textContent = line.dataset.words.replace("{s}", left); return; }
      clearInterval(timer);
      line.hidden = true;
    }, 500);
  }

  // -- a case --------------------------------------------------------------------------------------------------------

  let form = null, next = null, claimed = 0;

  function open({ isDecided = true } = {}) {
    form = document.querySelector("[data-case]");
    next = null;
    claimed = Date.now();
    countDown(document);
    if (!form) return;
    showChoice(form);
    form.addEventListener("submit", (event) => {
      if (!next || event.submitter?.hasAttribute("formaction") || !isComplete(form)) return;
      event.preventDefault();
      decide(new FormData(form, event.submitter));
    });
    if (isDecided) fetchNext();
  }

  function isComplete(form) {
    const values = new FormData(form), action = values.get("action");
    return action === "keep" || (action && Number(values.get("clause")) > 0);
  }

  // The chosen decision in the bar, and a preview of its statement.
  function showChoice(form) {
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
  }

  // Fetches the next case. The server keeps it from others for a minute only; it is claimed again when it is shown.
  async function fetchNext() {
    const current = form;
    if (!current.querySelector("[data-decide]")) return;
    try {
      const answer = await fetch(current.dataset.next);
      if (answer.status !== 200 || form !== current) return;
      const page = parse(await answer.text());
      if (!page.querySelector("[data-decide]")) return;
      next = { page, where: answer.url.replace(/([?&])ahead=1&?/, "$1").replace(/[?&]$/, "") };
      current.dataset.ready = "";
    } catch { /* without it, the next page is loaded after the decision */ }
  }

  // Shows the next case at once, and the former one again if its decision was refused. Until the server has it, the former one would be
  // given out again, so the one after the next is fetched later.
  async function decide(values) {
    const former = { main: document.querySelector("main"), title: document.title, where: location.href }, decided = form;
    const { page, where } = next;
    show(page.querySelector("main"), page.title);
    history.pushState(null, "", where);
    open({ isDecided: false });
    keep(0);
    try {
      const answer = await send(decided.getAttribute("action"), values);
      const html = await answer.text();
      if (answer.ok) {
        const above = document.querySelector("[data-above]");
        if (above) { above.innerHTML = policy.createHTML(html); countDown(above); }
        if (form) fetchNext();
        return;
      }
      const refused = parse(html);
      if (!refused.querySelector("[data-case], .notice.failed")) throw new Error(answer.status);
      show(refused.querySelector("main"), refused.title);
    } catch {
      show(former.main, former.title);
      document.getElementById("announced").textContent = document.body.dataset.noAnswer;
      const note = document.querySelector("[data-above]");
      if (note) note.textContent = document.body.dataset.noAnswer;
    }
    history.replaceState(null, "", former.where);
    open();
    document.querySelector("[data-focus]")?.focus();
  }

  function show(main, title) {
    document.querySelector("main").replaceWith(document.adoptNode(main));
    document.title = title;
    window.scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }

  // Activity on the page renews the claim, at most once a minute. Whoever has lost the case reads why.
  async function keep(pause = 60_000) {
    const current = form;
    if (!current?.querySelector("[data-decide]") || Date.now() - claimed < pause) return;
    claimed = Date.now();
    try {
      const answer = await send(current.dataset.case, new FormData(document.getElementById("act")));
      if (pause === 0 && !answer.ok && form === current) location.replace("/moderate/next");
    } catch { /* the claim lasts for ten minutes */ }
  }

  addEventListener("DOMContentLoaded", open);
  for (const kind of ["keydown", "pointermove", "scroll", "input"]) addEventListener(kind, () => keep(), { passive: true });
  addEventListener("popstate", () => location.reload());

  // -- keys ----------------------------------------------------------------------------------------------------------

  // The list of the keys is above the bar at the end of the page, and has the focus while it is shown, so that it is read out.
  function toggleKeys() {
    const keys = document.querySelector("[data-keys]");
    if (!keys) return;
    keys.open = !keys.open;
    const list = keys.querySelector("[tabindex]");
    (keys.open ? list : document.querySelector("main")).focus({ preventScroll: true });
    if (keys.open) keys.scrollIntoView({ block: "center" });
  }

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
        toggleKeys();
      } else if (key === "escape" && document.querySelector("[data-keys][open]")) {
        toggleKeys();
      }
    });
  }
}
