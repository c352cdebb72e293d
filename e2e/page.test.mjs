// The page as a person uses it: choose, read, change, share, and get things wrong.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { RTX_4090, closeBrowser, openTab, startProbe } from "./harness.mjs";

after(closeBrowser);

const number = (text) => Number(text.replaceAll(",", ""));
const hook = (tab, name) => tab.getByTestId(name);
const tokens = async (tab, precision) =>
  number(await hook(tab, `max-context-${precision}`).textContent());

/** The page of a probe that serves it, at this address; live readings have arrived. */
async function open(t, { query = "", machine, tab: options } = {}) {
  const probe = await startProbe(t, machine);
  const tab = await openTab(t, options);
  await tab.goto(`${probe.address}/${query}`);
  await running(tab);
  return { tab, probe };
}

/** Waits until the program has taken over from the static page. */
async function running(tab) {
  await tab.waitForFunction(() => document.documentElement.dataset.running !== undefined);
}

const choose = (tab, precision) => tab.locator(".reading", { hasText: precision }).click();

async function live(tab) {
  await tab.waitForFunction(
    () => document.querySelector('[data-testid="probe-connect"]').ariaPressed === "true",
  );
}

test("the probe's own reading fills the form and answers", async (t) => {
  const { tab, probe } = await open(t);
  await live(tab);
  assert.equal(await hook(tab, "free-vram-input").inputValue(), "19,101 MiB");
  assert.match(await hook(tab, "gpu-select").inputValue(), /RTX 4090/);
  const before = await tokens(tab, "fp16");
  probe.set({ gpus: [{ ...RTX_4090, free: RTX_4090.free / 2 }] });
  await tab.waitForFunction(
    (before) =>
      Number(
        document.querySelector('[data-testid="max-context-fp16"]').textContent.replaceAll(",", ""),
      ) < before,
    before,
  );
  assert.equal(await hook(tab, "free-vram-input").inputValue(), "9,550.5 MiB");
});

test("what a person enters is not overwritten by the probe", async (t) => {
  const { tab, probe } = await open(t);
  await live(tab);
  await hook(tab, "free-vram-input").fill("12 GiB");
  probe.set({ gpus: [{ ...RTX_4090, free: RTX_4090.free / 2 }] });
  await tab.waitForTimeout(2500);
  assert.equal(await hook(tab, "free-vram-input").inputValue(), "12 GiB");
});

test("a model is found by typing and chosen with the keyboard", async (t) => {
  const { tab } = await open(t);
  const input = hook(tab, "model-input");
  const before = await tokens(tab, "fp16");
  await input.focus();
  await tab.keyboard.type("llama 3.1 8b");
  const option = tab.locator("[role=option]").first();
  await option.waitFor();
  assert.match(await option.textContent(), /llama3\.1:8b/);
  await tab.keyboard.press("ArrowDown");
  assert.equal(await option.getAttribute("aria-selected"), "true");
  await tab.keyboard.press("Enter");
  assert.equal(await input.inputValue(), "llama3.1:8b");
  assert.notEqual(await tokens(tab, "fp16"), before);
  assert.match(await tab.locator("h1").textContent(), /llama3\.1:8b/);
});

test("weights, precision and settings change the answer and the command", async (t) => {
  const { tab } = await open(t);
  await live(tab);
  const before = await tokens(tab, "fp16");
  await hook(tab, "quant-select").selectOption("Q8_0");
  assert.ok((await tokens(tab, "fp16")) < before);
  await choose(tab, "INT4");
  assert.match(await hook(tab, "launch-command").textContent(), /--cache-type-k q4_0/);
  assert.match(tab.url(), /kv=int4/);
  await tab.locator(".settings summary").click();
  await hook(tab, "ubatch-size-input").fill("2k");
  assert.match(await hook(tab, "launch-command").textContent(), /--ubatch-size 2048/);
  assert.match(tab.url(), /ubatch-size=2k/);
});

