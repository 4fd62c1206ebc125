/** One position: how healthy it is, what would change that, and everything its owner can do. */
import type { Address } from '@solana/kit';
import { useEffect, useMemo, useState } from 'react';

import { chanceOfReaching, collateralsOf, debtsOf, type Position as PositionAccount, type Scene } from '@plimsoll/sdk';

import { amount, chance, duration, health, part, percent, since, usd, value } from '../format';
import { hrefOf, useRoute } from '../router';
import { positionOf, sceneOf, type ReadyChain, type Token } from '../state/chain';
import { useWallets } from '../state/wallet';
import { Badge, Card, Empty, Notice, Stat, Stats, Table, type Column } from '../ui/basics';
import { Health, LoadLine } from '../ui/Health';
import { Key } from '../ui/Link';
import { WalletButton } from '../ui/WalletButton';
import { Actions } from './position/Actions';
import { Protection } from './position/Protection';
import { Shock } from './position/Shock';
import { priceOf } from './prices';

export default function Position({ chain }: { chain: ReadyChain }) {
    const { of } = useRoute();
    const { connected } = useWallets();
    const found = of === undefined ? undefined : chain.state.positions.get(of as Address);
    const own = useOwnPosition(chain, of === undefined ? connected?.address : undefined);
    if (of !== undefined && found === undefined) {
        return (
            <>
                <h1>Position</h1>
                <Empty title="There is no such position in this market">
                    <a href={hrefOf('position')}>Your own position</a>
                </Empty>
            </>
        );
    }
    if (found === undefined && connected === undefined) {
        return (
            <>
                <h1>Position</h1>
                <Empty title="Connect a wallet to see your position" icon="wallet">
                    <p>You can look at everything else without one.</p>
                    <WalletButton />
                </Empty>
            </>
        );
    }
    const position = found ?? own?.position;
    if (position === undefined) return <h1>Position</h1>;
    const isOpen = found !== undefined || own?.isOpen === true;
    const isOwn = connected?.address === position.state.owner;
    return <Shown key={position.address} chain={chain} position={position} isOpen={isOpen} isOwn={isOwn} />;
}

/** The position of an owner, opened or not. */
function useOwnPosition(chain: ReadyChain, owner: Address | undefined) {
    const [found, setFound] = useState<{ owner: Address; position: PositionAccount; isOpen: boolean }>();
    const { positions } = chain.state;
    useEffect(() => {
        let isOver = false;
        if (owner !== undefined) {
            void positionOf(chain, owner).then(one => {
                if (!isOver) setFound({ owner, ...one });
            });
        }
        return () => {
            isOver = true;
        };
        // The position itself follows from these.
        // eslint-disable-next-line react-hooks/exhaustive-deps
    }, [owner, positions]);
    return found?.owner === owner ? found : undefined;
}

type Props = Readonly<{ chain: ReadyChain; position: PositionAccount; isOpen: boolean; isOwn: boolean }>;

