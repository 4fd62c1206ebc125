/** A position before and after an action, side by side. */
import { collateralsOf, debtsOf, type Preview, type Scene } from '@plimsoll/sdk';

import { amount, health, usd } from '../../format';
import type { ReadyChain } from '../../state/chain';
import { standingOf, wordOf } from '../../ui/Health';

type Line = Readonly<{ name: string; before: string; after: string }>;

export function BeforeAfter({ chain, scene, preview }: { chain: ReadyChain; scene: Scene; preview: Preview }) {
    const { before, after } = preview;
    if (after === undefined) return null;
    const lines = linesOf(chain, scene, preview);
    return (
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
                <tr>
                    <th scope="row">Health</th>
                    <td className="number">{worded(before.maintenanceHealthE9, before.callLevelE9)}</td>
                    <td className="number strong">{worded(after.maintenanceHealthE9, after.callLevelE9)}</td>
                </tr>
                {lines.map(line => (
                    <tr key={line.name}>
                        <th scope="row">{line.name}</th>
                        <td className="number">{line.before}</td>
                        <td className={`number ${line.before === line.after ? '' : 'strong'}`}>{line.after}</td>
                    </tr>
                ))}
            </tbody>
        </table>
    );
}

const worded = (e9: bigint, call: bigint): string => `${health(e9)} ${wordOf(standingOf(e9, call)).toLowerCase()}`;

const MOST = 2n ** 64n - 1n;
const threshold = (nanoUsd: bigint | undefined): string => {
    if (nanoUsd === undefined || nanoUsd === 0n) return 'none';
    return nanoUsd === MOST ? 'any' : usd(nanoUsd);
};

function linesOf(chain: ReadyChain, scene: Scene, { before, after, position }: Preview): Line[] {
    if (after === undefined) return [];
    const was = { collaterals: collateralsOf(scene.position), debts: debtsOf(scene.position) };
    const is = {
        collaterals: position.collaterals.slice(0, position.collateralCount),
        debts: position.debts.slice(0, position.debtCount),
    };
    const initial = (quote: typeof before) => (quote.initialRefusal === 0 ? health(quote.initialHealthE9) : 'no price');
    const lines: Line[] = [{ name: 'Initial health', before: initial(before), after: initial(after) }];
    for (const token of chain.tokens.values()) {
        const { address } = token.reserve;
        const at = (slots: readonly { reserve: string }[]) => slots.findIndex(slot => slot.reserve === address);
        const [cWas, cIs, dWas, dIs] = [at(was.collaterals), at(is.collaterals), at(was.debts), at(is.debts)];
        const show = (atoms: bigint | undefined) => amount(atoms ?? 0n, token.decimals);
        if (cWas >= 0 || cIs >= 0) {
            lines.push({
                name: `${token.symbol} held`,
                before: show(was.collaterals[cWas]?.atoms),
                after: show(is.collaterals[cIs]?.atoms),
            });
            lines.push({
                name: `${token.symbol} liquidation price`,
                before: threshold(before.collaterals[cWas]?.liquidationPriceNanoUsd),
                after: threshold(after.collaterals[cIs]?.liquidationPriceNanoUsd),
            });
        }
        if (dWas >= 0 || dIs >= 0) {
            lines.push({
                name: `${token.symbol} owed`,
                before: show(before.debts[dWas]?.owedAtoms),
                after: show(after.debts[dIs]?.owedAtoms),
            });
        }
    }
    return lines;
}
