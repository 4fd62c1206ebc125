// Writes src/generated from ../idl/plimsoll.json. With --check it writes nothing and fails where the committed files differ.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { rootNodeFromAnchor } from '@codama/nodes-from-anchor';
import { renderVisitor } from '@codama/renderers-js';
import { getProgramDerivedAddress, getUtf8Encoder } from '@solana/kit';
import { createFromRoot } from 'codama';

const here = fileURLToPath(new URL('..', import.meta.url));
const committed = join(here, 'src/generated');
const head = '// Generated from ../../../idl/plimsoll.json by scripts/generate.mjs; do not edit.\n\n';

/** Every file below a folder, by its path there, with its text. */
function files(folder) {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile());
    const paths = entries.map(entry => relative(folder, join(entry.parentPath ?? entry.path, entry.name)));
    return new Map(paths.sort().map(path => [path.split(sep).join('/'), readFileSync(join(folder, path), 'utf8')]));
}

/** `from "./types"` as Node resolves it: `from "./types/index.js"`. */
function withFileNames(path, text, all) {
    return text.replace(/(from\s+)(["'])(\.[^"']*)\2/g, (_, from, quote, name) => {
        const target = join(dirname(path), name).split(sep).join('/');
        const isFile = all.has(`${target}.ts`);
        const clean = name.replace(/\/$/, '');
        return `${from}${quote}${isFile ? `${clean}.js` : `${clean}/index.js`}${quote}`;
    });
}

/** The events, which the renderer leaves out: a union of them, with their discriminators. */
function events(idl) {
    const names = idl.events.map(event => event.name);
    const entry = ({ name, discriminator }) =>
        `    { name: '${name}', discriminator: [${discriminator.join(', ')}], decoder: types.get${name}Decoder() },\n`;
    return (
        head +
        "import * as types from './types/index.js';\n\n" +
        '/** Any event of the program, by its name. */\n' +
        'export type PlimsollEvent =\n' +
        names.map(name => `    | { readonly name: '${name}'; readonly data: types.${name} }`).join('\n') +
        ';\n\n' +
        '/** Every event: its name, the first eight bytes of its data, and what decodes the rest. */\n' +
        'export const EVENTS = [\n' +
        idl.events.map(entry).join('') +
        '] as const;\n'
    );
}

/** The program's own address for its events, which follows from its address. */
async function constants(idl) {
    const seeds = [getUtf8Encoder().encode('__event_authority')];
    const [eventAuthority] = await getProgramDerivedAddress({ programAddress: idl.address, seeds });
    return (
        head +
        "import type { Address } from '@solana/kit';\n\n" +
        "/** The program's own address for its events. */\n" +
        `export const EVENT_AUTHORITY = '${eventAuthority}' as Address<'${eventAuthority}'>;\n`
    );
}

/** The renderer's plugin for kit's clients does not type-check against this version of kit; it works. */
function withExpectedError(path, text) {
    const marked = '    return extendClient(client, {\n';
    if (path !== 'programs/plimsoll.ts') return text;
    if (!text.includes(marked)) throw new Error(`expected \`${marked.trim()}\` in ${path}; the renderer has changed`);
    return text.replace(marked, `    // @ts-expect-error -- a spread of a generic type, in generated code\n${marked}`);
}

/** Generates into `folder/src/generated`. */
async function generate(folder) {
    const idl = JSON.parse(readFileSync(join(here, '../idl/plimsoll.json'), 'utf8'));
    // Types of events are dropped where the IDL calls them events: here they are types as any other.
    const codama = createFromRoot(rootNodeFromAnchor({ ...idl, events: [] }));
    await codama.accept(renderVisitor(folder, { kitImportStrategy: 'rootOnly', syncPackageJson: false }));
    const target = join(folder, 'src/generated');
    const all = files(target);
    for (const [path, text] of all) {
        writeFileSync(join(target, path), withExpectedError(path, withFileNames(path, text, all)));
    }
    mkdirSync(target, { recursive: true });
    writeFileSync(join(target, 'events.ts'), events(idl));
    writeFileSync(join(target, 'constants.ts'), await constants(idl));
}

if (process.argv.includes('--check')) {
    const scratch = mkdtempSync(join(tmpdir(), 'plimsoll-generate-'));
    try {
        await generate(scratch);
        const wanted = files(join(scratch, 'src/generated'));
        const found = files(committed);
        const names = [...new Set([...wanted.keys(), ...found.keys()])];
        const differ = names.filter(name => wanted.get(name) !== found.get(name));
        if (differ.length > 0) {
            console.error(
                `src/generated is not what the IDL generates: ${differ.slice(0, 8).join(', ')} (${differ.length} files)`,
            );
            console.error('run `npm run generate` in sdk/ and commit src/generated');
            process.exitCode = 1;
        } else {
            console.log(`src/generated is what the IDL generates (${found.size} files)`);
        }
    } finally {
        rmSync(scratch, { recursive: true, force: true });
    }
} else {
    await generate(here);
}
