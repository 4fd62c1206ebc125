import type { ReadyChain } from '../state/chain';
export default function Risk({ chain }: { chain: ReadyChain }) {
    return <h1>Risk {chain.market}</h1>;
}
