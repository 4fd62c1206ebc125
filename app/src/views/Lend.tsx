/** What lenders and backstop providers have, what they stand to lose, who pays before them, and what came back. */
import { useEffect, useMemo, useState } from 'react';
import type { Address } from '@solana/kit';

import { blankLender, fromWord128, lenderAddress, type Lender, type LenderQuote } from '@plimsoll/sdk';

import { amount, part, percent, usd, value } from '../format';
import { hrefOf, useRoute } from '../router';
import type { ReadyChain, Token } from '../state/chain';
import { useHoldings } from '../state/holdings';
import { useWallets } from '../state/wallet';
import { Card, Empty, Notice, Stat, Stats } from '../ui/basics';
import { WalletButton } from '../ui/WalletButton';
import { Backstop } from './lend/Backstop';
import { Exposure } from './lend/Exposure';
import { PayBack, Recovered } from './lend/Recovery';
import { SupplyForm } from './lend/SupplyForm';
import { Waterfall } from './lend/Waterfall';
import { poolOf } from './opportunities';
import { priceOf } from './prices';

/** A token that is lent, with the connected account's part of it. */
export type Lending = Readonly<{ token: Token; lender: Lender; isOpen: boolean; quote: LenderQuote }>;

export default function Lend({ chain }: { chain: ReadyChain }) {
    const { of } = useRoute();
    const { connected } = useWallets();
    const tokens = [...chain.tokens.values()];
    // Those that are lent come first to mind.
    const usual = [...tokens].sort(
        (one, other) => Number(other.reserve.state.cashAtoms > 0n) - Number(one.reserve.state.cashAtoms > 0n),
    )[0];
    const token = tokens.find(one => one.reserve.address === of) ?? usual;
    const lending = useLending(chain, token, connected?.address);
    if (token === undefined) return <Empty title="This market has no token yet" />;
    const pool = poolOf(chain, token.reserve.address);
    return (
        <>
            <div className="title-row spread">
                <h1>Lend & backstop</h1>
                <nav className="choice" aria-label="Token">
                    {tokens.map(one => (
                        <a
                            key={one.symbol}
                            href={hrefOf('lend', one.reserve.address)}
                            aria-current={one.reserve.address === token.reserve.address ? 'true' : undefined}
                        >
                            {one.symbol}
                        </a>
                    ))}
                </nav>
            </div>
            <div className="columns wide-left">
                <div className="stack">
                    {connected === undefined ? (
                        <Card title={`Your ${token.symbol}`}>
                            <Empty title="Connect a wallet to lend" icon="wallet">
                                <WalletButton />
                            </Empty>
                        </Card>
                    ) : (
                        lending !== undefined && <Share chain={chain} lending={lending} />
                    )}
                    <Waterfall chain={chain} token={token} pool={pool} />
                    {lending !== undefined && <Exposure chain={chain} lending={lending} />}
                </div>
                <div className="stack">
                    {lending !== undefined && <SupplyForm key={token.symbol} chain={chain} lending={lending} />}
                    <PayBack key={`${token.symbol} recovery`} chain={chain} token={token} />
                </div>
            </div>
            <Backstop key={`${token.symbol} pool`} chain={chain} token={token} pool={pool} />
        </>
    );
}

/** The connected account's lender account, as it is or as it would be opened. */
function useLending(chain: ReadyChain, token: Token | undefined, owner: Address | undefined): Lending | undefined {
    const { holdings } = useHoldings();
    const [address, setAddress] = useState<{ reserve: Address; owner: Address; lender: Address }>();
    const reserve = token?.reserve.address;
    useEffect(() => {
        let isOver = false;
        if (reserve !== undefined && owner !== undefined) {
            void lenderAddress(reserve, owner).then(lender => {
                if (!isOver) setAddress({ reserve, owner, lender });
            });
        }
        return () => {
            isOver = true;
        };
    }, [reserve, owner]);
    return useMemo(() => {
        const isKnown = address !== undefined && address.reserve === reserve && address.owner === owner;
        if (token === undefined || owner === undefined || !isKnown || holdings === undefined) return undefined;
        const found = holdings.lenders.get(token.reserve.address);
        const lender = found ?? blankLender(address.lender, token.reserve, owner);
        const quote = chain.engine.quoteLender(token.reserve, lender, chain.state.now);
        return { token, lender, isOpen: found !== undefined, quote };
    }, [chain, token, owner, holdings, address, reserve]);
}

function Share({ chain, lending }: { chain: ReadyChain; lending: Lending }) {
    const { token, lender, quote } = lending;
    const reserve = chain.engine.reserve(token.reserve, chain.state.now);
    const price = priceOf(chain, token).nanoUsd;
    const show = (atoms: bigint) => `${amount(atoms, token.decimals)} ${token.symbol}`;
    const held = fromWord128(lender.state.shares);
    const all = fromWord128(token.reserve.state.supplyShares);
    const withheld = quote.assetsAtoms - quote.redeemAtoms;
    return (
        <Card title={`Your ${token.symbol}`}>
            <Stats>
                <Stat
                    label="Worth"
                    value={show(quote.assetsAtoms)}
                    hint={usd(value(quote.assetsAtoms, token.decimals, price))}
                />
                <Stat label="Redeems for" value={show(quote.redeemAtoms)} hint={`${show(quote.redeemMaxAtoms)} at once`} />
                <Stat label="Your share" value={part(held, all)} hint="of all that is supplied" />
                <Stat label="You earn" value={percent(reserve.supplyRateE9)} hint="a year, at this utilisation" />
                <Stat label="Lost and not yet back" value={show(quote.outstandingAtoms)} hint="your haircut still owed" />
            </Stats>
            {withheld > 0n && (
                <Notice tone="warn" title={`${show(withheld)} is provided for a default`}>
                    Who leaves now leaves this behind. It is the loss expected of positions that are marked, after insurance.
                </Notice>
            )}
            <Recovered lending={lending} />
        </Card>
    );
}
