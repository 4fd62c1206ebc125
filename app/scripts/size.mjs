// What a visitor loads before the first view stands, compressed: an error above the limit.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const LIMIT_BYTES = 300_000;
const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));
const compressed = file => gzipSync(readFileSync(new URL(file, dist))).length;

/** A chunk and everything it imports statically. */
function scripts(name, found = new Set()) {
    const chunk = manifest[name];
    if (chunk === undefined) throw new Error(`expected ${name} in the manifest; build the page first`);
    if (found.has(chunk.file)) return found;
    found.add(chunk.file);
    for (const imported of chunk.imports ?? []) scripts(imported, found);
    return found;
}

const views = manifest['index.html'].dynamicImports ?? [];
let worst = 0;
for (const view of views) {
    const files = [...scripts('index.html'), ...scripts(view)];
    const bytes = [...new Set(files)].filter(file => file.endsWith('.js')).reduce((sum, file) => sum + compressed(file), 0);
    worst = Math.max(worst, bytes);
    console.log(`${view}: ${(bytes / 1000).toFixed(1)} kB of script, compressed`);
}
const engine = Object.values(manifest).find(chunk => chunk.file.endsWith('.wasm'));
if (engine !== undefined) console.log(`engine: ${(compressed(engine.file) / 1000).toFixed(1)} kB of WebAssembly, compressed`);
if (views.length < 5) throw new Error(`expected five views as chunks of their own; found ${views.length}`);
if (worst > LIMIT_BYTES) {
    console.error(
        `expected at most ${LIMIT_BYTES / 1000} kB of script before the first view; found ${(worst / 1000).toFixed(1)} kB`,
    );
    process.exit(1);
}
