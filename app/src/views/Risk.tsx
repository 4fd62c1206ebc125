/** What a fall of prices would do to this market, what stands against it, and where risk is concentrated. */
import { useMemo, useState } from 'react';
import type { Address } from '@solana/kit';

import { collateralsOf, shockViews } from '@plimsoll/sdk';

import { key, part, usd, usdShort, value } from '../format';
import { hrefOf } from '../router';
import type { ReadyChain, Token } from '../state/chain';
import { Badge, Card, Empty, Meter, Stat, Stats, Table } from '../ui/basics';
import { Health } from '../ui/Health';
import { Key } from '../ui/Link';
import { quotedPositions } from './opportunities';
import { priceOf } from './prices';

/** Falls that are shown, as prices in basis points of what they are. */
const FALLS = [9_500n, 9_000n, 8_000n, 7_000n];
const WORST_ROWS = 8;
const LARGEST = 3;

export default function Risk({ chain }: { chain: ReadyChain }) {
    const [which, setWhich] = useState<Address | 'all'>('all');
    const quoted = useMemo(() => quotedPositions(chain), [chain]);
    const scenes = useMemo(() => quoted.map(({ scene }) => scene), [quoted]);
    const held = collateralTokens(chain);
    const falling = which === 'all' ? undefined : [which];
    const shocks = useMemo(
        () => shockViews(chain.engine, scenes, FALLS, falling),
        // `falling` follows from `which`.
        // eslint-disable-next-line react-hooks/exhaustive-deps
        [chain, scenes, which],
    );
    const tokens = [...chain.tokens.values()];
    const throttle = held
        .filter(token => which === 'all' || token.reserve.address === which)
        .reduce((sum, token) => sum + throttleRoom(chain, token), 0n);
    const window_ = held[0]?.reserve.state.bonus.throttleWindowSecs ?? 0n;
    const backstop = [...chain.state.backstops.values()].reduce((sum, pool) => {
        const token = chain.tokens.get(pool.state.reserve);
        return token === undefined ? sum : sum + value(pool.state.depositAtoms, token.decimals, priceOf(chain, token).nanoUsd);
    }, 0n);
    const insurance = tokens.reduce(
        (sum, token) => sum + value(token.reserve.state.insuranceAtoms, token.decimals, priceOf(chain, token).nanoUsd),
        0n,
    );
    // To the scale of what would be liquidatable; a throttle beyond it is said, not drawn.
    const most =
        shocks.reduce((max, { collateralNanoUsd }) => (collateralNanoUsd > max ? collateralNanoUsd : max), backstop) || 1n;
    const isThrottleInside = throttle <= most;
    return (
        <>
            <h1>Risk</h1>
            <Stats>
                <Stat label="Positions with debt" value={String(quoted.length)} />
                <Stat
                    label="Sales throttle"
                    value={usdShort(throttle)}
                    hint={`liquidations may sell in ${window_ / 60n} min`}
                />
                <Stat label="Backstop" value={usdShort(backstop)} hint="ready to buy" />
                <Stat label="Insurance" value={usdShort(insurance)} hint="pays losses first" />
            </Stats>
            <Card
                title="If prices fall"
                note="Collateral of positions that would be liquidatable, against what may be sold at once and what stands ready to buy. Computed position by position by the engine."
                aside={
                    <div className="field inline">
                        <label htmlFor="risk-which">Price of</label>
                        <select
                            id="risk-which"
                            value={which}
                            onChange={event => setWhich(event.target.value as Address | 'all')}
                        >
                            <option value="all">all collateral</option>
                            {held.map(token => (
                                <option key={token.symbol} value={token.reserve.address}>
                                    {token.symbol}
                                </option>
                            ))}
                        </select>
                    </div>
                }
            >
                <ul className="shocks">
                    {shocks.map(({ bps, collateralNanoUsd, positions, uncoveredNanoUsd }) => {
                        const fall = (10_000n - bps) / 100n;
                        const per1000 = (amount: bigint) => (amount * 1_000n) / most;
                        const tone = collateralNanoUsd > throttle ? 'bad' : collateralNanoUsd > backstop ? 'warn' : 'accent';
                        return (
                            <li key={String(bps)}>
                                <span className="shock-name">{`\u2212${fall}%`}</span>
                                <span className="shock-bar">
                                    <Meter
                                        per1000={per1000(collateralNanoUsd)}
                                        tone={tone}
                                        label={`At minus ${fall}%: ${usd(collateralNanoUsd, 0)} of collateral liquidatable`}
                                    />
                                    {isThrottleInside && (
                                        <span
                                            className="line throttle"
                                            style={{ insetInlineStart: at(per1000(throttle)) }}
                                            aria-hidden="true"
                                        />
                                    )}
                                    <span
                                        className="line backstop"
                                        style={{ insetInlineStart: at(per1000(backstop)) }}
                                        aria-hidden="true"
                                    />
                                </span>
                                <span className="shock-value">
                                    <strong>{usdShort(collateralNanoUsd)}</strong>
                                    <span className="muted small">
                                        {`${positions} ${positions === 1 ? 'position' : 'positions'}, `}
                                        {collateralNanoUsd > throttle
                                            ? 'more than may be sold at once'
                                            : collateralNanoUsd > backstop
                                              ? 'more than the backstop'
                                              : 'within the backstop'}
                                    </span>
                                    {uncoveredNanoUsd > 0n && (
                                        <Badge tone="bad" icon="stop">{`${usdShort(uncoveredNanoUsd)} uncovered`}</Badge>
                                    )}
                                </span>
                            </li>
                        );
                    })}
                </ul>
                <p className="muted small key-line">
                    {isThrottleInside ? (
                        <>
                            <span className="line throttle" aria-hidden="true" /> sales throttle
                        </>
                    ) : (
                        'The sales throttle lies beyond this scale.'
                    )}{' '}
                    <span className="line backstop" aria-hidden="true" /> backstop
                </p>
            </Card>
            <div className="columns">
                <Concentration chain={chain} tokens={held} />
                <Card title="Worst positions" note="The least healthy first.">
                    {quoted.length === 0 ? (
                        <Empty title="Nobody owes anything" icon="check" />
                    ) : (
                        <Table
                            caption="The least healthy positions"
                            rows={quoted.slice(0, WORST_ROWS)}
                            rowKey={({ position }) => position.address}
                            columns={[
                                {
                                    name: 'Position',
                                    cell: ({ position }) => (
                                        <a href={hrefOf('position', position.address)}>
                                            <Key of={position.address} />
                                        </a>
                                    ),
                                },
                                {
                                    name: 'Health',
                                    isNumber: true,
                                    cell: ({ quote }) => (
                                        <Health e9={quote.maintenanceHealthE9} callLevelE9={quote.callLevelE9} />
                                    ),
                                },
                                { name: 'Collateral', isNumber: true, cell: ({ quote }) => usd(quote.collateralNanoUsd, 0) },
                                { name: 'Debt', isNumber: true, cell: ({ quote }) => usd(quote.debtNanoUsd, 0) },
                            ]}
                        />
                    )}
                </Card>
            </div>
        </>
    );
}

