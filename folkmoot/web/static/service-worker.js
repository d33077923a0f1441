// Shows a page with all names of the network, and the operator's letter, when no host answers. Everything else passes unchanged.
// Shows notifications that were pushed, and opens their pages.
// NETWORK comes before this text: what this script must know of the network.
"use strict";

const STORE = "folkmoot-1", PAGE = "/unreachable", LETTER = "/letter", SEEN = "/seen", HOUR = 3_600_000;
const GONE = new Set([502, 504, 520, 521, 522, 523, 525, 530]);  // from a proxy in front of nothing; ours has an x-request-id

self.addEventListener("install", (event) => event.waitUntil(keep().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.mode === "navigate" && request.method === "GET") event.respondWith(navigate(event));
  else if (NETWORK.files.some((file) => request.url.endsWith(file))) event.respondWith(keptFirst(request));
});

/** Keeps the page and its files. Fails as a whole, so that an old page stays with its files. */
async function keep() {
  const store = await caches.open(STORE);
  await store.addAll([new Request(PAGE, { cache: "reload" }), ...NETWORK.files]);
  await note(store, SEEN, Date.now());
}

const note = (store, name, value) => store.put(name, new Response(JSON.stringify(value)));
const noted = async (store, name) => { const found = await store.match(name); return found ? found.json() : null; };

async function keptFirst(request) {
  return await (await caches.open(STORE)).match(request) ?? fetch(request);
}

async function navigate(event) {
  try {
    const answer = await fetch(event.request);
    if (!GONE.has(answer.status) || answer.headers.has("x-request-id")) {
      event.waitUntil(refresh());
      return answer;
    }
  } catch { /* nobody answers */ }
  return unreachable();
}

/** Once an hour: keeps the page as it is now. A letter from before is then out of date. */
async function refresh() {
  const store = await caches.open(STORE);
  if (Date.now() - (await noted(store, SEEN) ?? 0) > HOUR) await keep().catch(() => {});
}

async function unreachable() {
  const store = await caches.open(STORE), page = await store.match(PAGE);
  if (!page) return Response.error();
  const letter = await newestLetter(store);
  return new Response(letter ? shown(await page.text(), letter) : page.body, { status: 503, headers: page.headers });
}

/** The verified letter, from where it is published or from an earlier time, unless the network has answered since. It is fetched
 *  whole each time: servers of files say "not modified" of what changed twice within one second. */
async function newestLetter(store) {
  let letter = await noted(store, LETTER);
  try {
    const answer = await fetch(`${NETWORK.lifeboat}lifeboat.json`, { cache: "no-store", signal: AbortSignal.timeout(4000) });
    const found = NETWORK.lifeboat && answer.ok && await verified(await answer.json());
    if (found && found.domain === NETWORK.domain && !(letter?.written_at > found.written_at)) {
      letter = found;
      await note(store, LETTER, letter);
    }
  } catch { /* the letter cannot be fetched, or a browser without these signatures: the names are enough */ }
  return letter && Date.parse(letter.written_at) > (await noted(store, SEEN) ?? 0) - 24 * HOUR ? letter : null;
}

// -- signatures: as portability/backup_key.py makes them ------------------------------------------------------------

const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const joined = (text, bytes) => { const start = new TextEncoder().encode(text), all = new Uint8Array(start.length + bytes.length); all.set(start); all.set(bytes, start.length); return all; };

async function isSigned(key, signature, content) {
  const imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature, content);
}

/** The letter, if a host that the recovery key of this network certifies has signed it; else null. */
async function verified({ letter, signature }) {
  if (!NETWORK.authority) return null;
  const signer = bytesOf(signature.signer);
  const isCertified = await isSigned(bytesOf(NETWORK.authority), bytesOf(signature.certificate), joined("folkmoot backup certificate 1\n", signer));
  const isOwn = isCertified && await isSigned(signer, bytesOf(signature.signature), joined("folkmoot lifeboat 1\n", new TextEncoder().encode(letter)));
  return isOwn ? JSON.parse(letter) : null;
}

// -- the page --------------------------------------------------------------------------------------------------------

const escaped = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** The kept page with the letter in it. A service worker has no document, so the marked parts are replaced as text. */
function shown(page, letter) {
  const language = page.match(/<html lang="(\w+)"/)[1];
  const spoken = letter.words[language] ? language : Object.keys(letter.words).find((one) => letter.words[one]) ?? language;
  const paragraphs = (letter.words[spoken] ?? "").split(/\n\n+/).map((part) => `<p>${escaped(part.trim())}</p>`).join("");
  const when = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { dateStyle: "long", timeStyle: "short" }).format(new Date(letter.written_at));
  const isWeb = (name) => /^https?:\/\//.test(name);
  const names = letter.names.filter(isWeb).map((name) => `<li><a href="${escaped(name)}/" dir="ltr">${escaped(name.replace(/^https?:\/\//, ""))}</a></li>`).join("");
  return page
    .replace("<section hidden data-letter>", () => "<section data-letter>")
    .replace("<p hidden data-archive>", (before) => (letter.has_archive ? "<p data-archive>" : before))
    .replace(/data-words><\/div>/, () => `data-words lang="${escaped(spoken)}">${paragraphs}</div>`)
    .replace(/data-written><\/p>/, () => `data-written><time datetime="${escaped(letter.written_at)}">${escaped(when)}</time></p>`)
    .replace(/<ul data-names>[^]*?<\/ul>/, (before) => (names ? `<ul data-names>${names}</ul>` : before));
}

// -- notifications ---------------------------------------------------------------------------------------------------

self.addEventListener("push", (event) => {
  let sent;
  try { sent = event.data.json(); } catch { return; }  // nothing of ours
  const { title, body, icon, lang, tag, path } = sent;
  event.waitUntil(self.registration.showNotification(title, { body, icon, lang, tag, data: { path } }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openPage(event.notification.data?.path));
});

/** Opens a page of this network in a window that is open already, or in a new one. */
async function openPage(path) {
  const url = new URL(typeof path === "string" ? path : "/", self.location.origin);
  if (url.origin !== self.location.origin) return;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const best = windows.find((one) => one.url === url.href) ?? windows.find((one) => one.visibilityState === "visible");
  try {
    await best.focus();
    if (best.url !== url.href) await best.navigate(url.href);
  } catch { await self.clients.openWindow(url.href); }
}
