// Files from this machine: real headers, several shards, configurations, and files that are none.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { closeBrowser, openTab, startProbe } from "./harness.mjs";

after(closeBrowser);

const HEADER = new URL(
  "../shared/tests/data/llama_cpp/headers/qwen3-0.6b-Q4_K_M.gguf.gz",
  import.meta.url,
);
const CONFIG = new URL("../shared/src/catalogue/configs/qwen3-8b.json", import.meta.url);

const header = () => gunzipSync(readFileSync(HEADER));

function folder(t) {
  const path = mkdtempSync(join(tmpdir(), "llm-lander-files-"));
  t.after(() => rmSync(path, { recursive: true }));
  return (name, content) => {
    writeFileSync(join(path, name), content);
    return join(path, name);
  };
}

async function open(t, query = "") {
  const probe = await startProbe(t, { init: 9 });
  const tab = await openTab(t);
  await tab.goto(`${probe.address}/${query}`);
  await tab.waitForFunction(() => document.documentElement.dataset.running !== undefined);
  return tab;
}

const status = (tab) => tab.getByTestId("file-status");

test("a real GGUF header is read and answered for, in its own format", async (t) => {
  const tab = await open(t);
  const write = folder(t);
  await tab.getByTestId("file-input").setInputFiles(write("qwen3-0.6b-Q4_K_M.gguf", header()));
  await tab.getByText("qwen3-0.6b-Q4_K_M(").first().waitFor();
  assert.equal(await tab.getByTestId("plan-weights").textContent(), "373 MiB");
  assert.ok(await tab.getByTestId("quant-select").isDisabled());
  assert.match(
    await tab.getByTestId("launch-command").textContent(),
    /--model qwen3-0\.6b-Q4_K_M\.gguf/,
  );
  // The tensor data is not there: said, and no reason not to answer.
  await tab.getByText("テンソルの途中で終わっています").waitFor();
  assert.match(tab.url(), /file=qwen3-0\.6b-Q4_K_M\.gguf/);
});

test("a file can be dropped anywhere on the page", async (t) => {
  const tab = await open(t);
  const bytes = header().toString("base64");
  await tab.evaluate(async (bytes) => {
    const content = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([content], "dropped.gguf"));
    const options = { dataTransfer: data, bubbles: true, cancelable: true };
    document.body.dispatchEvent(new DragEvent("dragover", options));
    document.body.dispatchEvent(new DragEvent("drop", options));
  }, bytes);
  await tab.getByText("dropped(").first().waitFor();
});

test("a config.json is read and takes any format", async (t) => {
  const tab = await open(t);
  const write = folder(t);
  await tab.getByTestId("file-input").setInputFiles(write("config.json", readFileSync(CONFIG)));
  await tab.getByText("config(Q4_K_M)").waitFor();
  await tab.getByTestId("quant-select").selectOption("Q8_0");
  await tab.getByText("config(Q8_0)").waitFor();
});

test("files that hold no model are told apart, and the question stays", async (t) => {
  const tab = await open(t, "?model=llama3.1:8b&free=16+GiB");
  const write = folder(t);
  const before = await tab.getByTestId("max-context-fp16").textContent();
  const cases = [
    ["notes.txt", "hello", /notes\.txt.*config\.json/],
    ["fake.gguf", "PK\u0003\u0004 and so on, a zip", /fake\.gguf.*GGUF ファイルではありません/],
    ["cut.gguf", header().subarray(0, 5000), /cut\.gguf.*途中で/],
    ["empty.gguf", "", /empty\.gguf/],
    ["config.json", "{", /JSON/],
    ["config.json", '{"model_type":"martian"}', /martian/],
    ["config.json", "[]", /オブジェクト/],
  ];
  for (const [name, content, expected] of cases) {
    await tab.getByTestId("file-input").setInputFiles(write(name, content));
    await assertEventually(async () => assert.match(await status(tab).textContent(), expected));
    assert.equal(await tab.getByTestId("max-context-fp16").textContent(), before);
    assert.equal(await tab.getByTestId("model-input").inputValue(), "llama3.1:8b");
  }
});

test("a link to a file that is not here says so", async (t) => {
  const tab = await open(t, "?file=mine.gguf&free=16+GiB");
  assert.match(await tab.locator("#model-problem").textContent(), /mine\.gguf/);
  await tab.getByTestId("model-input").fill("qwen3:8b");
  await tab.keyboard.press("Enter");
  assert.match(await tab.getByTestId("max-context-fp16").textContent(), /^[\d,]+$/);
});

async function assertEventually(check) {
  const end = Date.now() + 5000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
