/** Liquidations, purchases of the backstop and settled defaults, from the chain's own events. */
import type { Signature } from '@solana/kit';
import { useCallback, useEffect, useRef, useState } from 'react';

import { historyOf, readingNanoUsd, type HistoryEntry, type PriceUsed } from '@plimsoll/sdk';

import { amount, health, usd } from '../../format';
import { hrefOf } from '../../router';
import type { ReadyChain } from '../../state/chain';
import { useWallets } from '../../state/wallet';
import { Badge, Card, Empty, Notice, Table, type Column } from '../../ui/basics';
import { Key, TransactionLink } from '../../ui/Link';
import { bonus } from '../Liquidations';

/** Transactions looked at, at once. */
const AT_ONCE = 60;

type Entry = Readonly<{
    id: string;
    signature: Signature;
    slot: bigint;
    position: string;
    who: string | undefined;
    what: 'Liquidated' | 'Backstop bought' | 'Default settled';
    repaid: string;
    seized: string;
    price: string;
    bonus: string;
    health: string;
    isTerminal: boolean;
    lost: string | undefined;
}>;

export function History({ chain }: { chain: ReadyChain }) {
    const { connected } = useWallets();
    const { entries, error, isLoading } = useHistory(chain);
    const columns = columnsFor(connected?.address);
    return (
        <Card title="History" note="From the chain’s own events: at which price, at which bonus, by whom.">
            {error !== undefined && (
                <Notice tone="warn" title="The history could not be read">
                    {error}
                </Notice>
            )}
            {entries.length === 0 && error === undefined ? (
                <Empty title={isLoading ? 'Reading the history\u2026' : 'Nothing was liquidated yet'} icon="clock" />
            ) : (
                <Table caption="Past liquidations" columns={columns} rows={entries} rowKey={entry => entry.id} />
            )}
        </Card>
    );
}

function columnsFor(you: string | undefined): Column<Entry>[] {
    return [
        {
            name: 'What',
            cell: entry => (
                <span className="row">
                    {entry.what}
                    {entry.isTerminal && <Badge tone="bad">terminal</Badge>}
                </span>
            ),
        },
        {
            name: 'Position',
            cell: ({ position }) => (
                <a href={hrefOf('position', position)}>
                    <Key of={position} />
                </a>
            ),
        },
        { name: 'Repaid', isNumber: true, cell: entry => entry.repaid },
        { name: 'Seized', isNumber: true, cell: entry => entry.seized },
        { name: 'Price used', isNumber: true, cell: entry => entry.price },
        { name: 'Bonus', isNumber: true, cell: entry => entry.bonus },
        { name: 'Health', isNumber: true, cell: entry => entry.health },
        {
            name: 'Loss',
            isNumber: true,
            cell: entry => entry.lost ?? <span className="muted">none</span>,
        },
        {
            name: 'By',
            cell: ({ who }) => (who === undefined ? <span className="muted">anyone</span> : <Key of={who} you={you} />),
        },
        { name: 'Transaction', cell: ({ signature }) => <TransactionLink signature={signature} /> },
    ];
}

/** The history, read again after each change of a position's number of writes. */
function useHistory(chain: ReadyChain) {
    const [found, setFound] = useState<readonly HistoryEntry[]>([]);
    const [error, setError] = useState<string>();
    const [isLoading, setLoading] = useState(true);
    const seen = useRef(new Map<string, HistoryEntry>());
    const { rpc, market } = chain;
    const version = [...chain.state.positions.values()].reduce((sum, position) => sum + position.state.sequence, 0n);
    const read = useCallback(async () => {
        try {
            for (const entry of await historyOf(rpc, market, { limit: AT_ONCE })) {
                seen.current.set(`${entry.signature} ${entry.event.name}`, entry);
            }
            setFound([...seen.current.values()].sort((one, other) => (one.slot > other.slot ? -1 : 1)));
            setError(undefined);
        } catch (cause) {
            setError(cause instanceof Error ? cause.message : String(cause));
        }
        setLoading(false);
    }, [rpc, market]);
    useEffect(() => {
        // After a burst of changes, once.
        const timer = setTimeout(() => void read(), 400);
        return () => clearTimeout(timer);
    }, [read, version]);
    return { entries: found.flatMap(entry => entryOf(chain, entry)), error, isLoading };
}

const used = ({ price, exponent }: PriceUsed): string => usd(readingNanoUsd(price, exponent), 2);

function entryOf(chain: ReadyChain, { event, signature, slot }: HistoryEntry): Entry[] {
    const show = (atoms: bigint, reserve: string): string => {
        const token = chain.tokens.get(reserve as never);
        return token === undefined ? String(atoms) : `${amount(atoms, token.decimals, 2)} ${token.symbol}`;
    };
    if (event.name === 'PositionLiquidated' || event.name === 'PositionAbsorbed') {
        const { data } = event;
        const isPool = event.name === 'PositionAbsorbed';
        const seizeAtoms = isPool ? event.data.gainAtoms + event.data.tipAtoms : event.data.seizeAtoms;
        const lost = data.writtenOffAtoms === 0n ? undefined : show(data.writtenOffAtoms, data.repaidReserve);
        return [
            {
                id: `${signature} ${data.sequence}`,
                signature,
                slot,
                position: data.position,
                who: isPool ? event.data.backstop : event.data.liquidator,
                what: isPool ? 'Backstop bought' : 'Liquidated',
                repaid: show(data.repayAtoms, data.repaidReserve),
                seized: show(seizeAtoms, data.seizedReserve),
                price: used(data.seizedPrice),
                bonus: bonus(data.grossFactorE9),
                health: `${health(data.healthBeforeE9)} \u2192 ${health(data.healthAfterE9)}`,
                isTerminal: data.isTerminal,
                lost,
            },
        ];
    }
    if (event.name !== 'DefaultSettled') return [];
    const { data } = event;
    const losses = data.losses.filter(loss => loss.writtenOffAtoms > 0n);
    return [
        {
            id: `${signature} ${data.sequence}`,
            signature,
            slot,
            position: data.position,
            who: undefined,
            what: 'Default settled',
            repaid: '\u2013',
            seized: '\u2013',
            price: '\u2013',
            bonus: '\u2013',
            health: '\u2013',
            isTerminal: true,
            lost: losses.map(loss => show(loss.writtenOffAtoms, loss.reserve)).join(', ') || undefined,
        },
    ];
}
