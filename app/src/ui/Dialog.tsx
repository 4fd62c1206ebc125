/** A dialog over the page. The browser keeps the focus in it and brings it back. */
import { useEffect, useId, useRef, type ReactNode } from 'react';

import { Icon } from './Icon';

export function Dialog(props: { title: string; isOpen: boolean; onClose: () => void; children: ReactNode }) {
    const { title, isOpen, onClose, children } = props;
    const dialog = useRef<HTMLDialogElement>(null);
    const id = useId();
    useEffect(() => {
        const { current } = dialog;
        if (current === null) return;
        if (isOpen && !current.open) current.showModal();
        if (!isOpen && current.open) current.close();
    }, [isOpen]);
    return (
        <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
            <div className="dialog-head">
                <h2 id={id}>{title}</h2>
                <button type="button" className="quiet" onClick={onClose} aria-label="Close">
                    <Icon name="close" />
                </button>
            </div>
            {isOpen && children}
        </dialog>
    );
}
