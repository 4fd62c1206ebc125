/** What goes wrong in the world, and what the page says then. */
import { fileURLToPath } from 'node:url';

import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';

import { serve } from '../localnet/serve';
import type { Config } from '../src/config';
import { passTime } from '../src/localnet/cheats';
import { launch, newPage, until } from './support/browser';
import { ask, connect, give, go, local, open, task } from './support/page';
import { Wire } from './support/proxy';
import { addWallet } from './support/wallet';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));

let browser: Browser;
let page: Page;
beforeAll(async () => {
    browser = await launch();
});
afterAll(() => browser.close());
afterEach(() => page.context().close());

/** A page of its own with another configuration. */
async function served(change: Partial<Config>): Promise<{ url: string; stop: () => void }> {
    const config = { ...inject('config'), ...change };
    return serve(DIST, () => config);
}

describe('the node', () => {
    test('is lost and comes back, and the page says both', async () => {
        const { rpc, ws = '' } = inject('config');
        const [http, socket] = [await Wire.to(rpc), await Wire.to(ws)];
        const own = await served({ rpc: http.url, ws: socket.url });
        ({ page } = await newPage(browser));
        try {
            await open(page, '', own.url);
            await page.getByRole('row').filter({ hasText: 'Solana' }).waitFor();
            for (const { wire } of [http, socket]) wire.cut();
            const banner = page.getByRole('alert').filter({ hasText: 'The node does not answer' });
            await banner.waitFor();
            expect(await banner.textContent()).toContain('do not act on it');
            // What was known stays readable.
            await page.getByRole('row').filter({ hasText: 'Solana' }).waitFor();
            for (const { wire } of [http, socket]) wire.mend();
            await banner.getByRole('button', { name: 'Try now' }).click();
            await page.getByText('The node answers again').waitFor();
            await banner.waitFor({ state: 'hidden' });
        } finally {
            for (const { wire } of [http, socket]) wire.stop();
            own.stop();
        }
    });

    test('is not there at first: the page tries again by itself', async () => {
        const { wire, url } = await Wire.to(inject('config').rpc);
        wire.cut();
        const own = await served({ rpc: url });
        ({ page } = await newPage(browser));
        try {
            await page.goto(own.url);
            await page.getByRole('alert').filter({ hasText: 'The node does not answer' }).waitFor();
            wire.mend();
            await page.getByRole('heading', { level: 1, name: 'Markets' }).waitFor();
        } finally {
            wire.stop();
            own.stop();
        }
    });

    test('is of another cluster', async () => {
        const own = await served({ genesis: '5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d' });
        ({ page } = await newPage(browser));
        try {
            await page.goto(own.url);
            const said = page.getByRole('alert').filter({ hasText: 'Wrong cluster' });
            await said.waitFor();
            expect(await said.textContent()).toContain('5eyk\u20262N9d');
        } finally {
            own.stop();
        }
    });
});

describe('a wallet', () => {
    test('is not there', async () => {
        ({ page } = await newPage(browser));
        const own = await served({ cluster: 'devnet' });
        try {
            await open(page, '', own.url);
            await page.getByRole('button', { name: 'Connect wallet' }).click();
            await page.getByRole('dialog').getByText('No wallet found').waitFor();
            // Escape closes it and gives the focus back.
            await page.keyboard.press('Escape');
            await page.getByRole('dialog').waitFor({ state: 'hidden' });
            expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Connect wallet');
        } finally {
            own.stop();
        }
    });

    test('has an account of another cluster: it may look, and not act', async () => {
        ({ page } = await newPage(browser));
        const wallet = await addWallet(page, 'Devnet wallet', ['solana:devnet']);
        await give(wallet.address, { SOL: 10 });
        await open(page, '#/position');
        await connect(page, wallet.name);
        await page.getByText('This account is not one of localnet').waitFor();
        const card = page.getByRole('region', { name: 'Act' });
        await card.getByText(/You have 10 SOL/).waitFor();
        await card.getByLabel('Amount of SOL', { exact: true }).fill('1');
        expect(await card.getByRole('button', { name: 'Deposit SOL' }).isDisabled()).toBe(true);
        expect(wallet.signatures()).toBe(0);
    });
});

