/** What people come for, from the first click to the last: on a real validator, in a real browser, with a wallet that signs. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Address } from '@solana/kit';

import { fetchLender, fetchPosition, fromWord128, positionAddress } from '@plimsoll/sdk';

import { movePrice } from '../src/localnet/cheats';
import { launch, newPage, until } from './support/browser';
import { act, ask, connect, give, go, healthShown, held, local, open, reserveOf, task, whole } from './support/page';
import { addWallet, type TestWallet } from './support/wallet';

let browser: Browser;
beforeAll(async () => {
    browser = await launch();
});
afterAll(() => browser.close());

describe('a borrower, a liquidator and a lender', () => {
    let page: Page;
    let complaints: string[];
    let borrower: TestWallet;
    let liquidator: TestWallet;
    let position: Address;

    beforeAll(async () => {
        ({ page, complaints } = await newPage(browser));
        borrower = await addWallet(page, 'Borrower wallet');
        liquidator = await addWallet(page, 'Liquidator wallet');
        await give(borrower.address, { SOL: 100, USDT: 3_000 });
        await give(liquidator.address, { USDC: 50_000, USDT: 50_000 });
        await open(page);
        const { state } = await reserveOf('SOL');
        position = await positionAddress(state.market, borrower.address, 0);
    });
    afterAll(() => page.context().close());

    test('looks around without a wallet', async () => {
        const row = page.getByRole('row').filter({ hasText: 'Solana' });
        await expect.poll(() => row.textContent()).toContain('$150.00');
        // By websocket, not by asking again and again.
        await page.getByText(/^Live on localnet/).waitFor();
        await go(page, 'Position');
        await page.getByText('Connect a wallet to see your position').waitFor();
    });

    test('connects', async () => {
        await connect(page, borrower.name);
        const short = `${borrower.address.slice(0, 4)}\u2026${borrower.address.slice(-4)}`;
        await page.getByRole('button', { name: short }).waitFor();
        await page.getByText('Deposit collateral to begin').waitFor();
    });

    test('supplies, and sees its share', async () => {
        await go(page, 'Lend & backstop');
        await page.getByRole('navigation', { name: 'Token' }).getByRole('link', { name: 'USDT' }).click();
        await page.getByLabel('Amount of USDT', { exact: true }).fill('2000');
        await page.getByRole('button', { name: 'Supply USDT' }).click();
        expect(await task(page, /Supply 2,000 USDT/, 'Confirmed')).toContain('Confirmed');
        expect(await held(borrower.address, 'USDT')).toBe(whole(await reserveOf('USDT'), 1_000));
        const lender = await fetchLender(local().rpc, (await reserveOf('USDT')).address, borrower.address);
        expect(fromWord128(lender!.state.shares)).toBeGreaterThan(0n);
        const worth = page.getByRole('region', { name: 'Your USDT' });
        // Rounded in the reserve's favour, by an atom.
        await expect.poll(() => worth.textContent()).toMatch(/Worth(2,000|1,999\.9999) USDT/);
    });

    test('refuses a signature, and nothing has happened', async () => {
        await go(page, 'Position');
        borrower.next('reject');
        await act(page, 'Deposit', 'SOL', '100');
        const said = await task(page, /Deposit 100 SOL/, 'Not signed');
        expect(said).toContain('You declined the signature. Nothing was sent.');
        expect(await held(borrower.address, 'SOL')).toBe(whole(await reserveOf('SOL'), 100));
    });

    test('deposits', async () => {
        await act(page, 'Deposit', 'SOL', '100');
        await task(page, /Deposit 100 SOL/, 'Confirmed');
        expect((await fetchPosition(local().rpc, position)).state.collaterals[0]?.atoms).toBe(
            whole(await reserveOf('SOL'), 100),
        );
        expect(await healthShown(page)).toBe(Infinity);
    });

    test('is shown beforehand what the program would refuse', async () => {
        const card = page.getByRole('region', { name: 'Act' });
        await card.getByRole('button', { name: 'Borrow', exact: true }).click();
        await card.getByLabel('Amount of USDC', { exact: true }).fill('14000');
        await card.getByText('Initial health would be below 1').waitFor();
        expect(await card.getByRole('button', { name: 'Borrow USDC' }).isDisabled()).toBe(true);
        await card.getByLabel('Amount of USDC', { exact: true }).fill('1.2345678');
        await card.getByText('more than 6 decimals').waitFor();
    });

    test('borrows, and the position is what the preview said', async () => {
        const card = page.getByRole('region', { name: 'Act' });
        await card.getByLabel('Amount of USDC', { exact: true }).fill('9500');
        const after = await card.locator('.before-after tbody tr').first().locator('td').last().textContent();
        await act(page, 'Borrow', 'USDC', '9500');
        await task(page, /Borrow 9,500 USDC/, 'Confirmed');
        expect(await held(borrower.address, 'USDC')).toBe(whole(await reserveOf('USDC'), 9_500));
        const shown = await until(
            () => healthShown(page),
            value => Number.isFinite(value),
        );
        expect(Math.abs(shown - Number(after?.split(' ')[0]))).toBeLessThanOrEqual(0.002);
        await page.getByRole('region', { name: 'If prices move' }).waitFor();
    });

    test('watches the price fall live, and is called', async () => {
        const before = await healthShown(page);
        // Nobody hands the price to the reserve: the page sees it in the oracle's own account.
        await ask('/prices/stop');
        await new Promise(resolve => setTimeout(resolve, 500));
        await movePrice(local(), await reserveOf('SOL'), 8_600n);
        const after = await until(
            () => healthShown(page),
            value => value < before - 0.05,
            8_000,
        );
        expect(after / before).toBeCloseTo(0.86, 2);
        await ask('/prices/start');
        await movePrice(local(), await reserveOf('SOL'), 9_600n);
        await page.getByRole('main').getByText('Margin call', { exact: true }).first().waitFor();
        await movePrice(local(), await reserveOf('SOL'), 9_400n);
        await page.getByText('Your position may be liquidated now').waitFor();
        expect(await healthShown(page)).toBeLessThan(1);
    });

    test('is liquidated from a second wallet, to the target and no further', async () => {
        await go(page, 'Liquidations');
        await connect(page, `Switch to ${liquidator.name}`);
        await page.goto(`${page.url().split('#')[0]}#/liquidations/${position}`);
        const card = page.getByRole('region', { name: 'Take one' });
        await card.getByText(position.slice(0, 4)).waitFor();
        await card.getByText(/You have 50,000 USDC/).waitFor();
        await card.getByRole('button', { name: 'Simulate' }).click();
        await card.getByText('It would go through').waitFor();
        await card.getByRole('button', { name: 'Liquidate', exact: true }).click();
        await task(page, /Liquidate: repay/, 'Confirmed');
        expect(await held(liquidator.address, 'SOL')).toBeGreaterThan(0n);
        const row = page.getByRole('region', { name: 'Past liquidations' }).getByRole('row').filter({ hasText: 'you' });
        await row.waitFor();
        expect(await row.textContent()).toMatch(/\u2192 1\.0(49|50)/);
        await page.goto(`${page.url().split('#')[0]}#/position/${position}`);
        const health = await until(
            () => healthShown(page),
            value => value > 1,
        );
        expect(health).toBeGreaterThan(1.02);
        expect(health).toBeLessThan(1.07);
    });

    test('claims a recovery of a loss', async () => {
        const usdt = await reserveOf('USDT');
        // A crash in which a position owes more than it has: closed fully, and the rest is lost.
        await movePrice(local(), await reserveOf('ETH'), 5_000n);
        const rows = page.getByRole('region', { name: 'Positions that can be liquidated, by profit' }).getByRole('row');
        await go(page, 'Liquidations');
        await rows
            .filter({ hasText: 'USDT' })
            .filter({ hasText: 'terminal' })
            .first()
            .getByRole('link', { name: /Choose/ })
            .click();
        const card = page.getByRole('region', { name: 'Take one' });
        await card.getByLabel('Repay at most, USDT', { exact: true }).waitFor();
        await card.getByRole('button', { name: 'Liquidate', exact: true }).click();
        await task(page, /Liquidate: repay .* USDT/, 'Confirmed');
        const outstanding = fromWord128((await reserveOf('USDT')).state.claims.outstanding);
        expect(outstanding).toBeGreaterThan(fromWord128(usdt.state.claims.outstanding));
        await go(page, 'Lend & backstop');
        await page.getByRole('navigation', { name: 'Token' }).getByRole('link', { name: 'USDT' }).click();
        await page.getByLabel('Pay back, USDT', { exact: true }).fill('100');
        await page.getByRole('button', { name: 'Pay back' }).click();
        await task(page, /Pay back 100 USDT/, 'Confirmed');
        await connect(page, `Switch to ${borrower.name}`);
        const before = await held(borrower.address, 'USDT');
        await page.getByText(/USDT came back/).waitFor();
        await page.getByRole('button', { name: 'Claim' }).click();
        await task(page, /Claim .* USDT/, 'Confirmed');
        expect(await held(borrower.address, 'USDT')).toBeGreaterThan(before);
        await page.getByText(/USDT came back/).waitFor({ state: 'hidden' });
    });

    test('and nothing complained', () => {
        expect(complaints).toEqual([]);
        expect(borrower.signatures()).toBe(4);
    });
});
