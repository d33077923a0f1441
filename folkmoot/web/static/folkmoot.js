// Enhancements of pages; every page works without this script.
// Buttons update in place, drafts are saved, new posts are announced, keys move through lists, scroll positions are kept.
"use strict";

const policy = window.trustedTypes
  ? window.trustedTypes.createPolicy("folkmoot", { createHTML: (html) => html, createScriptURL: () => "/service-worker.js" })  // parts come from our own server, which has escaped them
  : { createHTML: (html) => html, createScriptURL: () => "/service-worker.js" };
const body = document.body, words = body.dataset, act = document.getElementById("act");
const isCzech = document.documentElement.lang === "cs";

/** Says a sentence to screen readers. */
function announce(sentence) {
  const region = document.getElementById("announced");
  region.textContent = "";
  setTimeout(() => { region.textContent = sentence; }, 50);  // the same sentence again is said again
}

/** "at 09:41", "ve 14.41", "v 10.55": as the server writes times. */
function at(moment) {
  const hour = moment.getHours(), minutes = String(moment.getMinutes()).padStart(2, "0");
  return isCzech ? `${/^([234]|1[234]|2\d)$/.test(hour) ? "ve" : "v"} ${hour}.${minutes}` : `at ${String(hour).padStart(2, "0")}:${minutes}`;
}

// -- buttons under a post ------------------------------------------------------------------------------------------

/** Toggles a button and its count; returns a function that undoes it. */
function press(button) {
  const was = button.getAttribute("aria-pressed");
  if (!was) return () => {};
  const before = [...button.childNodes].map((node) => node.cloneNode(true));
  const isOn = was !== "true", number = button.querySelector("b") || button.appendChild(document.createElement("b"));
  const count = Number(number.textContent.replace(/\D/g, "")) + (isOn ? 1 : -1);
  if (count < 1000) number.textContent = count > 0 ? count : "";
  button.setAttribute("aria-pressed", isOn);
  return () => { button.setAttribute("aria-pressed", was); button.replaceChildren(...before); };
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-part-of]");
  if (!button || !act) return;
  event.preventDefault();
  if (button.dataset.waiting) return;
  const article = button.closest("article"), named = `[data-part="${button.dataset.partOf}"]`, form = new FormData(act);
  let part = button.closest(named);
  part.querySelectorAll("input:checked").forEach((input) => form.append(input.name, input.value));
  button.dataset.waiting = "1";
  part.querySelector(".refused")?.remove();
  const undo = press(button);
  let text = words.noAnswer, isGood = false;
  try {
    const answer = await fetch(button.getAttribute("formaction"), {
      method: "POST", body: new URLSearchParams(form), headers: { "X-Folkmoot-Part": "1" }, redirect: "error" });
    isGood = answer.ok;
    if (isGood || answer.headers.get("content-type")?.startsWith("text/plain")) text = await answer.text();
  } catch { /* no answer: `text` has the sentence for it */ }
  delete button.dataset.waiting;
  part = article.querySelector(named);  // the answer to another button may have replaced it
  if (isGood && part.querySelector("[data-waiting]")) return;  // the last answer shows the state of all
  if (isGood) {
    const here = part.contains(document.activeElement) && document.activeElement;
    const nameOf = (node) => node.getAttribute("formaction")?.replace(/\/un(?=\w+$)/, "/") || node.getAttribute("href") || node.tagName;
    const isOpen = part.querySelector(".more[open]") && !button.closest(".more");
    part.outerHTML = policy.createHTML(text);
    if (isOpen) article.querySelector(".more").open = true;  // opened while the request was running
    if (!here) return;  // the focus had left the part and must not move back
    const shown = [...article.querySelectorAll(`${named} :is(button, a, summary)`)].filter((node) => node.offsetParent);
    const same = [here, button].map((old) => shown.find((node) => nameOf(node) === nameOf(old))).find(Boolean);
    const next = same || (button.closest(".menu") && article.querySelector(".more summary")) || article;
    next.focus({ preventScroll: true });
  } else {
    undo();
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
    const menu = link.closest("details");
    menu.open = false;
    menu.querySelector("summary").focus();
    announce(words.copied);
  }
  if (event.target.closest("[data-back]") && document.referrer.startsWith(location.origin + "/") && history.length > 1) {
    event.preventDefault();
    history.back();
  }
});

// -- composer ------------------------------------------------------------------------------------------------------

const store = {  // a browser may refuse storage; then only the page has the draft
  get(key) { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } },
  set(key, value) { try { value ? localStorage.setItem(key, JSON.stringify(value)) : localStorage.removeItem(key); return true; } catch { return false; } },
  keys(start) { try { return Object.keys(localStorage).filter((key) => key.startsWith(start)); } catch { return []; } },
};