function Shown({ chain, position, isOpen, isOwn }: Props) {
    const scene = useMemo(() => sceneOf(chain, position), [chain, position]);
    const quote = useMemo(() => chain.engine.quotePosition(scene), [chain, scene]);
    const isEmpty = position.state.collateralCount === 0 && position.state.debtCount === 0;
    const { policy } = chain.state.market.state;
    return (
        <>
            <div className="title-row">
                <h1>{isOwn ? 'Your position' : 'Position'}</h1>
                {isOpen && (
                    <span className="muted">
                        <Key of={position.address} /> of <Key of={position.state.owner} />
                    </span>
                )}
            </div>
            <Calls chain={chain} scene={scene} quote={quote} isOwn={isOwn} />
            <div className="columns wide-left">
                <div className="stack">
                    {isEmpty ? (
                        <Card title="Nothing here yet">
                            <Empty title={isOwn ? 'Deposit collateral to begin' : 'This position is empty'} icon="shield">
                                {isOwn &&
                                    'Collateral is never lent. Against it you may borrow; each step shows what it does before you sign.'}
                            </Empty>
                        </Card>
                    ) : (
                        <>
                            <Card
                                title="Health"
                                aside={<Health e9={quote.maintenanceHealthE9} callLevelE9={quote.callLevelE9} />}
                            >
                                <LoadLine
                                    maintenanceE9={quote.maintenanceHealthE9}
                                    initialE9={quote.initialHealthE9}
                                    callLevelE9={quote.callLevelE9}
                                    isInitialKnown={quote.initialRefusal === 0}
                                />
                                <Stats>
                                    <Stat label="Collateral" value={usd(quote.collateralNanoUsd)} hint="plain value" />
                                    <Stat label="Debt" value={usd(quote.debtNanoUsd)} />
                                    <Stat label="Debt to collateral" value={part(quote.debtNanoUsd, quote.collateralNanoUsd)} />
                                    <Stat
                                        label="A liquidation restores"
                                        value={health(policy.targetHealthBps * 100_000n)}
                                        hint="health, no more"
                                    />
                                </Stats>
                            </Card>
                            <Card title="Collateral">
                                <Collaterals chain={chain} scene={scene} quote={quote} />
                            </Card>
                            <Card title="Debt">
                                <Debts chain={chain} scene={scene} quote={quote} />
                            </Card>
                            {position.state.debtCount > 0 && <Shock chain={chain} scene={scene} quote={quote} />}
                        </>
                    )}
                </div>
                <div className="stack">
                    {isOwn ? (
                        <>
                            <Actions chain={chain} scene={scene} isOpen={isOpen} />
                            {position.state.debtCount > 0 && <Protection chain={chain} position={position} />}
                        </>
                    ) : (
                        <Card title="Not yours">
                            <p>
                                You may look, and anyone may repay or add collateral to a position. Its owner alone borrows and
                                withdraws.
                            </p>
                        </Card>
                    )}
                </div>
            </div>
        </>
    );
}

type Quoted = Readonly<{ chain: ReadyChain; scene: Scene; quote: ReturnType<ReadyChain['engine']['quotePosition']> }>;

/** What its owner must know at once. */
function Calls({ chain, scene, quote, isOwn }: Quoted & { isOwn: boolean }) {
    const { state } = scene.position;
    const now = chain.state.now.unix;
    const whose = isOwn ? 'Your position' : 'This position';
    const isLiquidatable = quote.maintenanceHealthE9 < 1_000_000_000n;
    const { auctionSecs } = chain.state.market.state.policy;
    return (
        <>
            {state.defaultedAt > 0n && (
                <Notice tone="bad" title={`${whose} is marked as a default`} isLive>
                    {`Since ${duration(now - state.defaultedAt)} its collateral is sold at a falling price. The expected loss is booked.`}
                </Notice>
            )}
            {isLiquidatable && state.defaultedAt === 0n && (
                <Notice tone="bad" title={`${whose} may be liquidated now`} isLive>
                    {quote.flaggedAt > 0n
                        ? `Flagged ${since(quote.flaggedAt, now)}; the bonus has risen for ${duration(quote.auctionSecs)} of ${duration(auctionSecs)}. `
                        : ''}
                    Repay or add collateral to stop it; a liquidation takes what restores the target health, no more.
                </Notice>
            )}
            {!isLiquidatable && quote.isCalled === 1 && (
                <Notice tone="warn" icon="bell" title="Margin call" isLive>
                    {`${whose} is near its liquidation line. ${state.calledAt > 0n ? `Called ${since(state.calledAt, now)}. ` : ''}Repay or add collateral; such a deposit may exceed the collateral cap.`}
                </Notice>
            )}
            {state.coolingUntilSlot >= chain.state.now.slot && (
                <Notice tone="info" icon="clock" title="Cooling off">
                    {`Not liquidatable until slot ${state.coolingUntilSlot}, ${state.coolingUntilSlot - chain.state.now.slot + 1n} from now.`}
                </Notice>
            )}
        </>
    );
}

type CollateralRow = Readonly<{ token: Token; index: number; atoms: bigint }>;

