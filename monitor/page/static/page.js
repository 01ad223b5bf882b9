// Keeps a page fresh while there is something to see, and copies commands. Without it the page shows the same on reload.
"use strict";

const main = document.querySelector("main");
const freshness = document.getElementById("freshness");
const announced = document.getElementById("announced");
let timer = 0;

const seconds = (page) => Number(page.querySelector("main").dataset.refresh);

// A part is replaced only when it has changed; what was focused or open in it stays so.
function renew(part, fresh) {
  wakeWhatNeedsScript(fresh);
  if (part.outerHTML === fresh.outerHTML) return;
  const links = (element) => [...element.querySelectorAll("a, button, summary, input")];
  const focused = links(part).indexOf(document.activeElement);
  const name = focused >= 0 && document.activeElement.id;
  for (const open of part.querySelectorAll("details[open]")) {
    const same = open.id && fresh.querySelector(`#${open.id}`);
    if (same) same.open = true;
  }
  part.replaceWith(fresh);
  const again = name ? document.getElementById(name) : links(fresh)[focused];
  if (focused >= 0) again?.focus({ preventScroll: true });
}

function show(page) {
  const fresh = new Map([...page.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
  for (const part of document.querySelectorAll("[data-part]")) {
    const next = fresh.get(part.dataset.part);
    if (next) renew(part, document.adoptNode(next));
    fresh.delete(part.dataset.part);
  }
  if (fresh.size) location.reload(); // a part that was not there before: a second task, say
  const told = page.getElementById("announced").textContent;
  if (announced.textContent !== told) announced.textContent = told;
  document.title = page.title;
  document.dispatchEvent(new Event("renewed"));
}

async function refresh() {
  if (main.dataset.hold) { // somebody works with what is there: it must not move under their hands
    say(main.dataset.hold, false);
    schedule(1);
    return;
  }
  let next = seconds(document);
  const began = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (main.dataset.hold) return schedule(1); // begun meanwhile
    main.dataset.refresh = page.querySelector("main").dataset.refresh;
    show(page);
    // A search that takes long is not asked for again and again: no more than a fifth of the time goes into it.
    next = seconds(page) && Math.max(seconds(page), 4 * (performance.now() - began) / 1000);
    say(next ? "Live" : "", false);
  } catch {
    say("Not up to date: the page could not be fetched. Trying again.", true);
    next = 5;
  }
  schedule(next);
}

function say(words, stale) {
  if (freshness.textContent !== words) freshness.textContent = words;
  freshness.classList.toggle("stale", stale);
}

function schedule(next) {
  clearTimeout(timer);
  if (next && !document.hidden) timer = setTimeout(refresh, next * 1000);
}

async function copy(button) {
  const code = button.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  } catch { // no clipboard without https: what is selected can be copied by hand
    getSelection().selectAllChildren(code);
  }
}

function wakeWhatNeedsScript(within) {
  for (const element of within.querySelectorAll("[data-script]")) element.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest(".copy");
  if (button) copy(button);
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea") || event.ctrlKey || event.metaKey || event.altKey;
  if (event.key === "/" && !typing) {
    event.preventDefault();
    document.querySelector(".search input").focus();
  }
});
document.addEventListener("visibilitychange", () => { if (!document.hidden && seconds(document)) refresh(); });

wakeWhatNeedsScript(document);
say(seconds(document) ? "Live" : "", false);
schedule(seconds(document));
