import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

import { resolve } from './vite.alias.ts';

export default defineConfig({
    plugins: [react()],
    resolve,
    base: './',
    build: { target: 'es2022', assetsInlineLimit: 0, manifest: true },
    server: { fs: { allow: ['..'] } },
});
