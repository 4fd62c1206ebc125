/** Health: a number, a word, a shape and a colour, all of which say the same. */
import { U64_MAX } from '@plimsoll/sdk';

import { health } from '../format';
import { Badge, type Tone } from './basics';
import type { IconName } from './Icon';

const ONE = 1_000_000_000n;
/** Above this much health nothing needs watching. */
const CALM = (ONE * 125n) / 100n;

/** What a maintenance health means. */
export type Standing = 'no-debt' | 'safe' | 'watch' | 'called' | 'liquidatable';

/** Judges a maintenance health. */
export function standingOf(healthE9: bigint, callLevelE9: bigint): Standing {
    if (healthE9 === U64_MAX) return 'no-debt';
    if (healthE9 < ONE) return 'liquidatable';
    if (healthE9 < callLevelE9) return 'called';
    return healthE9 < CALM ? 'watch' : 'safe';
}

const LOOKS: Readonly<Record<Standing, { word: string; tone: Tone | 'plain'; icon: IconName }>> = {
    'no-debt': { word: 'No debt', tone: 'plain', icon: 'none' },
    safe: { word: 'Safe', tone: 'good', icon: 'check' },
    watch: { word: 'Watch', tone: 'warn', icon: 'watch' },
    called: { word: 'Margin call', tone: 'warn', icon: 'bell' },
    liquidatable: { word: 'Liquidatable', tone: 'bad', icon: 'stop' },
};

/** The word of a standing. */
export const wordOf = (standing: Standing): string => LOOKS[standing].word;

/** Health as number, word and icon. */
export function Health({ e9, callLevelE9 }: { e9: bigint; callLevelE9: bigint }) {
    const standing = standingOf(e9, callLevelE9);
    const { word, tone, icon } = LOOKS[standing];
    return (
        <span className="health">
            <span className="health-number">{health(e9)}</span>
            <Badge tone={tone} icon={icon}>
                {word}
            </Badge>
        </span>
    );
}

/** The scale of the load line: from this health to that one. */
const SCALE = { from: (ONE * 80n) / 100n, to: ONE * 2n };

/** Where a health lies on the scale, in thousandths. */
function place(e9: bigint): bigint {
    if (e9 <= SCALE.from) return 0n;
    if (e9 >= SCALE.to) return 1_000n;
    return ((e9 - SCALE.from) * 1_000n) / (SCALE.to - SCALE.from);
}

const at = (e9: bigint): string => `${place(e9) / 10n}.${place(e9) % 10n}%`;

/** Maintenance and initial health over one scale, with the line at 1 and the call level. */
export function LoadLine(props: { maintenanceE9: bigint; initialE9: bigint; callLevelE9: bigint; isInitialKnown: boolean }) {
    const { maintenanceE9, initialE9, callLevelE9, isInitialKnown } = props;
    const rows = [
        { name: 'Maintenance', e9: maintenanceE9, below: 'below 1 it may be liquidated', isKnown: true },
        { name: 'Initial', e9: initialE9, below: 'below 1 nothing more can be borrowed', isKnown: isInitialKnown },
    ];
    return (
        <div className="loadline">
            {rows.map(({ name, e9, below, isKnown }) => (
                <div className="loadline-row" key={name}>
                    <span className="loadline-name">{name}</span>
                    <span
                        className={`loadline-track ${name === 'Initial' && e9 < ONE ? 'watch' : standingOf(e9, name === 'Initial' ? ONE : callLevelE9)}`}
                        role="img"
                        aria-label={isKnown ? `${name} health ${health(e9)}; ${below}` : `${name} health: no usable price`}
                    >
                        {isKnown && <span className="loadline-fill" style={{ inlineSize: at(e9) }} />}
                        <span className="loadline-one" style={{ insetInlineStart: at(ONE) }} />
                        {name === 'Maintenance' && (
                            <span className="loadline-call" style={{ insetInlineStart: at(callLevelE9) }} />
                        )}
                    </span>
                    <span className="loadline-value">{isKnown ? health(e9) : 'no price'}</span>
                </div>
            ))}
            <div className="loadline-legend" aria-hidden="true">
                <span />
                <span className="loadline-scale">
                    <span style={{ insetInlineStart: at(ONE) }}>1.00 line</span>
                    <span style={{ insetInlineStart: '100%' }} className="end">
                        2.00
                    </span>
                </span>
                <span />
            </div>
        </div>
    );
}
