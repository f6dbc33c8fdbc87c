// A page that waits for something is looked at again every few seconds. Without this script it says so, and has a link.
"use strict";
(function () {
  const seconds = Number(document.querySelector("[data-refresh]")?.dataset.refresh);
  if (!seconds) return;
  async function look() {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-live]"), shown = document.querySelector("[data-live]");
      if (!answer.ok || !fresh) return location.reload();
      if (fresh.innerHTML !== shown.innerHTML) shown.replaceChildren(...fresh.childNodes);
      if (!fresh.hasAttribute("data-refresh")) return;
    } catch (error) {
      // Signed out, or the network is away: the next look tells.
      if (!navigator.onLine) return setTimeout(look, 1000 * seconds);
      return location.reload();
    }
    setTimeout(look, 1000 * seconds);
  }
  setTimeout(look, 1000 * seconds);
})();
