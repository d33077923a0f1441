// Keys on the pages of jurors: a digit chooses the rule, 0 none, N "I can't say", Enter sends or goes on. The pages work without it.
"use strict";

if ("judging" in document.body.dataset) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.closest("textarea, select")) return;
    const key = event.key.toLowerCase();
    const answer = /^\d$/.test(key) ? document.querySelector(`[data-jury] input[name=clause][value="${key}"]`) : null;
    if (answer) {
      answer.closest("details")?.setAttribute("open", "");
      answer.checked = true;
      answer.focus({ preventScroll: true, focusVisible: false });
      answer.closest("label").scrollIntoView({ block: "nearest" });
    } else if (key === "n") {
      document.querySelector("[data-unsure]")?.click();
    } else if (key === "enter" && !event.target.closest("a, button, summary")) {
      document.querySelector("[data-send]")?.click();
    } else {
      return;
    }
    event.preventDefault();
  });
}
