// Generated from ../../../idl/plimsoll.json by scripts/generate.mjs; do not edit.

import type { Address } from '@solana/kit';

/** The program's own address for its events. */
export const EVENT_AUTHORITY = 'AefcXxC9PtstXxktc7wiQPD73bpAdcwbZuSqJqZeZgN' as Address<'AefcXxC9PtstXxktc7wiQPD73bpAdcwbZuSqJqZeZgN'>;
