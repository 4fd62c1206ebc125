/** Where in the page we are: the part of the address after `#`, so that any web server can serve it. */
import { useSyncExternalStore } from 'react';

/** The views, in the order of the navigation. */
export const VIEWS = ['markets', 'position', 'liquidations', 'lend', 'risk'] as const;
/** A view. */
export type View = (typeof VIEWS)[number];
/** A view and what of it: `#/position/ADDRESS`. */
export type Route = Readonly<{ view: View; of: string | undefined }>;

/** Reads `#/position/ADDRESS`; whatever is unknown leads to the markets. */
export function parseRoute(hash: string): Route {
    const [view, of] = hash.replace(/^#\/?/, '').split('/');
    const found = VIEWS.find(known => known === view);
    return { view: found ?? 'markets', of: found === undefined || of === undefined || of === '' ? undefined : of };
}

/** What a link to a route points to. */
export const hrefOf = (view: View, of?: string): string => (of === undefined ? `#/${view}` : `#/${view}/${of}`);

const subscribe = (listener: () => void): (() => void) => {
    window.addEventListener('hashchange', listener);
    return () => window.removeEventListener('hashchange', listener);
};

/** The route now. */
export function useRoute(): Route {
    const hash = useSyncExternalStore(subscribe, () => window.location.hash);
    return parseRoute(hash);
}
