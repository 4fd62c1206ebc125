/** Tools of a local validator: test wallets, tokens, prices, time. Clearly marked, and on localnet only. */
import type { Address } from '@solana/kit';
import { useEffect, useState } from 'react';

import { usd } from '../format';
import type { ReadyChain, Token } from '../state/chain';
import { useHoldings } from '../state/holdings';
import { useWallets } from '../state/wallet';
import { Icon } from '../ui/Icon';
import { priceOf } from '../views/prices';
import { registerBurners } from './burner';
import { giveFees, isSurfpool, movePrice, passTime, setTokens } from './cheats';

/** What a test wallet is given of each token: worth so many nano-dollars. */
const GIFT_NANO_USD = 30_000n * 1_000_000_000n;

const MOVES = [
    { text: '\u221220%', bps: 8_000n },
    { text: '\u22125%', bps: 9_500n },
    { text: '+5%', bps: 10_500n },
    { text: '+25%', bps: 12_500n },
] as const;

export default function Panel({ chain }: { chain: ReadyChain }) {
    const { rpc } = chain.config;
    const [isThere, setThere] = useState(false);
    useEffect(() => {
        void isSurfpool(rpc).then(found => {
            setThere(found);
            if (found) void registerBurners();
        });
    }, [rpc]);
    return isThere ? <Tools chain={chain} /> : null;
}

function Tools({ chain }: { chain: ReadyChain }) {
    const { connected, available, connect } = useWallets();
    const { holdings, refresh } = useHoldings();
    const [said, say] = useState('');
    const run = (what: string, work: () => Promise<unknown>) => {
        say(`${what}\u2026`);
        work().then(
            () => say(`${what}: done.`),
            (error: unknown) => say(`${what}: ${error instanceof Error ? error.message : String(error)}`),
        );
    };
    const local = { url: chain.config.rpc, rpc: chain.rpc };
    const fund = async (owner: Address) => {
        await giveFees(local, owner);
        for (const token of chain.tokens.values()) {
            const gift = (GIFT_NANO_USD * 10n ** BigInt(token.decimals)) / (price(token) || 1n);
            const held = holdings?.tokens.get(token.reserve.address) ?? 0n;
            await setTokens(local, owner, token.reserve, held + gift);
        }
        await refresh();
    };
    const price = (token: Token) => priceOf(chain, token).nanoUsd;
    const burner = available.find(wallet => wallet.name.startsWith('Test wallet A'));
    return (
        <aside className="localnet" aria-label="Localnet tools">
            <details>
                <summary aria-label="Localnet tools">
                    <Icon name="flask" size={18} /> <span className="localnet-name">Localnet tools</span>
                </summary>
                <div className="stack">
                    <p className="small muted">
                        For this local validator only. Test wallets sign without asking; their keys live in this tab and are
                        worth nothing.
                    </p>
                    <div className="row">
                        {connected === undefined && burner !== undefined && (
                            <button
                                type="button"
                                className="small"
                                onClick={() => run('Connect test wallet A', () => connect(burner))}
                            >
                                Connect test wallet A
                            </button>
                        )}
                        {connected !== undefined && (
                            <button
                                type="button"
                                className="small"
                                onClick={() => run('Get test tokens', () => fund(connected.address))}
                            >
                                Get test tokens
                            </button>
                        )}
                        <button
                            type="button"
                            className="small"
                            onClick={() => run('10 minutes on', () => passTime(local, 600n))}
                        >
                            10 minutes on
                        </button>
                        <button type="button" className="small" onClick={() => run('A day on', () => passTime(local, 86_400n))}>
                            A day on
                        </button>
                    </div>
                    <ul className="prices">
                        {[...chain.tokens.values()].map(token => (
                            <li key={token.reserve.address}>
                                <span>
                                    <strong>{token.symbol}</strong> {usd(price(token), 2)}
                                </span>
                                <span className="row">
                                    {MOVES.map(({ text, bps }) => (
                                        <button
                                            key={text}
                                            type="button"
                                            className="small"
                                            aria-label={`${token.symbol} price ${text}`}
                                            onClick={() =>
                                                run(`${token.symbol} ${text}`, () => movePrice(local, token.reserve, bps))
                                            }
                                        >
                                            {text}
                                        </button>
                                    ))}
                                </span>
                            </li>
                        ))}
                    </ul>
                    <p className="small" role="status">
                        {said}
                    </p>
                </div>
            </details>
        </aside>
    );
}
