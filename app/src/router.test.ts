import { expect, test } from 'vitest';

import { hrefOf, parseRoute, VIEWS } from './router';

test('routes are read and written', () => {
    for (const view of VIEWS) {
        expect(parseRoute(hrefOf(view))).toEqual({ view, of: undefined });
        expect(parseRoute(hrefOf(view, 'abc'))).toEqual({ view, of: 'abc' });
    }
    for (const unknown of ['', '#', '#/', '#/nowhere', '#/nowhere/abc']) {
        expect(parseRoute(unknown)).toEqual({ view: 'markets', of: undefined });
    }
});
