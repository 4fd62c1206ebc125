/** What every test of the examples begins with. */
import type { Address, KeyPairSigner } from '@solana/kit';

import {
    borrow,
    fetchPriceAccounts,
    fetchReserves,
    fetchScene,
    offersFor,
    reserveOf,
    type Engine,
    type Scene,
} from '../../src/index.js';
import { loadEngineFromPackage } from '../../src/node.js';
import { depositAndBorrow } from '../borrow.js';
import { Localnet } from './localnet.js';
import { Stage, whole } from './stage.js';

const PROGRAM = process.env['PLIMSOLL_SO'] ?? '../target/deploy/plimsoll.so';

/** Addresses of the validator. */
export function endpoints(): { rpc: string; ws: string } {
    const [rpc, ws] = [process.env['PLIMSOLL_RPC'], process.env['PLIMSOLL_WS']];
    if (rpc === undefined || ws === undefined) {
        throw new Error('PLIMSOLL_RPC and PLIMSOLL_WS name the validator; `cargo xtask test sdk` sets them');
    }
    return { rpc, ws };
}

/** A market of one's own, and the engine. */
export class Begun {
    private constructor(
        readonly net: Localnet,
        readonly engine: Engine,
        readonly stage: Stage,
        readonly prices: Map<Address, Address[]>,
    ) {}

    static async now(): Promise<Begun> {
        const { rpc, ws } = endpoints();
        const net = new Localnet(rpc, ws);
        const stage = await Stage.create(net, PROGRAM);
        const prices = await fetchPriceAccounts(net.rpc, await fetchReserves(net.rpc, stage.market));
        return new Begun(net, await loadEngineFromPackage(), stage, prices);
    }

    /** Somebody with SOL and USDC to act with. */
    async person(sol: bigint, usdc: bigint): Promise<KeyPairSigner> {
        const { net, stage } = this;
        const signer = await net.fundedSigner();
        await stage.give(signer.address, stage.sol, whole(stage.sol, sol));
        await stage.give(signer.address, stage.usdc, whole(stage.usdc, usdc));
        return signer;
    }

    /** A position with both reserves. */
    scene(position: Address): Promise<Scene> {
        const { net, stage, prices } = this;
        return fetchScene(net.rpc, position, { more: [stage.sol.reserve, stage.usdc.reserve], prices });
    }

    /** A position of 100 SOL, which owes nearly all it may at $150. */
    async indebted(owner: KeyPairSigner): Promise<Address> {
        const { net, stage, engine } = this;
        await stage.prices(15_000n);
        const tokens = { collateral: stage.sol.mint, debt: stage.usdc.mint };
        const held = whole(stage.sol, 100n);
        const { position } = await depositAndBorrow(net.rpc, engine, owner, stage.market, tokens, held);
        const scene = await this.scene(position);
        const reserve = reserveOf(scene, stage.usdc.reserve);
        const { atoms } = engine.most(scene, { kind: 'borrow', reserve: reserve.address });
        const input = { owner, position: scene.position, reserve, offers: offersFor(scene, reserve.address) };
        await net.send(owner, await borrow({ ...input, atoms }));
        return position;
    }
}