// A draft belongs to one account and one purpose. It is deleted when it is sent, when its account logs out (in any tab)
// and when another account logs in. After the end of a session it is kept for an hour, and shown to no other account.
const DRAFTS = "folkmoot-draft-", ACCOUNT = "folkmoot-account", HOUR = 3_600_000, ownAccount = words.account;
const draftKey = (purpose) => `${DRAFTS}${ownAccount}-${purpose}`;
const forgetDrafts = (isObsolete) => store.keys(DRAFTS).filter(isObsolete).forEach((key) => store.set(key, null));
/** Reads and deletes a cookie that the server has set for the script of the next page. */
const takeCookie = (name) => {
  const value = document.cookie.match(new RegExp(`(?:^|; )${name}=([\\w-]+)`))?.[1];
  if (value) document.cookie = `${name}=; Max-Age=0; Path=/; SameSite=Lax`;
  return value;
};
/** The browser forgets its push subscription, which the server has deleted with the session. */
async function endPush() {
  try { await (await (await navigator.serviceWorker.getRegistration()).pushManager.getSubscription()).unsubscribe(); } catch { /* there is none */ }
}
const sent = takeCookie("folkmoot_sent");  // a draft is deleted only when the server has the post
if (sent) store.set(DRAFTS + sent, null);
if (takeCookie("folkmoot_left")) { forgetDrafts(() => true); endPush(); }
else if (ownAccount) forgetDrafts((key) => !key.startsWith(draftKey("")));
else forgetDrafts((key) => !(Date.now() - store.get(key)?.at < HOUR));
store.set(ACCOUNT, ownAccount);
const isSameAccount = () => (store.get(ACCOUNT) ?? "") === ownAccount;
if (ownAccount) {  // reload when another tab has logged out or logged in
  addEventListener("storage", (event) => { if ([ACCOUNT, null].includes(event.key) && !isSameAccount()) location.reload(); });
  addEventListener("pageshow", (event) => { if (event.persisted && !isSameAccount()) location.reload(); });
}
document.addEventListener("submit", (event) => {
  if (new URL(event.target.getAttribute("action") ?? "", location).pathname === "/log_out") forgetDrafts(() => true);
});

