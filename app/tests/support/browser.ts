/** Debian's Chromium, and pages in it that fail a test for whatever they complain of. */
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { expect } from 'vitest';

const FLAGS = [
    '--no-sandbox',
    '--headless',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
];

/** Starts it; `PLIMSOLL_CHROMIUM` names another one. */
export function launch(): Promise<Browser> {
    return chromium.launch({ executablePath: process.env['PLIMSOLL_CHROMIUM'] ?? '/usr/bin/chromium', args: FLAGS });
}

/** A page in a context of its own. `complaints` collects what it wrote to the console as an error, and what it threw. */
export async function newPage(
    browser: Browser,
    options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const complaints: string[] = [];
    page.on('console', message => {
        if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', error => complaints.push(error.message));
    return { page, complaints };
}

/** Waits until something holds; says what was seen last where it never does. */
export async function until<T>(read: () => Promise<T> | T, holds: (value: T) => boolean, withinMs = 15_000): Promise<T> {
    const deadline = Date.now() + withinMs;
    for (;;) {
        const value = await read();
        if (holds(value)) return value;
        if (Date.now() > deadline) expect.fail(`expected something else within ${withinMs} ms; last seen: ${String(value)}`);
        await new Promise(resolve => setTimeout(resolve, 100));
    }
}
