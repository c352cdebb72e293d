// The probe serves the page as it was built, and the page starts in it.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { closeBrowser, openTab, startProbe } from "./harness.mjs";

after(closeBrowser);

test("the page starts from the probe under its content security policy", async (t) => {
  const probe = await startProbe(t);
  const tab = await openTab(t);
  const answer = await tab.goto(`${probe.address}/`);
  assert.equal(answer.status(), 200);
  assert.match(answer.headers()["content-security-policy"], /script-src 'self'/);
  // The answer stands there before the program; the probe may go only after it.
  await tab.waitForFunction(() => document.documentElement.dataset.running !== undefined);
  await tab.locator("h1").first().waitFor();
});

test("scripts and program may be kept for ever, the page itself is asked for again", async (t) => {
  const probe = await startProbe(t);
  const page = await fetch(`${probe.address}/`);
  assert.equal(page.headers.get("cache-control"), "no-cache");
  const names = [...(await page.text()).matchAll(/\.\/(app[-_a-z0-9]*\.(?:js|wasm))/g)];
  assert.ok(names.length >= 2, "the page names its script and its program");
  for (const [, name] of names) {
    const headers = { "accept-encoding": "br" };
    const file = await fetch(`${probe.address}/${name}`, { headers });
    assert.equal(file.status, 200, name);
    assert.match(file.headers.get("cache-control"), /immutable/, name);
    assert.equal(file.headers.get("content-encoding"), "br", name);
  }
});

test("the probe tells of the machine that stands behind it", async (t) => {
  const probe = await startProbe(t, { gpus: [{ name: "NVIDIA A100", total: 85e9, free: 80e9 }] });
  const { gpus } = await (await fetch(`${probe.address}/v1/gpus`)).json();
  assert.deepEqual(
    gpus.map(({ name, total, free }) => ({ name, total, free })),
    [{ name: "NVIDIA A100", total: 85e9, free: 80e9 }],
  );
});
