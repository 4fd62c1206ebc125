/** Addresses and transactions, and where to look them up. */
import { key } from '../format';
import { useChain } from '../state/chain';
import { Icon } from './Icon';

/** A key, short, with the whole of it as its title. */
export function Key({ of, you }: { of: string; you?: string | undefined }) {
    if (of === you) return <strong title={of}>you</strong>;
    return (
        <code className="key" title={of}>
            {key(of)}
        </code>
    );
}

const EXPLORER = 'https://explorer.solana.com/tx/{signature}';

/** A link to a transaction in the explorer of the cluster. */
export function TransactionLink({ signature, text }: { signature: string; text?: string }) {
    const { config } = useChain();
    const custom = `?cluster=custom&customUrl=${encodeURIComponent(config.rpc)}`;
    const ofCluster = { mainnet: '', devnet: '?cluster=devnet', testnet: '?cluster=testnet', localnet: custom }[config.cluster];
    const href = (config.explorer ?? `${EXPLORER}${ofCluster}`).replace('{signature}', signature);
    return (
        <a className="tx" href={href} target="_blank" rel="noreferrer" title={signature}>
            {text ?? key(signature)}
            <Icon name="out" size={13} />
            <span className="visually-hidden"> (opens the explorer)</span>
        </a>
    );
}
