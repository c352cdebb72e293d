// node prerender.mjs SITE: writes what the page opens with into the HTML of the finished site.
// The page's own program draws it, in a document without a screen, once for each language: what
// stands there before the program runs is what the program will show.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { parseHTML } from "linkedom";

const site = process.argv[2];
if (!site) {
  console.error("usage: node prerender.mjs SITE");
  process.exit(2);
}
const file = path.join(site, "index.html");
const html = fs.readFileSync(file, "utf8");

/** What the page's program draws in a document of this language. */
async function draw(language) {
  const { window } = parseHTML(html);
  const { document } = window;
  document.documentElement.lang = language;
  const page = document.getElementById("page");
  page.textContent = "";

  const script = html.match(/<script type="module" src="\.\/([^"]+)"/)?.[1];
  if (!script) throw new Error("index.html names no program");
  const globals = {
    window: globalThis,
    document,
    location: { search: "", hash: "", pathname: "/", origin: "", hostname: "" },
    navigator: { language },
    history: {},
    localStorage: { getItem: () => null, setItem() {} },
    requestAnimationFrame: (run) => setTimeout(run, 0),
    addEventListener() {},
    removeEventListener() {},
    fetch: async (url) =>
      new Response(fs.readFileSync(path.join(site, path.basename(new URL(url).pathname))), {
        headers: { "content-type": "application/wasm" },
      }),
    Window: class Window {
      static [Symbol.hasInstance](value) {
        return value === globalThis;
      }
    },
  };
  const classes = ["Node", "Element", "HTMLElement", "HTMLInputElement", "HTMLTemplateElement"];
  for (const name of classes) globals[name] = window[name];
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }

  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "prerender-"));
  try {
    const module = path.join(folder, `${language}.mjs`);
    fs.copyFileSync(path.join(site, script), module);
    await import(pathToFileURL(module));
    // The program starts by itself and draws in one go; give it a moment to be fetched.
    for (let turn = 0; !page.childElementCount && turn < 1000; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
  if (!page.childElementCount) throw new Error("the program drew nothing");
  // What the program sets as properties stands in attributes until it runs.
  for (const input of page.querySelectorAll("input")) {
    if (input.checked) input.setAttribute("checked", "");
    if (input.value) input.setAttribute("value", input.value);
  }
  return page.innerHTML.replaceAll("<!---->", "").replaceAll("<!-- -->", "");
}

let finished = html;
for (const language of ["ja", "en"]) {
  const mark = `<!-- page:${language} -->`;
  if (!finished.includes(mark)) throw new Error(`index.html has no place for ${mark}`);
  const drawn = await draw(language);
  finished = finished.replace(mark, () => drawn);
}
fs.writeFileSync(file, finished);
process.exit(0);
