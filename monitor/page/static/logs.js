// The page of log lines: stays at the newest line unless somebody reads further up, and pauses.
"use strict";

{
  const content = document.querySelector("main");
  const box = document.getElementById("log-box");
  const button = document.getElementById("log-pause");
  const NEAR = 24; // pixels from the end that count as being there
  let atEnd = true;
  let paused = false;

  const toEnd = () => { if (box && atEnd) box.scrollTop = box.scrollHeight; };

  function hold() {
    const typing = document.activeElement?.closest?.(".log-filters input");
    content.dataset.hold = paused ? "Paused" : !atEnd ? "Paused while you read further up" : typing ? "Paused while you type" : "";
  }

  box?.addEventListener("scroll", () => {
    atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    hold();
  }, { passive: true });
  button?.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? "Go on" : "Pause";
    button.setAttribute("aria-pressed", String(paused));
    if (!paused) atEnd = true;
    toEnd();
    hold();
    if (content.dataset.hold) say(content.dataset.hold, false);
  });
  document.addEventListener("focusin", hold);
  document.addEventListener("focusout", () => setTimeout(hold));
  document.addEventListener("renewed", toEnd);
  toEnd();
}
