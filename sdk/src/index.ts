/**
 * TypeScript client of Plimsoll: accounts, instructions in the user's words, previews by the engine itself, errors as sentences,
 * events, and a market as it lives. Amounts are `bigint`s of smallest units; text of them is exact.
 * @packageDocumentation
 */
export * from './accounts.js';
export * from './addresses.js';
export type * from './answers.js';
export * from './blank.js';
export * from './chain.js';
export * from './engine.js';
export * from './errors.js';
export * from './events.js';
export * from './instructions/index.js';
export * from './live.js';
export * from './numbers.js';
export * from './prices.js';
export { EngineError, type Action, type PriceShock, type SizedAction, type SupplyChange } from './questions.js';
export * from './scene.js';
export * from './send.js';
export * from './views.js';
export type * from './generated/types/index.js';
export { DepositChange } from './generated/types/index.js';
