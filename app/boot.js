// Before the first paint: colours and language as this person has them, and no answer on show
// that belongs to another question than the address asks.
(() => {
  const root = document.documentElement;
  const stored = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  const theme = stored("theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const asked = new URLSearchParams(location.search);
  const wanted = [asked.get("lang"), stored("language"), ...(navigator.languages ?? [])];
  const tag = wanted
    .map((tag) => (tag ?? "").slice(0, 2).toLowerCase())
    .find((tag) => tag === "ja" || tag === "en");
  if (tag !== "ja") {
    root.lang = "en";
    const english = document.getElementById("page-en").content;
    if (english.childElementCount) document.getElementById("page").replaceChildren(english);
    document.title = "LLM-Lander — the longest context that fits your free VRAM";
  }
  asked.delete("lang");
  if (asked.size || location.hash.includes("gpus=")) root.dataset.waiting = "";
})();
