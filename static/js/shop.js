// Small conveniences; every page works without them.
(() => {
  "use strict";

  // A form under way is not sent twice. The button is disabled after the browser has read its name and value.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    // The form's elements: a button of a product in a list stands outside of its form.
    const buttons = [...event.target.elements].filter((element) => element.type === "submit");
    setTimeout(() => buttons.forEach((button) => { button.disabled = true; }));
  });

  // Back and forward may show the page as it was left: with its buttons disabled.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    document.querySelectorAll("form[method=post] button[disabled], button[form][disabled]").forEach((button) => { button.disabled = false; });
  });

  document.querySelectorAll("[data-print]").forEach((button) => {
    button.addEventListener("click", () => window.print());
  });

  // Menus close when the attention goes elsewhere.
  const menus = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", (event) => {
    menus().forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menus().forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  // What htmx brought in is said to those who do not see it, once; who used the keyboard goes on from there.
  const toSay = () => document.querySelector("[data-say]")?.dataset.say.trim();
  let said = toSay();
  document.addEventListener("htmx:afterSettle", (event) => {
    const words = toSay();
    if (words && words !== said) document.getElementById("live").textContent = words;
    said = words;
    if (event.detail.boosted && document.activeElement === document.body) {
      document.getElementById("main").focus({ preventScroll: true });
    }
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (!event.detail.boosted) return;
    const region = document.getElementById("warned");
    const alert = document.createElement("div");
    alert.className = "alert alert-danger";
    alert.textContent = region.dataset.lost;
    region.replaceChildren(alert);
  });

  // What was typed is there again in the other language; no passwords.
  const key = `typed ${location.pathname}`;
  const typed = () => [...document.querySelectorAll("form[method=post] :is(input, textarea, select)")].filter(
    (field) => !["hidden", "password", "file", "submit"].includes(field.type));
  document.querySelector("form.languages")?.addEventListener("submit", () => {
    sessionStorage.setItem(key, JSON.stringify(typed().map((field) => [field.name, field.value, field.checked])));
  });
  const fields = typed();
  const before = JSON.parse(sessionStorage.getItem(key)) ?? [];
  sessionStorage.removeItem(key);
  if (before.every(([name], place) => fields[place]?.name === name)) {
    before.forEach(([, value, checked], place) => Object.assign(fields[place], { value, checked }));
  }

  const summary = document.getElementById("error-summary");
  if (summary) summary.focus();
})();
