/** Transactions as their sender sees them: how far they are, and why they failed, in a sentence. */
import type { Instruction, Signature, TransactionSigner } from '@solana/kit';
import { createContext, use, useCallback, useMemo, useRef, useState, type ReactNode } from 'react';

import { sendInstructions, TransactionExpired, TransactionFailure, type Sent } from '@plimsoll/sdk';

import { useChain } from './chain';
import { useHoldings } from './holdings';
import { SignatureRejected, useWallets } from './wallet';

/** A transaction somebody asked for. */
export type Task = Readonly<{
    id: number;
    /** What it does: `Borrow 100 USDC`. */
    title: string;
    stage: 'simulating' | 'signing' | 'confirming' | 'confirmed' | 'failed';
    signature?: Signature;
    /** Why it failed. */
    message?: string;
    /** Name and code of the program's error, for who asks. */
    detail?: string;
    /** Whether it failed because the user said no. */
    isRejected?: boolean;
}>;

/** What a transaction is made of, given who signs. */
export type Build = (signer: TransactionSigner) => Promise<readonly Instruction[]>;

type Sending = Readonly<{
    tasks: readonly Task[];
    /** Sends; `undefined` where it failed, which is shown. */
    send: (title: string, build: Build) => Promise<Sent | undefined>;
    dismiss: (id: number) => void;
    isBusy: boolean;
}>;

const SendingContext = createContext<Sending | undefined>(undefined);

/** Transactions. Only below {@link SendingProvider}. */
export function useSending(): Sending {
    const sending = use(SendingContext);
    if (sending === undefined) throw new Error('useSending stands outside of SendingProvider');
    return sending;
}

/** What is said of an error. */
export function explained(error: unknown): Pick<Task, 'message' | 'detail' | 'isRejected'> {
    if (error instanceof SignatureRejected) return { message: error.message, isRejected: true };
    if (error instanceof TransactionFailure && error.refusal !== undefined) {
        const { sentence, name, code } = error.refusal;
        return { message: `${sentence}.`, detail: `${name}, code ${code}` };
    }
    if (error instanceof TransactionFailure || error instanceof TransactionExpired) return { message: error.message };
    const message = error instanceof Error ? error.message : String(error);
    const isNetwork = error instanceof TypeError || /fetch|network|HTTP/i.test(message);
    return isNetwork
        ? { message: 'The node did not answer. Nothing is known to have been sent; look at your position, then try again.' }
        : { message };
}

/** Whether a transaction is neither confirmed nor failed. */
const isUnderWay = ({ stage }: Task): boolean => stage !== 'confirmed' && stage !== 'failed';

/** For how long a confirmed transaction is shown, milliseconds. One that failed stays until it is dismissed. */
const CONFIRMED_MS = 12_000;

/** Gives all below it a way to send. */
export function SendingProvider({ children }: { children: ReactNode }) {
    const { rpc, refresh: refreshMarket } = useChain();
    const { refresh: refreshHoldings } = useHoldings();
    const { connected } = useWallets();
    const [tasks, setTasks] = useState<readonly Task[]>([]);
    const next = useRef(0);

    const send = useCallback<Sending['send']>(
        async (title, build) => {
            if (connected === undefined) return undefined;
            const id = (next.current += 1);
            const change = (with_: Partial<Task>) =>
                setTasks(all => all.map(task => (task.id === id ? { ...task, ...with_ } : task)));
            setTasks(all => [...all.filter(isUnderWay), { id, title, stage: 'simulating' }]);
            try {
                const instructions = await build(connected.signer);
                const sent = await sendInstructions(rpc, connected.signer, instructions, { onProgress: change });
                await Promise.allSettled([refreshMarket(), refreshHoldings()]);
                setTimeout(() => setTasks(all => all.filter(task => task.id !== id)), CONFIRMED_MS);
                return sent;
            } catch (error) {
                change({ stage: 'failed', ...explained(error) });
                return undefined;
            }
        },
        [connected, rpc, refreshMarket, refreshHoldings],
    );
    const dismiss = useCallback((id: number) => setTasks(all => all.filter(task => task.id !== id)), []);
    const isBusy = tasks.some(isUnderWay);
    const value = useMemo(() => ({ tasks, send, dismiss, isBusy }), [tasks, send, dismiss, isBusy]);
    return <SendingContext value={value}>{children}</SendingContext>;
}
