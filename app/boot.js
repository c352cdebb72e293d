// Before anything is drawn: colours and language as this person has them, and no answer on show
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
    // The English page stands after the Japanese one, which is not shown on the way to it.
    root.dataset.turning = "";
  }
  asked.delete("lang");
  if (asked.size || location.hash.includes("gpus=")) root.dataset.waiting = "";
})();
