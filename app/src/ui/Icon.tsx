/** Icons, drawn here: a shape for each meaning, so that colour is never alone. */

const PATHS = {
    check: 'M20 6 9 17l-5-5',
    watch: 'M12 8v5m0 3.5v.01M12 3l9.5 17h-19z',
    bell: 'M6 16V11a6 6 0 1 1 12 0v5l1.5 2h-15zM10 20.5a2.2 2.2 0 0 0 4 0',
    stop: 'M8.3 3h7.4L21 8.3v7.4L15.7 21H8.3L3 15.7V8.3zM9 9l6 6m0-6-6 6',
    none: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8 12h8',
    clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18m0 4.5V12l3 2',
    pause: 'M9 5v14M15 5v14',
    plug: 'M9 3v5m6-5v5M6 8h12v3a6 6 0 0 1-12 0zm6 9v4',
    wallet: 'M4 7a2 2 0 0 1 2-2h11v3M4 7v10a2 2 0 0 0 2 2h14V8H5a1 1 0 0 1-1-1m12.5 6.5v.01',
    up: 'M12 19V5m-6 6 6-6 6 6',
    down: 'M12 5v14m6-6-6 6-6-6',
    right: 'M5 12h14m-6-6 6 6-6 6',
    out: 'M14 4h6v6m0-6-9 9M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5',
    close: 'M6 6l12 12M18 6 6 18',
    info: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18m0 8v5m0-8.5v.01',
    sun: 'M12 7.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M12 2.5v1.5m0 16v1.5M2.5 12H4m16 0h1.5M5.3 5.3l1 1m11.4 11.4 1 1m0-13.4-1 1M6.3 17.7l-1 1',
    moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5',
    screen: 'M3 5h18v11H3zm6 15h6m-3-4v4',
    shield: 'M12 3l8 3v6c0 4.5-3.3 7.7-8 9-4.7-1.3-8-4.5-8-9V6z',
    flask: 'M9 3h6m-5 0v6l-5.5 9.5A1.7 1.7 0 0 0 6 21h12a1.7 1.7 0 0 0 1.5-2.5L14 9V3M7.5 15h9',
} as const;

/** Name of an icon. */
export type IconName = keyof typeof PATHS;

/** An icon beside text, which says the same: hidden from screen readers. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
    return (
        <svg className="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d={PATHS[name]} />
        </svg>
    );
}

/** The mark on a ship's hull: how deep it may lie. */
export function Mark({ size = 28 }: { size?: number }) {
    return (
        <svg className="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <circle cx="16" cy="16" r="8.5" />
            <path d="M2.5 16h27" />
        </svg>
    );
}