document.querySelectorAll("[data-composer]").forEach((form) => {
  const area = form.querySelector("textarea[name=text]"), cover = form.querySelector("[name=cover]");
  const left = form.querySelector("[data-left]"), liveRegion = form.querySelector("[data-left-words]");
  const key = draftKey(form.dataset.draft);
  const kept = ["text", "cover", "poll_titles[]", "poll_expires_in", "poll_is_multiple", "with_poll", "with_cover", "is_sensitive", "visibility", "language"];
  const fields = [...form.elements].filter((field) => kept.includes(field.name) && field.type !== "hidden");
  const isChoice = (field) => /checkbox|radio/.test(field.type);
  /** The fields by name, each with its values in the order of the form: the short and the full form share a draft. */
  const state = () => {
    const values = {};
    for (const field of fields) (values[field.name] ??= []).push(isChoice(field) ? field.checked : field.value);
    return values;
  };
  const restore = (values) => {
    const places = {};
    for (const field of fields) {
      const value = values[field.name]?.[places[field.name] = (places[field.name] ?? -1) + 1];
      if (value === undefined) continue;
      if (isChoice(field)) field.checked = value; else field.value = value;
    }
  };
  /** Values that the short reply form sends without showing them, or cannot send at all. */
  const chosen = () => JSON.stringify([form.elements.visibility?.value, cover.value, form.elements.language.value, Boolean(form.elements.with_poll?.checked)]);
  const initial = JSON.stringify(state());
  const showCount = () => {
    if (!left) return;
    const rest = Number(area.dataset.limit) - countCharacters(area.value.trim()) - countCharacters(cover.value.trim());
    left.textContent = String(rest).replace("-", "\u2212");
    left.classList.toggle("over", rest < 0);
    liveRegion.textContent = liveRegion.dataset[rest] ?? "";
  };
  const saved = form.querySelector(".wrong") ? null : store.get(key);
  const note = document.getElementById("saved");
  const sayWhen = (moment) => { if (note && form.dataset.saved) note.textContent = form.dataset.saved.replace("{at}", at(moment)); };
  const inFull = form.querySelector("[data-in-full]");
  if (inFull && saved && saved.chosen !== chosen()) {  // the draft has a chosen audience: it continues in the form that shows it
    inFull.hidden = false;
    form.querySelectorAll("textarea, button").forEach((field) => { field.hidden = field.disabled = true; });
    return;
  }
  if (saved?.values) {
    restore(saved.values);
    sayWhen(new Date(saved.at));
  }
  area.setSelectionRange(area.value.length, area.value.length);  // continue after the mentions or the draft
  const keep = () => {
    showCount();
    if (!isSameAccount()) return;
    const values = state(), isEmpty = JSON.stringify(values) === initial;
    if (store.set(key, isEmpty ? null : { values, chosen: chosen(), at: Date.now() }) && note) isEmpty ? note.textContent = "" : sayWhen(new Date());
  };
  form.addEventListener("input", keep);
  showCount();
  form.querySelectorAll("[data-put-aside]").forEach((link) => { link.hidden = false; });

  // Pictures are chosen one after the other; each is previewed beside its description.
  form.classList.add("scripted");
  const pictures = [...form.querySelectorAll("[data-picture]")];
  const file = (picture) => picture.querySelector("[type=file]").files[0];
  const unfold = () => { const next = pictures.findIndex((picture) => !file(picture)); pictures.forEach((picture, place) => { picture.hidden = next >= 0 && place > next; }); };
  pictures.forEach((picture) => picture.querySelector("[type=file]").addEventListener("change", () => {
    picture.querySelector("img")?.remove();
    picture.classList.toggle("chosen", Boolean(file(picture)));
    unfold();
    if (!file(picture)) return;
    const reader = new FileReader(), image = document.createElement("img");
    image.alt = "";
    image.addEventListener("error", () => image.remove());  // the browser cannot show it, but the server may
    picture.preview = reader;
    reader.addEventListener("load", () => {
      if (picture.preview !== reader || !file(picture)) return;  // another one, or none, was chosen meanwhile
      image.src = reader.result;
      picture.prepend(image);
    });
    reader.readAsDataURL(file(picture));
  }));
  unfold();

  // Reminds once of a missing description; a second submit publishes.
  const reminder = form.querySelector("[data-remind]");
  const undescribed = () => [...form.querySelectorAll("[data-picture], .picture-row")]
    .filter((picture) => (picture.matches(".picture-row") || file(picture)) && !picture.querySelector("textarea").value.trim())
    .map((picture) => picture.querySelector("textarea"));
  form.querySelector("[data-describe]")?.addEventListener("click", () => { reminder.hidden = true; undescribed()[0]?.focus(); });
  form.addEventListener("submit", (event) => {
    if (reminder && !reminder.dataset.asked && undescribed().length) {
      event.preventDefault();
      event.stopPropagation();
      reminder.dataset.asked = "1";
      reminder.hidden = false;
      reminder.focus();
    }
  });
  form.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(); });
});

document.addEventListener("submit", (event) => {
  const button = event.target.querySelector("[data-busy]");
  if (!button || event.defaultPrevented) return;
  const was = [...button.childNodes];
  button.style.minWidth = `${button.offsetWidth}px`;
  button.textContent = button.dataset.busy;
  setTimeout(() => { button.disabled = true; });
  addEventListener("pageshow", () => { button.disabled = false; button.replaceChildren(...was); }, { once: true });  // the page is shown again by the Back button
});

// -- forms: a field is validated when it loses the focus, not during typing ----------------------------------------

function validate(input) {
  const field = input.closest(".field"), isWrong = Boolean(input.value) && !new RegExp(input.dataset.check, "u").test(input.value.trim());
  field.querySelector(".wrong")?.remove();
  field.classList.toggle("is-wrong", isWrong);
  input.removeAttribute("aria-invalid");
  if (!isWrong) return;
  const line = document.createElement("p");
  line.className = "wrong";
  line.id = `${input.id}-error`;
  line.textContent = input.dataset.wrong;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", `${line.id} ${input.id}-help`);
  field.append(line);
}
// Delayed, so that the element that is clicked next does not move before the click.
document.querySelectorAll("[data-check]").forEach((input) => input.addEventListener("blur", () => setTimeout(validate, 250, input)));

// It shows the names of the network when no host answers. A browser may refuse it, as in private windows.
addEventListener("load", () => navigator.serviceWorker?.register(policy.createScriptURL("")).catch(() => {}));

// -- live updates, and the notice for lost connections -------------------------------------------------------------

const loaded = new Date();
addEventListener("offline", () => {
  const band = document.createElement("p"), bold = document.createElement("strong");
  band.className = "offline";
  band.setAttribute("role", "status");
  bold.textContent = words.offline;
  band.append(bold, ` ${words.fetched.replace("{at}", at(loaded))}`);
  document.getElementById("main").prepend(band);
});
addEventListener("online", () => document.querySelector(".offline")?.remove());

