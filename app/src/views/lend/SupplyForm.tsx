/** Supplying and redeeming, with before and after. */
import { useMemo, useState } from 'react';

import { explain, fromWord128, openLender, openTokenAccount, redeem, supply, type SupplyChange } from '@plimsoll/sdk';

import { amount, percent } from '../../format';
import type { ReadyChain } from '../../state/chain';
import { useHoldings } from '../../state/holdings';
import { useSending } from '../../state/sending';
import { useWallets } from '../../state/wallet';
import { AmountInput, useAmount } from '../../ui/AmountInput';
import { Card, Choice, Notice } from '../../ui/basics';
import type { Lending } from '../Lend';

type Kind = 'supply' | 'redeem';
/** What a redemption may pay less than foreseen, since a haircut may come in between, basis points. */
const TOLERANCE_BPS = 10n;

export function SupplyForm({ chain, lending }: { chain: ReadyChain; lending: Lending }) {
    const [kind, setKind] = useState<Kind>('supply');
    return (
        <Card title={kind === 'supply' ? `Supply ${lending.token.symbol}` : `Redeem ${lending.token.symbol}`}>
            <Choice
                label="Action"
                options={[
                    { value: 'supply', text: 'Supply' },
                    { value: 'redeem', text: 'Redeem' },
                ]}
                value={kind}
                onChange={setKind}
            />
            <Form key={kind} chain={chain} lending={lending} kind={kind} />
        </Card>
    );
}

/** Shares that redeem for so many atoms, rounded up; all of them for all. */
function sharesFor({ lender, quote }: Lending, atoms: bigint): bigint {
    const all = fromWord128(lender.state.shares);
    if (quote.redeemAtoms === 0n || atoms >= quote.redeemAtoms) return all;
    return (all * atoms + quote.redeemAtoms - 1n) / quote.redeemAtoms;
}

function Form({ chain, lending, kind }: { chain: ReadyChain; lending: Lending; kind: Kind }) {
    const { token, lender, quote, isOpen } = lending;
    const { reserve, decimals, symbol } = token;
    const { holdings } = useHoldings();
    const { connected } = useWallets();
    const { send, isBusy } = useSending();
    const state = useAmount(decimals);
    const standing = chain.engine.reserve(reserve, chain.state.now);
    const held = holdings?.tokens.get(reserve.address) ?? 0n;
    const room = kind === 'supply' ? standing.suppliableAtoms : quote.redeemMaxAtoms;
    const have = kind === 'supply' ? held : quote.redeemAtoms;
    const most = room < have ? room : have;
    const atoms = state.atoms ?? 0n;
    const shares = kind === 'redeem' ? sharesFor(lending, atoms) : 0n;
    const preview = useMemo(() => {
        if (atoms === 0n) return undefined;
        const change: SupplyChange = kind === 'supply' ? { kind, atoms } : { kind, shares };
        return chain.engine.previewSupply(chain.state.market, reserve, lender, change, chain.state.now);
    }, [chain, reserve, lender, kind, atoms, shares]);
    const isShort = kind === 'supply' && atoms > held;
    const refusal = preview?.refusal ?? 0;
    const submit = async () => {
        const title = `${kind === 'supply' ? 'Supply' : 'Redeem'} ${amount(atoms, decimals)} ${symbol}`;
        const sent = await send(title, async owner => {
            if (kind === 'supply') {
                const opening = isOpen ? [] : [(await openLender({ owner, reserve: reserve.address })).instruction];
                return [...opening, await supply({ owner, reserve, atoms })];
            }
            const account = await openTokenAccount({ payer: owner, reserve });
            const atomsMin = ((preview?.atoms ?? 0n) * (10_000n - TOLERANCE_BPS)) / 10_000n;
            return [account.instruction, await redeem({ owner, reserve, shares, atomsMin })];
        });
        if (sent !== undefined) state.setText('');
    };
    const show = (value: bigint) => amount(value, decimals);
    return (
        <form
            className="stack"
            onSubmit={event => {
                event.preventDefault();
                void submit();
            }}
        >
            <AmountInput
                label={`Amount of ${symbol}`}
                symbol={symbol}
                decimals={decimals}
                state={state}
                most={most}
                stops={[{ name: 'Max', atoms: most }]}
                hint={kind === 'supply' ? `You have ${show(held)} ${symbol}.` : `Redeemable now: ${show(most)} ${symbol}.`}
            />
            {isShort && <Notice tone="warn" title={`You have only ${show(held)} ${symbol}`} />}
            {refusal !== 0 && (
                <Notice tone="warn" title="This would be refused">
                    {explain(refusal)?.sentence ?? `code ${refusal}`}
                </Notice>
            )}
            {preview !== undefined && refusal === 0 && (
                <table className="before-after">
                    <caption className="visually-hidden">Before and after this action</caption>
                    <thead>
                        <tr>
                            <th scope="col">
                                <span className="visually-hidden">What</span>
                            </th>
                            <th scope="col" className="number">
                                Now
                            </th>
                            <th scope="col" className="number">
                                After
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        {[
                            {
                                name: 'Yours, worth',
                                now: show(preview.before.assetsAtoms),
                                then: show(preview.after.assetsAtoms),
                            },
                            {
                                name: 'Redeems for',
                                now: show(preview.before.redeemAtoms),
                                then: show(preview.after.redeemAtoms),
                            },
                            {
                                name: 'Rate you earn',
                                now: percent(standing.supplyRateE9),
                                then: percent(preview.reserve.supplyRateE9),
                            },
                            {
                                name: 'Utilisation',
                                now: percent(standing.utilisationE9),
                                then: percent(preview.reserve.utilisationE9),
                            },
                        ].map(({ name, now, then }) => (
                            <tr key={name}>
                                <th scope="row">{name}</th>
                                <td className="number">{now}</td>
                                <td className={`number ${now === then ? '' : 'strong'}`}>{then}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            )}
            <button
                type="submit"
                className="primary"
                disabled={atoms === 0n || isShort || refusal !== 0 || isBusy || connected?.isRightCluster !== true}
            >
                {isBusy ? 'Waiting\u2026' : `${kind === 'supply' ? 'Supply' : 'Redeem'} ${symbol}`}
            </button>
        </form>
    );
}
