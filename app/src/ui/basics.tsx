/** What views are made of. */
import { useId, type ReactNode } from 'react';

import { Icon, type IconName } from './Icon';

/** A section with a heading. */
export function Card(props: {
    title: ReactNode;
    children: ReactNode;
    aside?: ReactNode;
    className?: string;
    note?: ReactNode;
}) {
    const id = useId();
    return (
        <section className={`card ${props.className ?? ''}`} aria-labelledby={id}>
            <header className="card-head">
                <h2 id={id}>{props.title}</h2>
                {props.aside}
            </header>
            {props.note !== undefined && <p className="note">{props.note}</p>}
            {props.children}
        </section>
    );
}

/** A number with what it is. */
export function Stat({ label, value, hint }: { label: ReactNode; value: ReactNode; hint?: ReactNode }) {
    return (
        <div className="stat">
            <dt>{label}</dt>
            <dd>
                <span className="stat-value">{value}</span>
                {hint !== undefined && <span className="stat-hint">{hint}</span>}
            </dd>
        </div>
    );
}

/** Several of them. */
export function Stats({ children }: { children: ReactNode }) {
    return <dl className="stats">{children}</dl>;
}

/** How a message is meant. */
export type Tone = 'info' | 'good' | 'warn' | 'bad';

const TONE_ICONS: Readonly<Record<Tone, IconName>> = { info: 'info', good: 'check', warn: 'watch', bad: 'stop' };

/** A message that stays. */
export function Notice(props: {
    tone: Tone;
    title: ReactNode;
    children?: ReactNode;
    icon?: IconName;
    action?: ReactNode;
    isLive?: boolean;
}) {
    const { tone, title, children, icon = TONE_ICONS[tone], action, isLive = false } = props;
    return (
        <div className={`notice ${tone}`} role={isLive ? (tone === 'bad' ? 'alert' : 'status') : undefined}>
            <Icon name={icon} size={18} />
            <div className="notice-text">
                <strong>{title}</strong>
                {children !== undefined && <div>{children}</div>}
            </div>
            {action}
        </div>
    );
}

/** A small label with tone. */
export function Badge({ tone, icon, children }: { tone: Tone | 'plain'; icon?: IconName; children: ReactNode }) {
    return (
        <span className={`badge ${tone}`}>
            {icon !== undefined && <Icon name={icon} size={13} />}
            {children}
        </span>
    );
}

/** Nothing to show, and what to do about it. */
export function Empty({ title, children, icon = 'none' }: { title: string; children?: ReactNode; icon?: IconName }) {
    return (
        <div className="empty">
            <Icon name={icon} size={28} />
            <p className="empty-title">{title}</p>
            {children !== undefined && <div className="empty-text">{children}</div>}
        </div>
    );
}

/** A column of a table. */
export type Column<Row> = Readonly<{
    name: string;
    cell: (row: Row) => ReactNode;
    isNumber?: boolean;
    /** Explains the name. */
    title?: string;
}>;

/** A table that becomes a list of cards on a small screen, and stays a table for a screen reader. */
export function Table<Row>(props: {
    caption: string;
    columns: readonly Column<Row>[];
    rows: readonly Row[];
    rowKey: (row: Row) => string;
    isChosen?: (row: Row) => boolean;
}) {
    const { caption, columns, rows, rowKey, isChosen } = props;
    return (
        // Scrolls sideways where it must: reachable by keyboard then.
        <div className="table-scroll" role="region" aria-label={caption} tabIndex={0}>
            <table role="table">
                <caption className="visually-hidden">{caption}</caption>
                <thead role="rowgroup">
                    <tr role="row">
                        {columns.map(column => (
                            <th
                                key={column.name}
                                role="columnheader"
                                scope="col"
                                className={column.isNumber === true ? 'number' : undefined}
                                title={column.title}
                            >
                                {column.name}
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    {rows.map(row => (
                        <tr key={rowKey(row)} role="row" className={isChosen?.(row) === true ? 'chosen' : undefined}>
                            {columns.map(column => (
                                <td
                                    key={column.name}
                                    role="cell"
                                    data-label={column.name}
                                    className={column.isNumber === true ? 'number' : undefined}
                                >
                                    {column.cell(row)}
                                </td>
                            ))}
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

/** A part of a whole as a bar; `label` says it in words. */
export function Meter({
    per1000,
    label,
    tone = 'accent',
}: {
    per1000: bigint;
    label: string;
    tone?: 'accent' | 'warn' | 'bad';
}) {
    const width = per1000 > 1_000n ? 1_000n : per1000;
    return (
        <span className={`meter ${tone}`} role="img" aria-label={label}>
            <span style={{ inlineSize: `${width / 10n}.${width % 10n}%` }} />
        </span>
    );
}

/** Buttons of which one is chosen. */
export function Choice<T extends string>(props: {
    label: string;
    options: readonly Readonly<{ value: T; text: ReactNode }>[];
    value: T;
    onChange: (value: T) => void;
}) {
    return (
        <div className="choice" role="group" aria-label={props.label}>
            {props.options.map(({ value, text }) => (
                <button key={value} type="button" aria-pressed={value === props.value} onClick={() => props.onChange(value)}>
                    {text}
                </button>
            ))}
        </div>
    );
}