if (words.live && window.EventSource) {
  let events;
  const pill = document.querySelector("[data-pill]");
  const listen = () => {
    events = new EventSource(words.live);
    events.addEventListener("withdrawn", (event) => {  // hidden or deleted: replaced by a sentence
      const { ids, words: sentence } = JSON.parse(event.data);
      for (const post of ids.flatMap((id) => [...document.querySelectorAll(`article.post:is([data-post="${id}"], [id="p${id}"])`)])) {
        if (post.querySelector(".menu .danger")) continue;  // the viewer's own post: a statement explains it
        const line = document.createElement("p"), hadFocus = post.contains(document.activeElement);
        line.className = "gone";
        line.textContent = sentence;
        post.replaceChildren(line);
        if (hadFocus) post.focus({ preventScroll: true });
      }
      for (const quote of ids.flatMap((id) => [...document.querySelectorAll(`[data-quoted="${id}"]`)])) quote.textContent = sentence;
    });
    events.addEventListener("posts", (event) => {
      if (!pill) return;
      pill.textContent = JSON.parse(event.data).words;
      pill.hidden = false;
    });
    events.addEventListener("waiting", (event) => {
      const counts = JSON.parse(event.data);
      document.querySelectorAll("[data-waiting]").forEach((badge) => {
        if (!(badge.dataset.waiting in counts)) return;
        const count = counts[badge.dataset.waiting] + Number(badge.dataset.plus);
        badge.hidden = !count;
        badge.querySelector("[data-count]").textContent = count < badge.dataset.most ? count : `${badge.dataset.most - 1}+`;
      });
      const more = document.querySelector("[data-new-messages]");
      if (more && counts.messages > Number(more.dataset.newMessages)) more.hidden = false;
      if (more) more.dataset.newMessages = counts.messages;
    });
  };
  listen();
  addEventListener("pagehide", () => events.close());
  addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
}

// -- scroll position: the same post stays in place when new posts have been added above it -------------------------

const placeKey = `folkmoot-place-${location.pathname}${location.search}`;
const listed = () => [...document.querySelectorAll("article.post")];
addEventListener("pagehide", () => {
  const first = listed().find((post) => post.getBoundingClientRect().bottom > 0);
  if (first) sessionStorage.setItem(placeKey, JSON.stringify([first.id, first.getBoundingClientRect().top]));
});
const navigationType = performance.getEntriesByType("navigation")[0]?.type, place = JSON.parse(sessionStorage.getItem(placeKey) || "null");
if (place && (navigationType === "back_forward" || navigationType === "reload")) {
  const put = () => {
    const post = document.getElementById(place[0]);
    if (post) scrollBy(0, post.getBoundingClientRect().top - place[1]);
  };
  if (document.getElementById(place[0])) history.scrollRestoration = "manual";
  put();
  addEventListener("load", () => { put(); document.fonts?.ready.then(put); });
}

const siteHeader = document.querySelector(".mast");
let height = scrollY;
addEventListener("scroll", () => {  // on phones the header is hidden when scrolling down and shown when scrolling up
  if (Math.abs(scrollY - height) < 12) return;
  siteHeader.classList.toggle("away", scrollY > height && scrollY > 60);
  height = scrollY;
}, { passive: true });

// -- keys ----------------------------------------------------------------------------------------------------------

let before = "";
document.addEventListener("keydown", (event) => {
  if (!("shortcuts" in words) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]")) return;
  const posts = listed(), here = document.activeElement.closest?.("article.post"), now = posts.indexOf(here);
  const go = (href) => { location.href = href; };
  const push = (key) => here?.querySelector(`[data-key="${key}"]`)?.click();
  const step = (to) => { posts[to]?.focus({ preventScroll: true }); posts[to]?.scrollIntoView({ block: "nearest" }); };
  const keys = {
    j: () => step(Math.min(now + 1, posts.length - 1)), k: () => step(Math.max(now - 1, 0)),
    Enter: () => here.querySelector(".when")?.click(),
    r: () => push("r"), b: () => push("b"), f: () => push("f"), d: () => push("d"), q: () => push("q"),
    x: () => here?.querySelector("details.cover > summary")?.click(),
    n: () => go("/posts/new"), "/": () => go("/search"), "?": () => go("/shortcuts"),
    ".": () => document.querySelector("[data-pill]:not([hidden])")?.click(),
  };
  const where = before === "g" && { h: "/", n: "/notifications", m: "/messages", b: "/bookmarks", s: "/settings" }[event.key];
  before = event.key;
  if (where) { event.preventDefault(); before = ""; go(where); return; }
  if (!keys[event.key] || (event.key === "Enter" && document.activeElement !== here)) return;
  event.preventDefault();
  keys[event.key]();
});
