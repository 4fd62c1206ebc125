/** Deposit, borrow, repay, withdraw: each with before and after, computed by the engine. */
import { useMemo, useState } from 'react';
import type { Address } from '@solana/kit';

import {
    borrow,
    collateralsOf,
    debtsOf,
    deposit,
    explain,
    offersFor,
    openPosition,
    openTokenAccount,
    repay,
    rescue,
    withdraw,
    type Preview,
    type Scene,
} from '@plimsoll/sdk';

import { amount, exact } from '../../format';
import type { ReadyChain, Token } from '../../state/chain';
import { useHoldings } from '../../state/holdings';
import { useSending, type Build } from '../../state/sending';
import { useWallets } from '../../state/wallet';
import { AmountInput, useAmount, type Stop } from '../../ui/AmountInput';
import { Card, Choice, Notice } from '../../ui/basics';
import { BeforeAfter } from './BeforeAfter';

type Kind = 'deposit' | 'borrow' | 'repay' | 'withdraw';
const KINDS: readonly { value: Kind; text: string }[] = [
    { value: 'deposit', text: 'Deposit' },
    { value: 'borrow', text: 'Borrow' },
    { value: 'repay', text: 'Repay' },
    { value: 'withdraw', text: 'Withdraw' },
];
const VERBS: Readonly<Record<Kind, string>> = { deposit: 'Deposit', borrow: 'Borrow', repay: 'Repay', withdraw: 'Withdraw' };
/** Maintenance health that "safe" leaves, 1e-9: collateral may lose a third. */
const SAFE_E9 = 1_500_000_000n;
const CAP_EXCEEDED = 6403;

/** Tokens that an action can be about. */
function tokensFor(kind: Kind, chain: ReadyChain, scene: Scene): Token[] {
    const all = [...chain.tokens.values()];
    const collateral = new Set<Address>(collateralsOf(scene.position).map(slot => slot.reserve));
    const debt = new Set<Address>(debtsOf(scene.position).map(slot => slot.reserve));
    const of = (token: Token) => token.reserve.address;
    if (kind === 'withdraw') return all.filter(token => collateral.has(of(token)));
    if (kind === 'repay') return all.filter(token => debt.has(of(token)));
    if (kind === 'deposit') return all.filter(token => !debt.has(of(token)));
    const lends = (token: Token) => token.reserve.state.cashAtoms > 0n;
    return all.filter(token => !collateral.has(of(token)) && lends(token));
}

type Props = Readonly<{ chain: ReadyChain; scene: Scene; isOpen: boolean }>;

export function Actions({ chain, scene, isOpen }: Props) {
    const [kind, setKind] = useState<Kind>('deposit');
    const tokens = tokensFor(kind, chain, scene);
    const [wanted, setWanted] = useState<Address>();
    const token = tokens.find(one => one.reserve.address === wanted) ?? tokens[0];
    return (
        <Card title="Act">
            <Choice label="Action" options={KINDS} value={kind} onChange={setKind} />
            {token === undefined ? (
                <p className="muted">{NOTHING[kind]}</p>
            ) : (
                <>
                    <div className="field">
                        <label htmlFor="action-token">Token</label>
                        <select
                            id="action-token"
                            value={token.reserve.address}
                            onChange={event => setWanted(event.target.value as Address)}
                        >
                            {tokens.map(one => (
                                <option key={one.reserve.address} value={one.reserve.address}>
                                    {`${one.symbol} \u00b7 ${one.name}`}
                                </option>
                            ))}
                        </select>
                    </div>
                    <Form key={`${kind} ${token.reserve.address}`} {...{ chain, scene, isOpen, kind, token }} />
                </>
            )}
        </Card>
    );
}

const NOTHING: Readonly<Record<Kind, string>> = {
    deposit: 'No token here can be deposited.',
    borrow: 'Nothing can be borrowed: no reserve has liquidity in another token than your collateral.',
    repay: 'You owe nothing.',
    withdraw: 'You have no collateral here.',
};

