// The browser keeps its choice of certificate until it meets a TLS alert. The first request asks
// the gate for one, and those that follow go on until it has come; then the page is loaded again.
(() => {
  "use strict";
  const link = document.querySelector(".again");
  const meetTheAlert = async () => {
    for (let asked = 0; asked < 4; asked += 1) {
      const headers = asked === 0 ? { "sekisho-try-again": "1" } : {};
      const answer = await fetch(location.href, {
        method: "HEAD", headers, cache: "no-store", redirect: "manual",
      });
      if (!answer.headers.has("sekisho-refusal")) return;
    }
  };
  link.addEventListener("click", (event) => {
    event.preventDefault();
    if (link.hasAttribute("aria-busy")) return;
    link.setAttribute("aria-busy", "true");
    meetTheAlert().catch(() => {}).finally(() => location.reload());
  });
})();
