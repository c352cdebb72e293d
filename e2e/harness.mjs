// What every end-to-end test needs: the real probe with a machine of our own making behind it,
// and a real browser that looks at the page it serves. `cargo xtask test --only e2e` builds both
// and says in the environment where they are.

import { spawn } from "node:child_process";
import { mkdtempSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));

/** Bytes in a MiB. */
export const MIB = 1024 ** 2;

/** A card as most tests want it: 24 GB, of which a little is taken. */
export const RTX_4090 = {
  name: "NVIDIA GeForce RTX 4090",
  total: 24564 * MIB,
  free: 19101 * MIB,
  used: 5000 * MIB,
  reserved: 463 * MIB,
};

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run these tests with cargo xtask test --only e2e`);
  return value;
}

/** The control file of the fake NVML: `keys` as they are, and a block of lines for each GPU. */
function controlText({ gpus = [], ...keys }) {
  const lines = Object.entries(keys).map(([key, value]) => `${key} = ${value}`);
  gpus.forEach((gpu, index) => {
    for (const [key, value] of Object.entries(gpu)) lines.push(`gpu.${index}.${key} = ${value}`);
  });
  return `${lines.join("\n")}\n`;
}

/**
 * Starts the probe on a free port, on a machine with these GPUs. It ends with the test.
 * `machine.set({ gpus: [...] })` changes the machine while the probe runs.
 */
export async function startProbe(test, machine = { gpus: [RTX_4090] }, options = []) {
  const folder = mkdtempSync(join(tmpdir(), "llm-lander-"));
  const control = join(folder, "machine");
  const set = (state) => {
    writeFileSync(`${control}.new`, controlText({ driver: "580.65.06", cuda: 13000, ...state }));
    renameSync(`${control}.new`, control);
  };
  set(machine);
  const child = spawn(required("PROBE"), ["--port", "0", ...options], {
    env: { ...process.env, FAKE_NVML: control, LANG: "en_US.UTF-8", LC_ALL: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // What it complains of is of interest only where the test fails.
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (complaints += text));
  test.after(async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    if (child.kill()) await ended;
    if (test.passed === false && complaints) console.error(`the probe said:\n${complaints}`);
    rmSync(folder, { recursive: true, force: true });
  });
  const address = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the probe ended with ${code}: ${complaints}`)));
    // The first line ends with the address; what follows is for people.
    createInterface({ input: child.stdout }).once("line", (line) => resolve(line.split(" ").pop()));
  });
  child.stdout.resume();
  return { address, set };
}

/**
 * A GGUF header as llama.cpp writes it: numbers of 32 bits, texts and truths as metadata, tensors
 * as `[name, dimensions, type]`. Tensor data follows none.
 */
export function gguf(metadata, tensors = []) {
  const parts = [Buffer.from("GGUF")];
  const number = (bits, value) => {
    const bytes = Buffer.alloc(bits / 8);
    if (bits === 64) bytes.writeBigUInt64LE(BigInt(value));
    else bytes.writeUInt32LE(value);
    parts.push(bytes);
  };
  const text = (words) => {
    number(64, Buffer.byteLength(words));
    parts.push(Buffer.from(words));
  };
  number(32, 3);
  number(64, tensors.length);
  number(64, Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    text(key);
    if (typeof value === "string") {
      number(32, 8);
      text(value);
    } else if (typeof value === "boolean") {
      number(32, 7);
      parts.push(Buffer.from([value ? 1 : 0]));
    } else {
      number(32, 4);
      number(32, value);
    }
  }
  for (const [name, dimensions, type] of tensors) {
    text(name);
    number(32, dimensions.length);
    for (const extent of dimensions) number(64, extent);
    number(32, type);
    number(64, 0);
  }
  return Buffer.concat(parts);
}

let browser;

async function sharedBrowser() {
  browser ??= await chromium.launch({
    executablePath: required("CHROMIUM"),
    args: required("CHROMIUM_FLAGS").split(" "),
  });
  return browser;
}

/** Ends the browser of this file's tests: `after(closeBrowser)`. */
export async function closeBrowser() {
  await browser?.close();
  browser = undefined;
}

/**
 * A fresh profile and a tab in it. Anything that the page reports as an error or throws fails
 * the test, unless `allowed` matches it. A failing test leaves a picture in e2e/pictures.
 */
export async function openTab(test, { allowed = /^$/, ...options } = {}) {
  // The page's service worker is for the one test that asks for it: elsewhere it would still be
  // fetching while the test ends the probe.
  const settings = { locale: "ja-JP", serviceWorkers: "block", ...options };
  const context = await (await sharedBrowser()).newContext(settings);
  const tab = await context.newPage();
  const errors = [];
  const note = (text) => allowed.test(text) || errors.push(text);
  tab.on("pageerror", (error) => note(String(error)));
  tab.on("console", (message) => message.type() === "error" && note(message.text()));
  tab.setDefaultTimeout(10_000);
  test.after(async () => {
    // `passed` is missing in older versions of Node; a picture too many does no harm there.
    if (test.passed !== true) await picture(tab, test.name);
    await context.close();
    if (errors.length > 0) throw new Error(`the page reported: ${errors.join(" | ")}`);
  });
  return tab;
}

async function picture(tab, name) {
  const folder = join(here, "pictures");
  mkdirSync(folder, { recursive: true });
  const file = `${name.replaceAll(/[^\p{L}\p{N}]+/gu, "-")}.png`;
  await tab.screenshot({ path: join(folder, file), fullPage: true }).catch(() => {});
}
