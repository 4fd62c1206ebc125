// What a user of the package gets: the files, and that they work by its name.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import * as sdk from '@plimsoll/sdk';
import * as generated from '@plimsoll/sdk/generated';
import { loadEngineFromPackage } from '@plimsoll/sdk/node';

const folder = fileURLToPath(new URL('..', import.meta.url));
const answer = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: folder, encoding: 'utf8' });
const [packed] = JSON.parse(answer);
const files = packed.files.map(file => file.path);

function require(condition, sentence) {
    if (!condition) throw new Error(sentence);
}

for (const file of [
    'dist/index.js',
    'dist/index.d.ts',
    'dist/node.js',
    'dist/generated/index.js',
    'wasm/engine.wasm',
    'README.md',
]) {
    require(files.includes(file), `the package lacks ${file}`);
}
const strange = files.filter(file => !/^(dist\/|wasm\/engine\.wasm$|README\.md$|package\.json$)/.test(file));
require(strange.length === 0, `the package has files nobody asked for: ${strange.join(', ')}`);

const engine = await loadEngineFromPackage();
require(engine instanceof sdk.Engine, 'the engine of the package is not the engine');
require(generated.PLIMSOLL_PROGRAM_ADDRESS === sdk.PROGRAM_ADDRESS, 'generated code and client name two programs');
console.log(
    `${packed.name} ${packed.version}: ${files.length} files, ${packed.size} bytes packed, ${packed.unpackedSize} unpacked`,
);