function Form({ chain, scene, isOpen, kind, token }: Props & { kind: Kind; token: Token }) {
    const { reserve, symbol, decimals } = token;
    const { holdings } = useHoldings();
    const { send, isBusy } = useSending();
    const { connected } = useWallets();
    const state = useAmount(decimals);
    const held = holdings?.tokens.get(reserve.address) ?? 0n;
    const isPaying = kind === 'deposit' || kind === 'repay';
    const limits = useMemo(() => {
        const cap = (atoms: bigint) => (isPaying && atoms > held ? held : atoms);
        const most = chain.engine.most(scene, { kind, reserve: reserve.address });
        const safe = isPaying ? most : chain.engine.most(scene, { kind, reserve: reserve.address }, { leastHealthE9: SAFE_E9 });
        return { most: cap(most.atoms), safe: cap(safe.atoms), refusal: most.refusal };
    }, [chain, scene, kind, reserve, held, isPaying]);
    const atoms = state.atoms ?? 0n;
    const preview = useMemo<Preview | undefined>(
        () => (atoms === 0n ? undefined : chain.engine.preview(scene, { kind, reserve: reserve.address, atoms })),
        [chain, scene, kind, reserve, atoms],
    );
    const isShort = isPaying && atoms > held;
    const isRescue = kind === 'deposit' && preview?.refusal === CAP_EXCEEDED && preview.before.isCalled === 1;
    const refusal = preview === undefined || isRescue ? 0 : preview.refusal;
    const stops: Stop[] = isPaying
        ? [{ name: kind === 'repay' ? 'All' : 'Max', atoms: limits.most }]
        : [
              { name: 'Safe max', atoms: limits.safe },
              { name: 'Max', atoms: limits.most },
          ];
    const submit = async () => {
        const title = `${VERBS[kind]} ${amount(atoms, decimals)} ${symbol}`;
        const isAll = kind === 'repay' && atoms >= limits.most && limits.most < held;
        const sent = await send(title, builder({ chain, scene, isOpen, kind, token, atoms, isRescue, isAll }));
        if (sent !== undefined) state.setText('');
    };
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
                most={limits.most}
                stops={stops}
                hint={isPaying ? `You have ${amount(held, decimals)} ${symbol}.` : HINTS[kind]}
            />
            {isShort && <Notice tone="warn" title={`You have only ${exact(held, decimals)} ${symbol}`} />}
            {refusal !== 0 && (
                <Notice tone="warn" title="This would be refused">
                    {explain(refusal)?.sentence ?? `code ${refusal}`}
                </Notice>
            )}
            {atoms === 0n && limits.most === 0n && limits.refusal !== 0 && (
                <Notice tone="info" title="Not possible now">
                    {explain(limits.refusal)?.sentence ?? `code ${limits.refusal}`}
                </Notice>
            )}
            {preview !== undefined && <BeforeAfter chain={chain} scene={scene} preview={preview} />}
            <button
                type="submit"
                className="primary"
                disabled={atoms === 0n || isShort || refusal !== 0 || isBusy || connected?.isRightCluster !== true}
            >
                {isBusy ? 'Waiting\u2026' : `${VERBS[kind]} ${symbol}`}
            </button>
        </form>
    );
}

const HINTS: Readonly<Partial<Record<Kind, string>>> = {
    borrow: 'Safe leaves a health of 1.5: collateral may lose a third before the line.',
    withdraw: 'Safe leaves a health of 1.5: collateral may lose a third before the line.',
};

type Order = Props & { kind: Kind; token: Token; atoms: bigint; isRescue: boolean; isAll: boolean };

/** The instructions of an action: with the account it opens, and the newest prices where it needs them. */
function builder({ chain, scene, isOpen, kind, token: { reserve }, atoms, isRescue, isAll }: Order): Build {
    return async signer => {
        const { position } = scene;
        const input = { position, reserve, atoms, offers: offersFor(scene, reserve.address) };
        if (kind === 'deposit') {
            const opening = isOpen ? [] : [(await openPosition({ owner: signer, market: chain.market })).instruction];
            const paying = isRescue
                ? await rescue({ ...input, depositor: signer })
                : await deposit({ depositor: signer, position: position.address, reserve, atoms });
            return [...opening, paying];
        }
        if (kind === 'repay') {
            const atomsMax = isAll ? {} : { atomsMax: atoms };
            return [await repay({ payer: signer, position: position.address, reserve, ...atomsMax })];
        }
        const account = await openTokenAccount({ payer: signer, reserve });
        const taking = kind === 'borrow' ? borrow({ ...input, owner: signer }) : withdraw({ ...input, owner: signer });
        return [account.instruction, await taking];
    };
}
