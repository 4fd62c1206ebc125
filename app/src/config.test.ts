import { expect, test } from 'vitest';

import { ConfigError, parseConfig } from './config';

const good = { cluster: 'localnet', rpc: 'http://127.0.0.1:8899', tokens: [] };

test('a configuration is judged before it is used', () => {
    expect(parseConfig(good)).toEqual(good);
    const wrong: [unknown, string][] = [
        [null, 'not an object'],
        [{ ...good, rpc: undefined }, 'names no rpc'],
        [{ ...good, cluster: 'moon' }, 'names no cluster'],
        [{ ...good, tokens: undefined }, 'no list of tokens'],
    ];
    for (const [value, said] of wrong) {
        expect(() => parseConfig(value)).toThrow(ConfigError);
        expect(() => parseConfig(value)).toThrow(said);
    }
});
