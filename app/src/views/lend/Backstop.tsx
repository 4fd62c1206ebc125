/** The backstop pool of a token: what it holds, when it buys, and a provider's part of it. */
import type { ReactNode } from 'react';

import {
    cancelBackstopDeposit,
    claimBackstopGain,
    depositBackstop,
    joinBackstop,
    openBackstopProvider,
    openTokenAccount,
    requestBackstopWithdrawal,
    withdrawBackstop,
    type Backstop as Pool,
    type BackstopProvider,
    type BackstopProviderQuote,
} from '@plimsoll/sdk';

import { amount, duration, health, part, since, usd, value } from '../../format';
import type { ReadyChain, Token } from '../../state/chain';
import { useHoldings } from '../../state/holdings';
import { useSending, type Build } from '../../state/sending';
import { useWallets } from '../../state/wallet';
import { AmountInput, useAmount } from '../../ui/AmountInput';
import { Card, Empty, Notice, Stat, Stats, Table } from '../../ui/basics';
import { priceOf } from '../prices';

type Props = Readonly<{ chain: ReadyChain; token: Token; pool: Pool }>;

export function Backstop({ chain, token, pool }: { chain: ReadyChain; token: Token; pool: Pool | undefined }) {
    const { connected } = useWallets();
    const { holdings } = useHoldings();
    if (pool === undefined) {
        return (
            <Card title={`Backstop of ${token.symbol}`}>
                <Empty title={`There is no backstop pool for ${token.symbol}`} icon="shield">
                    Losses of this token fall on insurance, then on lenders.
                </Empty>
            </Card>
        );
    }
    const provider = holdings?.providers.get(pool.address);
    return (
        <div className="columns">
            <Terms chain={chain} token={token} pool={pool} />
            <Card
                title="Your deposit"
                note="The pool buys at a discount what nobody else buys. Your deposit shrinks by what is spent, and you gain the collateral that it bought."
            >
                {connected === undefined ? (
                    <p className="muted">Connect a wallet to provide.</p>
                ) : (
                    <Yours chain={chain} token={token} pool={pool} provider={provider} />
                )}
            </Card>
        </div>
    );
}

function Terms({ chain, token, pool }: Props) {
    const { policy, depositAtoms, warmingAtoms, collaterals, collateralCount } = pool.state;
    const show = (atoms: bigint) => `${amount(atoms, token.decimals, 2)} ${token.symbol}`;
    const rows = collaterals.slice(0, collateralCount).flatMap(slot => {
        const collateral = chain.tokens.get(slot.reserve);
        return collateral === undefined ? [] : [{ slot, collateral }];
    });
    return (
        <Card title={`Backstop of ${token.symbol}`}>
            <Stats>
                <Stat label="Ready to buy" value={show(depositAtoms)} hint={`${show(warmingAtoms)} warming up`} />
                <Stat
                    label="Buys below health"
                    value={health(policy.triggerHealthBps * 100_000n)}
                    hint={`or ${duration(policy.triggerSecs)} without a taker`}
                />
                <Stat
                    label="Warm-up"
                    value={duration(policy.warmUpSecs)}
                    hint={`then ${duration(policy.windowSecs)} to join`}
                />
                <Stat label="Cooldown" value={duration(policy.cooldownSecs)} hint="still absorbs meanwhile" />
            </Stats>
            <Table
                caption="Collateral the pool may hold"
                rows={rows}
                rowKey={({ collateral }) => collateral.symbol}
                columns={[
                    { name: 'Collateral', cell: ({ collateral }) => <strong>{collateral.symbol}</strong> },
                    { name: 'Held', isNumber: true, cell: ({ collateral, slot }) => amount(slot.atoms, collateral.decimals) },
                    {
                        name: 'At most',
                        isNumber: true,
                        cell: ({ collateral, slot }) => amount(slot.capAtoms, collateral.decimals),
                    },
                    { name: 'Used', isNumber: true, cell: ({ slot }) => part(slot.atoms, slot.capAtoms) },
                ]}
            />
        </Card>
    );
}

