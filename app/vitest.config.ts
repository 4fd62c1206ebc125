import { defineConfig } from 'vitest/config';

import { resolve } from './vite.alias.ts';

export default defineConfig({ resolve });
