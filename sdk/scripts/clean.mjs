// Removes what an earlier build left: a file whose source is gone must not be packaged.
import { rmSync } from 'node:fs';

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true });
