// The list of tasks: choosing rows, dragging a range of time, and holding the page still meanwhile.
"use strict";

{
  const content = document.querySelector("main");
  const list = document.querySelector(".chosen-tasks");
  const STILL_MS = 2500; // a row must not move while somebody is about to click it
  let dragged = null; // the bar where it began, and the one where it is
  let movedAt = -Infinity;

  const boxes = () => [...document.querySelectorAll('.tasks input[name="task"]')];

  // ── What holds the page still
  function hold() {
    const scrolled = list && list.getBoundingClientRect().top < 0;
    const before = content.dataset.hold;
    content.dataset.hold =
      boxes().some((box) => box.checked) ? "Paused while tasks are chosen"
      : dragged ? "Paused while a range is chosen"
      : scrolled ? "Paused while you read further down"
      : list?.querySelector(".tasks :focus-visible") || performance.now() - movedAt < STILL_MS ? "Paused while you are in the list"
      : "";
    if (content.dataset.hold !== before && content.dataset.hold && seconds(document)) say(content.dataset.hold, false);
  }

  // ── Choosing
  function count() {
    const all = document.getElementById("choose-all");
    const chosen = boxes().filter((box) => box.checked).length;
    if (all) {
      all.checked = chosen > 0 && chosen === boxes().length;
      all.indeterminate = chosen > 0 && !all.checked;
    }
    const told = document.getElementById("chosen-count");
    const words = chosen ? `${chosen} chosen` : "None chosen";
    if (told && told.textContent !== words) told.textContent = words;
    for (const button of document.querySelectorAll(".actions button")) button.disabled = !chosen;
    hold();
  }

  document.addEventListener("change", (event) => {
    if (event.target.id === "choose-all") for (const box of boxes()) box.checked = event.target.checked;
    if (event.target.closest(".tasks")) count();
  });
  document.addEventListener("renewed", count);
  addEventListener("pageshow", count); // a browser that goes back keeps what was chosen

  // ── Dragging a range
  const bars = () => [...document.querySelectorAll(".bars a")];

  function barAt(event) {
    const found = bars();
    const box = document.querySelector(".bars").getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return found[Math.min(found.length - 1, Math.floor(share * found.length))];
  }

  function ends() {
    const found = bars();
    const [first, last] = [dragged.from, dragged.to].map((bar) => found.indexOf(bar)).sort((a, b) => a - b);
    return [found[first], found[last]];
  }

  function paint() {
    const chosen = document.querySelector(".bars .chosen");
    const [first, last] = ends().map((bar) => bar.querySelector("rect"));
    chosen.setAttribute("x", first.getAttribute("x"));
    chosen.setAttribute("width", `${parseFloat(last.getAttribute("x")) + parseFloat(last.getAttribute("width")) - parseFloat(first.getAttribute("x"))}%`);
  }

  document.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.target.closest(".bars") || !bars().length) return;
    dragged = { from: barAt(event), to: barAt(event) };
    paint();
    hold();
  });
  document.addEventListener("pointermove", (event) => {
    if (event.target instanceof Element && event.target.closest(".tasks tbody")) movedAt = performance.now();
    if (dragged) {
      dragged.to = barAt(event);
      paint();
    }
    hold();
  });
  document.addEventListener("pointerup", () => {
    if (!dragged) return;
    const [first, last] = ends();
    const address = new URL(document.querySelector(".histogram").dataset.address, location.href);
    address.searchParams.set("submitted_after", first.dataset.since);
    address.searchParams.set("submitted_before", last.dataset.until);
    dragged = null;
    location.assign(address);
  });
  document.addEventListener("pointercancel", () => {
    dragged = null;
    document.querySelector(".bars .chosen")?.setAttribute("width", 0);
    hold();
  });
  document.addEventListener("dragstart", (event) => {
    if (event.target instanceof Element && event.target.closest(".bars")) event.preventDefault(); // a bar is a link, too
  });
  document.addEventListener("click", (event) => {
    if (event.button === 0 && !event.ctrlKey && !event.metaKey && event.target.closest(".bars")) event.preventDefault();
  });

  addEventListener("scroll", hold, { passive: true });
  document.addEventListener("focusin", hold);
  setInterval(hold, 500); // the pointer that has come to rest
  count();
}
