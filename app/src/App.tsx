/** The frame of all views: navigation, wallet, what the connection is like, transactions. */
import { lazy, Suspense, useEffect, useRef, useState, type ReactNode } from 'react';

import { useRoute, hrefOf, VIEWS, type View } from './router';
import { ChainProvider, useChain, useReadyChain, type BootFailure } from './state/chain';
import { HoldingsProvider } from './state/holdings';
import { useTape } from './state/tape';
import { SendingProvider } from './state/sending';
import { useWallets, WalletProvider } from './state/wallet';
import { useScheme } from './theme';
import { Empty, Notice } from './ui/basics';
import { Icon, Mark } from './ui/Icon';
import { Tasks } from './ui/Tasks';
import { WalletButton } from './ui/WalletButton';
import { MarketNotices } from './views/MarketNotices';

const PAGES = {
    markets: lazy(() => import('./views/Markets')),
    position: lazy(() => import('./views/Position')),
    liquidations: lazy(() => import('./views/Liquidations')),
    lend: lazy(() => import('./views/Lend')),
    risk: lazy(() => import('./views/Risk')),
} as const;
const NAMES: Readonly<Record<View, string>> = {
    markets: 'Markets',
    position: 'Position',
    liquidations: 'Liquidations',
    lend: 'Lend & backstop',
    risk: 'Risk',
};
const LocalPanel = lazy(() => import('./localnet/Panel'));

export function App() {
    return (
        <ChainProvider loading={<Splash />} failed={(failure, retry) => <Failed failure={failure} retry={retry} />}>
            <WalletProvider>
                <HoldingsProvider>
                    <SendingProvider>
                        <Page />
                    </SendingProvider>
                </HoldingsProvider>
            </WalletProvider>
        </ChainProvider>
    );
}

function Page() {
    const { config } = useChain();
    const chain = useReadyChain();
    const { view } = useRoute();
    useTape(chain);
    const main = useRef<HTMLElement>(null);
    const [first] = useState(view);
    const View = PAGES[view];
    // A screen reader begins anew with each view, and hears its name.
    useEffect(() => {
        document.title = `${NAMES[view]} \u00b7 Plimsoll`;
        if (view !== first) main.current?.focus();
    }, [view, first]);
    return (
        <Frame nav={<Navigation view={view} />} tools={<WalletButton />} foot={<LiveMark />}>
            <main id="main" ref={main} tabIndex={-1}>
                <Connection />
                {chain === undefined ? (
                    <Loading what="Reading the market" />
                ) : (
                    <>
                        <MarketNotices chain={chain} />
                        <Suspense fallback={<Loading what={`Opening ${NAMES[view]}`} />}>
                            <View chain={chain} />
                        </Suspense>
                    </>
                )}
            </main>
            <Tasks />
            {config.cluster === 'localnet' && chain !== undefined && (
                <Suspense fallback={null}>
                    <LocalPanel chain={chain} />
                </Suspense>
            )}
        </Frame>
    );
}

function Frame({ nav, tools, foot, children }: { nav?: ReactNode; tools?: ReactNode; foot?: ReactNode; children: ReactNode }) {
    return (
        <>
            <a className="skip" href="#main" onClick={focusMain}>
                Skip to content
            </a>
            <header className="top">
                <a className="brand" href={hrefOf('markets')} aria-label="Plimsoll, markets">
                    <Mark />
                    <span>Plimsoll</span>
                </a>
                {nav}
                <div className="tools">
                    <SchemeSwitch />
                    {tools}
                </div>
            </header>
            {children}
            <footer className="foot">
                <p>Not audited. Do not put money in it. Previews are computed in this browser by the program’s own engine.</p>
                {foot}
            </footer>
        </>
    );
}

function focusMain(event: { preventDefault: () => void }): void {
    // The address after # is the route: the link must not change it.
    event.preventDefault();
    document.getElementById('main')?.focus();
}

function Navigation({ view }: { view: View }) {
    const nav = useRef<HTMLElement>(null);
    // On a small screen the names do not all fit.
    useEffect(() => {
        nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
    }, [view]);
    return (
        <nav ref={nav} aria-label="Views">
            <ul>
                {VIEWS.map(one => (
                    <li key={one}>
                        <a href={hrefOf(one)} aria-current={one === view ? 'page' : undefined}>
                            {NAMES[one]}
                        </a>
                    </li>
                ))}
            </ul>
        </nav>
    );
}

