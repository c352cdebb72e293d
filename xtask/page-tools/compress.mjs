// node compress.mjs FOLDER: lays a .br and a .gz beside every file that gets smaller by it, for
// servers that send compressed files as they lie there.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const WORTH_IT = /\.(html|js|mjs|css|wasm|json|webmanifest|svg|txt)$/;

const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });

function compress(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      compress(path);
    } else if (WORTH_IT.test(entry.name)) {
      const bytes = readFileSync(path);
      for (const [ending, squeezed] of [
        ["br", brotli(bytes)],
        ["gz", gzipSync(bytes, { level: 9 })],
      ]) {
        if (squeezed.length < bytes.length) writeFileSync(`${path}.${ending}`, squeezed);
      }
    }
  }
}

compress(process.argv[2]);
