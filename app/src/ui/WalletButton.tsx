/** Connects a wallet, and says which is connected. */
import { useState } from 'react';

import { amount, key } from '../format';
import { useHoldings } from '../state/holdings';
import { useWallets, type UsableWallet } from '../state/wallet';
import { Notice } from './basics';
import { Dialog } from './Dialog';
import { Icon } from './Icon';

export function WalletButton() {
    const { connected } = useWallets();
    const [isOpen, setOpen] = useState(false);
    return (
        <>
            <button type="button" className={connected === undefined ? 'primary' : ''} onClick={() => setOpen(true)}>
                <Icon name="wallet" />
                {connected === undefined ? 'Connect wallet' : key(connected.address)}
            </button>
            <Dialog
                title={connected === undefined ? 'Connect a wallet' : 'Wallet'}
                isOpen={isOpen}
                onClose={() => setOpen(false)}
            >
                <Chooser onDone={() => setOpen(false)} />
            </Dialog>
        </>
    );
}

function Chooser({ onDone }: { onDone: () => void }) {
    const { available, connected, connect, disconnect } = useWallets();
    const { holdings } = useHoldings();
    const [error, setError] = useState<string>();
    const choose = (wallet: UsableWallet) => {
        setError(undefined);
        connect(wallet).then(onDone, (cause: unknown) => {
            const said = cause instanceof Error ? cause.message : String(cause);
            setError(`${wallet.name} did not connect: ${said}`);
        });
    };
    return (
        <div className="stack">
            {connected !== undefined && (
                <div className="stack">
                    <p>
                        <strong>{connected.wallet.name}</strong>
                        <br />
                        <code className="wrap">{connected.address}</code>
                    </p>
                    {holdings !== undefined && <p>{amount(holdings.lamports, 9)} SOL for fees and rent</p>}
                    <button type="button" onClick={disconnect}>
                        Disconnect
                    </button>
                </div>
            )}
            {error !== undefined && <Notice tone="bad" title={error} isLive />}
            {available.length === 0 && (
                <Notice tone="info" icon="wallet" title="No wallet found">
                    Install a wallet that follows the Wallet Standard and can sign transactions, then reload this page.
                </Notice>
            )}
            <ul className="wallets">
                {available
                    .filter(wallet => wallet !== connected?.wallet)
                    .map(wallet => (
                        <li key={wallet.name}>
                            <button type="button" onClick={() => choose(wallet)}>
                                <img src={wallet.icon} alt="" width={24} height={24} />
                                {connected === undefined ? wallet.name : `Switch to ${wallet.name}`}
                            </button>
                        </li>
                    ))}
            </ul>
        </div>
    );
}
