/** An amount, typed or by slider; the slider's end is what is possible. */
import { useId, useState } from 'react';

import { DecimalError, parseDecimal } from '@plimsoll/sdk';

import { amount, exact } from '../format';

/** What an amount input holds. */
export type AmountState = Readonly<{
    text: string;
    setText: (text: string) => void;
    /** Atoms; `undefined` while the text is no amount. */
    atoms: bigint | undefined;
    /** Why it is none. */
    error: string | undefined;
}>;

/** The state of an amount input for a token of so many decimals. */
export function useAmount(decimals: number): AmountState {
    const [text, setText] = useState('');
    if (text.trim() === '') return { text, setText, atoms: undefined, error: undefined };
    try {
        return { text, setText, atoms: parseDecimal(text.replaceAll(',', ''), decimals), error: undefined };
    } catch (error) {
        const why = error instanceof DecimalError ? error.message : String(error);
        return { text, setText, atoms: undefined, error: why };
    }
}

/** A point of the slider worth a button. */
export type Stop = Readonly<{ name: string; atoms: bigint }>;

export function AmountInput(props: {
    label: string;
    symbol: string;
    decimals: number;
    state: AmountState;
    most: bigint;
    stops: readonly Stop[];
    hint?: string | undefined;
    /** What counts while nothing is typed. */
    unset?: bigint;
}) {
    const { label, symbol, decimals, state, most, stops, hint, unset = 0n } = props;
    const id = useId();
    const percent = most === 0n ? 0n : ((state.atoms ?? unset) * 100n) / most;
    const set = (atoms: bigint) => state.setText(atoms === 0n ? '' : exact(atoms, decimals));
    const described = [state.error === undefined ? undefined : `${id}-error`, hint === undefined ? undefined : `${id}-hint`];
    return (
        <div className="amount">
            <label htmlFor={id}>{label}</label>
            <div className="amount-box">
                <input
                    id={id}
                    inputMode="decimal"
                    autoComplete="off"
                    placeholder={exact(unset, decimals)}
                    value={state.text}
                    aria-invalid={state.error !== undefined}
                    aria-describedby={described.filter(one => one !== undefined).join(' ') || undefined}
                    onChange={event => state.setText(event.target.value)}
                />
                <span aria-hidden="true">{symbol}</span>
            </div>
            <input
                type="range"
                min={0}
                max={100}
                step={1}
                value={Number(percent > 100n ? 100n : percent)}
                disabled={most === 0n}
                aria-label={`${label}, part of the most that is possible`}
                aria-valuetext={`${percent}% of ${amount(most, decimals)} ${symbol}`}
                onChange={event => set((most * BigInt(event.target.value)) / 100n)}
            />
            <div className="stops">
                {stops.map(({ name, atoms }) => (
                    <button key={name} type="button" className="small" disabled={atoms === 0n} onClick={() => set(atoms)}>
                        {`${name} ${amount(atoms, decimals, 2)}`}
                    </button>
                ))}
            </div>
            {hint !== undefined && (
                <p id={`${id}-hint`} className="muted small">
                    {hint}
                </p>
            )}
            {state.error !== undefined && (
                <p id={`${id}-error`} className="error">
                    {state.error}
                </p>
            )}
        </div>
    );
}
