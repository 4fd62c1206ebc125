import { defineConfig } from 'vite';

import { resolve } from './vite.alias.ts';

/** The local market and the server of `demo --app`, as one file for Node. */
export default defineConfig({
    resolve,
    build: {
        ssr: 'localnet/demo.ts',
        outDir: 'dist-localnet',
        target: 'node20',
        minify: false,
        rolldownOptions: { external: [/^@solana\//] },
    },
});
