/**
 * One builder an instruction, in the user's words. What follows from state (vaults, legs, writable flags, the mask of offered
 * prices, associated token accounts) is filled in here. Instructions of governance are in `generated`.
 * @module
 */
export * from './backstop.js';
export { BuildError } from './common.js';
export * from './lending.js';
export * from './liquidating.js';
export * from './positions.js';
export * from './tokens.js';
