/** What a lender has at stake in positions that cannot pay. */
import { debtsOf, type LenderExposureQuote, type Position } from '@plimsoll/sdk';

import { amount, key, since } from '../../format';
import { hrefOf } from '../../router';
import type { ReadyChain } from '../../state/chain';
import { Card, Table, type Column } from '../../ui/basics';
import type { Lending } from '../Lend';

type Row = Readonly<{ position: Position; quote: LenderExposureQuote }>;

export function Exposure({ chain, lending: { token, lender } }: { chain: ReadyChain; lending: Lending }) {
    const { reserve, decimals, symbol } = token;
    const owes = (position: Position) => debtsOf(position).some(debt => debt.reserve === reserve.address);
    const marked = [...chain.state.positions.values()].filter(one => one.state.defaultedAt > 0n && owes(one));
    const rows = marked.map(position => ({
        position,
        quote: chain.engine.quoteLenderExposure(reserve, lender, position, chain.state.now),
    }));
    const show = (atoms: bigint) => `${amount(atoms, decimals, 2)} ${symbol}`;
    const columns: Column<Row>[] = [
        {
            name: 'Position',
            cell: ({ position }) => (
                <a href={hrefOf('position', position.address)}>
                    <code>{key(position.address)}</code>
                </a>
            ),
        },
        { name: 'Marked', isNumber: true, cell: ({ quote }) => since(quote.defaultedAt, chain.state.now.unix) },
        { name: 'Owes', isNumber: true, cell: ({ quote }) => show(quote.owedAtoms) },
        { name: 'Provided for', isNumber: true, cell: ({ quote }) => show(quote.providedAtoms) },
        { name: 'Your part of that', isNumber: true, cell: ({ quote }) => show(quote.ownProvidedAtoms) },
    ];
    return (
        <Card
            title="Defaults in progress"
            note="The expected loss is booked when a position is marked, before anyone can run from it."
        >
            {rows.length === 0 ? (
                <p className="muted">{`No position that owes ${symbol} is marked as a default.`}</p>
            ) : (
                <Table caption="Marked positions" columns={columns} rows={rows} rowKey={row => row.position.address} />
            )}
        </Card>
    );
}
