// Menus, file inputs, and where the focus goes: it is never left on the body after an action. The pages work without this script.
"use strict";

{
  // -- menus are `details`: they close when the focus or a click leaves them, or with Esc ---------------------------

  const openMenus = () => [...document.querySelectorAll("details.more[open], details.me[open]")];
  const closeOthers = (event) => openMenus().forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  document.addEventListener("click", closeOthers);
  document.addEventListener("focusin", closeOthers);
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && openMenus()[0];
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  // -- the name of a chosen file: the browser would show it in its own language --------------------------------------

  document.addEventListener("change", (event) => {
    const name = event.target.type === "file" && event.target.closest(".file")?.querySelector("[data-chosen]");
    if (name) name.textContent = event.target.files[0]?.name ?? name.dataset.none;
  });

  // -- the next page continues where a form or a link of this page was used -----------------------------------------

  const KEY = "folkmoot-continue", SECONDS = 30;
  const isShown = (node) => node.getClientRects().length > 0;
  /** The same for a button and its opposite, such as `mute` and `unmute`. */
  const nameOf = (node) => (node.getAttribute("formaction") || node.getAttribute("href") || node.id).replace(/\/un(?=\w+$)/, "/");
  const rows = () => [...document.querySelectorAll("main li, main article.post")].filter(isShown);
  const remember = (value) => { try { sessionStorage.setItem(KEY, JSON.stringify({ ...value, at: Date.now() })); } catch { /* refused */ } };
  const take = () => {
    try {
      const value = JSON.parse(sessionStorage.getItem(KEY));
      sessionStorage.removeItem(KEY);
      return value && Date.now() - value.at < 1000 * SECONDS ? value : null;
    } catch { return null; }
  };

  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    const button = event.submitter, row = button?.closest("li, article.post");
    remember({ to: event.target.dataset.continue, name: button && nameOf(button), row: row ? rows().indexOf(row) : -1 });
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest(".pager a, .deeper a, [data-pill], [data-first]")) remember({ first: true });
  });

  const first = () => document.querySelector("main article.post, main .people a, main .rows a, main .conversations a, main .notices a");
  const find = (from) => {
    const target = from.to && document.querySelector(from.to);
    if (target) return target;
    if (from.first) return first();
    const same = from.name && [...document.querySelectorAll("main :is(button, a)")].find((node) => isShown(node) && nameOf(node) === from.name);
    if (same) return same;
    const there = from.row >= 0 && rows();  // the row is gone, or the button is in its menu
    const row = there && there[Math.min(from.row, there.length - 1)];
    return row && (row.matches("[tabindex]") ? row : row.querySelector("a, button"));
  };
  const from = take(), marked = document.querySelector("[data-focus]");
  const goOn = () => {
    if (marked) marked.focus();
    else if (from && document.activeElement === document.body) (find(from) || document.getElementById("main")).focus();
  };
  goOn();
  if (location.hash) addEventListener("load", () => setTimeout(goOn));  // the browser moves the focus to the anchor once more
}
