// Keeps the page at hand without a network: after the first visit it opens from here. The page
// itself is asked for anew each time there is a network; its files are named by their content and
// never change. The probe is never answered for.

const CACHE = "page";

/** The page and every file that it names. */
async function fill() {
  const cache = await caches.open(CACHE);
  const page = await fetch("./", { cache: "no-cache" });
  if (!page.ok) throw new Error(`the page answers ${page.status}`);
  const html = await page.clone().text();
  const files = [...html.matchAll(/(?:href|src|data-program|data-whole|data-whole-program)="(\.\/[^"]+)"/g)].map(([, file]) => file);
  const kept = (await cache.keys()).map((request) => request.url);
  const wanted = files.map((file) => new URL(file, self.registration.scope).href);
  await cache.addAll(wanted.filter((file) => !kept.includes(file)));
  await cache.put("./", page);
  // Files of earlier versions of the page.
  const old = kept.filter((url) => url !== self.registration.scope && !wanted.includes(url));
  await Promise.all(old.map((url) => cache.delete(url)));
}

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(fill());
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const isOurs = request.method === "GET" && url.href.startsWith(self.registration.scope);
  if (!isOurs || url.pathname.includes("/v1/")) return;
  if (request.mode === "navigate") {
    event.respondWith(
      fetch(request)
        .then((page) => {
          if (page.ok) event.waitUntil(fill());
          return page;
        })
        .catch(async (error) => {
          const kept = await caches.match("./", { ignoreVary: true });
          if (kept) return kept;
          throw error;
        }),
    );
    return;
  }
  event.respondWith(
    caches.match(request, { ignoreVary: true }).then((kept) => kept ?? fetch(request)),
  );
});
