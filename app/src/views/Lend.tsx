import type { ReadyChain } from '../state/chain';
export default function Lend({ chain }: { chain: ReadyChain }) {
    return <h1>Lend {chain.market}</h1>;
}
