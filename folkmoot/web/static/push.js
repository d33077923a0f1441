// The settings page for notifications: asks the browser for a subscription and sends it with the form.
"use strict";
{
  const form = document.querySelector("[data-push]"), on = form.querySelector("[data-push-on]");
  const shown = (name, is) => { document.querySelector(`[data-push-${name}]`).hidden = !is; };
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
  const key = bytes(form.dataset.push);
  const isOurs = (found) => !found.options.applicationServerKey || String(new Uint8Array(found.options.applicationServerKey)) === String(key);

  /** The subscription of this browser to this network. One that was made for another key is void. */
  async function subscription() {
    const { pushManager } = await navigator.serviceWorker.ready;
    const found = await pushManager.getSubscription();
    if (found && isOurs(found)) return found;
    await found?.unsubscribe();
    return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  }

  async function look() {
    shown("script", false);
    if (!("serviceWorker" in navigator && "PushManager" in self && "Notification" in self)) return shown("unknown", true);
    if (Notification.permission === "denied") return shown("denied", true);
    const found = await (await navigator.serviceWorker.getRegistration())?.pushManager.getSubscription();
    const isOn = "pushEndpoint" in form.dataset && found?.endpoint === form.dataset.pushEndpoint && Notification.permission === "granted";
    shown("lost", "pushEndpoint" in form.dataset && !isOn);
    on.hidden = isOn;
  }

  on.addEventListener("click", async (event) => {
    event.preventDefault();
    shown("failed", false);
    on.setAttribute("aria-busy", "true");
    try {
      if (await Notification.requestPermission() !== "granted") return shown("denied", Notification.permission === "denied");
      const { endpoint, keys } = (await subscription()).toJSON();
      form.endpoint.value = endpoint;
      form.p256dh.value = keys.p256dh;
      form.auth.value = keys.auth;
      form.submit();
    } catch {
      shown("failed", true);
    } finally {
      on.removeAttribute("aria-busy");
    }
  });
  document.querySelector("form[action$='/push/end']")?.addEventListener("submit", () => {
    navigator.serviceWorker?.ready.then(({ pushManager }) => pushManager.getSubscription()).then((found) => found?.unsubscribe()).catch(() => {});
  });
  look().catch(() => shown("unknown", true));
}
