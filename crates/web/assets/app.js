/* What a script adds to pages that are complete without one. */
"use strict";

/* A page that comes back from memory may be of a session that has ended: ask the server again. */
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

/* Only the very page that was asked for, and for the person whose frame is round it, is put in the
   place of this one. Whatever else comes - a refusal, another organisation, the page of whoever has
   signed in meanwhile, the sign-in, nothing - is opened as a page of its own. */
const open = (event) => {
  event.preventDefault();
  location.assign(event.detail.pathInfo.finalRequestPath);
};
const whose = (page) => page.getElementById("content")?.dataset.frame;
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr, pathInfo } = event.detail;
  const asked = new URL(pathInfo.finalRequestPath, location.href);
  const came = xhr.responseURL && new URL(xhr.responseURL);
  const isIt = came && came.origin === asked.origin && came.pathname === asked.pathname;
  const arrived = new DOMParser().parseFromString(xhr.responseText, "text/html");
  const fits = isIt && [200, 422].includes(xhr.status) && whose(arrived) === whose(document);
  if (!fits) open(event);
});

/* A request that the browser cuts off, because another page is on its way, leads nowhere. */
let isLeaving = false;
window.addEventListener("beforeunload", () => {
  isLeaving = true;
});
document.addEventListener("htmx:beforeRequest", () => {
  isLeaving = false;
});
document.addEventListener("htmx:sendError", (event) => {
  if (!isLeaving) open(event);
});

/* The outcome is said aloud, and the focus is never left where nothing is any more. */
document.addEventListener("htmx:afterSettle", (event) => {
  const outcome = Array.from(event.target.querySelectorAll("[role=status]"), (part) => part.textContent);
  document.getElementById("said").textContent = outcome.join(" ") || document.title;
  if (document.activeElement === document.body) event.target.focus();
});

/* Copies a secret that is shown once. */
for (const button of document.querySelectorAll("button[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const status = document.getElementById(button.dataset.status);
  if (!field || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      status.textContent = button.dataset.done;
    } catch {
      status.textContent = button.dataset.failed;
    }
  });
}