function Collaterals({ chain, scene, quote }: Quoted) {
    const rows = collateralsOf(scene.position).flatMap((slot, index): CollateralRow[] => {
        const token = chain.tokens.get(slot.reserve);
        return token === undefined ? [] : [{ token, index, atoms: slot.atoms }];
    });
    if (rows.length === 0) return <Empty title="No collateral" />;
    const columns: Column<CollateralRow>[] = [
        { name: 'Token', cell: ({ token }) => <strong>{token.symbol}</strong> },
        {
            name: 'Held',
            isNumber: true,
            cell: ({ token, atoms }) => (
                <div>
                    <span>{amount(atoms, token.decimals)}</span>
                    <span className="muted small">{usd(value(atoms, token.decimals, priceOf(chain, token).nanoUsd))}</span>
                </div>
            ),
        },
        {
            name: 'Price now',
            isNumber: true,
            cell: ({ token }) => usd(priceOf(chain, token).nanoUsd),
        },
        {
            name: 'Liquidation price',
            isNumber: true,
            title: 'Of this token, if all other prices stay',
            cell: ({ token, index }) => {
                const threshold = quote.collaterals[index]?.liquidationPriceNanoUsd ?? 0n;
                return <Threshold price={priceOf(chain, token).nanoUsd} threshold={threshold} />;
            },
        },
        {
            name: 'Chance to reach it',
            isNumber: true,
            title: 'If the price wanders without direction, as much as observed lately',
            cell: ({ token, index }) => {
                const threshold = quote.collaterals[index]?.liquidationPriceNanoUsd ?? 0n;
                if (threshold === 0n || threshold === 2n ** 64n - 1n) return <span className="muted">none</span>;
                const sigma = chain.engine.reserve(token.reserve, chain.state.now).sigmaInitialE9;
                const within = (days: number) =>
                    chance(chanceOfReaching(priceOf(chain, token).nanoUsd, threshold, sigma, days));
                return (
                    <div>
                        <span>{`${within(1)} in a day`}</span>
                        <span className="muted small">{`${within(7)} in a week`}</span>
                    </div>
                );
            },
        },
    ];
    return (
        <Table caption="Collateral of this position" columns={columns} rows={rows} rowKey={row => row.token.reserve.address} />
    );
}

/** A liquidation price, and how far away it is. */
function Threshold({ price, threshold }: { price: bigint; threshold: bigint }) {
    if (threshold === 0n) return <span className="muted">at no price</span>;
    if (threshold === 2n ** 64n - 1n) return <Badge tone="bad">at any price</Badge>;
    const gap = price > threshold ? price - threshold : 0n;
    return (
        <div>
            <span>{usd(threshold)}</span>
            <span className="muted small">{gap === 0n ? 'reached' : `${part(gap, price)} below`}</span>
        </div>
    );
}

type DebtRow = Readonly<{ token: Token; owed: bigint }>;

function Debts({ chain, scene, quote }: Quoted) {
    const rows = debtsOf(scene.position).flatMap((slot, index): DebtRow[] => {
        const token = chain.tokens.get(slot.reserve);
        return token === undefined ? [] : [{ token, owed: quote.debts[index]?.owedAtoms ?? 0n }];
    });
    if (rows.length === 0) return <Empty title="No debt">What you deposited cannot be liquidated without one.</Empty>;
    const columns: Column<DebtRow>[] = [
        { name: 'Token', cell: ({ token }) => <strong>{token.symbol}</strong> },
        {
            name: 'Owed',
            isNumber: true,
            cell: ({ token, owed }) => (
                <div>
                    <span>{amount(owed, token.decimals)}</span>
                    <span className="muted small">{usd(value(owed, token.decimals, priceOf(chain, token).nanoUsd))}</span>
                </div>
            ),
        },
        {
            name: 'Borrow rate',
            isNumber: true,
            cell: ({ token }) => percent(chain.engine.reserve(token.reserve, chain.state.now).borrowRateE9),
        },
    ];
    return <Table caption="Debt of this position" columns={columns} rows={rows} rowKey={row => row.token.reserve.address} />;
}
