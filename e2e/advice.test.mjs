// What to change for a longer context: searched for when it is asked for, put into the question by
// one press, with the commands of every program.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { closeBrowser, openTab, startProbe } from "./harness.mjs";

after(closeBrowser);

const hook = (tab, name) => tab.getByTestId(name);
const number = (text) => Number(text.replaceAll(",", ""));
const tokens = async (tab, precision) =>
  number(await hook(tab, `max-context-${precision}`).textContent());

/** The part, opened and searched through. */
async function opened(t, query, options = {}) {
  const probe = await startProbe(t, { init: 9 });
  const tab = await openTab(t, { locale: "en-GB", ...options });
  await tab.goto(`${probe.address}/${query}`);
  await tab.waitForFunction(() => document.documentElement.dataset.running !== undefined);
  await tab.locator("#advice-summary").click();
  await searched(tab);
  return tab;
}

async function searched(tab) {
  await hook(tab, "advice-status").filter({ hasNotText: "Searching" }).waitFor({ timeout: 30_000 });
}

const choices = (tab, heading) =>
  hook(tab, "advice").locator("section", { hasText: heading }).locator(".choices > li");

test("where less fits than was trained, longer contexts are offered, and one press makes them", async (t) => {
  const tab = await opened(t, "?model=llama3.1:8b&free=8000+MiB");
  const before = await tokens(tab, "fp16");
  const first = choices(tab, "Longer").first().locator("button").first();
  const [, promised] = (await first.textContent()).match(/→ ([\d,]+) tokens \(\+[\d,]+\)/);
  assert.match(await first.textContent(), /KV cache: INT8.*a cache of lower precision/);
  const reaching = await choices(tab, "To fit 131,072 tokens").allTextContents();
  assert.ok(reaching.some((words) => /GPU layers: \d+.*the CPU reads .* for each token/.test(words)));
  await first.click();
  assert.equal(await tokens(tab, "int8"), number(promised));
  assert.ok(number(promised) > before);
  assert.ok(await tab.locator('input[value="int8"]').isChecked());
  assert.match(tab.url(), /kv=int8/);
  assert.equal(await tab.evaluate(() => document.activeElement.id), "advice-summary");
  // The list follows the question.
  await tab.waitForFunction(
    (promised) => !document.querySelector('[data-testid="advice"]').textContent.includes(`→ ${promised}`),
    promised,
  );
  await searched(tab);
});

test("for a context that was asked for, experts move to the CPU, as few as it takes", async (t) => {
  const tab = await opened(t, "?model=qwen3-coder:30b&free=16000+MiB&context=32k");
  const experts = choices(tab, "To fit 32,768 tokens")
    .filter({ hasText: "Layers with experts on the CPU" })
    .first();
  const [, layers] = (await experts.textContent()).match(/experts on the CPU: (\d+)/);
  // Another context can be wanted without asking about it.
  await hook(tab, "advice-context-input").fill("24k");
  await tab.locator("h2", { hasText: "To fit 24,576 tokens" }).waitFor();
  await hook(tab, "advice-context-input").fill("lots");
  await tab.locator("#wanted-problem").getByText("lots").waitFor();
  await hook(tab, "advice-context-input").fill("");
  await experts.locator("button").first().click();
  await tab.waitForURL(/n-cpu-moe=/);
  assert.match(await hook(tab, "launch-command").textContent(), new RegExp(`--n-cpu-moe ${layers}`));
  // One layer less does not do.
  const less = tab.url().replace(`n-cpu-moe=${layers}`, `n-cpu-moe=${layers - 1}`);
  await tab.goto(less);
  await tab.waitForFunction(() => document.documentElement.dataset.running !== undefined);
  assert.ok(await hook(tab, "ways-out").isVisible());
});

test("each choice says how to start it in every program", async (t) => {
  const tab = await opened(t, "?model=llama3.1:8b&free=8000+MiB", {
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const first = choices(tab, "Longer").first();
  await first.locator("summary").click();
  for (const [program, command] of [
    ["llama-server", /llama-server --model .* --cache-type-k q8_0/],
    ["llama-cli", /llama-cli --model .* --cache-type-k q8_0/],
    ["Ollama", /OLLAMA_KV_CACHE_TYPE=q8_0/],
    ["LM Studio", /llamaKCacheQuantizationType/],
    ["KoboldCpp", /koboldcpp .* --quantkv q8_0/],
  ]) {
    const part = first.locator("details > div", { hasText: program }).first();
    assert.match(await part.locator("pre").textContent(), command);
  }
  await first.locator("[data-testid=copy-choice]").first().click();
  await first.getByText("Copied").waitFor();
  assert.match(await tab.evaluate(() => navigator.clipboard.readText()), /^llama-server/);
  // What a program cannot be told is said.
  const moved = choices(tab, "To fit").filter({ hasText: "GPU layers" }).first();
  await moved.locator("summary").click();
  await moved.getByText("not covered here: --n-gpu-layers").waitFor();
});

test("unequal GPUs are given another split", async (t) => {
  const tab = await opened(t, "?model=qwen3:14b&free=9500+MiB&free=3500+MiB&context=20k");
  const split = hook(tab, "advice").locator("li", { hasText: "Split over the GPUs" }).first();
  await split.locator("button").first().click();
  await tab.waitForURL(/tensor-split=/);
  assert.match(await hook(tab, "launch-command").textContent(), /--tensor-split \d+,\d+/);
});

test("where there is nothing to gain the page says so", async (t) => {
  const tab = await opened(t, "?model=qwen3:8b&free=22+GiB");
  await hook(tab, "advice-status").getByText("nothing to gain").waitFor();
  assert.equal(await hook(tab, "advice").locator(".choices").count(), 0);
});
