/** Positions that owe more than they have: marking them, and settling what is left. */
import type { Address } from '@solana/kit';

import { debtsOf, markDefault, offersFor, settleDefault, tokenAccountOf } from '@plimsoll/sdk';

import { key, usd } from '../../format';
import { hrefOf } from '../../router';
import type { ReadyChain } from '../../state/chain';
import { useHoldings } from '../../state/holdings';
import { useSending } from '../../state/sending';
import { useWallets } from '../../state/wallet';
import { Badge, Card, Table, type Column } from '../../ui/basics';
import type { Quoted } from '../opportunities';

export function Defaults({ chain, quoted }: { chain: ReadyChain; quoted: readonly Quoted[] }) {
    const { connected } = useWallets();
    const { holdings } = useHoldings();
    const { send, isBusy } = useSending();
    const rows = quoted.filter(({ quote }) => quote.collateralNanoUsd < quote.debtNanoUsd);
    if (rows.length === 0) return null;
    const mark = ({ position, scene }: Quoted) =>
        send('Mark a default', async payer => {
            // A tip is paid into an account that is there; without one the mark is free.
            const first = chain.tokens.get(debtsOf(position)[0]?.reserve as Address)?.reserve;
            const canBePaid = first !== undefined && (holdings?.tokens.get(first.address) ?? 0n) > 0n;
            const tip = canBePaid ? { tip: { reserve: first, to: await tokenAccountOf(first, payer.address) } } : {};
            return [markDefault({ position, offers: offersFor(scene), ...tip })];
        });
    const settle = ({ position, scene }: Quoted) =>
        send('Settle a default', () => Promise.resolve([settleDefault({ position, offers: offersFor(scene) })]));
    const columns: Column<Quoted>[] = [
        {
            name: 'Position',
            cell: ({ position }) => (
                <span className="row">
                    <a href={hrefOf('position', position.address)}>
                        <code>{key(position.address)}</code>
                    </a>
                    {position.state.defaultedAt > 0n && <Badge tone="bad">marked</Badge>}
                </span>
            ),
        },
        { name: 'Collateral', isNumber: true, cell: ({ quote }) => usd(quote.collateralNanoUsd) },
        { name: 'Debt', isNumber: true, cell: ({ quote }) => usd(quote.debtNanoUsd) },
        {
            name: 'Anyone may',
            isNumber: true,
            cell: row => (
                <span className="row end">
                    <button
                        type="button"
                        className="small"
                        disabled={isBusy || connected === undefined}
                        onClick={() => void mark(row)}
                    >
                        Mark
                    </button>
                    <button
                        type="button"
                        className="small"
                        disabled={isBusy || connected === undefined}
                        onClick={() => void settle(row)}
                    >
                        Settle
                    </button>
                </span>
            ),
        },
    ];
    return (
        <Card
            title="Defaults"
            note="They owe more than they have. A mark books the expected loss before anyone can run from it, and pays a tip; settling writes off what nothing is left for."
        >
            <Table
                caption="Positions that owe more than they have"
                columns={columns}
                rows={rows}
                rowKey={row => row.position.address}
            />
        </Card>
    );
}
