/** What every view looks like and how it is read: no violation of accessibility rules, a picture at two widths, and its speed. */
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

import { VIEWS, type View } from '../src/router';
import { movePrice } from '../src/localnet/cheats';
import { launch, newPage } from './support/browser';
import { act, connect, give, local, open, reserveOf, task } from './support/page';
import { addWallet, type TestWallet } from './support/wallet';

const PICTURES = fileURLToPath(new URL('../../target/app-screenshots/', import.meta.url));
const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Script that may be loaded before the first view stands, compressed. */
const SCRIPT_BYTES_MAX = 300_000;
/** Time to the largest paint on a loopback. A machine that does other work as well needs some of it. */
const PAINT_MS_MAX = 4_000;
const WIDTHS = [1_280, 375] as const;
const SCHEMES = ['light', 'dark'] as const;

let browser: Browser;
let page: Page;
let complaints: string[];
let wallet: TestWallet;

beforeAll(async () => {
    browser = await launch();
    await mkdir(PICTURES, { recursive: true });
    ({ page, complaints } = await newPage(browser));
    wallet = await addWallet(page, 'Looking wallet');
    await give(wallet.address, { SOL: 300, ETH: 10, USDC: 20_000, USDT: 5_000 });
    await open(page, '#/position');
    await connect(page, wallet.name);
    await act(page, 'Deposit', 'SOL', '180');
    await task(page, /Deposit 180 SOL/, 'Confirmed');
    await act(page, 'Borrow', 'USDC', '11500');
    await task(page, /Borrow 11,500 USDC/, 'Confirmed');
    await page.getByRole('button', { name: /Dismiss/ }).click();
    // Something to see among the opportunities.
    await movePrice(local(), await reserveOf('ETH'), 7_500n);
});
afterAll(() => browser.close());

type Violation = Readonly<{ id: string; help: string; nodes: readonly Readonly<{ html: string; failureSummary: string }>[] }>;

/** Rules of the accessibility guidelines (WCAG 2.2 A and AA) and good practice that the page breaks now. */
async function violations(): Promise<string[]> {
    await page.evaluate(AXE);
    const found = await page.evaluate(async () => {
        const { axe } = window as unknown as { axe: { run: (options: unknown) => Promise<{ violations: unknown }> } };
        const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
        return (await axe.run({ runOnly: { type: 'tag', values: tags } })).violations;
    });
    return (found as Violation[]).flatMap(({ id, nodes }) => nodes.map(node => `${id}: ${node.html}\n${node.failureSummary}`));
}

async function show(view: View, scheme: 'light' | 'dark', width: number): Promise<void> {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await page.goto(`${inject('page')}#/${view}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    // The history and the wallet's own accounts come a moment later.
    await page.waitForLoadState('networkidle').catch(() => undefined);
    if (view === 'liquidations') await page.getByRole('region', { name: 'Past liquidations' }).waitFor();
    if (view === 'lend') await page.getByRole('region', { name: 'Your USDC' }).waitFor();
    if (view === 'position') await page.getByRole('region', { name: 'If prices move' }).waitFor();
}

describe.each(SCHEMES)('in the %s scheme', scheme => {
    describe.each(WIDTHS)('%i pixels wide', width => {
        test.each(VIEWS)('%s', async view => {
            await show(view, scheme, width);
            expect(await violations()).toEqual([]);
            const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
            expect(overflow, 'nothing is wider than the screen').toBeLessThanOrEqual(0);
            await page.screenshot({ path: `${PICTURES}${view}-${width}-${scheme}.png`, fullPage: true });
        });
    });
});

test('dialogs and tools are accessible too', async () => {
    await show('markets', 'light', 1_280);
    await page
        .getByRole('banner')
        .getByRole('button', { name: /\u2026/ })
        .click();
    await page.getByRole('dialog').waitFor();
    expect(await violations()).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByLabel('Localnet tools').locator('summary').click();
    expect(await violations()).toEqual([]);
    expect(complaints).toEqual([]);
});

test('the first view is light and soon there', async () => {
    const { page: fresh } = await newPage(browser);
    await fresh.addInitScript(() => {
        const seen = window as unknown as { largestPaint: number };
        new PerformanceObserver(list => {
            for (const entry of list.getEntries()) seen.largestPaint = entry.startTime;
        }).observe({ type: 'largest-contentful-paint', buffered: true });
    });
    await open(fresh);
    await fresh.getByRole('row').filter({ hasText: 'Solana' }).waitFor();
    await fresh.waitForTimeout(500);
    const { paint, scripts, all } = await fresh.evaluate(() => {
        const resources = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
        const bytes = (some: PerformanceResourceTiming[]) => some.reduce((sum, one) => sum + one.encodedBodySize, 0);
        return {
            paint: (window as unknown as { largestPaint: number }).largestPaint,
            scripts: bytes(resources.filter(one => one.name.endsWith('.js'))),
            all: bytes(resources.filter(one => one.name.includes('/assets/'))),
        };
    });
    await fresh.context().close();
    console.log(
        `first view: largest paint after ${Math.round(paint)} ms, ${scripts} bytes of script, ${all} bytes in all, compressed`,
    );
    expect(scripts).toBeGreaterThan(0);
    expect(scripts).toBeLessThan(SCRIPT_BYTES_MAX);
    expect(paint).toBeGreaterThan(0);
    expect(paint).toBeLessThan(PAINT_MS_MAX);
});