describe('a transaction', () => {
    test('fails, and its sentence is shown', async () => {
        ({ page } = await newPage(browser));
        const wallet = await addWallet(page, 'Poor wallet');
        await give(wallet.address, { SOL: 10 });
        await open(page, '#/position');
        await connect(page, wallet.name);
        await page.getByText(/You have 10 SOL/).waitFor();
        // The tokens go elsewhere between the look and the transaction.
        await page.getByLabel('Amount of SOL', { exact: true }).fill('10');
        await give(wallet.address, { SOL: 0 });
        await page.getByRole('button', { name: 'Deposit SOL', exact: true }).click();
        const said = await task(page, /Deposit 10 SOL/, 'Failed');
        expect(said).not.toContain('undefined');
        expect(said).toMatch(/instruction|insufficient|failed/i);
        expect(wallet.signatures()).toBe(0);
    });
});

describe('the market', () => {
    test('is paused: the page says what, for how long, and what goes on', async () => {
        ({ page } = await newPage(browser));
        await open(page);
        await ask('/pause?action=1');
        try {
            const notice = page.getByRole('status').filter({ hasText: 'Borrowing is paused' });
            await notice.waitFor();
            // The page reads the clock every two seconds.
            expect(await notice.textContent()).toMatch(/for (10 min( \d s)?|9 min \d+ s) more/);
            expect(await notice.textContent()).toContain('Repaying, depositing and redeeming go on');
            await ask('/unpause?action=1');
            await notice.waitFor({ state: 'hidden' });
        } finally {
            await ask('/unpause?action=1').catch(() => undefined);
        }
    });

    test('has prices that grow old: the page says what they are no longer good for', async () => {
        ({ page } = await newPage(browser));
        await open(page);
        await ask('/prices/stop');
        await passTime(local(), 300n);
        try {
            const notice = page.getByRole('status').filter({ hasText: 'cannot be used for everything' });
            await notice.filter({ hasText: 'SOL: 5 min' }).waitFor();
            expect(await notice.textContent()).toContain('good for neither borrowing nor liquidating');
            await page.getByText('Stale', { exact: true }).first().waitFor();
        } finally {
            await ask('/prices/start');
        }
        await page.getByText('Stale', { exact: true }).first().waitFor({ state: 'hidden' });
    });

    test('has nothing for somebody new, and says what to do', async () => {
        ({ page } = await newPage(browser));
        const wallet = await addWallet(page, 'New wallet');
        await open(page, '#/position');
        await connect(page, wallet.name);
        await page.getByText('Deposit collateral to begin').waitFor();
        await page.goto(`${inject('page')}#/position/${wallet.address}`);
        await page.getByText('There is no such position in this market').waitFor();
    });
});

describe('by keyboard alone', () => {
    test('one reaches a view, hears its name, and acts', async () => {
        ({ page } = await newPage(browser));
        const wallet = await addWallet(page, 'Keyboard wallet');
        await give(wallet.address, { SOL: 2 });
        await open(page);
        await page.keyboard.press('Tab');
        expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to content');
        await page.keyboard.press('Enter');
        expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
        await go(page, 'Position');
        expect(await page.title()).toBe('Position \u00b7 Plimsoll');
        expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
        await connect(page, wallet.name);
        await page.getByText(/You have 2 SOL/).waitFor();
        await page.getByRole('slider', { name: /Amount of SOL/ }).focus();
        await page.keyboard.press('End');
        await until(
            () => page.getByLabel('Amount of SOL', { exact: true }).inputValue(),
            value => value === '2',
        );
        await page.getByLabel('Amount of SOL', { exact: true }).press('Enter');
        await task(page, /Deposit 2 SOL/, 'Confirmed');
    });
});
