import { defineConfig } from 'vitest/config';

import { resolve } from './vite.alias.ts';

/** Tests in a real browser on a real validator: one market, one after another. */
export default defineConfig({
    resolve,
    test: {
        dir: 'tests',
        globalSetup: 'tests/support/setup.ts',
        fileParallelism: false,
        sequence: { concurrent: false },
        testTimeout: 60_000,
        hookTimeout: 60_000,
        // A journey's steps follow one another: after the first that fails the rest says nothing.
        bail: 3,
    },
});
