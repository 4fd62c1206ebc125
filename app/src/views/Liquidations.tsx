import type { ReadyChain } from '../state/chain';
export default function Liquidations({ chain }: { chain: ReadyChain }) {
    return <h1>Liquidations {chain.market}</h1>;
}
