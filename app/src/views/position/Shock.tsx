/** What a fall of one price, or of all, makes of a position. */
import { useMemo, useState } from 'react';

import { collateralsOf, U64_MAX, type PositionQuote, type PriceShock, type Scene } from '@plimsoll/sdk';

import { health, usd } from '../../format';
import type { ReadyChain } from '../../state/chain';
import { Card, Stat, Stats } from '../../ui/basics';
import { LineChart } from '../../ui/charts';
import { Health } from '../../ui/Health';
import { priceOf } from '../prices';

const [LEAST, MOST, STEP] = [-60, 40, 4];

/** Health beyond which the chart does not show more. */
const TOP = 8;

/** A health on the chart's axis. */
const shown = (e9: bigint): number => (e9 === U64_MAX ? TOP : Math.min(TOP, Number(e9 / 1_000_000n) / 1_000));

/** Whole numbers up to the top, every other one where there are many. */
const ticksUpTo = (top: number) =>
    Array.from({ length: top + 1 }, (_, at) => ({ at, text: String(at) })).filter(
        ({ at }) => top <= 4 || at % 2 === 0 || at === 1,
    );

export function Shock({ chain, scene, quote }: { chain: ReadyChain; scene: Scene; quote: PositionQuote }) {
    const [percent, setPercent] = useState(-10);
    const [which, setWhich] = useState('all');
    const { reserves, moved } = useMemo(() => {
        const held = collateralsOf(scene.position).map(slot => slot.reserve);
        return { reserves: held, moved: held.filter(reserve => which === 'all' || reserve === which) };
    }, [scene, which]);
    const at = useMemo(() => {
        const shocks = (by: number): PriceShock[] => moved.map(reserve => ({ reserve, bps: BigInt((100 + by) * 100) }));
        return (by: number) => chain.engine.shock(scene, shocks(by));
    }, [chain, scene, moved]);
    const points = useMemo(() => {
        const steps = Array.from({ length: (MOST - LEAST) / STEP + 1 }, (_, index) => LEAST + index * STEP);
        return steps.map(x => ({ x, y: shown(at(x).maintenanceHealthE9) }));
    }, [at]);
    const top = Math.max(2, Math.ceil(Math.max(...points.map(point => point.y))));
    const then = useMemo(() => at(percent), [at, percent]);
    const signed = (value: number) => `${value > 0 ? '+' : value < 0 ? '\u2212' : ''}${Math.abs(value)}%`;
    return (
        <Card
            title="If prices move"
            aside={
                <div className="field inline">
                    <label htmlFor="shock-which">Of</label>
                    <select id="shock-which" value={which} onChange={event => setWhich(event.target.value)}>
                        <option value="all">all collateral</option>
                        {reserves.map(reserve => (
                            <option key={reserve} value={reserve}>
                                {chain.tokens.get(reserve)?.symbol ?? reserve}
                            </option>
                        ))}
                    </select>
                </div>
            }
        >
            <LineChart
                label={`Health against price. At ${signed(percent)} it would be ${health(then.maintenanceHealthE9)}.`}
                points={points}
                x={{ from: LEAST, to: MOST, ticks: [-60, -40, -20, 0, 20, 40].map(x => ({ at: x, text: signed(x) })) }}
                y={{ from: 0, to: top, ticks: ticksUpTo(top) }}
                lines={[{ at: 1, text: 'liquidation line', tone: 'bad' }]}
                now={{ x: percent, y: shown(then.maintenanceHealthE9) }}
            />
            <label className="range">
                <span>{`Price change ${signed(percent)}`}</span>
                <input
                    type="range"
                    min={LEAST}
                    max={MOST}
                    step={1}
                    value={percent}
                    aria-valuetext={`${signed(percent)}, health ${health(then.maintenanceHealthE9)}`}
                    onChange={event => setPercent(Number(event.target.value))}
                />
            </label>
            <Stats>
                <Stat
                    label="Health then"
                    value={<Health e9={then.maintenanceHealthE9} callLevelE9={quote.callLevelE9} />}
                    hint={`now ${health(quote.maintenanceHealthE9)}`}
                />
                {moved.slice(0, 3).map(reserve => {
                    const token = chain.tokens.get(reserve);
                    if (token === undefined) return null;
                    const now = priceOf(chain, token).nanoUsd;
                    return (
                        <Stat
                            key={reserve}
                            label={`${token.symbol} at`}
                            value={usd((now * BigInt(100 + percent)) / 100n)}
                            hint={`now ${usd(now)}`}
                        />
                    );
                })}
            </Stats>
        </Card>
    );
}
