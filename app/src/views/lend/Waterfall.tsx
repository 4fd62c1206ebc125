/** Who pays when a borrower of a token cannot, in the order in which they do: as a picture and as text. */
import { fromWord128, type Backstop } from '@plimsoll/sdk';

import { amount, short, value } from '../../format';
import type { ReadyChain, Token } from '../../state/chain';
import { Card } from '../../ui/basics';
import { quotedPositions } from '../opportunities';
import { priceOf } from '../prices';

type Layer = Readonly<{ name: string; text: string; atoms: bigint; tone: 'first' | 'second' | 'third' | 'last' | 'back' }>;

/** A layer's part of the largest, as a width; a little is still seen. */
function widthOf(atoms: bigint, most: bigint): string {
    const per1000 = (atoms * 1_000n) / most;
    const seen = atoms > 0n && per1000 < 6n ? 6n : per1000;
    return `${seen / 10n}.${seen % 10n}%`;
}

/** Layers, from who pays first to who pays last, and what came back. */
function layersOf(chain: ReadyChain, token: Token, pool: Backstop | undefined): Layer[] {
    const { reserve, decimals, symbol } = token;
    const quote = chain.engine.reserve(reserve, chain.state.now);
    const price = priceOf(chain, token).nanoUsd || 1n;
    // Collateral behind this debt: of positions that owe it, by the part of their debt that is in it.
    const behind = quotedPositions(chain).reduce((sum, { position, quote: of }) => {
        const slot = position.state.debts.findIndex(debt => debt.reserve === reserve.address);
        if (slot < 0 || slot >= position.state.debtCount || of.debtNanoUsd === 0n) return sum;
        const owed = value(of.debts[slot]?.owedAtoms ?? 0n, decimals, price);
        return sum + (of.collateralNanoUsd * owed) / of.debtNanoUsd;
    }, 0n);
    const outstanding = fromWord128(reserve.state.claims.outstanding);
    return [
        {
            name: '1. Borrowers\u2019 collateral',
            text: `sold by liquidators, against ${short(quote.debtAtoms, decimals)} ${symbol} of debt`,
            atoms: (behind * 10n ** BigInt(decimals)) / price,
            tone: 'first',
        },
        {
            name: '2. Backstop pool',
            text: pool === undefined ? 'there is none for this token' : 'buys what nobody else buys',
            atoms: pool?.state.depositAtoms ?? 0n,
            tone: 'second',
        },
        { name: '3. Insurance', text: 'pays losses first', atoms: reserve.state.insuranceAtoms, tone: 'third' },
        {
            name: '4. Lenders',
            text:
                quote.providedAtoms > 0n
                    ? `${short(quote.providedAtoms, decimals)} ${symbol} provided for as lost`
                    : 'bear the rest, once, all shares alike',
            atoms: quote.assetsAtoms,
            tone: 'last',
        },
        {
            name: 'And back',
            text:
                outstanding === 0n
                    ? 'lenders are owed nothing'
                    : `of ${amount(outstanding, decimals, 2)} ${symbol} still owed to who lost; waiting to be claimed`,
            atoms: reserve.state.recoveryAtoms,
            tone: 'back',
        },
    ];
}

export function Waterfall({ chain, token, pool }: { chain: ReadyChain; token: Token; pool: Backstop | undefined }) {
    const layers = layersOf(chain, token, pool);
    const most = layers.reduce((max, { atoms }) => (atoms > max ? atoms : max), 1n);
    const show = (atoms: bigint) => `${short(atoms, token.decimals)} ${token.symbol}`;
    return (
        <Card title="Who pays first" note="If a borrower cannot pay, the layers pay from top to bottom. Bars are to scale.">
            <ol className="waterfall">
                {layers.map(({ name, text, atoms, tone }) => (
                    <li key={name} className={tone}>
                        <span className="waterfall-head">
                            <strong>{name}</strong>
                            <span>{show(atoms)}</span>
                        </span>
                        <span className="waterfall-bar" aria-hidden="true">
                            <span style={{ inlineSize: widthOf(atoms, most) }} />
                        </span>
                        <span className="muted small">{text}</span>
                    </li>
                ))}
            </ol>
        </Card>
    );
}