const at = (per1000: bigint): string => `${(per1000 > 1_000n ? 1_000n : per1000) / 10n}%`;

/** Tokens that somebody uses as collateral. */
const collateralTokens = (chain: ReadyChain): Token[] =>
    [...chain.tokens.values()].filter(token => token.reserve.state.collateralAtoms > 0n);

/** What liquidations may still sell of a token, nano-dollars. */
function throttleRoom(chain: ReadyChain, token: Token): bigint {
    const { throttleCapacityAtoms, throttleLevelAtoms } = chain.engine.reserve(token.reserve, chain.state.now);
    return value(throttleCapacityAtoms - throttleLevelAtoms, token.decimals, priceOf(chain, token).nanoUsd);
}

/** How much of a token the largest positions hold, and how much of the whole it is. */
function Concentration({ chain, tokens }: { chain: ReadyChain; tokens: readonly Token[] }) {
    const worth = (token: Token) => value(token.reserve.state.collateralAtoms, token.decimals, priceOf(chain, token).nanoUsd);
    const all = tokens.reduce((sum, token) => sum + worth(token), 0n);
    const rows = tokens.map(token => {
        const { address } = token.reserve;
        const amounts = [...chain.state.positions.values()].flatMap(position =>
            collateralsOf(position)
                .filter(slot => slot.reserve === address)
                .map(slot => ({ position: position.address, atoms: slot.atoms })),
        );
        amounts.sort((one, other) => (one.atoms > other.atoms ? -1 : 1));
        const top = amounts.slice(0, LARGEST).reduce((sum, { atoms }) => sum + atoms, 0n);
        return { token, worth: worth(token), largest: amounts[0], top };
    });
    return (
        <Card title="Concentration" note="Collateral by token, and how much of it the largest positions hold.">
            {rows.length === 0 ? (
                <Empty title="There is no collateral" />
            ) : (
                <Table
                    caption="Collateral by token"
                    rows={rows}
                    rowKey={({ token }) => token.symbol}
                    columns={[
                        { name: 'Token', cell: ({ token }) => <strong>{token.symbol}</strong> },
                        { name: 'Value', isNumber: true, cell: row => usdShort(row.worth) },
                        { name: 'Of all', isNumber: true, cell: row => part(row.worth, all) },
                        {
                            name: 'Largest',
                            isNumber: true,
                            cell: ({ token, largest }) =>
                                largest === undefined ? (
                                    '\u2013'
                                ) : (
                                    <div>
                                        <span>{part(largest.atoms, token.reserve.state.collateralAtoms)}</span>
                                        <a className="small" href={hrefOf('position', largest.position)}>
                                            <code>{key(largest.position)}</code>
                                        </a>
                                    </div>
                                ),
                        },
                        {
                            name: `Largest ${LARGEST}`,
                            isNumber: true,
                            cell: ({ token, top }) => part(top, token.reserve.state.collateralAtoms),
                        },
                    ]}
                />
            )}
        </Card>
    );
}
