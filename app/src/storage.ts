/** What the page remembers on this device. Storage may be forbidden; then it remembers nothing. */

/** What was remembered. */
export function remembered(name: string): string | undefined {
    try {
        return localStorage.getItem(name) ?? undefined;
    } catch {
        return undefined;
    }
}

/** Remembers, or with `undefined` forgets. */
export function remember(name: string, value: string | undefined): void {
    try {
        if (value === undefined) localStorage.removeItem(name);
        else localStorage.setItem(name, value);
    } catch {
        // Forbidden: the next visit begins anew.
    }
}
