/** One opportunity: how much of it, what simulation says, and taking it. */
import { useMemo, useState } from 'react';
import type { Instruction, TransactionSigner } from '@solana/kit';

import {
    backstopLiquidate,
    explain,
    flagPosition,
    liquidate,
    offersFor,
    openTokenAccount,
    simulate,
    tokenAccountOf,
    unitLimit,
} from '@plimsoll/sdk';

import { amount, grouped, health, usd, value } from '../../format';
import type { ReadyChain } from '../../state/chain';
import { useHoldings } from '../../state/holdings';
import { explained, useSending } from '../../state/sending';
import { useWallets } from '../../state/wallet';
import { AmountInput, useAmount } from '../../ui/AmountInput';
import { Card, Notice, Stat, Stats } from '../../ui/basics';
import { WalletButton } from '../../ui/WalletButton';
import { Key } from '../../ui/Link';
import { bonus } from '../Liquidations';
import { poolOf, profitOf, type Chance } from '../opportunities';
import { priceOf } from '../prices';

/** Prices move until it lands: at least what is planned less this many basis points, or nothing. */
const TOLERANCE_BPS = 100n;
const MOST_UNITS = 1_400_000;

type Simulated = Readonly<{ tone: 'good' | 'warn'; title: string; text: string }>;

export function Take({ chain, chosen }: { chain: ReadyChain; chosen: Chance }) {
    const { scene, seized, repaid, position, best } = chosen;
    const { quote: whole, collateralSlot, debtSlot } = best;
    const { connected } = useWallets();
    const { holdings } = useHoldings();
    const { send, isBusy } = useSending();
    const state = useAmount(repaid.decimals);
    const [simulated, setSimulated] = useState<Simulated>();
    const held = holdings?.tokens.get(repaid.reserve.address) ?? 0n;
    // The fee comes on top of the repayment.
    const affordable = whole.repayAtoms + whole.feeAtoms <= held ? whole.repayAtoms : (held * 99n) / 100n;
    const unset = connected === undefined ? whole.repayAtoms : affordable;
    const most = state.atoms ?? unset;
    const isAll = most >= whole.repayAtoms;
    const plan = useMemo(
        () => (isAll ? whole : chain.engine.quoteLiquidation(scene, { collateralSlot, debtSlot, repayMaxAtoms: most })),
        [chain, scene, collateralSlot, debtSlot, whole, most, isAll],
    );
    const pays = plan.repayAtoms + plan.feeAtoms;
    const isShort = connected !== undefined && pays > held;
    const profit = profitOf(chain, plan, seized, repaid);
    const build = async (liquidator: TransactionSigner): Promise<Instruction[]> => {
        const account = await openTokenAccount({ payer: liquidator, reserve: seized.reserve });
        const bound = isAll ? {} : { repayMaxAtoms: most };
        const seizeMinAtoms = (plan.seizeAtoms * (10_000n - TOLERANCE_BPS)) / 10_000n;
        const input = { liquidator, position, seized: seized.reserve, repaid: repaid.reserve, seizeMinAtoms, ...bound };
        return [account.instruction, await liquidate({ ...input, offers: offersFor(scene) })];
    };
    const trial = async () => {
        if (connected === undefined) return;
        setSimulated(undefined);
        try {
            const { units } = await simulate(chain.rpc, connected.address, [
                unitLimit(MOST_UNITS),
                ...(await build(connected.signer)),
            ]);
            setSimulated({ tone: 'good', title: 'It would go through', text: `${grouped(String(units))} compute units.` });
        } catch (error) {
            const { message = '', detail } = explained(error);
            setSimulated({
                tone: 'warn',
                title: 'It would not go through',
                text: detail === undefined ? message : `${message} (${detail})`,
            });
        }
    };
    const show = (atoms: bigint, token: typeof seized) => `${amount(atoms, token.decimals)} ${token.symbol}`;
    return (
        <Card title="Take one" aside={<Key of={position.address} />}>
            <AmountInput
                label={`Repay at most, ${repaid.symbol}`}
                symbol={repaid.symbol}
                decimals={repaid.decimals}
                state={state}
                unset={unset}
                most={whole.repayAtoms}
                stops={[{ name: 'All of it', atoms: whole.repayAtoms }]}
                hint={connected === undefined ? undefined : `You have ${show(held, repaid)}.`}
            />
            {plan.refusal !== 0 ? (
                <Notice tone="warn" title="This would be refused">
                    {explain(plan.refusal)?.sentence ?? `code ${plan.refusal}`}
                </Notice>
            ) : (
                <Stats>
                    <Stat label="You pay" value={show(pays, repaid)} hint={`of which fee ${show(plan.feeAtoms, repaid)}`} />
                    <Stat
                        label="You receive"
                        value={show(plan.seizeAtoms, seized)}
                        hint={usd(value(plan.seizeAtoms, seized.decimals, priceOf(chain, seized).nanoUsd))}
                    />
                    <Stat
                        label="Bonus"
                        value={bonus(plan.grossFactorE9)}
                        hint={plan.isTerminal === 1 ? 'terminal' : 'by health and time'}
                    />
                    <Stat label="Profit" value={usd(profit)} hint="at plain prices" />
                    <Stat label="Health" value={`${health(plan.healthBeforeE9)} \u2192 ${health(plan.healthAfterE9)}`} />
                </Stats>
            )}
            {isShort && (
                <Notice tone="warn" title={`You have only ${show(held, repaid)}`}>
                    Lower the repayment: a part may be taken.
                </Notice>
            )}
            {simulated !== undefined && (
                <Notice tone={simulated.tone} title={simulated.title} isLive>
                    {simulated.text}
                </Notice>
            )}
            {connected === undefined ? (
                <WalletButton />
            ) : (
                <div className="row">
                    <button type="button" disabled={plan.refusal !== 0 || isBusy} onClick={() => void trial()}>
                        Simulate
                    </button>
                    <button
                        type="button"
                        className="primary grow"
                        disabled={plan.refusal !== 0 || isShort || isBusy || !connected.isRightCluster}
                        onClick={() => void send(`Liquidate: repay ${show(plan.repayAtoms, repaid)}`, build)}
                    >
                        {isBusy ? 'Waiting\u2026' : 'Liquidate'}
                    </button>
                </div>
            )}
            {connected !== undefined && <Chores chain={chain} chosen={chosen} />}
        </Card>
    );
}

