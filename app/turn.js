// The page that stands in the HTML, in this person's language.
(() => {
  const root = document.documentElement;
  if (root.dataset.turning === undefined) return;
  const english = document.getElementById("page-en").content;
  if (english.childElementCount) document.getElementById("page").replaceChildren(english);
  document.title = "LLM-Lander — the longest context that fits your free VRAM";
  delete root.dataset.turning;
})();
