/** What can be liquidated now, by profit, and what was. */
import { useEffect, useMemo, useRef } from 'react';

import { amount, key, usd } from '../format';
import { hrefOf, useRoute } from '../router';
import type { ReadyChain } from '../state/chain';
import { Badge, Card, Empty, Table, type Column } from '../ui/basics';
import { Health } from '../ui/Health';
import { Icon } from '../ui/Icon';
import { Defaults } from './liquidations/Defaults';
import { History } from './liquidations/History';
import { Take } from './liquidations/Take';
import { opportunities, quotedPositions, type Chance, type Quoted } from './opportunities';

/** Positions shown that are near. */
const NEAR_ROWS = 8;

export default function Liquidations({ chain }: { chain: ReadyChain }) {
    const { of } = useRoute();
    const quoted = useMemo(() => quotedPositions(chain), [chain]);
    const found = useMemo(() => opportunities(chain, quoted), [chain, quoted]);
    const chosen = found.find(one => one.position.address === of) ?? found[0];
    const near = quoted
        .filter(one => found.every(other => other.position.address !== one.position.address))
        .slice(0, NEAR_ROWS);
    const side = useRef<HTMLDivElement>(null);
    // On a small screen it lies below the list.
    useEffect(() => {
        if (of !== undefined) side.current?.scrollIntoView({ block: 'nearest' });
    }, [of]);
    return (
        <>
            <h1>Liquidations</h1>
            <div className="columns wide-left">
                <div className="stack">
                    <Card
                        title="Opportunities"
                        note="Sizes are exact to the target health, so nothing has to be guessed. Profit is what is seized less repayment and fee, at plain prices; what you sell it for is your business."
                        aside={<Badge tone={found.length > 0 ? 'info' : 'plain'}>{found.length} now</Badge>}
                    >
                        {found.length === 0 ? (
                            <Empty title="Nothing can be liquidated now" icon="check">
                                Every position is healthy at the newest prices. This list is live.
                            </Empty>
                        ) : (
                            <Table
                                caption="Positions that can be liquidated, by profit"
                                columns={COLUMNS}
                                rows={found}
                                rowKey={row => row.position.address}
                                isChosen={row => row === chosen}
                            />
                        )}
                    </Card>
                    <Defaults chain={chain} quoted={quoted} />
                    <Card title="Closest to the line" note="Healthy, but the least so.">
                        {near.length === 0 ? (
                            <Empty title="No other position has debt" />
                        ) : (
                            <Table
                                caption="Positions closest to liquidation"
                                columns={NEAR}
                                rows={near}
                                rowKey={row => row.position.address}
                            />
                        )}
                    </Card>
                </div>
                <div className="stack" ref={side}>
                    {chosen === undefined ? (
                        <Card title="Take one">
                            <p className="muted">As soon as a position can be liquidated, you simulate and take it here.</p>
                        </Card>
                    ) : (
                        <Take key={`${chosen.position.address} ${chosen.seized.symbol}`} chain={chain} chosen={chosen} />
                    )}
                </div>
            </div>
            <History chain={chain} />
        </>
    );
}

const positionColumn = <Row extends Quoted>(): Column<Row> => ({
    name: 'Position',
    cell: ({ position }) => (
        <a href={hrefOf('position', position.address)}>
            <code>{key(position.address)}</code>
        </a>
    ),
});
const healthColumn = <Row extends Quoted>(): Column<Row> => ({
    name: 'Health',
    isNumber: true,
    cell: ({ quote }) => <Health e9={quote.maintenanceHealthE9} callLevelE9={quote.callLevelE9} />,
});

const COLUMNS: readonly Column<Chance>[] = [
    positionColumn(),
    healthColumn(),
    {
        name: 'Repay',
        isNumber: true,
        cell: ({ repaid, best: { quote } }) => `${amount(quote.repayAtoms, repaid.decimals, 2)} ${repaid.symbol}`,
    },
    {
        name: 'Seize',
        isNumber: true,
        cell: ({ seized, best: { quote } }) => `${amount(quote.seizeAtoms, seized.decimals)} ${seized.symbol}`,
    },
    {
        name: 'Bonus',
        isNumber: true,
        cell: ({ best: { quote } }) => (
            <span className="row end">
                {bonus(quote.grossFactorE9)}
                {quote.isTerminal === 1 && <Badge tone="bad">terminal</Badge>}
                {quote.isThrottled === 1 && <Badge tone="warn">throttled</Badge>}
                {quote.isProtection === 1 && <Badge tone="info">protection</Badge>}
            </span>
        ),
    },
    { name: 'Profit', isNumber: true, cell: ({ best }) => <strong>{usd(best.profitNanoUsd)}</strong> },
    {
        name: 'Action',
        cell: ({ position }) => (
            <a
                className="button"
                href={hrefOf('liquidations', position.address)}
                aria-label={`Choose position ${key(position.address)}`}
            >
                Choose <Icon name="right" size={14} />
            </a>
        ),
    },
];

const NEAR: readonly Column<Quoted>[] = [
    positionColumn(),
    healthColumn(),
    { name: 'Collateral', isNumber: true, cell: ({ quote }) => usd(quote.collateralNanoUsd, 0) },
    { name: 'Debt', isNumber: true, cell: ({ quote }) => usd(quote.debtNanoUsd, 0) },
    {
        name: 'Fall to the line',
        isNumber: true,
        title: 'How far all collateral may fall together, about',
        cell: ({ quote }) => fall(quote.maintenanceHealthE9),
    },
];

/** Value seized for one repaid, as a bonus. */
export function bonus(grossFactorE9: bigint): string {
    const over = grossFactorE9 - 1_000_000_000n;
    const size = over < 0n ? -over : over;
    return `${over < 0n ? '\u2212' : ''}${size / 10_000_000n}.${((size / 100_000n) % 100n).toString().padStart(2, '0')}%`;
}

/** Health is linear in a common price: at 1.25 a fifth may go. */
function fall(healthE9: bigint): string {
    if (healthE9 <= 1_000_000_000n) return 'reached';
    const per1000 = 1_000n - 1_000_000_000_000n / healthE9;
    return `${per1000 / 10n}.${per1000 % 10n}%`;
}
