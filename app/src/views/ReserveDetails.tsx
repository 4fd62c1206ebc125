/** One token more closely: what a sale of it brings, and the terms that hold for it. */
import { useMemo } from 'react';

import { amount, bps, duration, moment, percent, short, usd, usdShort, value } from '../format';
import type { ReadyChain } from '../state/chain';
import { Card, Meter, Stat, Stats } from '../ui/basics';
import { LineChart } from '../ui/charts';
import { Key } from '../ui/Link';
import type { Row } from './Markets';

/** Sizes of a sale in the chart, parts of a hundred of the depth. */
const SIZES = [0n, 1n, 2n, 4n, 6n, 9n, 13n, 18n, 24n, 32n, 42n, 55n, 70n, 85n, 100n];

export function ReserveDetails({ chain, row }: { chain: ReadyChain; row: Row }) {
    const { token, quote, price } = row;
    const { state } = token.reserve;
    const throttle = quote.throttleCapacityAtoms;
    const used = throttle === 0n ? 0n : (quote.throttleLevelAtoms * 1_000n) / throttle;
    const show = (atoms: bigint) => `${short(atoms, token.decimals)} ${token.symbol}`;
    const unlimited = 2n ** 64n - 1n;
    return (
        <div className="columns">
            <Card
                title={`Selling ${token.symbol}`}
                note="What a forced sale brings of the plain value, by its size. Health counts with this, so a large position is judged more strictly than a small one."
            >
                <Curve chain={chain} row={row} />
                <Stats>
                    <Stat
                        label="Depth now"
                        value={show(quote.depthAtoms)}
                        hint={usdShort(value(quote.depthAtoms, token.decimals, price.nanoUsd))}
                    />
                    <Stat label="Depth expires" value={moment(quote.depthExpiresAt)} hint="unless confirmed" />
                    <Stat
                        label="Sales throttle"
                        value={show(throttle - quote.throttleLevelAtoms)}
                        hint={`free of ${show(throttle)} in ${duration(state.bonus.throttleWindowSecs)}`}
                    />
                </Stats>
                <Meter per1000={used} label={`Sales throttle is ${used / 10n}% full`} tone={used > 700n ? 'bad' : 'accent'} />
            </Card>
            <Card
                title={`Terms of ${token.symbol}`}
                note="Terms in force walk to those signed by a thousandth an hour at most; nobody is liquidatable by a signature."
            >
                <div
                    className="table-scroll"
                    role="region"
                    aria-label={`Terms of ${token.symbol}, in force and signed`}
                    tabIndex={0}
                >
                    <table className="terms">
                        <thead>
                            <tr>
                                <th scope="col">Term</th>
                                <th scope="col" className="number">
                                    In force
                                </th>
                                <th scope="col" className="number">
                                    Going to
                                </th>
                            </tr>
                        </thead>
                        <tbody>
                            {terms(row).map(({ name, now, to }) => (
                                <tr key={name}>
                                    <th scope="row">{name}</th>
                                    <td className="number">{now}</td>
                                    <td className="number">
                                        {to === now ? <span className="muted">same</span> : <strong>{to}</strong>}
                                    </td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
                <Stats>
                    <Stat label="Supply cap left" value={show(quote.suppliableAtoms)} />
                    <Stat label="Can be lent" value={show(quote.lendableAtoms)} />
                    <Stat label="Collateral cap left" value={show(quote.collateralRoomAtoms)} />
                    <Stat
                        label="May leave now"
                        value={quote.redeemLimitAtoms === unlimited ? 'no limit' : show(quote.redeemLimitAtoms)}
                        hint="outflow limit"
                    />
                    <Stat
                        label="Average price"
                        value={usd(price.average, price.average < 10_000_000_000n ? 4 : 2)}
                        hint="borrowing counts the lower"
                    />
                    <Stat label="Mint" value={<Key of={state.mint} />} hint={`${token.decimals} decimals`} />
                </Stats>
                <p className="muted small">
                    {`A price opens risk up to ${duration(state.oraclePolicy.borrowAgeSecs)} old, liquidates up to ${duration(state.oraclePolicy.liquidateAgeSecs)}. Insurance: ${amount(state.insuranceAtoms, token.decimals, 2)} ${token.symbol}.`}
                </p>
            </Card>
        </div>
    );
}

function terms({ token, quote }: Row): { name: string; now: string; to: string }[] {
    const { risk, riskTarget, initial, bonus } = token.reserve.state;
    const of = (name: string, now: bigint, to: bigint, show: (value: bigint) => string = bps) => ({
        name,
        now: show(now),
        to: show(to),
    });
    const atoms = (value: bigint) => short(value, token.decimals);
    return [
        of('Counts to borrow', initial.initialBps, initial.initialBps),
        of('Counts before liquidation', risk.maintenanceBps, riskTarget.maintenanceBps),
        of('Weight as debt', risk.debtWeightBps, riskTarget.debtWeightBps),
        of('Configured depth', risk.depthAtoms, riskTarget.depthAtoms, atoms),
        of('Time to sell', risk.horizonSecs, riskTarget.horizonSecs, duration),
        of('Volatility in thresholds', quote.sigmaMaintenanceE9, quote.sigmaInitialE9, value => percent(value)),
        of('Volatility may rise an hour', risk.sigmaRiseBpsPerHour, riskTarget.sigmaRiseBpsPerHour),
        {
            name: 'Liquidation bonus',
            now: `${bps(bonus.bonusMinBps)} to ${bps(bonus.bonusMaxBps)}`,
            to: `${bps(bonus.bonusMinBps)} to ${bps(bonus.bonusMaxBps)}`,
        },
    ];
}

function Curve({ chain, row: { token, quote } }: { chain: ReadyChain; row: Row }) {
    const points = useMemo(() => {
        const amounts = SIZES.map(size => (size === 0n ? 1n + quote.depthAtoms / 10_000n : (quote.depthAtoms * size) / 100n));
        const part = (which: 'maintenance' | 'initial') =>
            chain.engine.curve(token.reserve, chain.state.now, amounts, which).map(({ alv, plain }, index) => ({
                x: Number(SIZES[index]),
                y: plain === 0n ? 100 : Number((alv * 10_000n) / plain) / 100,
            }));
        return { maintenance: part('maintenance'), initial: part('initial') };
    }, [chain, token, quote.depthAtoms]);
    const ends = [points.maintenance[0], points.maintenance.at(-1)].map(point => `${point?.y.toFixed(0)}%`);
    return (
        <LineChart
            label={`What a forced sale of ${token.symbol} brings: ${ends[0]} of its plain value for a small one, ${ends[1]} for one as large as the depth`}
            points={points.maintenance}
            x={{
                from: 0,
                to: 100,
                ticks: [0, 25, 50, 75, 100].map(at => ({ at, text: at === 50 ? 'size of the sale, % of depth' : String(at) })),
            }}
            y={{ from: 40, to: 100, ticks: [40, 60, 80, 100].map(at => ({ at, text: `${at}%` })) }}
        />
    );
}
