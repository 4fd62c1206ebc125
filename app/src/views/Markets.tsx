/** Every token of the market: what is lent, at what rate, at which price, and how much of it can be sold. */
import { useMemo } from 'react';

import type { ReserveQuote } from '@plimsoll/sdk';

import { amount, bps, duration, percent, short, usd, usdShort, value } from '../format';
import { hrefOf, useRoute } from '../router';
import type { ReadyChain, Token } from '../state/chain';
import { tapeOf } from '../state/tape';
import { Badge, Card, Empty, Meter, Stat, Stats, Table, type Column } from '../ui/basics';
import { Sparkline } from '../ui/charts';
import { Icon } from '../ui/Icon';
import { priceOf, type Price } from './prices';
import { ReserveDetails } from './ReserveDetails';

/** A row: a token, and where it stands. */
export type Row = Readonly<{ token: Token; quote: ReserveQuote; price: Price }>;

export default function Markets({ chain }: { chain: ReadyChain }) {
    const { of } = useRoute();
    const rows = useMemo<Row[]>(
        () =>
            [...chain.tokens.values()].map(token => ({
                token,
                quote: chain.engine.reserve(token.reserve, chain.state.now),
                price: priceOf(chain, token),
            })),
        [chain],
    );
    const chosen = rows.find(row => row.token.reserve.address === of) ?? rows[0];
    const worth = (row: Row, atoms: bigint) => value(atoms, row.token.decimals, row.price.nanoUsd);
    const sum = (of: (row: Row) => bigint) => rows.reduce((total, row) => total + worth(row, of(row)), 0n);
    if (rows.length === 0)
        return <Empty title="This market has no token yet">Its admin adds one with `plimsoll market`.</Empty>;
    return (
        <>
            <h1>Markets</h1>
            <Stats>
                <Stat label="Supplied" value={usdShort(sum(row => row.quote.assetsAtoms))} />
                <Stat label="Borrowed" value={usdShort(sum(row => row.quote.debtAtoms))} />
                <Stat
                    label="Collateral"
                    value={usdShort(sum(row => row.token.reserve.state.collateralAtoms))}
                    hint="never lent"
                />
                <Stat
                    label="Insurance"
                    value={usdShort(sum(row => row.token.reserve.state.insuranceAtoms))}
                    hint="pays first"
                />
            </Stats>
            <Card title="Tokens" note="Rates are a year’s, at this moment’s utilisation. Prices are the oracle’s newest.">
                <Table
                    caption="Tokens of this market"
                    columns={COLUMNS}
                    rows={rows}
                    rowKey={row => row.token.reserve.address}
                    isChosen={row => row === chosen}
                />
            </Card>
            {chosen !== undefined && <ReserveDetails key={chosen.token.reserve.address} chain={chain} row={chosen} />}
        </>
    );
}

const COLUMNS: readonly Column<Row>[] = [
    {
        name: 'Token',
        cell: ({ token }) => (
            <a className="token" href={hrefOf('markets', token.reserve.address)}>
                <strong>{token.symbol}</strong>
                <span className="muted">{token.name}</span>
            </a>
        ),
    },
    {
        name: 'Price',
        isNumber: true,
        cell: ({ token, price }) => (
            <div className="price">
                <Sparkline
                    values={tapeOf(token.reserve.address)}
                    label={`Price of ${token.symbol} since this page was opened`}
                />
                <div>
                    <span className="big">{usd(price.nanoUsd, price.nanoUsd < 10_000_000_000n ? 4 : 2)}</span>
                    <span className="muted small">{`\u00b1${bps(price.confidenceBps)}, ${duration(price.ageSecs)} old`}</span>
                    {price.state !== 'fresh' && (
                        <Badge tone="warn" icon="clock">
                            {price.state === 'stale' ? 'Stale' : 'Not for borrowing'}
                        </Badge>
                    )}
                </div>
            </div>
        ),
    },
    {
        name: 'Supplied',
        isNumber: true,
        cell: ({ token, quote, price }) => <Amount token={token} atoms={quote.assetsAtoms} price={price} />,
    },
    {
        name: 'Borrowed',
        isNumber: true,
        cell: ({ token, quote, price }) => <Amount token={token} atoms={quote.debtAtoms} price={price} />,
    },
    {
        name: 'Utilisation',
        isNumber: true,
        cell: ({ quote }) => (
            <div className="with-meter">
                <span>{percent(quote.utilisationE9, 1)}</span>
                <Meter per1000={quote.utilisationE9 / 1_000_000n} label={`${percent(quote.utilisationE9, 1)} used`} />
            </div>
        ),
    },
    {
        name: 'Supply / borrow rate',
        isNumber: true,
        cell: ({ quote }) => (
            <div>
                <span>{percent(quote.supplyRateE9)}</span>
                <span className="muted small">{percent(quote.borrowRateE9)} borrowing</span>
            </div>
        ),
    },
    {
        name: 'Depth',
        isNumber: true,
        title: 'Tokens that a sale may bring before half of their worth is lost; shrinks as volatility rises',
        cell: ({ token, quote, price }) => <Amount token={token} atoms={quote.depthAtoms} price={price} />,
    },
    {
        name: 'Volatility',
        isNumber: true,
        title: 'A day’s, as observed; what thresholds count with follows it slowly',
        cell: ({ quote }) => (
            <div>
                <span>{percent(quote.sigmaInitialE9)}</span>
                <Moving from={quote.sigmaMaintenanceE9} to={quote.sigmaInitialE9} />
            </div>
        ),
    },
    {
        name: 'Thresholds',
        isNumber: true,
        title: 'Part of its value that counts: to borrow against, and before liquidation',
        cell: ({ token }) => {
            const { initial, risk, riskTarget } = token.reserve.state;
            const isMoving = risk.maintenanceBps !== riskTarget.maintenanceBps;
            return (
                <div>
                    <span>{`${bps(initial.initialBps)} / ${bps(risk.maintenanceBps)}`}</span>
                    <span className="muted small">
                        {isMoving ? (
                            <>
                                <Icon name="right" size={12} /> {bps(riskTarget.maintenanceBps)}
                            </>
                        ) : (
                            'not moving'
                        )}
                    </span>
                </div>
            );
        },
    },
];

/** A volatility on its way to another. */
function Moving({ from, to }: { from: bigint; to: bigint }) {
    const step = from > to ? from - to : to - from;
    if (step < 100_000n) return <span className="muted small">in thresholds too</span>;
    return (
        <span className="muted small">
            thresholds: {percent(from)} <Icon name={to > from ? 'up' : 'down'} size={12} />
        </span>
    );
}

function Amount({ token, atoms, price }: { token: Token; atoms: bigint; price: Price }) {
    const nanoUsd = value(atoms, token.decimals, price.nanoUsd);
    return (
        <div title={`${amount(atoms, token.decimals)} ${token.symbol}`}>
            <span>{short(atoms, token.decimals)}</span>
            <span className="muted small">{usdShort(nanoUsd)}</span>
        </div>
    );
}
