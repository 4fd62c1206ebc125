/** What everybody must know of the market now: pauses, prices that are too old, reserves that closed. */
import { duration } from '../format';
import type { ReadyChain } from '../state/chain';
import { Notice } from '../ui/basics';
import { priceOf } from './prices';

/** The actions that can be paused, by their number in the market. */
const PAUSABLE = ['Supplying', 'Borrowing', 'Withdrawing collateral of positions with debt', 'Liquidating', 'Flash loans'];

/** Pauses that hold now. */
export function pausesOf({ state: { market, now } }: ReadyChain): { action: string; secs: bigint }[] {
    return PAUSABLE.flatMap((action, index) => {
        const until = market.state.pauses[index]?.pausedUntil ?? 0n;
        return until > now.unix ? [{ action, secs: until - now.unix }] : [];
    });
}

export function MarketNotices({ chain }: { chain: ReadyChain }) {
    const pauses = pausesOf(chain);
    const tokens = [...chain.tokens.values()];
    const stale = tokens.filter(token => priceOf(chain, token).state !== 'fresh');
    const closed = tokens.filter(token => token.reserve.state.status !== 0);
    return (
        <>
            {pauses.map(({ action, secs }) => (
                <Notice key={action} tone="warn" icon="pause" title={`${action} is paused for ${duration(secs)} more`} isLive>
                    The market’s guardian stopped it; it ends by itself. Repaying, depositing and redeeming go on.
                </Notice>
            ))}
            {stale.length > 0 && (
                <Notice tone="warn" icon="clock" title={staleTitle(stale.map(token => token.symbol))} isLive>
                    {stale.map(token => (
                        <div key={token.symbol}>{`${token.symbol}: ${priceOf(chain, token).why}`}</div>
                    ))}
                </Notice>
            )}
            {closed.map(token => (
                <Notice key={token.symbol} tone="bad" title={`The reserve of ${token.symbol} is closed`}>
                    A loss ate what was supplied. It can be redeemed from and repaid to, no more.
                </Notice>
            ))}
        </>
    );
}

const staleTitle = (symbols: readonly string[]): string =>
    symbols.length === 1
        ? `The price of ${symbols[0]} cannot be used for everything`
        : `Prices of ${symbols.join(', ')} cannot be used for everything`;
