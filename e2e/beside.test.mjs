// What runs beside the model: a draft model by name and from a file, a projector, adapters.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { closeBrowser, gguf, openTab, startProbe } from "./harness.mjs";

after(closeBrowser);

const SMALL = new URL(
  "../shared/tests/data/llama_cpp/headers/qwen3-0.6b-Q4_K_M.gguf.gz",
  import.meta.url,
);
const F32 = 0;
const F16 = 1;

const projector = () =>
  gguf(
    {
      "general.architecture": "clip",
      "clip.projector_type": "gemma3",
      "clip.has_vision_encoder": true,
      "clip.vision.embedding_length": 1152,
      "clip.vision.feed_forward_length": 4304,
      "clip.vision.attention.head_count": 16,
      "clip.vision.patch_size": 14,
      "clip.vision.image_size": 896,
    },
    [["v.blk.0.ffn_up.weight", [1152, 4304], F16]],
  );

const adapter = (width) =>
  gguf(
    {
      "general.architecture": "qwen3",
      "general.type": "adapter",
      "adapter.type": "lora",
    },
    [
      ["blk.0.attn_q.weight.lora_a", [width, 16], F32],
      ["blk.0.attn_q.weight.lora_b", [16, 4096], F32],
    ],
  );

function folder(t) {
  const path = mkdtempSync(join(tmpdir(), "llm-lander-beside-"));
  t.after(() => rmSync(path, { recursive: true }));
  return (name, content) => {
    writeFileSync(join(path, name), content);
    return join(path, name);
  };
}

const hook = (tab, name) => tab.getByTestId(name);
const tokens = async (tab) =>
  Number((await hook(tab, "max-context-fp16").textContent()).replaceAll(",", ""));

async function open(t, query = "", options = {}) {
  const probe = await startProbe(t, { init: 9 });
  const tab = await openTab(t, options);
  await tab.goto(`${probe.address}/${query}`);
  await tab.waitForFunction(() => document.documentElement.dataset.running !== undefined);
  return tab;
}

/** The section, opened: the program that knows it is fetched for it. */
async function opened(t, query) {
  const tab = await open(t, query);
  await tab.locator("#beside-summary").click();
  await hook(tab, "draft-input").waitFor();
  return tab;
}

test("a draft model by name shortens the context, and the address keeps it", async (t) => {
  const tab = await opened(t, "?model=qwen3:8b&free=12+GiB");
  assert.equal(await tab.evaluate(() => document.activeElement.id), "beside-summary");
  const before = await tokens(tab);
  await hook(tab, "draft-input").fill("qwen3:0.6b");
  await tab.keyboard.press("Enter");
  const drafting = await tokens(tab);
  assert.ok(drafting < before, `${drafting} of ${before}`);
  assert.match(await hook(tab, "launch-command").textContent(), /--model-draft qwen3-0\.6b\.gguf/);
  assert.match(
    await hook(tab, "plan-beside").textContent(),
    /--model-draft qwen3:0\.6b 重み [\d.]+ MiB.*KV キャッシュ .*計算用バッファ/,
  );
  await hook(tab, "draft-quant-select").selectOption("Q8_0");
  assert.ok((await tokens(tab)) < drafting);
  await hook(tab, "cache-type-k-draft-select").selectOption("q8_0");
  const address = tab.url();
  assert.match(address, /model-draft=qwen3:0\.6b/);
  const told = await tokens(tab);

  const other = await open(t, new URL(address).search, { locale: "en-GB" });
  assert.equal(await tokens(other), told);
  assert.equal(await hook(other, "draft-input").inputValue(), "qwen3:0.6b");
  assert.equal(await hook(other, "draft-quant-select").inputValue(), "Q8_0");
  assert.match(await hook(other, "plan-beside").textContent(), /Weights .*KV cache/);
  // Emptied, it is gone, and its numbers with it.
  await hook(other, "draft-input").fill("");
  await hook(other, "draft-input").blur();
  assert.equal(await tokens(other), before);
  assert.doesNotMatch(other.url(), /draft/);
});

