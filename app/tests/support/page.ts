/** The page as its users handle it. */
import type { Page } from 'playwright-core';
import { inject } from 'vitest';
import { createSolanaRpc, type Address } from '@solana/kit';

import { fetchReserve, fetchRaw, tokenAccountOf, type Reserve } from '@plimsoll/sdk';

import { giveFees, setTokens, type Local } from '../../src/localnet/cheats';

/** The validator. */
export const local = (): Local => {
    const { rpc: url } = inject('config');
    return { url, rpc: createSolanaRpc(url) };
};

/** A reserve as it is now. */
export async function reserveOf(symbol: string): Promise<Reserve> {
    const address = inject('reserves')[symbol];
    if (address === undefined) throw new Error(`there is no ${symbol}`);
    return fetchReserve(local().rpc, address as Address);
}

/** Whole tokens in atoms. */
export const whole = (reserve: Reserve, tokens: number): bigint => BigInt(tokens) * 10n ** BigInt(reserve.state.decimals);

/** Gives somebody whole tokens, and SOL for fees. */
export async function give(owner: Address, tokens: Record<string, number>): Promise<void> {
    await giveFees(local(), owner);
    for (const [symbol, count] of Object.entries(tokens)) {
        const reserve = await reserveOf(symbol);
        await setTokens(local(), owner, reserve, whole(reserve, count));
    }
}

/** Atoms somebody has of a token. */
export async function held(owner: Address, symbol: string): Promise<bigint> {
    const reserve = await reserveOf(symbol);
    const { accounts } = await fetchRaw(local().rpc, [await tokenAccountOf(reserve, owner)]);
    const data = accounts[0]?.data;
    return data === undefined || data.length < 72 ? 0n : new DataView(Uint8Array.from(data).buffer).getBigUint64(64, true);
}

/** Opens a view. */
export async function open(page: Page, hash = '', url = inject('page')): Promise<void> {
    await page.goto(`${url}${hash}`);
    await page.waitForSelector('h1');
}

/** Goes to a view by the navigation. */
export async function go(page: Page, name: string): Promise<void> {
    await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name, exact: true }).click();
    await page.getByRole('heading', { level: 1 }).waitFor();
}

/** Connects a wallet by its name. */
export async function connect(page: Page, name: string): Promise<void> {
    await page
        .getByRole('banner')
        .getByRole('button', { name: /Connect wallet|\u2026/ })
        .click();
    await page
        .getByRole('dialog')
        .getByRole('button', { name: new RegExp(name) })
        .click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
}

/** Does an action of the position, and waits for what becomes of it. */
export async function act(page: Page, action: string, symbol: string, amount: string): Promise<void> {
    const card = page.getByRole('region', { name: 'Act' });
    await card.getByRole('button', { name: action, exact: true }).click();
    await card.getByLabel('Token', { exact: true }).selectOption({ label: await labelOf(page, symbol) });
    await card.getByLabel(`Amount of ${symbol}`, { exact: true }).fill(amount);
    await card.getByRole('button', { name: `${action} ${symbol}`, exact: true }).click();
}

async function labelOf(page: Page, symbol: string): Promise<string> {
    const labels = await page.locator('#action-token option').allTextContents();
    return labels.find(label => label.startsWith(`${symbol} `)) ?? symbol;
}

/** Waits until the newest transaction of this title is at a stage, and returns all that is said of it. */
export async function task(page: Page, title: RegExp, stage: 'Confirmed' | 'Failed' | 'Not signed'): Promise<string> {
    const found = page.locator('.task').filter({ hasText: title }).filter({ hasText: stage }).last();
    await found.waitFor();
    return (await found.textContent()) ?? '';
}

/** The number of the position's health, as the page shows it. */
export async function healthShown(page: Page): Promise<number> {
    const text = await page.getByRole('region', { name: 'Health', exact: true }).locator('.health-number').textContent();
    return text === '\u221e' ? Infinity : Number(text);
}

/** Asks the market's maker for something: `/prices/stop`, `/pause?action=1`. */
export async function ask(what: string): Promise<void> {
    const answer = await fetch(`${inject('control')}${what}`, { method: 'POST' });
    if (!answer.ok) throw new Error(`${what}: ${await answer.text()}`);
}
