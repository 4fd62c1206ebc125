/** An order to be liquidated early, at a small bonus, before it is too late. */
import { useState } from 'react';

import { DecimalError, parseDecimal, setProtectionOrder, type Position } from '@plimsoll/sdk';

import { bps, health } from '../../format';
import type { ReadyChain } from '../../state/chain';
import { useSending } from '../../state/sending';
import { Card, Notice } from '../../ui/basics';

/** A health of so many basis points: 10,300 is 1.03. */
const shown = (value: bigint): string => health(value * 100_000n);

export function Protection({ chain, position }: { chain: ReadyChain; position: Position }) {
    const { policy } = chain.state.market.state;
    const { protectionTriggerBps, protectionBonusBps } = position.state;
    const isSet = protectionTriggerBps > 0n;
    const most = policy.targetHealthBps - 100n;
    const [trigger, setTrigger] = useState(isSet ? shown(protectionTriggerBps) : shown(most - 50n));
    const [bonus, setBonus] = useState('1');
    const { send, isBusy } = useSending();
    const parsed = parse(trigger, bonus);
    const isGood =
        parsed !== undefined &&
        parsed.triggerBps > 10_000n &&
        parsed.triggerBps <= most &&
        parsed.bonusBps <= policy.bonusDefaultBps;
    const order = (title: string, triggerBps: bigint, bonusBps: bigint) =>
        send(title, owner => Promise.resolve([setProtectionOrder({ owner, position, triggerBps, bonusBps })]));
    return (
        <Card
            title="Protection order"
            note="Let keepers restore your health early, at a bonus you choose, in place of a liquidation at the market’s."
        >
            {isSet ? (
                <Notice
                    tone="good"
                    icon="shield"
                    title={`Acts below health ${shown(protectionTriggerBps)}, at a bonus of ${bps(protectionBonusBps)}`}
                />
            ) : (
                <p className="muted">None is set.</p>
            )}
            <form
                className="stack"
                onSubmit={event => {
                    event.preventDefault();
                    if (parsed !== undefined) void order('Set a protection order', parsed.triggerBps, parsed.bonusBps);
                }}
            >
                <div className="pair">
                    <div className="field">
                        <label htmlFor="trigger">Below health</label>
                        <input
                            id="trigger"
                            inputMode="decimal"
                            value={trigger}
                            onChange={event => setTrigger(event.target.value)}
                        />
                    </div>
                    <div className="field">
                        <label htmlFor="bonus">Bonus, %</label>
                        <input id="bonus" inputMode="decimal" value={bonus} onChange={event => setBonus(event.target.value)} />
                    </div>
                </div>
                {!isGood && (
                    <p
                        className="error"
                        role="status"
                    >{`Health from 1.001 to ${shown(most)}, bonus up to ${bps(policy.bonusDefaultBps)}.`}</p>
                )}
                <div className="row">
                    <button type="submit" className="primary" disabled={!isGood || isBusy}>
                        {isSet ? 'Change' : 'Set'}
                    </button>
                    {isSet && (
                        <button
                            type="button"
                            disabled={isBusy}
                            onClick={() => void order('Remove the protection order', 0n, 0n)}
                        >
                            Remove
                        </button>
                    )}
                </div>
            </form>
        </Card>
    );
}

function parse(trigger: string, bonus: string): { triggerBps: bigint; bonusBps: bigint } | undefined {
    try {
        return { triggerBps: parseDecimal(trigger, 4), bonusBps: parseDecimal(bonus, 2) };
    } catch (error) {
        if (error instanceof DecimalError) return undefined;
        throw error;
    }
}
