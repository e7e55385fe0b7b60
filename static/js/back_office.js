// The stock picker of roles and permissions names its search boxes by an element that may not have a name: a picture may.
window.addEventListener("load", () => {
  for (const icon of document.querySelectorAll(".search-label-icon")) icon.setAttribute("role", "img");
});