/** What anybody may do instead: start the auction's clock, or have the backstop buy. */
function Chores({ chain, chosen }: { chain: ReadyChain; chosen: Chance }) {
    const { position, seized, repaid, scene, quote } = chosen;
    const { send, isBusy } = useSending();
    const pool = poolOf(chain, repaid.reserve.address);
    const isTriggered =
        pool !== undefined &&
        pool.state.depositAtoms > 1n &&
        (quote.maintenanceHealthE9 < pool.state.policy.triggerHealthBps * 100_000n ||
            quote.auctionSecs >= pool.state.policy.triggerSecs);
    const flag = () =>
        send('Flag the position', () =>
            Promise.resolve([
                flagPosition({
                    position,
                    collateral: seized.reserve.address,
                    debt: repaid.reserve.address,
                    offers: offersFor(scene),
                }),
            ]),
        );
    const absorb = () =>
        send('Have the backstop buy', async payer => {
            const account = await openTokenAccount({ payer, reserve: seized.reserve });
            const tipTo = await tokenAccountOf(seized.reserve, payer.address);
            const generation = pool?.state.generation ?? 0;
            const input = { position, seized: seized.reserve, repaid: repaid.reserve.address, generation, tipTo };
            return [account.instruction, await backstopLiquidate({ ...input, offers: offersFor(scene) })];
        });
    return (
        <div className="row small">
            <button type="button" className="small" disabled={isBusy} onClick={() => void flag()}>
                {quote.flaggedAt > 0n ? 'Look again: the bonus grows' : 'Flag: start the auction'}
            </button>
            {isTriggered && (
                <button type="button" className="small" disabled={isBusy} onClick={() => void absorb()}>
                    Have the backstop buy, for a tip
                </button>
            )}
        </div>
    );
}