test("the address restores the whole question in the other language too", async (t) => {
  const { tab, probe } = await open(t, { machine: { init: 9 } });
  await hook(tab, "model-input").fill("llama3.1:8b");
  await tab.keyboard.press("Enter");
  await hook(tab, "quant-select").selectOption("Q6_K");
  await hook(tab, "free-vram-input").fill("２０ＧＢ");
  await choose(tab, "INT8");
  const told = await hook(tab, "max-context-int8").textContent();
  const address = tab.url();
  const other = await openTab(t, { locale: "en-GB" });
  await other.goto(address);
  await running(other);
  assert.equal(await hook(other, "max-context-int8").textContent(), told);
  assert.equal(await hook(other, "free-vram-input").inputValue(), "２０ＧＢ");
  assert.equal(await hook(other, "quant-select").inputValue(), "Q6_K");
  assert.ok(await other.locator('input[value="int8"]').isChecked());
  assert.equal(await other.locator("html").getAttribute("lang"), "en");
  assert.equal(new URL(address).origin, probe.address);
});

test("the share button copies an address that restores the question", async (t) => {
  const { tab } = await open(t, {
    query: "?model=llama3.1:8b&free=16+GiB",
    machine: { init: 9 },
    tab: { permissions: ["clipboard-read", "clipboard-write"] },
  });
  await hook(tab, "share-link").click();
  await tab.getByText("リンクをコピーしました").waitFor();
  const copied = await tab.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /model=llama3\.1:8b&free=16\+GiB/);
});

test("the language can be switched, is remembered, and keeps the question", async (t) => {
  const { tab } = await open(t, { query: "?free=16+GiB", machine: { init: 9 } });
  assert.match(await tab.locator("h1").textContent(), /入ります/);
  await hook(tab, "lang-toggle").click();
  assert.match(await tab.locator("h1").textContent(), /fit/);
  assert.equal(await hook(tab, "free-vram-input").inputValue(), "16 GiB");
  assert.equal(await tab.locator("html").getAttribute("lang"), "en");
  await tab.reload();
  await running(tab);
  assert.match(await tab.locator("h1").textContent(), /fit/);
});

test("nonsense keeps the last answer, says what is wrong and with what to replace it", async (t) => {
  const { tab } = await open(t, { machine: { init: 9 } });
  const before = await hook(tab, "max-context-fp16").textContent();
  const free = hook(tab, "free-vram-input");
  await free.fill("much");
  assert.equal(await free.getAttribute("aria-invalid"), "true");
  assert.match(await tab.locator("#free-problem-0").textContent(), /much.*例/);
  assert.equal(await hook(tab, "max-context-fp16").textContent(), before);
  assert.ok(await tab.locator(".readings.previous").isVisible());
  await free.fill("24GB");
  assert.equal(await free.getAttribute("aria-invalid"), "false");
  await hook(tab, "model-input").fill("qwen3:8bb");
  await tab.keyboard.press("Enter");
  assert.match(await tab.locator("#model-problem").textContent(), /qwen3:8b/);
  assert.equal(await hook(tab, "model-input").inputValue(), "qwen3:8bb");
});

test("where nothing fits the page says by how much, and one press leads out", async (t) => {
  const { tab } = await open(t, {
    query: "?model=llama3.1:8b&quant=F16&free=12+GiB",
    machine: { init: 9 },
  });
  assert.match(await tab.locator("h1").textContent(), /あと .*GiB 足りません/);
  assert.match(await hook(tab, "limited-by").textContent(), /重み/);
  await hook(tab, "ways-out").getByRole("button").first().click();
  await hook(tab, "ways-out").waitFor({ state: "detached" });
  assert.ok((await tokens(tab, "fp16")) >= 4096);
});

test("every figure opens its explanation", async (t) => {
  const { tab } = await open(t, { machine: { init: 9 } });
  await hook(tab, "plan-kv").click();
  await tab.locator("details.item[open] .why").getByText(/層 × .* セル/).waitFor();
  for (const part of ["weights", "kv", "compute", "overhead", "total"]) {
    assert.match(await hook(tab, `plan-${part}`).textContent(), /^[\d,.]+ [GM]iB$/);
  }
});

test("the chart is read with the arrow keys and as a table", async (t) => {
  const { tab } = await open(t, { machine: { init: 9 } });
  const chart = hook(tab, "chart");
  await chart.focus();
  const before = Number(await chart.getAttribute("aria-valuenow"));
  await tab.keyboard.press("ArrowLeft");
  assert.ok(Number(await chart.getAttribute("aria-valuenow")) < before);
  assert.match(await chart.getAttribute("aria-valuetext"), /トークン: FP16 .* GiB, INT8/);
  await tab.getByText("表で見る").click();
  await hook(tab, "chart-table").locator("tbody tr").nth(5).waitFor();
});

