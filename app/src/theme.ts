/** Light, dark, or as the system has it. */
import { useCallback, useState } from 'react';

import { remember, remembered } from './storage';

/** A colour scheme. */
export type Scheme = 'system' | 'light' | 'dark';

const MEMORY = 'plimsoll.scheme';

/** The scheme that was chosen, and how to choose another. */
export function useScheme(): [Scheme, (scheme: Scheme) => void] {
    const [scheme, setScheme] = useState<Scheme>(() => {
        const found = remembered(MEMORY);
        return found === 'light' || found === 'dark' ? found : 'system';
    });
    const choose = useCallback((next: Scheme) => {
        remember(MEMORY, next === 'system' ? undefined : next);
        if (next === 'system') delete document.documentElement.dataset['scheme'];
        else document.documentElement.dataset['scheme'] = next;
        setScheme(next);
    }, []);
    return [scheme, choose];
}
