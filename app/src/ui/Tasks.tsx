/** Transactions on their way, in a corner; a screen reader hears each change. */
import { useSending, type Task } from '../state/sending';
import { Icon, type IconName } from './Icon';
import { TransactionLink } from './Link';

const STAGES: Readonly<Record<Task['stage'], string>> = {
    simulating: 'Simulating\u2026',
    signing: 'Waiting for your signature\u2026',
    confirming: 'Sent. Waiting for confirmation\u2026',
    confirmed: 'Confirmed',
    failed: 'Failed',
};
const ICONS: Readonly<Record<Task['stage'], IconName>> = {
    simulating: 'clock',
    signing: 'wallet',
    confirming: 'clock',
    confirmed: 'check',
    failed: 'stop',
};

export function Tasks() {
    const { tasks, dismiss } = useSending();
    return (
        <div className="tasks" role="status" aria-live="polite" aria-label="Transactions">
            {tasks.map(task => (
                <div key={task.id} className={`task ${task.isRejected === true ? 'rejected' : task.stage}`}>
                    <Icon name={task.isRejected === true ? 'none' : ICONS[task.stage]} size={20} />
                    <div className="task-text">
                        <strong>{task.title}</strong>
                        <span>{task.isRejected === true ? 'Not signed' : STAGES[task.stage]}</span>
                        {task.message !== undefined && <span className="task-message">{task.message}</span>}
                        {task.detail !== undefined && <code>{task.detail}</code>}
                        {task.signature !== undefined && <TransactionLink signature={task.signature} />}
                    </div>
                    {(task.stage === 'failed' || task.stage === 'confirmed') && (
                        <button
                            type="button"
                            className="quiet"
                            onClick={() => dismiss(task.id)}
                            aria-label={`Dismiss: ${task.title}`}
                        >
                            <Icon name="close" />
                        </button>
                    )}
                </div>
            ))}
        </div>
    );
}