test("the probe's trouble is told with its cure, and the question stays", async (t) => {
  const { tab } = await open(t, { query: "?free=16+GiB", machine: { init: 9 } });
  await tab.getByText("ドライバーが動いていません").waitFor();
  assert.match(await hook(tab, "probe-status").textContent(), /modprobe/);
  assert.equal(await hook(tab, "free-vram-input").inputValue(), "16 GiB");
});

test("the probe's trouble is done with once a person goes on by hand", async (t) => {
  const { tab, probe } = await open(t, { query: "?free=16+GiB", machine: { init: 9 } });
  await tab.getByText("ドライバーが動いていません").waitFor();
  await hook(tab, "free-vram-input").fill("12 GiB");
  await hook(tab, "probe-status").getByText("llm-lander-probe が動いていれば").waitFor();
  // What it reads later is not taken unasked.
  probe.set({ gpus: [RTX_4090] });
  await tab.waitForTimeout(1500);
  assert.equal(await hook(tab, "free-vram-input").inputValue(), "12 GiB");
});

test("what others hold of a GPU has a line of its own, and a foreign card a word of warning", async (t) => {
  const { tab } = await open(t);
  await live(tab);
  assert.equal(await hook(tab, "plan-in-use").textContent(), "5.33 GiB");
  await hook(tab, "gpu-select").selectOption("Radeon RX 7900 XTX");
  await tab.locator(".gpu .note").getByText("CUDA").waitFor();
  await hook(tab, "gpu-select").selectOption("GeForce RTX 4090");
  assert.equal(await tab.locator(".gpu .note").count(), 0);
});

test("the list of cards is made once, and holds what the probe names too", async (t) => {
  const { tab } = await open(t);
  await live(tab);
  const select = hook(tab, "gpu-select");
  assert.equal(await select.inputValue(), RTX_4090.name);
  const first = await select.locator("option").first().elementHandle();
  await hook(tab, "free-vram-input").fill("12 GiB");
  await select.selectOption("GeForce RTX 3090");
  assert.match(await hook(tab, "free-vram-input").inputValue(), /MiB$/);
  assert.ok(await first.evaluate((option) => option.isConnected));
  assert.equal(await select.locator(`option[value="${RTX_4090.name}"]`).count(), 0);
});

test("answers that are equal share one label in the chart", async (t) => {
  // Without flash attention the cache of values stays as it is.
  const { tab } = await open(t, {
    query: "?model=qwen3:8b&free=1000+GiB",
    machine: { init: 9 },
    tab: { viewport: { width: 390, height: 844 }, locale: "en-GB" },
  });
  const labels = tab.locator(".plot .answer");
  await labels.first().waitFor();
  const boxes = await labels.evaluateAll((all) =>
    all.map((label) => {
      const { left, right, top, bottom } = label.getBoundingClientRect();
      return { left, right, top, bottom };
    }),
  );
  const covers = (one, other) =>
    one.left < other.right - 1 &&
    other.left < one.right - 1 &&
    one.top < other.bottom - 1 &&
    other.top < one.bottom - 1;
  for (const [place, one] of boxes.entries()) {
    assert.ok(!boxes.slice(place + 1).some((other) => covers(one, other)));
  }
});

test("readings that the probe puts into the address are taken", async (t) => {
  const { probe } = await open(t, { machine: { init: 9 } });
  const report = {
    schema: 1,
    probe: "0.1.0",
    gpus: [{ index: 0, name: "NVIDIA L4", total: 24152899584, free: 20 * 1024 ** 3 }],
  };
  const fragment = Buffer.from(JSON.stringify(report)).toString("base64url");
  const tab = await openTab(t);
  await tab.goto(`${probe.address}/#gpus=${fragment}`);
  await running(tab);
  assert.equal(await hook(tab, "free-vram-input").inputValue(), "20,480 MiB");
  assert.match(await hook(tab, "gpu-select").inputValue(), /L4/);
});
