import { fileURLToPath } from 'node:url';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The client and its examples' market as source, with one copy of kit for them and the page. */
export const resolve = {
    alias: [
        { find: '@plimsoll/sdk', replacement: here('../sdk/src/index.ts') },
        { find: '@plimsoll/stage', replacement: here('../sdk/examples/support') },
    ],
    dedupe: ['@solana/kit'],
};