test("a draft model may be a file, and what is none is told in its place", async (t) => {
  const tab = await opened(t, "?model=qwen3:8b&free=12+GiB");
  const write = folder(t);
  const before = await tokens(tab);
  await hook(tab, "draft-file").setInputFiles(write("notes.txt", "hello"));
  await hook(tab, "draft-file-status").getByText("notes.txt").waitFor();
  assert.equal(await tokens(tab), before);
  const small = gunzipSync(readFileSync(SMALL));
  await hook(tab, "draft-file").setInputFiles(write("small.gguf", small));
  await hook(tab, "plan-beside").waitFor();
  assert.ok((await tokens(tab)) < before);
  assert.match(await hook(tab, "launch-command").textContent(), /--model-draft small\.gguf/);
  assert.ok(await hook(tab, "draft-quant-select").isDisabled());
  assert.match(tab.url(), /file-draft=small\.gguf/);
});

test("a projector and adapters are read from their headers", async (t) => {
  const tab = await opened(t, "?model=qwen3:8b&free=12+GiB");
  const write = folder(t);
  const before = await tokens(tab);
  await hook(tab, "projector-file").setInputFiles(write("mmproj.gguf", projector()));
  await hook(tab, "plan-beside").getByText("--mmproj mmproj.gguf").waitFor();
  const seeing = await tokens(tab);
  assert.ok(seeing < before, `${seeing} of ${before}`);
  await hook(tab, "no-mmproj-offload-switch").check();
  assert.equal(await tokens(tab), before);
  assert.match(
    await hook(tab, "launch-command").textContent(),
    /--mmproj mmproj\.gguf --no-mmproj-offload/,
  );
  await hook(tab, "adapters-file").setInputFiles([
    write("one.gguf", adapter(4096)),
    write("two.gguf", adapter(4096)),
  ]);
  await hook(tab, "plan-beside").getByText("--lora two.gguf").waitFor();
  assert.match(
    await hook(tab, "launch-command").textContent(),
    /--lora one\.gguf --lora two\.gguf/,
  );
  await tab.getByRole("button", { name: "外す: one.gguf" }).click();
  assert.doesNotMatch(await hook(tab, "launch-command").textContent(), /one\.gguf/);
  // One made for another model is refused as llama.cpp refuses it.
  await hook(tab, "adapters-file").setInputFiles(write("other.gguf", adapter(5120)));
  await tab.locator("h1").getByText("other").or(tab.locator("h1").getByText("lora")).waitFor();
  await hook(tab, "adapters-file").setInputFiles(write("mmproj.gguf", projector()));
  await hook(tab, "adapters-file-status").getByText("mmproj.gguf").waitFor();
});

test("what was dropped beside a model goes to its place", async (t) => {
  const tab = await open(t, "?model=qwen3:8b&free=12+GiB");
  const write = folder(t);
  await hook(tab, "file-input").setInputFiles(write("mmproj.gguf", projector()));
  await hook(tab, "plan-beside").getByText("--mmproj mmproj.gguf").waitFor();
  assert.equal(await hook(tab, "model-input").inputValue(), "qwen3:8b");
  assert.match(tab.url(), /mmproj=mmproj\.gguf/);
  // The link names it and does not carry it.
  const other = await open(t, new URL(tab.url()).search);
  await other.locator("#projector-problem").getByText("mmproj.gguf").waitFor();
});

test("prediction layers are offered where the model has some", async (t) => {
  const tab = await opened(t, "?model=qwen3:8b&free=12+GiB");
  assert.equal(await hook(tab, "spec-type-switch").count(), 0);
  await hook(tab, "model-input").fill("glm-4.5-air");
  await tab.keyboard.press("Enter");
  await hook(tab, "free-vram-input").fill("96 GiB");
  await hook(tab, "spec-type-switch").waitFor();
  const before = await tokens(tab);
  await hook(tab, "spec-type-switch").check();
  assert.ok((await tokens(tab)) < before);
  assert.match(await hook(tab, "launch-command").textContent(), /--spec-type draft-mtp/);
});
