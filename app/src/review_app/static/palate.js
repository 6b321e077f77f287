// What htmx leaves to us: replies that did not come from Palate (a proxy's own error, or none at all) are not put
// into the page; a sentence that says what happened is. Without JavaScript the forms work by themselves.
"use strict";

function sayUnreachable(target) {
  const notice = document.getElementById("unreachable").content.cloneNode(true);
  target.replaceChildren(notice);
  target.querySelector("[autofocus]").focus();
}

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.getResponseHeader("X-Palate-App-Version") === null) {
    event.detail.shouldSwap = false;
    sayUnreachable(event.detail.target);
  }
});

for (const failure of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, (event) => sayUnreachable(event.detail.target));
}
