// Keys on the pages of jurors: a digit chooses the rule, 0 none, N "I can't say", S how grave it is, C opens the conversation, Enter sends
// or goes on. The pages work without it.
"use strict";

if ("judging" in document.body.dataset) {
  const choose = (input) => {
    input.checked = true;
    input.focus({ preventScroll: true, focusVisible: false });
    input.closest("label").scrollIntoView({ block: "nearest" });
  };
  /** Whether the key means something here. */
  const press = (key, target) => {
    const answer = /^\d$/.test(key) && document.querySelector(`[data-jury] input[name=clause][value="${key}"]`);
    const grades = key === "s" && document.querySelector(".grave")?.checkVisibility() ? [...document.querySelectorAll(".grave input")] : [];
    if (answer) {
      answer.closest("details")?.setAttribute("open", "");
      choose(answer);
    } else if (grades.length) {
      choose(grades[(grades.findIndex((grade) => grade.checked) + 1) % grades.length]);
    } else if (key === "c") {
      document.querySelector("[data-conversation]")?.click();
    } else if (key === "n") {
      document.querySelector("[data-unsure]")?.click();
    } else if (key === "enter" && !target.closest("a, button, summary")) {
      document.querySelector("[data-send]")?.click();
    } else {
      return false;
    }
    return true;
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.closest("textarea, select")) return;
    if (press(event.key.toLowerCase(), event.target)) event.preventDefault();
  });
}
