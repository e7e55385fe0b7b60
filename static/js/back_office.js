// The stock picker of roles and permissions names its search boxes by an element that may not have a name: a picture may.
window.addEventListener("load", () => {
  for (const icon of document.querySelectorAll(".search-label-icon")) icon.setAttribute("role", "img");
});

// What a page that keeps itself up to date has come to is said to those who do not see it, once.
const toSay = () => document.querySelector("[data-say]")?.dataset.say;
let said;
window.addEventListener("load", () => { said = toSay(); });
document.addEventListener("htmx:afterSettle", () => {
  if (toSay() && toSay() !== said) document.getElementById("said").textContent = toSay();
  said = toSay();
});