function SchemeSwitch() {
    const [scheme, choose] = useScheme();
    const next = { system: 'light', light: 'dark', dark: 'system' } as const;
    const icons = { system: 'screen', light: 'sun', dark: 'moon' } as const;
    const label = `Colours: ${scheme}. Change to ${next[scheme]}`;
    return (
        <button type="button" className="quiet" onClick={() => choose(next[scheme])} aria-label={label} title={label}>
            <Icon name={icons[scheme]} size={18} />
        </button>
    );
}

/** How news of the market arrives. */
function LiveMark() {
    const { state, config } = useChain();
    const words = { connecting: 'Connecting', live: 'Live', polling: 'Polling', lost: 'No connection' } as const;
    const slot = state.now === undefined ? '' : ` \u00b7 slot ${state.now.slot}`;
    return <p className={`live ${state.status}`}>{`${words[state.status]} on ${config.cluster}${slot}`}</p>;
}

/** What is wrong with the connection, and nothing while it is well. */
function Connection() {
    const { state, refresh, config } = useChain();
    const { connected } = useWallets();
    const wasLost = useRef(false);
    const [isBack, setBack] = useState(false);
    useEffect(() => {
        if (state.status === 'lost') {
            wasLost.current = true;
            return;
        }
        if (!wasLost.current) return;
        wasLost.current = false;
        setBack(true);
        const timer = setTimeout(() => setBack(false), 6_000);
        return () => clearTimeout(timer);
    }, [state.status]);
    const retry = (
        <button type="button" onClick={() => void refresh().catch(() => undefined)}>
            Try now
        </button>
    );
    return (
        <>
            {state.status === 'lost' && (
                <Notice tone="bad" icon="plug" title="The node does not answer" action={retry} isLive>
                    Everything below is as it was last seen; do not act on it. The page keeps trying.
                </Notice>
            )}
            {isBack && state.status !== 'lost' && (
                <Notice tone="good" title="The node answers again" isLive>
                    Everything below is as it is now.
                </Notice>
            )}
            {connected !== undefined && !connected.isRightCluster && (
                <Notice tone="warn" icon="plug" title={`This account is not one of ${config.cluster}`} isLive>
                    {`${connected.wallet.name} says that ${connected.account.address.slice(0, 4)}\u2026 cannot be used on ${config.cluster}. `}
                    Switch the wallet to it, or choose another account.
                </Notice>
            )}
        </>
    );
}

function Loading({ what }: { what: string }) {
    return (
        <p className="loading" role="status">
            {what}…
        </p>
    );
}

function Splash() {
    return (
        <Frame>
            <main id="main" tabIndex={-1}>
                <Loading what="Connecting" />
            </main>
        </Frame>
    );
}

const FAILURES: Readonly<Record<BootFailure['kind'], string>> = {
    config: 'This page is not set up',
    unreachable: 'The node does not answer',
    'wrong-cluster': 'Wrong cluster',
    'no-market': 'No market here',
};
const HINTS: Readonly<Record<BootFailure['kind'], string>> = {
    config: 'Whoever serves it gives it a config.json that names node, cluster and tokens.',
    unreachable: 'The page tries again every few seconds.',
    'wrong-cluster': 'Nothing is shown, because it would be another market than the one this page was made for.',
    'no-market': 'Is this the right cluster? A market is made with `plimsoll market`.',
};

function Failed({ failure, retry }: { failure: BootFailure; retry: () => void }) {
    return (
        <Frame>
            <main id="main" tabIndex={-1}>
                <h1 className="visually-hidden">{FAILURES[failure.kind]}</h1>
                <div role="alert">
                    <Empty title={FAILURES[failure.kind]} icon="plug">
                        <p>{failure.detail}</p>
                        <p>{HINTS[failure.kind]}</p>
                        <button type="button" className="primary" onClick={retry}>
                            Try again
                        </button>
                    </Empty>
                </div>
            </main>
        </Frame>
    );
}
