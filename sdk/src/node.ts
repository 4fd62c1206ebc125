/**
 * What only Node can: the engine from the package's own file.
 * @packageDocumentation
 */
import { readFile } from 'node:fs/promises';

import { loadEngine, type Engine } from './engine.js';

/** The engine that came with this package. */
export async function loadEngineFromPackage(): Promise<Engine> {
    return loadEngine(await readFile(new URL('../wasm/engine.wasm', import.meta.url)));
}