function Yours({ chain, token, pool, provider }: Props & { provider: BackstopProvider | undefined }) {
    const { send, isBusy } = useSending();
    const { holdings } = useHoldings();
    const { reserve, decimals, symbol } = token;
    const now = chain.state.now.unix;
    const show = (atoms: bigint) => `${amount(atoms, decimals)} ${symbol}`;
    const held = holdings?.tokens.get(reserve.address) ?? 0n;
    const quote = provider === undefined ? undefined : chain.engine.quoteBackstopProvider(pool, provider, chain.state.now);
    const act = (title: string, build: Build) => () => void send(title, build);
    const deposit =
        (atoms: bigint): Build =>
        async owner => {
            const opening = provider === undefined ? [(await openBackstopProvider({ owner, backstop: pool })).instruction] : [];
            return [...opening, await depositBackstop({ owner, backstop: pool, reserve, atoms })];
        };
    const request =
        (atoms: bigint): Build =>
        async owner => [await requestBackstopWithdrawal({ owner, backstop: pool, atoms })];
    const button = (text: string, build: Build, isDisabled = false): ReactNode => (
        <button type="button" disabled={isBusy || isDisabled} onClick={act(text, build)}>
            {text}
        </button>
    );
    return (
        <div className="stack">
            {quote !== undefined && (
                <Stats>
                    <Stat
                        label="In the pool"
                        value={show(quote.depositAtoms)}
                        hint={`${part(quote.depositAtoms, quote.poolDepositAtoms)} of it`}
                    />
                    <Stat
                        label="Warming up"
                        value={show(quote.warmingAtoms)}
                        hint={quote.warmAt > 0n ? `warm ${since(quote.warmAt, now)}` : undefined}
                    />
                    <Stat
                        label="Leaving"
                        value={show(quote.withdrawalAtoms)}
                        hint={quote.maturesAt > 0n ? `may be taken ${since(quote.maturesAt, now)}` : undefined}
                    />
                </Stats>
            )}
            {quote !== undefined && quote.warmingAtoms > 0n && (
                <Notice
                    tone="info"
                    icon="clock"
                    title={now >= quote.warmAt ? 'Warm: it may join now' : `Joins in ${duration(quote.warmAt - now)}`}
                >
                    <div className="row">
                        {button(
                            'Join the pool',
                            async signer => [await joinBackstop({ owner: signer.address, backstop: pool })],
                            now < quote.warmAt,
                        )}
                        {button('Take it back', async owner => [
                            await cancelBackstopDeposit({ owner, backstop: pool, reserve }),
                        ])}
                    </div>
                </Notice>
            )}
            {quote !== undefined && quote.withdrawalAtoms > 0n && (
                <Notice
                    tone="info"
                    icon="clock"
                    title={
                        now >= quote.maturesAt
                            ? `May be taken for ${duration(quote.lapsesAt - now)} more`
                            : `May be taken in ${duration(quote.maturesAt - now)}`
                    }
                >
                    <div className="row">
                        {button(
                            'Withdraw',
                            async owner => [await withdrawBackstop({ owner, backstop: pool, reserve })],
                            now < quote.maturesAt,
                        )}
                    </div>
                </Notice>
            )}
            {quote !== undefined && <Gains chain={chain} pool={pool} quote={quote} />}
            <div className="pair wide">
                <Part
                    label={`Deposit, ${symbol}`}
                    token={token}
                    most={held}
                    text="Deposit"
                    isBusy={isBusy}
                    onDo={atoms => send(`Deposit ${show(atoms)} in the backstop`, deposit(atoms))}
                />
                {quote !== undefined && quote.depositAtoms > 0n && (
                    <Part
                        label={`Request back, ${symbol}`}
                        token={token}
                        most={quote.depositAtoms}
                        text="Request"
                        isBusy={isBusy}
                        onDo={atoms => send(`Request ${show(atoms)} from the backstop`, request(atoms))}
                    />
                )}
            </div>
        </div>
    );
}

function Part(props: {
    label: string;
    token: Token;
    most: bigint;
    text: string;
    isBusy: boolean;
    onDo: (atoms: bigint) => Promise<unknown>;
}) {
    const { label, token, most, text, isBusy, onDo } = props;
    const state = useAmount(token.decimals);
    const atoms = state.atoms ?? 0n;
    return (
        <form
            className="stack"
            onSubmit={event => {
                event.preventDefault();
                void onDo(atoms).then(sent => {
                    if (sent !== undefined) state.setText('');
                });
            }}
        >
            <AmountInput
                label={label}
                symbol={token.symbol}
                decimals={token.decimals}
                state={state}
                most={most}
                stops={[{ name: 'Max', atoms: most }]}
            />
            <button type="submit" disabled={atoms === 0n || atoms > most || isBusy}>
                {text}
            </button>
        </form>
    );
}

/** Collateral that was bought for this provider, by asset. */
function Gains({ chain, pool, quote }: { chain: ReadyChain; pool: Pool; quote: BackstopProviderQuote }) {
    const { send, isBusy } = useSending();
    const rows = pool.state.collaterals.slice(0, pool.state.collateralCount).flatMap((slot, index) => {
        const collateral = chain.tokens.get(slot.reserve);
        const atoms = quote.gainAtoms[index] ?? 0n;
        return collateral === undefined || atoms === 0n ? [] : [{ collateral, atoms }];
    });
    if (rows.length === 0) return <p className="muted">Nothing was bought for you yet.</p>;
    const claim = (collateral: Token, text: string) => () =>
        void send(`Claim ${text}`, async owner => {
            const account = await openTokenAccount({ payer: owner, reserve: collateral.reserve });
            return [account.instruction, await claimBackstopGain({ owner, backstop: pool, collateral: collateral.reserve })];
        });
    return (
        <ul className="gains">
            {rows.map(({ collateral, atoms }) => {
                const text = `${amount(atoms, collateral.decimals)} ${collateral.symbol}`;
                return (
                    <li key={collateral.symbol}>
                        <span>
                            <strong>{text}</strong>{' '}
                            <span className="muted">
                                {usd(value(atoms, collateral.decimals, priceOf(chain, collateral).nanoUsd))}
                            </span>
                        </span>
                        <button type="button" className="small" disabled={isBusy} onClick={claim(collateral, text)}>
                            Claim
                        </button>
                    </li>
                );
            })}
        </ul>
    );
}
