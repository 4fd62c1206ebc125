/** Charts drawn as SVG: they are few and simple, and a library would weigh more than the page. */
import { useEffect, useId, useRef, useState, type RefObject } from 'react';

/** A point, in units of the chart's own scales. */
export type Point = Readonly<{ x: number; y: number }>;

const HEIGHT = 230;
/** Before the page is laid out. */
const FIRST_WIDTH = 640;
const MARGIN = { left: 44, right: 22, top: 14, bottom: 28 };

type Tick = Readonly<{ at: number; text: string }>;

/** The width of an element in pixels, so that text in a chart keeps its size on every screen. */
function useWidth(): [RefObject<HTMLDivElement | null>, number] {
    const element = useRef<HTMLDivElement>(null);
    const [width, setWidth] = useState(FIRST_WIDTH);
    useEffect(() => {
        const { current } = element;
        if (current === null) return;
        const observer = new ResizeObserver(([entry]) => {
            if (entry !== undefined && entry.contentRect.width > 0) setWidth(Math.round(entry.contentRect.width));
        });
        observer.observe(current);
        return () => observer.disconnect();
    }, []);
    return [element, width];
}

/** A line over a scale, with horizontal lines that mean something and one point that is now. */
export function LineChart(props: {
    /** What is seen, in a sentence: for who does not see it. */
    label: string;
    points: readonly Point[];
    x: Readonly<{ from: number; to: number; ticks: readonly Tick[] }>;
    y: Readonly<{ from: number; to: number; ticks: readonly Tick[] }>;
    lines?: readonly Readonly<{ at: number; text: string; tone: 'bad' | 'warn' }>[];
    now?: Point;
    second?: readonly Point[];
}) {
    const { label, points, x, y, lines = [], now, second } = props;
    const titleId = useId();
    const [frame, width] = useWidth();
    const px = (value: number) => MARGIN.left + ((value - x.from) / (x.to - x.from)) * (width - MARGIN.left - MARGIN.right);
    const clamp = (value: number) => Math.max(y.from, Math.min(y.to, value));
    const py = (value: number) =>
        HEIGHT - MARGIN.bottom - ((clamp(value) - y.from) / (y.to - y.from)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
    const path = (all: readonly Point[]) =>
        all.map((point, index) => `${index === 0 ? 'M' : 'L'}${px(point.x).toFixed(1)} ${py(point.y).toFixed(1)}`).join('');
    return (
        <div ref={frame} className="chart-frame">
            <svg
                className="chart"
                width={width}
                height={HEIGHT}
                viewBox={`0 0 ${width} ${HEIGHT}`}
                role="img"
                aria-labelledby={titleId}
            >
                <title id={titleId}>{label}</title>
                {y.ticks.map(({ at, text }) => (
                    <g key={text} className="tick">
                        <line x1={MARGIN.left} x2={width - MARGIN.right} y1={py(at)} y2={py(at)} />
                        <text x={MARGIN.left - 8} y={py(at) + 4} textAnchor="end">
                            {text}
                        </text>
                    </g>
                ))}
                {x.ticks.map(({ at, text }) => (
                    <g key={text} className="tick">
                        <text x={px(at)} y={HEIGHT - 8} textAnchor="middle">
                            {text}
                        </text>
                    </g>
                ))}
                {lines.map(({ at, text, tone }) => (
                    <g key={text} className={`mark-line ${tone}`}>
                        <line x1={MARGIN.left} x2={width - MARGIN.right} y1={py(at)} y2={py(at)} />
                        <text x={width - MARGIN.right} y={py(at) - 5} textAnchor="end">
                            {text}
                        </text>
                    </g>
                ))}
                {second !== undefined && <path className="line second" d={path(second)} />}
                <path className="line" d={path(points)} />
                {now !== undefined && <circle className="now" cx={px(now.x)} cy={py(now.y)} r={5} />}
            </svg>
        </div>
    );
}

/** A small line without scales: how a price went since the page was opened. */
export function Sparkline({ values, label }: { values: readonly number[]; label: string }) {
    const [width, height] = [96, 26];
    if (values.length < 2) return null;
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const span = most - least || 1;
    const step = width / (values.length - 1);
    const points = values.map((value, index) => {
        const y = most === least ? height / 2 : height - 3 - ((value - least) / span) * (height - 6);
        return `${(index * step).toFixed(1)},${y.toFixed(1)}`;
    });
    return (
        <svg
            className="sparkline"
            width={width}
            height={height}
            viewBox={`0 0 ${width} ${height}`}
            role="img"
            aria-label={label}
        >
            <polyline points={points.join(' ')} />
        </svg>
    );
}
