// Times of scheduled posts in the time zone of the browser. Without this script they are in that of the network, as the page says.
"use strict";

const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
/** A moment as the input for local times has it. */
const localText = (moment) => new Date(moment - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

document.querySelectorAll("[data-composer]").forEach((form) => {
  const input = form.elements.due_at, zone = form.querySelector("[data-zone]");
  if (!input || !ownZone || (input.value && !input.dataset.moment)) return;  // a value that was sent keeps the zone it was sent with
  if (input.dataset.moment) input.value = localText(new Date(input.dataset.moment));
  form.elements.time_zone.value = ownZone;
  zone.textContent = ownZone.replaceAll("_", " ");
});

document.querySelectorAll("time[data-zone]").forEach((time) => {
  const moment = new Date(time.dateTime), shown = { dateStyle: "long", timeStyle: "short" };
  const text = (timeZone) => moment.toLocaleString(language, { ...shown, timeZone });
  if (ownZone && text(ownZone) !== text(time.dataset.zone)) time.textContent = text(ownZone);
});
