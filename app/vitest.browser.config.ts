import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

import { resolve } from './vite.alias.ts';

/** Files by their names: they share one market. */
class ByName extends BaseSequencer {
    override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
        return Promise.resolve([...files].sort((one, other) => one.moduleId.localeCompare(other.moduleId)));
    }
}

/** Tests in a real browser on a real validator: one market, one after another. */
export default defineConfig({
    resolve,
    test: {
        dir: 'tests',
        globalSetup: 'tests/support/setup.ts',
        fileParallelism: false,
        sequence: { concurrent: false, sequencer: ByName },
        testTimeout: 60_000,
        hookTimeout: 60_000,
        // A journey's steps follow one another: after the first that fails the rest says nothing.
        bail: 3,
    },
});
