/** Losses that came back: claimed by who bore them, paid by whoever pays. */
import { claimRecovery, fromWord128, openTokenAccount, repayRecovery } from '@plimsoll/sdk';

import { amount } from '../../format';
import type { ReadyChain, Token } from '../../state/chain';
import { useHoldings } from '../../state/holdings';
import { useSending } from '../../state/sending';
import { useWallets } from '../../state/wallet';
import { AmountInput, useAmount } from '../../ui/AmountInput';
import { Card, Notice } from '../../ui/basics';
import type { Lending } from '../Lend';

/** What came back for this lender, and taking it. */
export function Recovered({ lending: { token, quote } }: { lending: Lending }) {
    const { send, isBusy } = useSending();
    const { reserve, decimals, symbol } = token;
    if (quote.recoveredAtoms === 0n) return null;
    const shown = `${amount(quote.recoveredAtoms, decimals)} ${symbol}`;
    const claim = () =>
        send(`Claim ${shown}`, async owner => {
            const account = await openTokenAccount({ payer: owner, reserve });
            return [account.instruction, await claimRecovery({ owner, reserve })];
        });
    return (
        <Notice
            tone="good"
            title={`${shown} came back`}
            isLive
            action={
                <button type="button" className="primary" disabled={isBusy} onClick={() => void claim()}>
                    Claim
                </button>
            }
        >
            Somebody paid back losses that you bore a part of.
        </Notice>
    );
}

/** Paying back what lenders of a token lost. Anyone may. */
export function PayBack({ chain, token }: { chain: ReadyChain; token: Token }) {
    const { reserve, decimals, symbol } = token;
    const { connected } = useWallets();
    const { holdings } = useHoldings();
    const { send, isBusy } = useSending();
    const state = useAmount(decimals);
    const outstanding = fromWord128(reserve.state.claims.outstanding);
    const held = holdings?.tokens.get(reserve.address) ?? 0n;
    const most = outstanding < held ? outstanding : held;
    const atoms = state.atoms ?? 0n;
    const { refresh } = chain;
    const pay = async () => {
        const title = `Pay back ${amount(atoms, decimals)} ${symbol}`;
        const sent = await send(title, async payer => [await repayRecovery({ payer, reserve, atomsMax: atoms })]);
        if (sent !== undefined) state.setText('');
        await refresh().catch(() => undefined);
    };
    return (
        <Card
            title="Losses not yet back"
            note={
                outstanding === 0n
                    ? `Lenders of ${symbol} are owed nothing.`
                    : `Lenders of ${symbol} are still owed ${amount(outstanding, decimals)} ${symbol} of past losses. Whoever pays it back, it goes to who bore them.`
            }
        >
            {connected !== undefined && outstanding > 0n && (
                <form
                    className="stack"
                    onSubmit={event => {
                        event.preventDefault();
                        void pay();
                    }}
                >
                    <AmountInput
                        label={`Pay back, ${symbol}`}
                        symbol={symbol}
                        decimals={decimals}
                        state={state}
                        most={most}
                        stops={[{ name: 'All', atoms: most }]}
                    />
                    <button type="submit" disabled={atoms === 0n || atoms > held || isBusy}>
                        Pay back
                    </button>
                </form>
            )}
        </Card>
    );
}
